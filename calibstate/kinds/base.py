"""What every kind of resource answers: look, compare, mend.

`Kind.compare` is the only comparison in the house; `Kind.remedy` turns what
it finds into actions.  Both are pure.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Generic, TypeVar

from ..errors import Diagnostic
from ..model.actions import Action
from ..model.drift import Drift
from ..model.names import Address
from ..model.resources import Obstacle, Resource
from ..ports.places import ReadPlaces, WritePlaces
from ..ports.progress import Watch
from ..ports.records import Fence

__all__ = ["Kind"]

R = TypeVar("R", bound=Resource)


class Kind(ABC, Generic[R]):
    """One kind of resource."""

    name: ClassVar[str]
    """Its name in addresses."""

    place: ClassVar[str | None] = None
    """The place of all its resources; `None`: they are in repositories."""

    actions: ClassVar[tuple[type[Action], ...]]
    """What can be done to it."""

    @abstractmethod
    def observe(self, targets: Sequence[R], places: ReadPlaces) -> Mapping[Address, R | None]:
        """Look at resources of one place, all together; `None`: absent."""

    @abstractmethod
    def compare(self, declared: R, live: R | None) -> Iterator[Drift]:
        """Yield how a resource departs from what is declared."""

    @abstractmethod
    def remedy(self, declared: R, live: R | None) -> Iterator[Action]:
        """Yield what would end the drift, as far as anything would."""

    def grounded(self, action: Action, declared: R, expected: Iterable[Resource]) -> Action:
        """Return an action of a remedy with what other resources lend it.

        Parameters
        ----------
        action
            The action.
        declared
            What it is for.
        expected
            The resources of its place as they were seen, and after them as
            earlier steps will have made them.
        """
        return action

    @abstractmethod
    def is_there(self, declared: R, live: R | None) -> bool:
        """Say whether others can rely on it as it is."""

    @abstractmethod
    def obstacle(self, declared: R, live: R | None) -> Obstacle | None:
        """Say why nothing can be done about its drift, if so."""

    @abstractmethod
    def apply(self, action: Action, places: WritePlaces, watch: Watch, fence: Fence) -> None:
        """Carry out an action of this kind, once.

        Parameters
        ----------
        action
            The action.
        places
            The writer of its place, and readers of the places it names.
        watch
            Told of its progress.
        fence
            Asked directly before each write that cannot be taken back.

        Raises
        ------
        LockedError
            Its place is held no more.
        PlanIsStaleError
            A fact that the action stands on has changed; nothing was done.
        """

    def foresee(self, action: Action, actions: Sequence[Action], places: ReadPlaces) -> Sequence[Diagnostic]:
        """Return what would refuse an action, as far as a look tells.

        Notes among them refuse nothing.

        Parameters
        ----------
        action
            Of this kind.
        actions
            All that are planned with it, in order.
        places
            Where to look.

        Raises
        ------
        RefusedError
            It would be refused.
        UnreachableError
            Nobody can tell just now.
        """
        return ()

    def turnover(self, declared: R, live: R | None) -> frozenset[str]:
        """Return the parts that would come or go."""
        return frozenset()

    def without(self, declared: R, parts: frozenset[str], live: R | None) -> R:
        """Return the resource with some parts left as they are.

        What is not there cannot be had yet, and what is there stays.
        """
        return declared
