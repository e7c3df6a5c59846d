"""What a journal tells of a run; history, never truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum

from .explanations import Since
from .outcomes import Began, JournalLine, Outcome, Result

__all__ = ["Ending", "PastRun", "entered"]


class Ending(Enum):
    """How a run ended, as far as its journal tells."""

    ENDED = "ended"
    GOES_ON = "goes on"
    """Its process is on this host, and runs."""
    CUT_OFF = "cut off"
    """Its process ended without a word."""
    UNKNOWN = "no end"
    """It goes on at another host, or was cut off there."""


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
        return next((line.began for line in self.lines if line.began), None)

    @property
    def at(self) -> str:
        """When it began, UTC with ``Z``; empty where no line tells."""
        return self.lines[0].at if self.lines else ""

    @property
    def end(self) -> str:
        """How it ended, in its own words; empty where it has no end."""
        return self.lines[-1].text if self.lines and self.lines[-1].event == "end" else ""

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What became of each target, at last."""
        last = {line.outcome.target: line.outcome for line in self.lines if line.outcome}
        return tuple(last.values())

    @property
    def begun(self) -> tuple[Outcome, ...]:
        """Steps of which only the beginning is told."""
        return tuple(outcome for outcome in self.outcomes if outcome.result is Result.BEGUN)

    @property
    def tally(self) -> dict[str, int]:
        """How many targets came to what."""
        return dict(Counter(outcome.result.value for outcome in self.outcomes))


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
    for run in runs:
        for line in reversed(run.lines):
            outcome = line.outcome
            if outcome is None or outcome.target != chain:
                continue
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
