"""How it stands with approvals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from ...errors import Diagnostic
from ...model.approvals import Approved
from ...model.names import Noun
from .base import FORMAT, Problem, problem

__all__ = ["ApprovalsDocument"]


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

    @classmethod
    def of(
        cls, listed: Sequence[Approved], findings: Iterable[Diagnostic], *, checked: bool
    ) -> ApprovalsDocument:
        """Return the document of some approvals."""
        tally = Counter(one.jira.value for one in listed)
        return cls(
            checked=checked,
            summary=dict(sorted(tally.items())),
            approvals=tuple(listed),
            findings=tuple(problem(finding) for finding in findings),
        )
