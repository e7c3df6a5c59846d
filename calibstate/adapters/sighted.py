"""Repositories by their sights: what an observation tells, without its rows.

An observation of a camera of ten years takes seconds to read and more than a
gigabyte of memory.  Its sight tells the same of all that is as it should be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from typing_extensions import override

from ..errors import UnreachableError
from ..model.contents import CollectionType, Holding, Row, RowsOnDemand
from ..model.desired import DesiredState
from ..model.names import CollectionName, TicketKey
from ..model.observations import Observation, SeenEntry
from ..model.seals import SealedCollection
from ..model.sights import Sight
from ..ports.butler import SeenCollection
from .recorded import RecordedButler

__all__ = ["SealedTickets", "SightedButler"]

_CERTIFIED = SeenEntry(type=CollectionType.CALIBRATION)
"""How collections of tickets are listed; there are tens of thousands."""


@dataclass(frozen=True)
class SealedTicket:
    """A ticket as it is where all of it is there."""

    fingerprint: str
    collections: Mapping[CollectionName, SealedCollection]
    listed: Mapping[CollectionName, SeenEntry]


class SealedTickets:
    """What seals tell of tickets, made once for all repositories.

    Parameters
    ----------
    desired
        What is declared.
    """

    def __init__(self, desired: DesiredState) -> None:
        self.desired = desired
        self._tickets: dict[TicketKey, SealedTicket | None] = {}

    def of(self, key: TicketKey) -> SealedTicket | None:
        """Return a ticket as it was sealed; `None`: it was not.

        Parameters
        ----------
        key
            Instrument and ticket.
        """
        if key not in self._tickets:
            self._tickets[key] = self._as_sealed(key)
        return self._tickets[key]

    def _as_sealed(self, key: TicketKey) -> SealedTicket | None:
        written = self.desired.seals.get(key)
        if written is None:
            return None
        seal = written.noun
        names = tuple(seal.fingerprints)
        listed = dict.fromkeys(names, _CERTIFIED)
        chain = self.desired.tickets[key].noun.collection
        if chain:
            listed[chain] = SeenEntry(type=CollectionType.CHAINED, children=names)
        collections = dict(zip(names, seal.collections.values(), strict=True))
        return SealedTicket(seal.fingerprint, collections, listed)


class SightedButler(RecordedButler):
    """A repository as somebody saw it.

    What its sight does not tell is read of the observation that was published
    with it.

    Parameters
    ----------
    sight
        One that tells which collections were listed.
    sealed
        What tickets hold that are there whole.
    read
        Reads the observation.
    """

    def __init__(self, sight: Sight, sealed: SealedTickets, read: Callable[[], Observation]) -> None:
        self._sight = sight
        self._read = read
        self._sealed: dict[CollectionName, SealedCollection] = {}
        """What collections hold of tickets that are there whole."""
        self._leaves: set[CollectionName] = set()
        """Collections of tickets that are absent, or among ``others``."""
        self._is_outdated = False
        """Whether a ticket has another seal by now, and tells no more."""
        listed: dict[CollectionName, SeenEntry | None] = dict(sight.listed or {})
        for written in sealed.desired.tickets.values():
            ticket = written.noun
            there = sight.tickets.get(ticket.name)
            if there is None:
                continue
            # Of a ticket that is as it was sealed, but not all of it is as it
            # should be, a sight says no more.
            is_told = any(name in sight.others for name in ticket.leaves)
            if is_told or not there.collections:
                self._leaves.update(ticket.leaves)
            if not there.whole:
                continue
            as_sealed = sealed.of(ticket.key)
            if as_sealed is None or as_sealed.fingerprint != there.fingerprint:
                self._is_outdated = True
                continue
            self._sealed |= as_sealed.collections
            listed |= as_sealed.listed
        # Nothing is checked again that was checked when the sight was read.
        observation = Observation.model_construct(
            address=sight.address,
            butler=sight.butler,
            at=sight.at,
            version=sight.version,
            declared=sight.declared,
            collections=listed,
            holdings={},
            calibrations={},
            skymaps=sight.skymaps,
        )
        super().__init__(observation)

    @cached_property
    def _rest(self) -> RecordedButler:
        """What the observation tells, with all rows."""
        observation = self._read()
        if observation.at != self._sight.at:
            self._cannot("what collections hold, row by row")
        return RecordedButler(observation)

    @override
    def collections(self, names: Iterable[str]) -> Mapping[str, SeenCollection]:
        """Return those of ``names`` that existed.

        Raises
        ------
        UnreachableError
            One of them was not asked for.
        """
        requested = list(names)
        try:
            return super().collections(requested)
        except UnreachableError:
            # Where no seal changed, the observation tells no more either.
            if not self._is_outdated:
                raise
        return self._rest.collections(requested)

    @override
    def holdings(
        self, names: Iterable[str], *, files: Iterable[str] = (), calibrations_only: bool = False
    ) -> Mapping[str, Holding]:
        """Return what collections held; rows are read once they are looked at.

        Raises
        ------
        UnreachableError
            One of them was not asked for.
        """
        requested = list(dict.fromkeys(names))
        holdings: dict[str, Holding] = {}
        for name in requested:
            if self._is_absent(name):
                continue
            holding = self._holding(name, calibrations_only=calibrations_only)
            if holding is None:
                return self._rest.holdings(requested, files=files, calibrations_only=calibrations_only)
            holdings[name] = holding
        for name in files:
            if name in holdings and holdings[name].rows:
                self.without_files.add(name)
        return holdings

    def _is_absent(self, name: str) -> bool:
        """Say whether a collection was not there, or is a chain."""
        if name not in self.observation.collections:
            return False
        entry = self.observation.collections[name]
        return entry is None or entry.type is CollectionType.CHAINED

    def _holding(self, name: str, *, calibrations_only: bool) -> Holding | None:
        """Return what a collection held; `None`: the sight does not tell."""
        sealed = self._sealed.get(name)
        if sealed:
            number = sum(of_type.datasets for of_type in sealed.types.values())
            return self._on_demand(name, CollectionType.CALIBRATION, number, sealed.fingerprint)
        entry = self.observation.collections.get(name)
        other = self._sight.others.get(name)
        is_leaf = name in self._leaves
        # Of what others make only calibrations were looked at.
        if entry is None or not (is_leaf or calibrations_only):
            return None
        if other:
            return self._on_demand(name, other.type, other.count, other.fingerprint)
        if is_leaf or name in self._searched:
            return Holding(name, entry.type, ())
        return None

    @cached_property
    def _searched(self) -> frozenset[str]:
        """What is searched through any chain."""
        searched: set[str] = set()
        for chain in self._sight.chains.values():
            if chain:
                searched.update(chain.searched)
        return frozenset(searched)

    def _on_demand(self, name: str, type: CollectionType, number: int, fingerprint: str) -> Holding:
        def fetch() -> Iterable[Row]:
            return self._rest.holdings([name])[name].rows

        return Holding(name, type, RowsOnDemand(name, number, fingerprint, fetch))
