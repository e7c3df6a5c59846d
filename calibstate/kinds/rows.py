"""What the status table of one instrument has rows for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from ..model.chains import ChainFile, ExternalEntry
from ..model.desired import DesiredState, Written
from ..model.names import CollectionName, InstrumentName
from ..model.scope import Scope
from ..model.status import RowKey, Subject
from ..model.tickets import Ticket

__all__ = ["TableRows"]


@dataclass(frozen=True)
class TableRows:
    """Tickets, chains and collections of one instrument."""

    desired: DesiredState
    scope: Scope
    """What is asked for."""

    instrument: InstrumentName

    @cached_property
    def chains(self) -> list[Written[ChainFile]]:
        """The instrument's chains, that of its calibrations first."""
        ours = self.desired.chains_of(self.instrument)
        return sorted(ours, key=lambda chain: chain.noun.chain != f"{self.instrument}/calib")

    @cached_property
    def chain_names(self) -> frozenset[CollectionName]:
        """Names of those chains."""
        return frozenset(chain.noun.chain for chain in self.chains)

    @cached_property
    def tickets(self) -> Mapping[str, Ticket]:
        """The tickets that are asked for, by name."""
        tickets = [written.noun for written in self.desired.tickets_of(self.instrument)]
        return {ticket.ticket: ticket for ticket in tickets if self.scope.has_ticket(ticket.key)}

    def ticket_of(self, written: Written[Ticket] | None) -> Ticket | None:
        """Return a ticket that has a row here; `None`: it has none."""
        if written is None or written.noun.instrument != self.instrument:
            return None
        return self.tickets.get(written.noun.ticket)

    @cached_property
    def listed(self) -> Mapping[CollectionName, Mapping[RowKey, None]]:
        """What the entries of each chain name, in their order."""
        return {chain.noun.chain: dict.fromkeys(self._entries(chain.noun)) for chain in self.chains}

    def _entries(self, chain: ChainFile) -> Iterator[RowKey]:
        for entry in chain.entries:
            if isinstance(entry, ExternalEntry):
                yield RowKey(Subject.EXTERNAL, entry.external)
                continue
            meaning = self.desired.meaning(entry, self.instrument)
            if meaning and meaning.ticket:
                yield RowKey.of(meaning.ticket.noun)
            elif meaning:
                yield RowKey(Subject.CHAIN, entry)

    @cached_property
    def externals(self) -> list[CollectionName]:
        """Collections that others make, in the order of the chains."""
        entries = [entry for chain in self.chains for entry in chain.noun.entries]
        return list(dict.fromkeys(e.external for e in entries if isinstance(e, ExternalEntry)))

    @cached_property
    def retired(self) -> list[CollectionName]:
        """Collections that are retired and belong to no ticket."""
        words = dict.fromkeys(word for chain in self.chains for word in chain.noun.retired)
        return [word for word in words if self.desired.meaning(word, self.instrument) is None]

    @cached_property
    def by_child(self) -> Mapping[CollectionName, RowKey]:
        """The row of each child of a chain."""
        rows = {name: RowKey(Subject.COLLECTION, name) for name in self.retired}
        rows |= {name: RowKey(Subject.EXTERNAL, name) for name in self.externals}
        rows |= {chain.noun.chain: RowKey(Subject.CHAIN, chain.noun.chain) for chain in self.chains}
        for ticket in self.tickets.values():
            rows |= dict.fromkeys(ticket.children, RowKey.of(ticket))
        return rows

    @cached_property
    def tickets_in_search_order(self) -> list[Ticket]:
        """The tickets: listed ones, others, and retired ones."""
        keys = [key for listed in self.listed.values() for key in listed]
        listed = dict.fromkeys(key.name for key in keys if key.subject is Subject.TICKET)
        words = [word for chain in self.chains for word in chain.noun.retired]
        meanings = [self.desired.meaning(word, self.instrument) for word in words]
        retired = dict.fromkeys(m.ticket.noun.ticket for m in meanings if m and m.ticket)
        others = [name for name in self.tickets if name not in listed and name not in retired]
        ordered = dict.fromkeys((*listed, *others, *retired))
        return [self.tickets[name] for name in ordered if name in self.tickets]
