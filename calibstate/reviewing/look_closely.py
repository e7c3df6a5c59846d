"""Look closely at one repository: what it holds, and what its chains select.

Each declared chain is resolved twice: as it is, and as it would be if it were
searched in the declared order and its tickets held what was pinned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

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

__all__ = ["SearchedChain", "Showed", "group_of", "look_closely"]


@dataclass(frozen=True)
class SearchedChain:
    """A declared chain at a repository."""

    name: str

    declared: tuple[str, ...]
    """What is searched through it as declared, in order."""

    live: tuple[str, ...]
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
        return sorted(winner for leaf in set(ticket.leaves) for winner in self._won.get(leaf, ()))

    @cached_property
    def _won(self) -> Mapping[str, list[Effective]]:
        won: dict[str, list[Effective]] = {}
        for winner in self.wish.winners:
            won.setdefault(winner.collection, []).append(winner)
        return won

    @cached_property
    def answering(self) -> Mapping[tuple[str, str], Mapping[str, set[str]]]:
        """Which collections win anything, by data ID, those together that
        differ in their detector only.
        """
        answering: dict[tuple[str, str], dict[str, set[str]]] = {}
        for winner in self.wish.winners:
            collections_of = answering.setdefault(group_of(winner), {})
            collections = collections_of.setdefault(winner.data_id, set())
            collections.add(winner.collection)
        return answering


def group_of(winner: Effective) -> tuple[str, str]:
    """Return the dataset type, and the data ID but for its detector."""
    rest = parse_data_id(winner.data_id)
    rest.pop("detector", None)
    return winner.dataset_type, format_data_id(rest)


@dataclass(frozen=True)
class Showed:
    """What a repository showed."""

    address: RepositoryAddress
    butler: ButlerReader

    collections: Mapping[str, SeenCollection]
    """Collections and chains that exist, of its tickets and declared."""

    holdings: Mapping[str, Holding]
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

    def through(self, ticket: Ticket) -> list[SearchedChain]:
        """Return the chains through which a ticket is to be searched."""
        return [chain for chain in self.chains if not set(ticket.leaves).isdisjoint(chain.declared)]


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
    declared = [d.resource for d in expand(desired, Scope((), (address,), tuple(instruments)))]
    tickets = {_key(held): held.leaves for held in Collection.among(declared)}
    children = {chain.address.name: chain.children for chain in Chain.among(declared)}
    leaves = list(dict.fromkeys(leaf for names in tickets.values() for leaf in names))
    collections = butler.collections([*leaves, *children])
    files = [leaf for ticket in reviewed for leaf in ticket.leaves]
    held = butler.holdings(leaves, files=files)
    arrived = {key for key, names in tickets.items() if any(name in collections for name in names)}
    pins = {leaf: expected[key] for key, names in tickets.items() for leaf in names if key in expected}
    gone = {leaf for key, names in tickets.items() if key not in arrived for leaf in names}
    look = _Look(butler, children, held, pins, gone)
    chains = [name for name in children if name in desired.chains]
    return Showed(
        address,
        butler,
        collections,
        held,
        tuple(look.chains(chains)),
        {leaf: key[1] for key, names in tickets.items() for leaf in names},
        frozenset(key[1] for key in tickets.keys() - arrived),
    )


def _key(collection: Collection) -> TicketKey:
    instrument, _, ticket = collection.address.name.partition("/")
    return TicketKey(instrument, ticket)


@dataclass(frozen=True)
class _Look:
    """A look at the chains of a repository."""

    butler: ButlerReader

    children: Mapping[str, tuple[str, ...]]
    """Declared, of every chain here, those of tickets too."""

    held: Mapping[str, Holding]
    """What the collections of tickets hold."""

    pins: Mapping[str, Expected]
    """What the collections of tickets should hold."""

    gone: set[str]
    """Collections of tickets that have not arrived."""

    def chains(self, names: Sequence[str]) -> Iterator[SearchedChain]:
        """Yield chains as they are declared and as they are."""
        wish = {name: tuple(dict.fromkeys(self._declared_leaves(name))) for name in names}
        sight = {name: flatten(self.butler, name) for name in names}
        leaves = dict.fromkeys(leaf for searched in (*wish.values(), *sight.values()) for leaf in searched)
        live = self._calibrations(leaves)
        pinned = self._as_pinned(live)
        inside = {child for name in names for child in self.children[name]}
        for name in names:
            yield SearchedChain(
                name,
                wish[name],
                sight[name],
                # A new ticket may certify a dataset of an older one, and then
                # both have their part in what would be one range.
                resolve([pinned[leaf] for leaf in wish[name] if leaf in pinned], across=False),
                resolve([live[leaf] for leaf in sight[name] if leaf in live]),
                name not in inside,
            )

    def _declared_leaves(self, name: str) -> Iterator[str]:
        for child in self.children[name]:
            if child in self.children:
                yield from self._declared_leaves(child)
            elif child in self.pins:
                yield child
            else:
                yield from flatten(self.butler, child)  # What others make.

    def _calibrations(self, names: Iterable[str]) -> dict[str, Holding]:
        """Return what is selected of: all that counts as a calibration."""
        calibrations: dict[str, Holding] = {}
        rest: list[str] = []
        for name in names:
            holding = self.held.get(name)
            # A RUN or TAGGED collection may hold other datasets, too.
            if holding and holding.type is CollectionType.CALIBRATION:
                calibrations[name] = holding
            else:
                rest.append(name)
        if rest:
            calibrations.update(self.butler.holdings(rest, calibrations_only=True))
        return calibrations

    def _as_pinned(self, live: Mapping[str, Holding]) -> dict[str, Holding]:
        calibrations = {row.dataset_type for holding in live.values() for row in holding.rows}
        pinned = dict(live)
        for name, expected in self.pins.items():
            if name in self.gone or not expected.fingerprints:
                continue
            there = self.held.get(name)
            if there is None or there.fingerprint != expected.fingerprints[name]:
                try:
                    rows, type_ = expected.rows(name, there), expected.type_of(name)
                except RefusedError:
                    continue  # It is told where the ticket itself is reviewed.
                if type_ is CollectionType.RUN:
                    rows = tuple(row for row in rows if row.dataset_type in calibrations)
                pinned[name] = Holding(name, CollectionType.CALIBRATION, rows)
        return pinned
