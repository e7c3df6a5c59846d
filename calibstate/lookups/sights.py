"""Make a sight of a repository: all that came of what it holds, small."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from ..engine.expand import expand
from ..errors import UnreachableError
from ..kinds.chain import Chain
from ..model.contents import Holding
from ..model.desired import DesiredState
from ..model.fingerprints import ticket_fingerprint
from ..model.names import RepositoryAddress
from ..model.scope import Scope
from ..model.sights import Ingested, Sight, SightOfChain, SightOfCollection, SightOfTicket
from ..model.tickets import Ticket
from ..model.timelinedocument import TimelineEntry
from ..model.timelines import fold
from ..ports.butler import ButlerReader
from .effective import flatten
from .resolve import resolve

__all__ = ["Arrivals", "Taken", "sight_of"]

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
    for name, ticket in _declared_tickets(desired, address).items():
        # An observation may be of a part, or of before a ticket was declared.
        with suppress(UnreachableError):
            whole |= butler.digests(ticket.leaves)
            tickets[name] = ticket
    looked = _Looked(desired, tickets, whole)
    chains: dict[str, SightOfChain | None] = {}
    for name in _declared_chains(desired, address):
        with suppress(UnreachableError):
            chains[name] = looked.chain(butler, name)
    return Sight(
        address=address,
        at=taken.at,
        version=taken.version,
        declared=taken.declared,
        butler=taken.butler,
        chains=chains,
        tickets=looked.tickets_there(arrivals),
        others=looked.others(),
    )


def _declared_chains(desired: DesiredState, address: RepositoryAddress) -> list[str]:
    """Return the names of declared chains, without those of tickets."""
    declared = expand(desired, Scope(repositories=(address,)))
    chains = Chain.among(each.resource for each in declared if each.address.place == address)
    return sorted(chain.address.name for chain in chains if chain.address.name in desired.chains)


def _declared_tickets(desired: DesiredState, address: RepositoryAddress) -> dict[str, Ticket]:
    """Return the tickets of the instruments of a repository, by name."""
    _, repository = desired.repository(address)
    tickets: dict[str, Ticket] = {}
    for _, written in sorted(desired.tickets.items()):
        ticket = written.noun
        if ticket.instrument in repository.instruments:
            tickets[ticket.name] = ticket
    return tickets


@dataclass
class _Looked:
    """What a repository told."""

    desired: DesiredState
    tickets: Mapping[str, Ticket]

    whole: Mapping[str, Holding]
    """What collections of tickets hold."""

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
        seen = butler.collections([name]).get(name)
        if seen is None:
            return None
        leaves = flatten(butler, name)
        there = butler.holdings(leaves, calibrations_only=True)
        self.searched.update(there)
        # A collection may have gone since it was listed.
        resolved = resolve([there[leaf] for leaf in leaves if leaf in there])
        deciding = {winner.collection for winner in resolved.winners}
        stands_for = self._standing_for(leaves)
        searched = dict.fromkeys(stands_for[leaf] for leaf in leaves)
        selected = dict.fromkeys(stands_for[leaf] for leaf in leaves if leaf in deciding)
        return SightOfChain(
            children=seen.children,
            searched=tuple(searched),
            selected=tuple(selected),
            effective=resolved.fingerprint,
            timeline=TimelineEntry.of(fold(resolved, self._ticket_of)),
        )

    @property
    def _ticket_of(self) -> dict[str, str]:
        tickets: dict[str, str] = {}
        for ticket in self.tickets.values():
            tickets.update(dict.fromkeys(ticket.leaves, ticket.ticket))
        return tickets

    def _standing_for(self, leaves: Sequence[str]) -> dict[str, str]:
        """Return what stands for each collection that is searched."""
        stands_for = {leaf: leaf for leaf in leaves}
        position = {leaf: index for index, leaf in enumerate(leaves)}
        for ticket in self.tickets.values():
            if ticket.collection is None or not ticket.leaves:
                continue
            first = position.get(ticket.leaves[0], len(leaves))
            together = leaves[first : first + len(ticket.leaves)]
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
            there = [leaf for leaf in ticket.leaves if leaf in self.whole]
            ingested: Ingested | None = None
            for leaf in there:
                if leaf in arrived:
                    ingested = arrived[leaf].joined(ingested)
            tickets[name] = SightOfTicket(
                fingerprint=self._fingerprint(there),
                collections=len(there),
                of_collections=len(ticket.leaves),
                ingested=ingested,
            )
        return tickets

    def _fingerprint(self, collections: Sequence[str]) -> str:
        return ticket_fingerprint((name, self.whole[name].fingerprint) for name in collections)

    def others(self) -> dict[str, SightOfCollection]:
        """Return what was found of collections that no seal tells of."""
        holdings = {**self.searched, **self.whole}
        for key, written in self.desired.seals.items():
            ticket = self.tickets.get(key.name)
            if ticket is None:
                continue
            there = [leaf for leaf in ticket.leaves if leaf in self.whole]
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
