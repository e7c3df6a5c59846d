"""What a run of ``apply`` came to: the last line that it prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ...model.looked_at import LookedAt
from ...model.names import Noun
from ...model.results.plans import ApplySummary
from .base import FORMAT, Problem, problem
from .plans import summary

__all__ = ["ApplySummaryDocument", "apply_summary_document"]


class ApplySummaryDocument(Noun):
    """What a run of ``apply``, or of ``certify``, came to."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["apply-summary"] = "apply-summary"

    digest: str
    """By which the plan is approved; empty where none was made."""

    commit: str | None
    """Commit of the state tree that the plan was made from, where known."""

    dirty: bool
    """Whether files that were read were not as the commit has them."""

    runs: tuple[str, ...]
    """Names of its journals, by which ``log`` tells of it: one for each store
    of records.  None: nothing was begun."""

    planned: Mapping[str, int]
    """What the plan came to: steps, refusals, and drift by what it is."""

    tally: Mapping[str, int]
    """Targets of steps by what became of them at last."""

    scope: LookedAt | None
    """What was asked for, of all that is declared; not of a saved plan."""

    problems: tuple[Problem, ...]
    """What ended it, or kept it from being begun."""

    exit_code: int
    """What the command ends with."""


def apply_summary_document(result: ApplySummary) -> ApplySummaryDocument:
    """Return the document of what a run came to."""
    planned = result.planned
    digest = ""
    commit = None
    dirty = False
    before: dict[str, int] = {}
    scope = None
    if planned:
        digest = planned.digest
        basis = planned.plan.basis
        commit = basis.commit
        dirty = basis.dirty
        before = summary(planned.plan)
        scope = planned.scope
    return ApplySummaryDocument(
        digest=digest,
        commit=commit,
        dirty=dirty,
        runs=result.runs,
        planned=before,
        tally=result.tally,
        scope=scope,
        problems=tuple(map(problem, result.problems)),
        exit_code=result.code,
    )
