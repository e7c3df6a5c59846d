"""What the policy is judged of: a sound tree, beside what it was before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from ..errors import Where
from ..model.chains import ChainFile, ExternalEntry
from ..model.desired import DesiredState, Written
from ..model.names import TicketKey
from ..model.policy import CAPTURED
from ..model.seals import Seal
from ..model.tickets import ApprovalStatus, Ticket
from .products import product_of

__all__ = ["Judged", "collection_at", "is_adopted", "of_ticket"]


@dataclass(frozen=True)
class Judged:
    """A sound state tree that is to be judged."""

    desired: DesiredState
    """The tree as it is."""

    before: DesiredState | None
    """The tree at the base; `None`: nothing is compared."""

    today: date
    """The day in UTC."""

    @cached_property
    def tickets(self) -> tuple[Written[Ticket], ...]:
        """All tickets, by instrument and name."""
        tickets = self.desired.tickets
        return tuple(tickets[key] for key in sorted(tickets))

    @cached_property
    def adopted(self) -> tuple[Written[Ticket], ...]:
        """Tickets that are deployed."""
        return tuple(ticket for ticket in self.tickets if is_adopted(ticket))

    @cached_property
    def proposed(self) -> tuple[Written[Ticket], ...]:
        """Tickets that are being decided on.

        Those that are proposed or flagged; with a base also those that were
        not yet adopted there.  What was adopted before has been judged.
        """
        proposed = []
        for written in self.tickets:
            status = written.noun.approval.status
            if self.before is None:
                is_open = status in {ApprovalStatus.PROPOSED, ApprovalStatus.FLAGGED}
            else:
                # What is new in this change is decided on by it.
                earlier = self.before.tickets.get(written.noun.key)
                was_adopted = earlier and is_adopted(earlier)
                is_open = status is not ApprovalStatus.REJECTED and not was_adopted
            if is_open:
                proposed.append(written)
        return tuple(proposed)

    @cached_property
    def sealed(self) -> tuple[tuple[Written[Ticket], Seal], ...]:
        """Tickets with their seals."""
        sealed = []
        for ticket in self.tickets:
            seal = self.desired.seals.get(ticket.noun.key)
            if seal:
                sealed.append((ticket, seal.noun))
        return tuple(sealed)

    @cached_property
    def products(self) -> Mapping[TicketKey, frozenset[str] | None]:
        """What each ticket brings: ``flat``, ``ptc`` …; `None`: unknown.

        A seal tells it; else the names of the collections do, and those of
        bare tickets tell nothing.
        """
        products: dict[TicketKey, frozenset[str] | None] = {}
        for written in self.tickets:
            ticket = written.noun
            names = self._names_of_products(ticket)
            if names is None:
                products[ticket.key] = None
            else:
                products[ticket.key] = frozenset(map(product_of, names))
        return products

    def _names_of_products(self, ticket: Ticket) -> set[str] | None:
        """Return names of dataset types, or ends of names of collections."""
        names: set[str] = set()
        seal = self.desired.seals.get(ticket.key)
        if seal:
            for sealed in seal.noun.collections.values():
                names.update(sealed.types)
            return names
        if ticket.bare:
            return None
        for collection in ticket.collections:
            _, _, last = collection.rpartition("/")
            names.add(last)
        return names

    def where_it_was(self, key: TicketKey) -> Where:
        """Return where a ticket is declared, or was at the base."""
        if ticket := self.desired.tickets.get(key):
            return ticket.lines.at("ticket")
        assert self.before, "only what a base declared can be gone"
        return self.before.tickets[key].lines.at("ticket")

    def entry_of(self, chain: Written[ChainFile]) -> Mapping[str, int]:
        """Return which entry of a chain each of its children comes from."""
        entries: dict[str, int] = {}
        for index, entry in enumerate(chain.noun.entries):
            if isinstance(entry, ExternalEntry):
                entries.setdefault(entry.external, index)
                continue
            meaning = self.desired.meaning(entry, chain.noun.instrument)
            if meaning is None:
                continue
            for child in meaning.children:
                # Only the first place of a child counts in a search.
                entries.setdefault(child, index)
        return entries


def is_adopted(ticket: Written[Ticket]) -> bool:
    """Return whether a ticket is to be deployed."""
    return ticket.noun.approval.status is ApprovalStatus.ADOPTED


def of_ticket(ticket: Ticket, *more: str) -> frozenset[str]:
    """Return by what names an exception may be made for a ticket."""
    names = {ticket.ticket, ticket.name, *more}
    if ticket.approval.captured:
        names.add(CAPTURED)
    return frozenset(names)


def collection_at(ticket: Written[Ticket], index: int) -> Where:
    """Return where a ticket lists one of its collections."""
    key = "bare" if ticket.noun.bare else "collections"
    return ticket.lines.at(key, index)
