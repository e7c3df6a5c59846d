"""What can be done about drift, as data.

An action is data plus one pure question, `Action.standing`.  Its answer
serves the check before, the check after, and taking up a run that was cut
off.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from enum import Enum
from typing import ClassVar

from .names import Address, Noun
from .resources import Resource

__all__ = ["Action", "Standing"]


class Standing(Enum):
    """How far the world has come with an action."""

    READY = "ready"
    UNDER_WAY = "under way"
    """It was done, and its effect is still to come."""
    DONE = "done"
    STALE = "stale"


class Action(Noun, ABC):
    """One change to one resource in one place.

    Its fields, but for the target and the reason, are its ground: the facts
    that it stands on and the outcome that it must have.
    """

    do: ClassVar[str]
    """Name of the action in a saved plan."""

    target: Address
    """The resource that it changes."""

    because: str
    """The drift that it answers, in a sentence."""

    @abstractmethod
    def subject(self) -> Resource:
        """Return the resource to look at, to tell how the action stands."""

    @abstractmethod
    def standing(self, live: Resource | None) -> Standing:
        """Say what a look at the target means for this action."""

    def moved(self, live: Resource | None) -> str:
        """Say which fact it stands on has moved: expected, and found.

        Of an action that is stale only.
        """
        return f"expected {self.target} as it was when the plan was made; it is another one now"

    @abstractmethod
    def reverse(self) -> Action | str:
        """Return what takes it back, or why nothing does."""

    @abstractmethod
    def summary(self) -> str:
        """Say in a few words what it does, for people."""

    @property
    def entrants(self) -> tuple[str, ...]:
        """Children of a chain that begin to be searched by it."""
        return ()

    @property
    def leavers(self) -> tuple[str, ...]:
        """Children of a chain that are searched no more after it."""
        return ()

    def changes(self) -> Iterator[str]:
        """Yield what it brings (``+``), takes (``-``) and keeps, in lines."""
        yield from ()
