"""What the rules look at, what they find, and what a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from ...errors import Where
from ...model.chains import ChainFile, ExternalEntry
from ...model.desired import DesiredState, Written
from ...model.names import TicketKey
from ...model.policy import Level
from ...model.seals import Seal
from ...model.tickets import ApprovalStatus, Ticket
from .products import product_of

__all__ = ["Finding", "Judged", "Rule", "collection_at", "of_ticket"]


@dataclass(frozen=True)
class Finding:
    """Something that a reviewer should look at."""

    where: Where
    """The line."""

    detail: str
    """What is so here, and why it matters."""

    hint: str
    """How to mend it."""

    of: frozenset[str]
    """Tickets, chains and repositories for which an exception may be made."""


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
        return tuple(self.desired.tickets[key] for key in sorted(self.desired.tickets))

    @cached_property
    def adopted(self) -> tuple[Written[Ticket], ...]:
        """Tickets that are deployed."""
        return tuple(t for t in self.tickets if t.noun.approval.status is ApprovalStatus.ADOPTED)

    @cached_property
    def proposed(self) -> tuple[Written[Ticket], ...]:
        """Tickets that are being decided on.

        Those that are proposed or flagged; with a base also those that were
        not yet adopted there.  What was adopted before has been asked.
        """
        undecided = {ApprovalStatus.PROPOSED, ApprovalStatus.FLAGGED}
        if self.before is None:
            return tuple(t for t in self.tickets if t.noun.approval.status in undecided)
        return tuple(
            t
            for t in self.tickets
            if t.noun.approval.status is not ApprovalStatus.REJECTED and not self._was_adopted(t.noun.key)
        )

    @cached_property
    def sealed(self) -> tuple[tuple[Written[Ticket], Seal], ...]:
        """Tickets with their seals."""
        return tuple(
            (ticket, self.desired.seals[ticket.noun.key].noun)
            for ticket in self.tickets
            if ticket.noun.key in self.desired.seals
        )

    @cached_property
    def products(self) -> Mapping[TicketKey, frozenset[str] | None]:
        """What each ticket brings: ``flat``, ``ptc`` …; `None`: unknown.

        A seal tells it; else the names of the collections do, and those of
        bare tickets tell nothing.
        """
        return {ticket.noun.key: self._products(ticket.noun) for ticket in self.tickets}

    def where_it_was(self, key: TicketKey) -> Where:
        """Return where a ticket is declared, or was at the base."""
        if ticket := self.desired.tickets.get(key):
            return ticket.lines.at("ticket")
        assert self.before, "only what a base declared can be gone"
        return self.before.tickets[key].lines.at("ticket")

    def entry_of(self, chain: Written[ChainFile]) -> Mapping[str, int]:
        """Return which entry of a chain each of its children comes from."""
        return dict(reversed(list(_children(self.desired, chain.noun))))

    def _was_adopted(self, key: TicketKey) -> bool:
        then = self.before.tickets.get(key) if self.before else None
        return then is not None and then.noun.approval.status is ApprovalStatus.ADOPTED

    def _products(self, ticket: Ticket) -> frozenset[str] | None:
        if seal := self.desired.seals.get(ticket.key):
            types = {name for sealed in seal.noun.collections.values() for name in sealed.types}
            return frozenset(product_of(name) for name in types)
        if ticket.bare:
            return None
        return frozenset(product_of(name.rpartition("/")[2]) for name in ticket.collections)


Judgement = Callable[[Judged], Iterator[Finding]]


@dataclass(frozen=True)
class Rule:
    """One rule of the policy."""

    code: str
    """A family's letter and three digits."""

    name: str
    """A short word for it."""

    level: Level
    """How much it weighs unless the settings say otherwise."""

    title: str
    """The summary of what it finds: fixed words."""

    reference: str
    """Where it comes from."""

    judge: Judgement
    """What looks for it."""

    @property
    def needs_base(self) -> bool:
        """Whether it compares with a base."""
        return self.code.startswith("C")


def of_ticket(ticket: Ticket, *more: str) -> frozenset[str]:
    """Return by what names an exception may be made for a ticket."""
    return frozenset({ticket.ticket, ticket.name, *more})


def collection_at(ticket: Written[Ticket], index: int) -> Where:
    """Return where a ticket lists one of its collections."""
    return ticket.lines.at("bare" if ticket.noun.bare else "collections", index)


def _children(desired: DesiredState, chain: ChainFile) -> Iterator[tuple[str, int]]:
    for index, entry in enumerate(chain.entries):
        if isinstance(entry, ExternalEntry):
            yield entry.external, index
        elif meaning := desired.meaning(entry, chain.instrument):
            yield from ((child, index) for child in meaning.children)
