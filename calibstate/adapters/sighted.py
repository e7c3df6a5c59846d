"""Repositories by their sights: what an observation tells, without its rows.

An observation of a camera of ten years takes seconds to read and more than a
gigabyte of memory.  Its sight tells the same of all that is as it should be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from typing_extensions import override

from ..errors import UnreachableError
from ..model.contents import CollectionType, Holding, Row, RowsOnDemand
from ..model.desired import DesiredState
from ..model.names import CollectionName
from ..model.observations import Observation, SeenEntry
from ..model.seals import SealedCollection
from ..model.sights import Sight, SightOfTicket
from ..model.tickets import Ticket
from ..ports.butler import SeenCollection
from .recorded import RecordedButler

__all__ = ["SightedButler"]


class SightedButler(RecordedButler):
    """A repository as somebody saw it.

    What its sight does not tell is read of the observation that was published
    with it.

    Parameters
    ----------
    sight
        One that tells which collections were listed.
    desired
        What is declared: seals tell what tickets hold that are there whole.
    read
        Reads the observation.
    """

    def __init__(self, sight: Sight, desired: DesiredState, read: Callable[[], Observation]) -> None:
        self._sight = sight
        self._read = read
        self._sealed: dict[CollectionName, SealedCollection] = {}
        """What collections hold of tickets that are there whole."""
        self._leaves: set[CollectionName] = set()
        """Collections of tickets that are absent, or among ``others``."""
        self._is_outdated = False
        """Whether a ticket has another seal by now, and tells no more."""
        listed: dict[CollectionName, SeenEntry | None] = dict(sight.listed or {})
        for written in desired.tickets.values():
            ticket = written.noun
            there = sight.tickets.get(ticket.name)
            if there is None:
                continue
            # Of a ticket that is as it was sealed, but not all of it is as it
            # should be, a sight says no more.
            is_told = any(name in sight.others for name in ticket.leaves)
            if is_told or not there.collections:
                self._leaves.update(ticket.leaves)
            if there.whole:
                listed |= self._entries_of(ticket, there, desired)
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

    def _entries_of(
        self, ticket: Ticket, there: SightOfTicket, desired: DesiredState
    ) -> Mapping[CollectionName, SeenEntry]:
        """Return how the collections of a whole ticket were listed."""
        written = desired.seals.get(ticket.key)
        if written is None or written.noun.fingerprint != there.fingerprint:
            self._is_outdated = True
            return {}
        seal = written.noun
        entries: dict[CollectionName, SeenEntry] = {}
        for name, sealed in zip(seal.fingerprints, seal.collections.values(), strict=True):
            self._sealed[name] = sealed
            entries[name] = SeenEntry(type=CollectionType.CALIBRATION)
        if ticket.collection:
            children = tuple(seal.fingerprints)
            entries[ticket.collection] = SeenEntry(type=CollectionType.CHAINED, children=children)
        return entries

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
