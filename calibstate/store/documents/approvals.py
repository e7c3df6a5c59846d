"""How it stands with approvals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Literal

from ...model.approvals import Approved
from ...model.names import Noun
from ...model.results.tickets import ApprovalsListed
from .base import FORMAT, Problem, problem

__all__ = ["ApprovalsDocument", "approvals_document"]


class ApprovalsDocument(Noun):
    """How it stands with approvals."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["approvals"] = "approvals"

    checked: bool
    """Whether they were to be compared with Jira."""

    summary: Mapping[str, int]
    """Tickets by how they compare with it."""

    approvals: tuple[Approved, ...]
    """By instrument and ticket."""

    findings: tuple[Problem, ...]
    """Where Jira says something else, or why it could not be asked."""


def approvals_document(result: ApprovalsListed) -> ApprovalsDocument:
    """Return the document of some approvals."""
    tally = Counter(approved.jira.value for approved in result.approvals)
    return ApprovalsDocument(
        checked=result.is_checked,
        summary=dict(sorted(tally.items())),
        approvals=result.approvals,
        findings=tuple(map(problem, result.findings)),
    )
