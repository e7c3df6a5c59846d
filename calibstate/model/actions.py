"""What can be done about drift, as data.

An action is data plus one pure question, `Action.standing`.  Its answer
serves the check before, the check after, and taking up a run that was cut
off.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from typing_extensions import override

from .names import Address, Noun
from .resources import Resource

__all__ = ["Action", "Departure", "Standing"]


class Standing(Enum):
    """How far the world has come with an action."""

    READY = "ready"
    UNDER_WAY = "under way"
    """It was done, and its effect is still to come."""
    DONE = "done"
    STALE = "stale"


@dataclass(frozen=True)
class Departure:
    """A fact that an action stands on, and that is another one now."""

    place: str
    """Where it was looked at."""

    name: str
    """What it is a fact about: a collection, a bundle, a dataset of Rucio."""

    expected: str
    """What was seen, or was to come, when the plan was made."""

    actual: str

    @override
    def __str__(self) -> str:
        return f"{self.name} in {self.place}: {self.of_target()}"

    def of_target(self) -> str:
        """Tell it where it was said already what it is about."""
        return f"expected {self.expected}; found {self.actual}"


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

    def departures(self, live: Resource | None) -> Iterator[Departure]:
        """Yield the facts that it stands on and that are not so.

        Of an action that is not done.
        """
        yield from ()

    def brings(self) -> frozenset[tuple[str, str]]:
        """Return what others stand on once it is done: places and names."""
        return frozenset({(self.target.place, self.target.name)})

    def moved(self, live: Resource | None) -> str:
        """Say which facts it stands on have moved: expected, and found.

        Of an action that is stale only.
        """
        words = map(self.words_for, self.departures(live))
        return "; ".join(words)

    def words_for(self, departure: Departure) -> str:
        """Say which fact has moved, next to what the action is to do."""
        target = self.target
        # What is said of an action has named its target already.
        if departure.place == target.place and departure.name == target.name:
            return departure.of_target()
        return str(departure)

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

    @property
    def overtaken(self) -> frozenset[str]:
        """Children of a chain that stay, and get another place."""
        return frozenset()

    def changes(self) -> Iterator[str]:
        """Yield what it brings (``+``), takes (``-``) and keeps, in lines."""
        yield from ()
