"""What every kind of resource answers: look, compare, mend.

`Kind.compare` is the only comparison in the house; `Kind.remedy` turns what
it finds into actions.  Both are pure.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from ..errors import Diagnostic
from ..model.actions import Action
from ..model.desired import DesiredState, Written
from ..model.drift import Drift
from ..model.forms import Form
from ..model.guards import Hold
from ..model.names import Address, Place, RepositoryAddress, TicketKey
from ..model.reasons import Reason
from ..model.resources import Declared, Resource
from ..model.status import AS_DRIFT, RowKey, State
from ..model.tickets import Ticket
from ..ports.places import ReadPlaces, WritePlaces
from ..ports.progress import Watch
from ..ports.records import Fence
from .rows import TableRows
from .selection import Selection
from .waves import Waves

__all__ = ["Kind", "Takers"]

R = TypeVar("R", bound=Resource)


@dataclass(frozen=True)
class Takers:
    """Who takes what an action brings."""

    name: str
    """A repository, or a storage element that serves several."""

    repositories: tuple[RepositoryAddress, ...]
    """Their addresses; none: nobody in particular."""


class Kind(ABC, Generic[R]):
    """One kind of resource."""

    name: ClassVar[str]
    """Its name in addresses."""

    place: ClassVar[str | None] = None
    """The place of all its resources; `None`: they are in repositories."""

    actions: ClassVar[tuple[type[Action], ...]]
    """What can be done to it."""

    form: ClassVar[Form | None] = None
    """The files that declare it; `None`: those that every tree has.  Their
    folder stands in its line of the table too."""

    @abstractmethod
    def declare(self, selection: Selection, place: Place) -> Iterator[Declared]:
        """Yield what is declared of this kind at one place.

        Parameters
        ----------
        selection
            What is declared, and the part of it that is asked for.
        place
            The place of the kind; else one of the selection's repositories.
        """

    @abstractmethod
    def observe(
        self,
        targets: Sequence[R],
        places: ReadPlaces,
    ) -> Mapping[Address, R | None]:
        """Look at resources of one place, all together; `None`: absent."""

    @abstractmethod
    def compare(self, declared: R, live: R | None) -> Iterator[Drift]:
        """Yield how a resource departs from what is declared."""

    @abstractmethod
    def remedy(self, declared: R, live: R | None) -> Iterator[Action]:
        """Yield what would end the drift, as far as anything would."""

    def grounded(
        self,
        action: Action,
        declared: R,
        expected: Iterable[Resource],
    ) -> Action:
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
    def obstacle(self, declared: R, live: R | None) -> Reason | None:
        """Say why nothing can be done about its drift, if so."""

    @abstractmethod
    def apply(
        self,
        action: Action,
        places: WritePlaces,
        watch: Watch,
        fence: Fence,
    ) -> None:
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

    def foresee(
        self,
        action: Action,
        actions: Sequence[Action],
        places: ReadPlaces,
    ) -> Sequence[Diagnostic]:
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

    # --- whose it is ---

    def ticket(
        self,
        target: Address,
        desired: DesiredState,
    ) -> Written[Ticket] | None:
        """Return the ticket that a resource is part of, if it is of one.

        The names of what a ticket becomes begin with its own.
        """
        instrument, _, rest = target.name.partition("/")
        return desired.tickets.get(TicketKey(instrument, rest.partition("/")[0]))

    def tickets(
        self,
        action: Action,
        desired: DesiredState,
    ) -> Iterator[Written[Ticket]]:
        """Yield the tickets that an action is for."""
        ticket = self.ticket(action.target, desired)
        if ticket:
            yield ticket

    def hold(self, target: Address, desired: DesiredState) -> Hold | None:
        """Return the hold of a resource itself, wherever it is."""
        return None

    def takers(self, action: Action, desired: DesiredState) -> Takers:
        """Return who takes what an action brings."""
        place = action.target.place
        if place in desired.repositories:
            return Takers(place, (place,))
        return Takers(place, ())

    def serves(
        self,
        target: Address,
        ticket: Ticket,
        repository: RepositoryAddress,
        desired: DesiredState,
    ) -> bool:
        """Say whether a resource stands on a ticket's way to a repository."""
        written = self.ticket(target, desired)
        if written is None or written.noun != ticket:
            return False
        return target.place in {self.place, repository}

    def is_about(
        self,
        target: Address,
        touched: AbstractSet[str],
        ticket: Ticket,
    ) -> bool:
        """Say whether a step was about a ticket.

        Parameters
        ----------
        target
            What the step changed.
        touched
            Names of what it had searched, or searched no more.
        ticket
            The ticket.
        """
        return target.name == ticket.name or target.name.startswith(f"{ticket.name}/")

    # --- what keeps it from being done ---

    def guards(
        self,
        action: Action,
        desired: DesiredState,
        waves: Waves,
    ) -> Iterator[Reason]:
        """Yield what stops an action of this kind, besides holds."""
        yield from ()

    def guards_of_entry(
        self,
        action: Action,
        desired: DesiredState,
        waves: Waves,
    ) -> Iterator[Reason]:
        """Yield what keeps a resource from coming where nothing of it is yet.

        What is there already is repaired, whatever the wave before shows.
        """
        yield from ()

    def guards_of_part(
        self,
        declared: R,
        part: str,
        desired: DesiredState,
        waves: Waves,
    ) -> Iterator[Reason]:
        """Yield what keeps a part from coming or going."""
        yield from ()

    def contradiction(self, declared: R) -> Reason | None:
        """Return what the files alone refuse, whoever is away."""
        return None

    def holds_nothing(self, declared: R) -> bool:
        """Say whether it is declared empty, so that nobody misses it."""
        return False

    # --- looking ---

    def looked_at(self, target: R, searched: AbstractSet[str]) -> R:
        """Return a target as it is looked at.

        Parameters
        ----------
        target
            What is declared.
        searched
            What live chains of its place search.
        """
        return target

    def searches(self, live: R) -> Sequence[str]:
        """Return the collections that are searched through a resource."""
        return ()

    def remarks(self, live: R) -> Iterator[Diagnostic]:
        """Yield what a person should know of what was seen."""
        yield from ()

    # --- telling ---

    def sentence(self, declared: R) -> str:
        """Return what is declared, in words that follow its kind and name."""
        return ""

    def within(self, drift: Drift) -> str:
        """Return what drift is within, where its subject does not say so."""
        return ""

    def rows(
        self,
        drift: Drift,
        table: TableRows,
        declared: R | None,
        live: R | None,
    ) -> Iterator[RowKey]:
        """Yield the rows of a status table that drift belongs to.

        Unless a kind says otherwise, that of its ticket.

        Parameters
        ----------
        drift
            Of this kind, at a repository.
        table
            The rows of one instrument.
        declared, live
            The resource, as it should be and as it was seen.
        """
        ticket = table.ticket_of(self.ticket(drift.target, table.desired))
        if ticket:
            yield RowKey.of(ticket)

    def state(
        self,
        drift: Drift,
        row: RowKey,
        desired: DesiredState,
    ) -> State:
        """Return what drift comes to in the cell of a row."""
        return AS_DRIFT[drift.what]

    # --- parts ---

    def turnover(self, declared: R, live: R | None) -> frozenset[str]:
        """Return the parts that would come or go."""
        return frozenset()

    def without(
        self,
        declared: R,
        parts: frozenset[str],
        live: R | None,
    ) -> R:
        """Return the resource with some parts left as they are.

        What is not there cannot be had yet, and what is there stays.
        """
        return declared
