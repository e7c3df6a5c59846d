"""What a journal tells of a run; history, never truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum

from .explanations import Since
from .outcomes import Began, JournalLine, Outcome, Result

__all__ = ["Ending", "PastRun", "RunState", "entered"]


class Ending(Enum):
    """How a run ended, as far as its journal tells."""

    ENDED = "ended"
    GOES_ON = "goes on"
    """Its process is on this host, and runs."""
    CUT_OFF = "cut off"
    """Its process ended without a word."""
    UNKNOWN = "no end"
    """It goes on at another host, or was cut off there."""


class RunState(Enum):
    """What a run came to, in a word."""

    DONE = "done"
    PARTLY = "partly"
    """Some of it was done, and some was not."""
    PENDING = "pending"
    """Nothing is done yet; it waits for what is under way."""
    REFUSED = "refused"
    FAILED = "failed"
    NOTHING = "nothing"
    """No step was begun."""
    CUT_OFF = "cut off"
    GOES_ON = "goes on"
    UNKNOWN = "no end"


_WITHOUT_END = {
    Ending.CUT_OFF: RunState.CUT_OFF,
    Ending.GOES_ON: RunState.GOES_ON,
    Ending.UNKNOWN: RunState.UNKNOWN,
}

_GRAVITY = (Result.FAILED, Result.REFUSED, Result.STALE, Result.BEGUN, Result.PENDING, Result.SKIPPED)
"""What is not done, the gravest first."""

_AS_PLANNED = "done"
"""What journals say at the end of a run that nobody and nothing stopped."""


@dataclass(frozen=True)
class PastRun:
    """A run, as its journal tells of it."""

    id: str
    """Name of its journal."""

    records: str
    """URI of the store that keeps it, without passwords."""

    lines: tuple[JournalLine, ...]
    """In the order in which they were written."""

    ending: Ending

    unreadable: int = 0
    """Lines that cannot be read; the last one may be cut off."""

    @property
    def began(self) -> Began | None:
        """Who began it, and from what."""
        # The line that begins a run has it; that line may be lost.
        for line in self.lines:
            if line.began:
                return line.began
        return None

    @property
    def at(self) -> str:
        """When it began, UTC with ``Z``; empty where no line tells."""
        if not self.lines:
            return ""
        return self.lines[0].at

    @property
    def end(self) -> str:
        """How it ended, in its own words; empty where it has no end."""
        if not self.lines:
            return ""
        last = self.lines[-1]
        if last.event != "end":
            return ""
        return last.text

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What became of each target, at last."""
        # Of a target there are several: begun, then what became of it.
        last_of: dict[str, Outcome] = {}
        for line in self.lines:
            if line.outcome:
                last_of[line.outcome.target] = line.outcome
        return tuple(last_of.values())

    @property
    def begun(self) -> tuple[Outcome, ...]:
        """Steps of which only the beginning is told."""
        return tuple(outcome for outcome in self.outcomes if outcome.result is Result.BEGUN)

    @property
    def state(self) -> RunState:
        """What it came to, by what became of its steps."""
        if self.ending is not Ending.ENDED:
            return _WITHOUT_END[self.ending]
        # Its own last word was written before anybody looked at its steps.
        results = {outcome.result for outcome in self.outcomes}
        if not results:
            return self._state_without_steps()
        undone = results - {Result.DONE}
        if Result.DONE in results:
            if undone or self.end != _AS_PLANNED:
                return RunState.PARTLY
            return RunState.DONE
        if Result.FAILED in undone or Result.BEGUN in undone:
            return RunState.FAILED
        if Result.REFUSED in undone or Result.STALE in undone:
            return RunState.REFUSED
        return RunState.PENDING

    def _state_without_steps(self) -> RunState:
        """Return what a run came to that tells of no step."""
        events = {line.event for line in self.lines}
        # Such as a lock that was broken: it is all that was to be done.
        if "plan" not in events and not self.end.startswith("stopped"):
            return RunState.DONE
        if self.end.startswith("stopped"):
            return RunState.REFUSED
        return RunState.NOTHING

    @property
    def reason(self) -> str:
        """Why it is not done, where that is known: the gravest reason."""
        if self.end and self.end != _AS_PLANNED:
            return self.end
        for result in _GRAVITY:
            for outcome in self.outcomes:
                if outcome.result is result and outcome.detail:
                    return outcome.detail
        return ""

    @property
    def tally(self) -> dict[str, int]:
        """How many targets came to what."""
        results = [outcome.result.value for outcome in self.outcomes]
        return dict(Counter(results))


def entered(runs: Iterable[PastRun], chain: str, children: Collection[str]) -> Since:
    """Return since when a child of a chain is searched, as journals tell it.

    What was done by hand no journal tells, so a child that was last taken out
    and is searched nevertheless came by hand.

    Parameters
    ----------
    runs
        The newest first.
    chain
        Address of the chain, as outcomes have it.
    children
        Names by which it may stand there.
    """
    names = set(children)
    # From the latest line back: what was done to the child last counts.
    for run in runs:
        for line in reversed(run.lines):
            outcome = line.outcome
            if outcome is None or outcome.target != chain:
                continue
            # A step that was begun may have been done, though nobody told.
            if outcome.result is not Result.BEGUN:
                continue
            if not names.isdisjoint(outcome.entrants or ()):
                commit = None
                if run.began:
                    commit = run.began.commit
                return Since(line.at, run.id, commit)
            if not names.isdisjoint(outcome.leavers or ()):
                why = f"run {run.id} took it out at {line.at}, and no journal tells who put it back"
                return Since(unknown=why)
    why = "no journal here tells who put it there: a hand, an older version, or another store of records"
    return Since(unknown=why)
