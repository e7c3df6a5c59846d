"""Make a sight of a repository: all that came of what it holds, small."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from ..engine.expand import expand
from ..errors import UnreachableError
from ..kinds.chain import Chain
from ..model.contents import CollectionType, Holding
from ..model.desired import DesiredState
from ..model.fingerprints import ticket_fingerprint
from ..model.names import RepositoryAddress
from ..model.observations import SeenEntry
from ..model.scope import Scope
from ..model.sights import Ingested, Sight, SightOfChain, SightOfCollection, SightOfTicket
from ..model.tickets import Ticket
from ..model.timelines import fold
from ..ports.butler import ButlerReader
from .effective import flatten
from .resolve import resolve
from .searched import tickets_of_collections

__all__ = ["Arrivals", "Taken", "sight_of"]

_CERTIFIED = SeenEntry(type=CollectionType.CALIBRATION)

Arrivals = Callable[[Sequence[str]], Mapping[str, Ingested]]
"""Tells when the datasets of collections arrived."""


@dataclass(frozen=True)
class Taken:
    """When and how a sight is taken."""

    at: str
    """When the look began, in UTC."""

    version: str
    """Version of calibstate."""

    declared: str
    """Digest of the declared state that it was observed with."""

    butler: str
    """Digest of how the butler is declared."""

    listed: Mapping[str, SeenEntry | None] | None = None
    """Collections that were asked for, by name; `None`: nobody kept them."""

    skymaps: Mapping[str, str] | None = None
    """Hashes of skymaps; `None`: nobody asked."""


def sight_of(
    desired: DesiredState,
    address: RepositoryAddress,
    butler: ButlerReader,
    taken: Taken,
    arrivals: Arrivals = lambda runs: {},
) -> Sight:
    """Return a sight of a repository.

    Parameters
    ----------
    desired
        What is declared.
    address
        The repository.
    butler
        It, as it was observed.  What it does not tell is left out.
    taken
        When it was looked at, and how.
    arrivals
        Asked once, for all collections of tickets that are there.
    """
    tickets: dict[str, Ticket] = {}
    whole: dict[str, Holding] = {}
    _, repository = desired.repository(address)
    for _, written in sorted(desired.tickets.items()):
        ticket = written.noun
        if ticket.instrument not in repository.instruments:
            continue
        # An observation may be of a part, or of before a ticket was declared.
        with suppress(UnreachableError):
            whole |= butler.digests(ticket.leaves)
            tickets[ticket.name] = ticket
    looked = _Looked(desired, tickets, whole, taken.listed)
    chains: dict[str, SightOfChain | None] = {}
    here = Scope(repositories=(address,))
    resources = [each.resource for each in expand(desired, here)]
    for declared in Chain.among(resources):
        name = declared.address.name
        # Chains of tickets have no file of their own.
        if declared.address.place != address or name not in desired.chains:
            continue
        with suppress(UnreachableError):
            chains[name] = looked.chain(butler, name)
    there = looked.tickets_there(arrivals)
    return Sight(
        address=address,
        at=taken.at,
        version=taken.version,
        declared=taken.declared,
        butler=taken.butler,
        chains=dict(sorted(chains.items())),
        tickets=there,
        others=looked.others(),
        listed=looked.listed(there),
        skymaps=taken.skymaps,
    )


@dataclass
class _Looked:
    """What a repository told."""

    desired: DesiredState
    tickets: Mapping[str, Ticket]

    whole: Mapping[str, Holding]
    """What collections of tickets hold."""

    asked_for: Mapping[str, SeenEntry | None] | None
    """Collections that were asked for; `None`: nobody kept them."""

    searched: dict[str, Holding] = field(default_factory=dict)
    """What is searched through any chain holds of calibrations."""

    def chain(self, butler: ButlerReader, name: str) -> SightOfChain | None:
        """Return what came of a chain; `None`: it is absent.

        Parameters
        ----------
        butler
            What told.
        name
            Its name.

        Raises
        ------
        UnreachableError
            Nobody asked for it then.
        """
        collection = butler.collections([name]).get(name)
        if collection is None:
            return None
        leaves = flatten(butler, name)
        there = butler.holdings(leaves, calibrations_only=True)
        self.searched.update(there)
        # A collection may have gone since it was listed.
        still_there: list[Holding] = []
        for leaf in leaves:
            if leaf in there:
                still_there.append(there[leaf])
        resolved = resolve(still_there)
        stands_for = self._standing_for(leaves)
        # In search order, each once.
        searched: dict[str, None] = {}
        selected: dict[str, None] = {}
        for leaf in leaves:
            name_there = stands_for[leaf]
            searched[name_there] = None
            if leaf in resolved.selected:
                selected[name_there] = None
        tickets = tickets_of_collections(self.desired)
        return SightOfChain(
            children=collection.children,
            searched=tuple(searched),
            selected=tuple(selected),
            effective=resolved.fingerprint,
            timeline=fold(resolved, tickets),
        )

    def _standing_for(self, leaves: Sequence[str]) -> dict[str, str]:
        """Return what stands for each collection that is searched."""
        stands_for: dict[str, str] = {}
        position: dict[str, int] = {}
        for index, leaf in enumerate(leaves):
            stands_for[leaf] = leaf
            position[leaf] = index
        for ticket in self.tickets.values():
            if ticket.collection is None or not ticket.leaves:
                continue
            first = position.get(ticket.leaves[0], len(leaves))
            last = first + len(ticket.leaves)
            together = leaves[first:last]
            if tuple(together) == ticket.leaves:
                stands_for.update(dict.fromkeys(together, ticket.collection))
        return stands_for

    def tickets_there(self, arrivals: Arrivals) -> dict[str, SightOfTicket]:
        """Return what was found of each ticket.

        Parameters
        ----------
        arrivals
            Asked once, for all collections.
        """
        arrived = arrivals(list(self.whole))
        tickets: dict[str, SightOfTicket] = {}
        for name, ticket in self.tickets.items():
            there: list[str] = []
            for leaf in ticket.leaves:
                if leaf in self.whole:
                    there.append(leaf)
            ingested: Ingested | None = None
            for leaf in there:
                if leaf in arrived:
                    ingested = arrived[leaf].joined(ingested)
            tickets[name] = SightOfTicket(
                fingerprint=self._fingerprint(there),
                collections=len(there),
                of_collections=len(ticket.leaves),
                ingested=ingested,
                whole=self.is_whole(ticket, there),
            )
        return tickets

    def is_whole(self, ticket: Ticket, there: Sequence[str]) -> bool:
        """Say whether a ticket is there as its seal and its file say."""
        seal = self.desired.seals.get(ticket.key)
        if seal is None or self.asked_for is None:
            return False
        # Of a part the fingerprint differs, too; this is told at once.
        if tuple(there) != ticket.leaves:
            return False
        fingerprint = self._fingerprint(there)
        if fingerprint != seal.noun.fingerprint:
            return False
        for name in there:
            listed = self.asked_for.get(name)
            if listed != _CERTIFIED:
                return False
            holding = self.whole[name]
            if holding.unrecorded or holding.altered:
                return False
            # Of files that were looked at, one is gone.
            sizes = holding.sizes.values()
            if None in sizes:
                return False
        if ticket.collection is None:
            return True
        chain = SeenEntry(
            type=CollectionType.CHAINED,
            children=ticket.leaves,
        )
        listed = self.asked_for.get(ticket.collection)
        return listed == chain

    def listed(self, there: Mapping[str, SightOfTicket]) -> Mapping[str, SeenEntry | None] | None:
        """Return what was listed besides tickets that are there whole.

        Parameters
        ----------
        there
            What was found of each ticket.
        """
        if self.asked_for is None:
            return None
        listed = dict(self.asked_for)
        for name, ticket in self.tickets.items():
            if there[name].whole:
                for collection in (*ticket.children, *ticket.leaves):
                    listed.pop(collection, None)
        return listed

    def _fingerprint(self, collections: Sequence[str]) -> str:
        fingerprints: list[tuple[str, str]] = []
        for name in collections:
            holding = self.whole[name]
            fingerprints.append((name, holding.fingerprint))
        return ticket_fingerprint(fingerprints)

    def others(self) -> dict[str, SightOfCollection]:
        """Return what was found of collections that no seal tells of."""
        holdings = {**self.searched, **self.whole}
        for key, written in self.desired.seals.items():
            ticket = self.tickets.get(key.name)
            if ticket is None:
                continue
            there: list[str] = []
            for leaf in ticket.leaves:
                if leaf in self.whole:
                    there.append(leaf)
            if self._fingerprint(there) == written.noun.fingerprint:
                for leaf in there:
                    del holdings[leaf]
        others: dict[str, SightOfCollection] = {}
        for name, holding in sorted(holdings.items()):
            if holding.rows:
                others[name] = SightOfCollection(
                    type=holding.type,
                    count=len(holding.rows),
                    fingerprint=holding.fingerprint,
                )
        return others
