"""The part of what is declared that a command is about.

Kinds ask it what to declare: which tickets and chains a repository is to
have, and what the tickets hold as far as anyone can tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ..model.chains import ChainFile, ExternalEntry
from ..model.desired import DesiredState, Meaning, Written
from ..model.names import CollectionName, RepositoryAddress, TicketKey
from ..model.pins import Pin, Pins
from ..model.reasons import Reason
from ..model.repositories import Copy, Origin, Rucio
from ..model.scope import Scope
from ..model.tickets import ApprovalStatus, Ticket

__all__ = ["RepositorySelection", "Selection", "adopted", "places_of"]


def adopted(desired: DesiredState, scope: Scope) -> list[Written[Ticket]]:
    """Return the adopted tickets that are asked for, by name."""
    tickets = []
    for key, ticket in sorted(desired.tickets.items()):
        is_adopted = ticket.noun.approval.status is ApprovalStatus.ADOPTED
        if is_adopted and scope.has_ticket(key):
            tickets.append(ticket)
    return tickets


def places_of(desired: DesiredState, scope: Scope) -> list[RepositoryAddress]:
    """Return the repositories that are asked for."""
    places = []
    for address in desired.repositories:
        instruments = desired.repository(address)[1].instruments
        if scope.has_repository(address) and any(map(scope.has_instrument, instruments)):
            places.append(address)
    return places


@dataclass(frozen=True)
class Selection:
    """What is declared, the part that is asked for, and what tickets hold."""

    desired: DesiredState
    """All that is declared."""

    scope: Scope = field(default_factory=Scope)
    """The part of it that is asked for."""

    pins: Pins = field(default_factory=dict)
    """What the tickets hold; without them the resources say where to look."""

    @cached_property
    def tickets(self) -> tuple[Written[Ticket], ...]:
        """The adopted tickets that are asked for, by name."""
        return tuple(adopted(self.desired, self.scope))

    @cached_property
    def listed_by(self) -> Mapping[CollectionName, str]:
        """The ticket that lists a collection, by collection."""
        listed_by: dict[CollectionName, str] = {}
        for _, written in sorted(self.desired.tickets.items()):
            for leaf in written.noun.leaves:
                listed_by[leaf] = written.noun.ticket
        return listed_by

    @cached_property
    def repositories(self) -> Mapping[RepositoryAddress, RepositorySelection]:
        """The repositories that are asked for, by address."""
        addresses = places_of(self.desired, self.scope)
        return {address: RepositorySelection(self, address) for address in addresses}

    def pin(self, ticket: Ticket) -> Pin | None:
        """Return what a ticket holds; `None` where nobody can tell."""
        pin = self.pins.get(ticket.key)
        if isinstance(pin, Pin):
            return pin
        return None

    def maker(self, ticket: Ticket) -> RepositoryAddress | None:
        """Return the origin that makes what a ticket lists.

        `None` once the ticket has left it, sealed or exported: what it holds
        is final then.
        """
        origin = self.desired.origin(ticket.instrument)
        # Another site's part of a plan has no steps at the origin.
        if origin is None or origin not in self.repositories:
            return None
        pin = self.pin(ticket)
        has_left = ticket.key in self.desired.seals or (pin and pin.manifest)
        if has_left or self.desired.skipped(ticket, origin):
            return None
        return origin

    def unpinned(self, ticket: Ticket) -> Reason | None:
        """Return why nobody can tell what a ticket holds."""
        reason = self.pins.get(ticket.key)
        if isinstance(reason, Reason):
            return reason
        return None


@dataclass(frozen=True)
class RepositorySelection:
    """What of a selection one repository is to have."""

    selection: Selection
    address: RepositoryAddress

    @property
    def desired(self) -> DesiredState:
        """All that is declared."""
        return self.selection.desired

    @property
    def scope(self) -> Scope:
        """The part of it that is asked for."""
        return self.selection.scope

    @cached_property
    def route(self) -> Origin | Copy | Rucio | None:
        """How calibrations reach it."""
        site, _ = self.desired.repository(self.address)
        return site.route_of(self.address.partition("/")[2])

    @cached_property
    def tickets(self) -> tuple[Written[Ticket], ...]:
        """The adopted tickets that it gets, by name."""
        instruments = self.desired.repository(self.address)[1].instruments
        tickets = []
        for written in self.selection.tickets:
            ticket = written.noun
            if ticket.instrument in instruments and not self.skipped(ticket):
                tickets.append(written)
        return tuple(tickets)

    @cached_property
    def chains(self) -> tuple[Written[ChainFile], ...]:
        """The chains that are declared for it, children before parents."""
        # A chain is written once those that it holds are written.
        ordered: dict[str, Written[ChainFile]] = {}
        for _, chain in sorted(self.desired.chains.items()):
            if self.scope.has_instrument(chain.noun.instrument):
                self._add_with_those_below(chain, ordered, set())
        return tuple(ordered.values())

    def _add_with_those_below(
        self,
        chain: Written[ChainFile],
        ordered: dict[str, Written[ChainFile]],
        begun: set[str],
    ) -> None:
        """Add a chain behind the chains that are its children."""
        name = chain.noun.chain
        if name in begun or name in ordered or not self.has_chain(chain.noun):
            return
        # A circle is refused elsewhere, and must not keep us here for ever.
        begun.add(name)
        for entry in chain.noun.entries:
            meaning = self.meaning(entry, chain.noun)
            if meaning and meaning.chain:
                self._add_with_those_below(meaning.chain, ordered, begun)
        ordered[name] = chain

    def skipped(self, ticket: Ticket) -> str | None:
        """Return why it does not get a ticket; `None`: it does."""
        return self.desired.skipped(ticket, self.address)

    def has_chain(self, chain: ChainFile) -> bool:
        """Say whether it is to have a declared chain."""
        return self.desired.has_chain(self.address, chain)

    def meaning(
        self,
        entry: str | ExternalEntry,
        chain: ChainFile,
    ) -> Meaning | None:
        """Return what an entry stands for; `None`: what others make."""
        if isinstance(entry, ExternalEntry):
            return None
        return self.desired.meaning(entry, chain.instrument)

    @cached_property
    def listed(self) -> frozenset[TicketKey]:
        """The tickets that a declared chain lists here."""
        keys = set()
        for chain in self.chains:
            for entry in chain.noun.entries:
                meaning = self.meaning(entry, chain.noun)
                if meaning and meaning.ticket:
                    keys.add(meaning.ticket.noun.key)
        return frozenset(keys)

    @cached_property
    def fingerprints(self) -> Mapping[str, Mapping[str, str]]:
        """Fingerprint of each collection of the tickets here, by ticket."""
        # A ticket that nobody can tell the content of has none.
        fingerprints: dict[str, Mapping[str, str]] = {}
        for written in self.tickets:
            pin = self.selection.pin(written.noun)
            if pin:
                fingerprints[written.noun.name] = pin.fingerprints
        return fingerprints
