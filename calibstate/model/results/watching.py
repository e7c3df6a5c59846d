"""What a turn of a site that keeps itself came to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from typing_extensions import override

from ...errors import ExitCode
from ..outcomes import Outcome
from ..watching import Finding, WatchReason, WatchState, WatchWord
from .base import CommandResult, failed_if

__all__ = ["LoopSeen", "Turned"]


@dataclass(frozen=True)
class LoopSeen(CommandResult):
    """How a loop goes on, for a health check."""

    site: str

    state: WatchState | None
    """As of its last turn; `None`: there was none."""

    now: datetime
    """With its zone."""

    most: timedelta
    """Age of the last turn from which the loop is taken for ended."""

    @property
    def is_alive(self) -> bool:
        """Whether the last turn was lately."""
        # A moment of the future is as far away: one of the clocks is wrong.
        return self.state is not None and abs(self.age) < self.most

    @property
    def age(self) -> timedelta:
        """Time since the last turn; negative where a clock goes wrong."""
        assert self.state is not None
        return self.now - datetime.fromisoformat(self.state.at)

    @property
    @override
    def exit_code(self) -> ExitCode:
        return failed_if(not self.is_alive)


@dataclass(frozen=True)
class Turned(CommandResult):
    """One turn of a loop."""

    site: str

    state: WatchState | None
    """How it goes on; `None`: the tree does not validate, or has no such site
    any more, so that nobody knows where its records are."""

    findings: tuple[Finding, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    """What became of each step."""

    before: WatchState | None = None
    """How it went on before."""

    stands_by: bool = False
    """Whether another loop keeps the site, so that nothing was done."""

    stands_by_anew: bool = False
    """Whether it is another loop than in the turn before."""

    is_known: bool = False
    """Whether nothing could be done for the same reasons as before."""

    @property
    def is_news(self) -> bool:
        """Whether it is worth a line: something was done, or is otherwise."""
        if self.state is None:
            return not self.is_known
        if self.outcomes:
            return True
        if self.before is None or self.before.word is not self.state.word:
            return True
        return _lasting(self.before) != _lasting(self.state)

    @property
    @override
    def exit_code(self) -> ExitCode:
        if self.stands_by:
            return ExitCode.DONE
        if self.state is None or any(finding.reason.often_mends_itself for finding in self.findings):
            return ExitCode.ERROR
        codes = {
            WatchWord.READY: ExitCode.DONE,
            WatchWord.RECONCILING: ExitCode.PENDING,
            WatchWord.STALLED: ExitCode.DRIFT,
        }
        return codes[self.state.word]


def _lasting(state: WatchState) -> tuple[Finding, ...]:
    """Return what was found, but for steps that were done in that turn."""
    return tuple(finding for finding in state.findings if finding.reason is not WatchReason.APPLIED)
