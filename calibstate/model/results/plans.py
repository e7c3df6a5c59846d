"""Plans that were made, read or carried out, and what became of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from typing_extensions import override

from ...errors import Diagnostic, ExitCode, first_of
from ..drift import LastSeen, What
from ..guards import Allowed
from ..looked_at import LookedAt
from ..outcomes import Outcome, Result
from ..plans import Plan
from ..reasons import Code
from ..seen import SeenPlaces
from .base import CommandResult, Footnote

__all__ = ["Applied", "ApplySummary", "PlanMade", "SavedPlan", "SoFar", "undone_code"]


def undone_code(plan: Plan) -> ExitCode:
    """Return the code of all that a plan leaves undone."""
    codes = []
    is_partial = any(drift.reason == Code.PARTIAL.value for drift in plan.drift)
    # What failed in part does not come by waiting.
    if is_partial or plan.has(What.UNREACHABLE):
        codes.append(ExitCode.ERROR)
    if plan.refused:
        codes.append(ExitCode.REFUSED)
    if plan.has(What.PENDING):
        codes.append(ExitCode.PENDING)
    return first_of(*codes)


@dataclass(frozen=True)
class SavedPlan(CommandResult):
    """A plan that was read from a file."""

    plan: Plan


@dataclass(frozen=True)
class PlanMade(CommandResult):
    """A plan that follows from a look."""

    plan: Plan
    digest: str

    saved_in: str = ""
    """Path of the file; empty: it was not saved."""

    guards: tuple[Diagnostic, ...] = ()
    """Guards that keep something from being done, each with its key."""

    passes: Allowed = field(default_factory=Allowed)
    """Guards that would stop it, and that a person passes."""

    scope: LookedAt | None = None
    """What was asked for, of all that is declared."""

    everything: bool = False
    """Whether each thing that waits is told of, also where many wait for the
    same."""

    ages: SeenPlaces = field(default_factory=dict)
    """When each repository was seen, and by whom."""

    last_seen: tuple[LastSeen, ...] = ()
    """What those showed last that were seen too long ago."""

    @property
    @override
    def exit_code(self) -> ExitCode:
        undone = undone_code(self.plan)
        if self.plan.steps:
            return first_of(undone, ExitCode.DRIFT)
        return undone

    @property
    @override
    def footnotes(self) -> tuple[Footnote, ...]:
        notes: list[Footnote] = []
        if self.saved_in:
            notes.append(f"{self.saved_in}: {self.digest}")
        notes.extend(self.guards)
        notes.extend(self.passes.sentences)
        return tuple(notes)


@dataclass(frozen=True)
class Applied(CommandResult):
    """What a run of ``apply`` came to."""

    first: Plan
    """The plan that it began with."""

    latest: Plan
    """The plan that was left at the end."""

    outcomes: tuple[Outcome, ...] = ()
    """What became of each target, at last."""

    passed: Allowed = field(default_factory=Allowed)
    """Guards that a person passed for it."""

    is_interrupted: bool = False
    """Whether somebody wanted it to stop."""

    ended_by: ExitCode | None = None
    """Code of the error that ended it while it was being stopped."""

    @property
    @override
    def exit_code(self) -> ExitCode:
        if self.ended_by is not None:
            return first_of(self.ended_by, ExitCode.ERROR)
        codes = [_code(outcome) for outcome in self.outcomes]
        if self.is_interrupted:
            codes.append(ExitCode.ERROR)
        return first_of(undone_code(self.latest), *codes)

    @property
    @override
    def footnotes(self) -> tuple[Footnote, ...]:
        if not self.is_interrupted:
            return ()
        return (
            "Interrupted. What was done stands, and the step in hand was finished; "
            "run the same command again to go on.",
        )


@dataclass
class SoFar:
    """What a run of ``apply`` has come to so far."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    """What became of each target, at last."""

    runs: dict[str, None] = field(default_factory=dict)
    """Names of its journals, in the order in which they were begun."""


@dataclass(frozen=True)
class ApplySummary(CommandResult):
    """What a run of ``apply`` came to, whatever ended it."""

    code: ExitCode
    """What the command ends with."""

    planned: PlanMade | None = None
    """The plan that was shown; `None`: none was made."""

    outcomes: tuple[Outcome, ...] = ()
    """What became of each target, at last."""

    runs: tuple[str, ...] = ()
    """Names of its journals."""

    problems: tuple[Diagnostic, ...] = ()
    """What ended it, or kept it from being begun."""

    @property
    def tally(self) -> dict[str, int]:
        """How many targets came to what."""
        return dict(Counter(outcome.result.value for outcome in self.outcomes))

    @property
    @override
    def exit_code(self) -> ExitCode:
        return self.code


def _code(outcome: Outcome) -> ExitCode:
    match outcome.result:
        case Result.DONE:
            return ExitCode.DONE
        case Result.STALE | Result.REFUSED:
            return ExitCode.REFUSED
        case Result.SKIPPED | Result.PENDING:
            return ExitCode.PENDING
        case Result.BEGUN | Result.FAILED:
            return ExitCode.ERROR
