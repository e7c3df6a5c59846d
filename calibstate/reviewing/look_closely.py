"""Look closely at one repository: what it holds, and what its chains select.

Each declared chain is resolved twice: as it is, and as it would be if it were
searched in the declared order and its tickets held what was pinned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from ..engine.expand import expand
from ..errors import RefusedError
from ..kinds.chain import Chain
from ..kinds.collection import Collection
from ..lookups.effective import flatten
from ..lookups.resolve import resolve
from ..model.contents import CollectionType, Holding, format_data_id, parse_data_id
from ..model.desired import DesiredState
from ..model.effective import Effective, Resolved
from ..model.names import RepositoryAddress, TicketKey
from ..model.scope import Scope
from ..model.tickets import Ticket
from ..ports.butler import ButlerReader, SeenCollection
from ..ports.places import ReadPlaces
from .expect import Expected

__all__ = ["DetectorGroup", "SearchedChain", "Showed", "look_closely"]


Names = tuple[str, ...]
"""Names of collections, in search order."""

Holdings = Mapping[str, Holding]
"""What collections hold, by name."""


@dataclass(frozen=True)
class SearchedChain:
    """A declared chain at a repository."""

    name: str

    declared: Names
    """What is searched through it as declared, in order."""

    live: Names
    """What is searched through it; nothing where it does not exist."""

    wish: Resolved
    """What would be effective as declared; where a dataset wins through one
    collection and then through another, those are two ranges."""

    sight: Resolved
    """What is effective."""

    outermost: bool = True
    """Whether no other declared chain here holds it."""

    def won_by(self, ticket: Ticket) -> list[Effective]:
        """Return the ranges that a ticket should win, as winners sort."""
        won: list[Effective] = []
        for leaf in set(ticket.leaves):
            through_leaf = self.won_through.get(leaf, [])
            won.extend(through_leaf)
        return sorted(won)

    @cached_property
    def won_through(self) -> Mapping[str, list[Effective]]:
        """Which ranges should be won through each collection."""
        won: dict[str, list[Effective]] = {}
        for winner in self.wish.winners:
            won.setdefault(winner.collection, []).append(winner)
        return won

    @cached_property
    def answering(self) -> Mapping[DetectorGroup, Answers]:
        """Which collections win anything, those data IDs together that
        differ in their detector only.
        """
        answering: dict[DetectorGroup, Answers] = {}
        for winner in self.wish.winners:
            group = DetectorGroup.of(winner)
            answers = answering.setdefault(group, {})
            collections = answers.setdefault(winner.data_id, set())
            collections.add(winner.collection)
        return answering


Answers = dict[str, set[str]]
"""Collections that win anything, by data ID."""


class DetectorGroup(NamedTuple):
    """What data IDs have in common that differ in their detector only."""

    dataset_type: str

    rest: str
    """The data ID but for its detector."""

    @classmethod
    def of(cls, winner: Effective) -> DetectorGroup:
        """Return the group of what a collection wins."""
        keys = parse_data_id(winner.data_id)
        keys.pop("detector", None)
        return cls(winner.dataset_type, format_data_id(keys))


@dataclass(frozen=True)
class Showed:
    """What a repository showed."""

    address: RepositoryAddress
    butler: ButlerReader

    collections: Mapping[str, SeenCollection]
    """Collections and chains that exist, of its tickets and declared."""

    holdings: Holdings
    """What the collections of its tickets hold, with files where the ticket
    is reviewed."""

    chains: tuple[SearchedChain, ...]
    """Its declared chains."""

    owners: Mapping[str, str] = field(default_factory=dict)
    """The ticket of each collection."""

    absent: frozenset[str] = frozenset()
    """Tickets that are declared here and have not arrived."""

    def called(self, collection: str) -> str:
        """Return what people call whose a collection is."""
        return self.owners.get(collection, collection)

    def those_of(self, collections: Iterable[str]) -> str:
        """Return in words whose the calibrations of some collections are."""
        owners: dict[str, None] = {}
        for collection in collections:
            owners[self.called(collection)] = None
        return " and ".join(f"that of {owner}" for owner in owners)

    def held_in(self, collections: Iterable[str]) -> list[Holding]:
        """Return what is here of some collections, in their order."""
        return _held(self.holdings, collections)

    def through(self, ticket: Ticket) -> list[SearchedChain]:
        """Return the chains through which a ticket is to be searched."""
        leaves = set(ticket.leaves)
        chains: list[SearchedChain] = []
        for chain in self.chains:
            if not leaves.isdisjoint(chain.declared):
                chains.append(chain)
        return chains


def look_closely(
    desired: DesiredState,
    address: RepositoryAddress,
    instruments: Sequence[str],
    reviewed: Iterable[Ticket],
    expected: Mapping[TicketKey, Expected],
    places: ReadPlaces,
) -> Showed:
    """Look at one repository.

    Parameters
    ----------
    desired
        The whole declared state.
    address
        The repository.
    instruments
        Whose chains are looked at.
    reviewed
        Tickets whose files are looked at.
    expected
        What the tickets of the instruments should hold.
    places
        Where to look.

    Raises
    ------
    UnreachableError
        It cannot be seen.
    """
    butler = places.butler(address)
    scope = Scope(
        repositories=(address,),
        instruments=tuple(instruments),
    )
    resources = [declared.resource for declared in expand(desired, scope)]
    leaves_of: dict[TicketKey, Names] = {}
    owners: dict[str, str] = {}
    for collection in Collection.among(resources):
        name = collection.address.name
        instrument, _, ticket = name.partition("/")
        key = TicketKey(instrument, ticket)
        leaves_of[key] = collection.leaves
        for leaf in collection.leaves:
            owners[leaf] = ticket
    children: dict[str, Names] = {}
    for chain in Chain.among(resources):
        children[chain.address.name] = chain.children
    names = [*owners, *children]
    collections = butler.collections(names)
    # To look at files takes long, and they matter for what is reviewed only.
    leaves_with_files: list[str] = []
    for reviewed_ticket in reviewed:
        leaves_with_files.extend(reviewed_ticket.leaves)
    holdings = butler.holdings(list(owners), files=leaves_with_files)
    pins: dict[str, Expected] = {}
    absent_tickets: set[str] = set()
    absent_leaves: set[str] = set()
    for key, leaves in leaves_of.items():
        if key in expected:
            for leaf in leaves:
                pins[leaf] = expected[key]
        # One that arrives collection by collection has arrived with the first.
        if collections.keys().isdisjoint(leaves):
            absent_tickets.add(key.ticket)
            absent_leaves.update(leaves)
    look = _Look(butler, children, holdings, pins, absent_leaves)
    # The chains of tickets have no file of their own.
    with_files = [name for name in children if name in desired.chains]
    return Showed(
        address,
        butler,
        collections,
        holdings,
        tuple(look.chains(with_files)),
        owners,
        frozenset(absent_tickets),
    )


def _held(
    holdings: Holdings,
    collections: Iterable[str],
) -> list[Holding]:
    """Return the holdings of those collections that exist."""
    held: list[Holding] = []
    for collection in collections:
        if collection in holdings:
            held.append(holdings[collection])
    return held


@dataclass(frozen=True)
class _Look:
    """A look at the chains of a repository."""

    butler: ButlerReader

    children: Mapping[str, Names]
    """Declared, of every chain here, those of tickets too."""

    holdings: Holdings
    """What the collections of tickets hold."""

    pins: Mapping[str, Expected]
    """What the collections of tickets should hold."""

    absent: set[str]
    """Collections of tickets that have not arrived."""

    def chains(self, names: Sequence[str]) -> Iterator[SearchedChain]:
        """Yield chains as they are declared and as they are."""
        declared: dict[str, Names] = {}
        searched: dict[str, Names] = {}
        inside: set[str] = set()
        for name in names:
            children = self.children[name]
            inside.update(children)
            # What is reached again is searched where it was reached first.
            leaves = dict.fromkeys(self.declared_leaves(name))
            declared[name] = tuple(leaves)
            searched[name] = flatten(self.butler, name)
        # Chains share most of what they search, so all is looked at together.
        everything: dict[str, None] = {}
        for side in (declared, searched):
            for names_in_order in side.values():
                everything.update(dict.fromkeys(names_in_order))
        live = self.calibrations(everything)
        pinned = self.as_pinned(live)
        for name in names:
            as_declared = _held(pinned, declared[name])
            as_it_is = _held(live, searched[name])
            # A new ticket may certify a dataset of an older one, and then
            # both have their part in what would be one range.
            wish = resolve(as_declared, across=False)
            sight = resolve(as_it_is)
            is_outermost = name not in inside
            yield SearchedChain(
                name,
                declared[name],
                searched[name],
                wish,
                sight,
                is_outermost,
            )

    def declared_leaves(self, name: str) -> Iterator[str]:
        """Yield what is searched through a chain as declared."""
        for child in self.children[name]:
            if child in self.children:
                yield from self.declared_leaves(child)
            elif child in self.pins:
                yield child
            else:
                yield from flatten(self.butler, child)  # What others make.

    def calibrations(self, names: Iterable[str]) -> Holdings:
        """Return what is selected of: all that counts as a calibration."""
        calibrations: dict[str, Holding] = {}
        rest: list[str] = []
        for name in names:
            holding = self.holdings.get(name)
            # A RUN or TAGGED collection may hold other datasets, too.
            if holding and holding.type is CollectionType.CALIBRATION:
                calibrations[name] = holding
            else:
                rest.append(name)
        if rest:
            others = self.butler.holdings(rest, calibrations_only=True)
            calibrations.update(others)
        return calibrations

    def as_pinned(self, live: Holdings) -> Holdings:
        """Return what is selected of, if all tickets held what was pinned.

        Parameters
        ----------
        live
            What is selected of.
        """
        dataset_types: set[str] = set()
        for holding in live.values():
            dataset_types |= {row.dataset_type for row in holding.rows}
        pinned = dict(live)
        for name, expected in self.pins.items():
            if name in self.absent or not expected.fingerprints:
                continue
            there = self.holdings.get(name)
            if there and there.fingerprint == expected.fingerprints[name]:
                continue
            try:
                rows = expected.rows(name, there)
                type_ = expected.type_of(name)
            except RefusedError:
                continue  # It is told where the ticket itself is reviewed.
            if type_ is CollectionType.RUN:
                # A RUN holds more than what is looked up in it.
                looked_up = [row for row in rows if row.dataset_type in dataset_types]
                rows = tuple(looked_up)
            # Whatever it is, its rows are searched as those of a CALIBRATION.
            pinned[name] = Holding(name, CollectionType.CALIBRATION, rows)
        return pinned
