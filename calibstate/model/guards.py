"""Guards: what is not done without a person who says why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..errors import Where
from .names import Noun
from .reasons import Code, Reason, Weight

__all__ = ["Allowed", "Guard", "GuardMet", "Hold"]


class Guard(Enum):
    """What keeps a step from being done."""

    HOLD = "hold"
    """A site, a repository, a ticket or a chain is on hold."""

    WAVE = "wave"
    """The wave before has not passed."""

    WINDOW = "window"
    """The place is closed at this time."""

    CHAIN_CHANGES = "chain_changes"
    """More children than usual would leave a chain or move within it."""

    RECERTIFY = "recertify"
    """What is certified would be certified no more, or for another range."""


class Allowed(Noun):
    """Guards that a person passes, and why."""

    guards: tuple[Guard, ...] = ()
    because: str = ""

    @property
    def sentences(self) -> tuple[str, ...]:
        """Which guards are passed, and why, in words; nothing if none."""
        if not self.guards:
            return ()
        names = ", ".join(guard.value for guard in self.guards)
        return (f"Guards passed: {names}, because {self.because}",)


class GuardMet(Noun):
    """A guard that keeps something at a place from being done."""

    guard: Guard
    place: str
    reason: str
    """In a sentence."""


@dataclass(frozen=True)
class Hold:
    """What is to be left as it is at present."""

    what: str
    """A repository, a ticket or a chain, for people."""

    reason: str
    where: Where
    """The line that says so."""

    @property
    def stop(self) -> Reason:
        """Why a step waits for it to be lifted."""
        detail = f"{self.what} is on hold: {self.reason}"
        return Reason(Code.HOLD, detail, Weight.GUARDED, self.where)
