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
        calibrations = f"{self.instrument}/calib"
        chains = self.desired.chains_of(self.instrument)
        return sorted(chains, key=lambda chain: chain.noun.chain != calibrations)

    @cached_property
    def chain_names(self) -> frozenset[CollectionName]:
        """Names of those chains."""
        return frozenset(chain.noun.chain for chain in self.chains)

    @cached_property
    def tickets(self) -> Mapping[str, Ticket]:
        """The tickets that are asked for, by name."""
        # A ticket that was not asked for has no row.
        tickets: dict[str, Ticket] = {}
        for written in self.desired.tickets_of(self.instrument):
            ticket = written.noun
            if self.scope.has_ticket(ticket.key):
                tickets[ticket.ticket] = ticket
        return tickets

    def ticket_of(self, written: Written[Ticket] | None) -> Ticket | None:
        """Return a ticket that has a row here; `None`: it has none."""
        if written is None or written.noun.instrument != self.instrument:
            return None
        return self.tickets.get(written.noun.ticket)

    @cached_property
    def listed(self) -> Mapping[CollectionName, Mapping[RowKey, None]]:
        """What the entries of each chain name, in their order."""
        listed: dict[CollectionName, Mapping[RowKey, None]] = {}
        for chain in self.chains:
            listed[chain.noun.chain] = dict.fromkeys(self._entries(chain.noun))
        return listed

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
        # A dictionary keeps the order, and each name once.
        externals: dict[CollectionName, None] = {}
        for chain in self.chains:
            for entry in chain.noun.entries:
                if isinstance(entry, ExternalEntry):
                    externals[entry.external] = None
        return list(externals)

    @cached_property
    def retired(self) -> list[CollectionName]:
        """Collections that are retired and belong to no ticket."""
        retired = []
        for word in self._retired_words:
            if self.desired.meaning(word, self.instrument) is None:
                retired.append(word)
        return retired

    @cached_property
    def _retired_words(self) -> Mapping[str, None]:
        """What the chains' files list as retired, in their order."""
        words: dict[str, None] = {}
        for chain in self.chains:
            words.update(dict.fromkeys(chain.noun.retired))
        return words

    @cached_property
    def by_child(self) -> Mapping[CollectionName, RowKey]:
        """The row of each child of a chain."""
        rows: dict[CollectionName, RowKey] = {}
        # Of two rows of a name the later counts: a ticket before all others.
        for name in self.retired:
            rows[name] = RowKey(Subject.COLLECTION, name)
        for name in self.externals:
            rows[name] = RowKey(Subject.EXTERNAL, name)
        for chain in self.chains:
            rows[chain.noun.chain] = RowKey(Subject.CHAIN, chain.noun.chain)
        for ticket in self.tickets.values():
            rows.update(dict.fromkeys(ticket.children, RowKey.of(ticket)))
        return rows

    @cached_property
    def tickets_in_search_order(self) -> list[Ticket]:
        """The tickets: listed ones, others, and retired ones."""
        listed: dict[str, None] = {}
        for rows in self.listed.values():
            for row in rows:
                if row.subject is Subject.TICKET:
                    listed[row.name] = None
        retired: dict[str, None] = {}
        for word in self._retired_words:
            meaning = self.desired.meaning(word, self.instrument)
            if meaning and meaning.ticket:
                retired[meaning.ticket.noun.ticket] = None
        others = [name for name in self.tickets if name not in listed and name not in retired]
        # One that is listed and retired stands where it is listed.
        ordered = dict.fromkeys((*listed, *others, *retired))
        return [self.tickets[name] for name in ordered if name in self.tickets]
