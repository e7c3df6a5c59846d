"""Describe a live chain in the words of a state tree.

Each collection that is reached is one thing everywhere: a ticket collection,
a collection of a bare ticket, a chain, or what others make.  What files
declare already stays what they declare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from ..errors import Diagnostic
from ..model.chains import Entry, ExternalEntry
from ..model.contents import CollectionType
from ..model.desired import DesiredState
from ..model.names import InstrumentName, collection_name_problem
from ..model.tickets import Approval, ApprovalStatus, Ticket
from .live import Live
from .naming import TicketNames

__all__ = ["Description", "Role", "describe"]


class Role(Enum):
    """What a collection is to a state tree."""

    TICKET = "ticket"
    BARE = "collection of a bare ticket"
    CHAIN = "chain"
    EXTERNAL = "external"


@dataclass
class Description:
    """What the collections are that are reached from some chains."""

    live: Live
    instrument: InstrumentName
    roles: dict[str, Role] = field(default_factory=dict)
    """By collection, as they are reached."""

    tickets: dict[str, Ticket] = field(default_factory=dict)
    """The ticket that a collection is or belongs to."""

    new: list[Ticket] = field(default_factory=list)
    """Tickets that no file declares."""

    refused: list[Diagnostic] = field(default_factory=list)
    """What the files cannot say."""

    apart: set[str] = field(default_factory=set)
    """Chains that are declared for another instrument, and not looked into."""

    @property
    def chains(self) -> list[str]:
        """Chains, as they are reached."""
        return [name for name, role in self.roles.items() if role is Role.CHAIN and name not in self.apart]

    @property
    def reached(self) -> list[Ticket]:
        """Tickets that are reached, declared before or not."""
        by_key = {ticket.key: ticket for ticket in self.tickets.values()}
        return list(by_key.values())

    def entries(self, children: Sequence[str]) -> list[Entry]:
        """Return entries of a chain that say some children in their order."""
        entries: list[Entry] = []
        rest = tuple(children)
        while rest:
            name = rest[0]
            ticket = self.tickets.get(name)
            if self.roles.get(name) is Role.EXTERNAL:
                entries.append(ExternalEntry(external=name, only=(self.live.address,)))
                rest = rest[1:]
            elif ticket and rest[: len(ticket.children)] == ticket.children:
                # One word stands for all children of the ticket.
                entries.append(ticket.ticket)
                rest = rest[len(ticket.children) :]
            else:
                entries.append(name)
                rest = rest[1:]
        return entries


def describe(
    live: Live, desired: DesiredState, instrument: InstrumentName, roots: Sequence[str], note: str
) -> Description:
    """Describe what some chains and all that they reach are.

    Parameters
    ----------
    live
        What the repository showed.
    desired
        What is declared already.
    instrument
        Instrument of new tickets and chains.
    roots
        The chains that are asked for.
    note
        Where the approval of new tickets is recorded.
    """
    describer = _Describer(live, desired, instrument, tuple(roots), note, Description(live, instrument))
    describer.walk()
    describer.add_bare_tickets()
    return describer.description


@dataclass
class _Describer:
    """Fills a description, one collection after the other."""

    live: Live
    desired: DesiredState
    instrument: InstrumentName
    roots: tuple[str, ...]
    note: str
    description: Description

    def walk(self) -> None:
        """Give each collection its role, chains before what they hold."""
        waiting = list(reversed(self.roots))
        while waiting:
            name = waiting.pop()
            if name in self.description.roles or name not in self.live.collections:
                continue
            role = self._role(name)
            if role is None:
                continue
            self.description.roles[name] = role
            if role is not Role.CHAIN:
                continue
            declared = self.desired.chains.get(name)
            is_of_another = declared is not None and declared.noun.instrument != self.instrument
            if declared and is_of_another and self.desired.expects(declared.noun.only, self.live.address):
                self.description.apart.add(name)
            else:
                # The last one waiting is taken first: children in their order.
                waiting.extend(reversed(self.live.children(name)))

    def add_bare_tickets(self) -> None:
        """Declare tickets for the collections that stand alone.

        Collections that have a ticket's word in their name become one ticket.
        """
        taken = {ticket.ticket for ticket in self.description.new}
        collections_of: dict[str, list[str]] = {}
        for collection, role in self.description.roles.items():
            if role is not Role.BARE or collection in self.description.tickets:
                continue
            word = self._names.name_in(collection)
            if word is None or word in taken:
                word = self._names.invented(collection, taken | collections_of.keys())
                # Nothing else joins a ticket whose name was invented.
                taken.add(word)
            collections_of.setdefault(word, []).append(collection)
        for word, collections in collections_of.items():
            ticket = Ticket(
                ticket=word, instrument=self.instrument, approval=self._approval, bare=tuple(collections)
            )
            self.description.new.append(ticket)
            self.description.tickets.update(dict.fromkeys(collections, ticket))

    def _role(self, name: str) -> Role | None:
        """Return what a collection is; `None` where the files cannot say."""
        problem = collection_name_problem(name)
        if problem:
            self._refuse("Name that no file can give", f"`{name}`: {problem}.")
            return None
        if name in self._external:
            return Role.EXTERNAL
        if name in self._declared:
            return self._role_as_declared(name)
        if self.live.is_chain(name):
            ticket = self._as_ticket(name)
            if ticket is None:
                return Role.CHAIN
            self.description.tickets[name] = ticket
            self.description.new.append(ticket)
            return Role.TICKET
        if self.live.collections[name].type is CollectionType.TAGGED or name not in self.live.holdings:
            return Role.EXTERNAL
        return Role.BARE

    def _role_as_declared(self, name: str) -> Role | None:
        """Return what files say of a collection, if it is that here."""
        ticket = self._declared[name]
        if ticket is None and self.live.is_chain(name):
            return Role.CHAIN
        if ticket is None:
            kind = self.live.collections[name].type.value
            self.description.refused.append(
                Diagnostic(
                    "Declared as something else",
                    f"`{name}` is declared as a chain, and is a {kind} collection at {self.live.address}.",
                    self.desired.chains[name].lines.value_at("chain"),
                )
            )
            return None
        difference = self._difference(ticket, name)
        if difference:
            where = self.desired.tickets[ticket.key].lines.at("ticket")
            self.description.refused.append(Diagnostic("Declared as something else", difference, where))
            return None
        self.description.tickets[name] = ticket
        if name == ticket.collection:
            return Role.TICKET
        return Role.BARE

    def _difference(self, ticket: Ticket, name: str) -> str:
        """Say in what a collection is not what its ticket says of it."""
        here = f"at {self.live.address}"
        if ticket.instrument != self.instrument:
            return (
                f"`{name}` belongs to the ticket {ticket.name}, and a chain of {self.instrument} searches it "
                f"{here}; a chain lists tickets of its own instrument only."
            )
        if name == ticket.collection:
            children = self.live.children(name)
            if children != ticket.leaves:
                return (
                    f"{ticket.ticket} lists {', '.join(ticket.leaves)}; {here} it is "
                    f"{', '.join(children) or 'empty'}. What a ticket holds is the same everywhere."
                )
        elif name not in ticket.bare:
            return (
                f"`{name}` is declared as a part of {ticket.ticket}, and {here} a chain searches it by "
                "itself; that can be said of a ticket with `bare` only."
            )
        elif name not in self.live.holdings:
            return f"`{name}` is declared as a collection of {ticket.ticket}, and holds nothing {here}."
        return ""

    def _as_ticket(self, name: str) -> Ticket | None:
        """Return the ticket that a chain is, if it can be one."""
        word = self._names.name_in(name)
        if word is None or name != f"{self._names.prefix}{word}":
            return None
        # A chain that is asked for, and stands in no other, stays a chain.
        if name in self.roots and name not in self._chains_with:
            return None
        leaves = self.live.children(name)
        if not leaves or not all(self._is_part(leaf, name) for leaf in leaves):
            return None
        names: list[str] = []
        for leaf in leaves:
            inside = leaf.removeprefix(f"{name}/")
            # What begins with the instrument would be taken for a full name.
            names.append(leaf if inside.startswith(f"{self.instrument}/") else inside)
        return Ticket(
            ticket=word, instrument=self.instrument, approval=self._approval, collections=tuple(names)
        )

    def _is_part(self, leaf: str, collection: str) -> bool:
        """Say whether a collection is a ticket collection's, and no more."""
        return (
            leaf in self.live.holdings
            and self.live.collections[leaf].type in {CollectionType.CALIBRATION, CollectionType.RUN}
            and leaf.startswith(f"{self.instrument}/")
            and not collection_name_problem(leaf)
            and self._chains_with.get(leaf) == {collection}
            and leaf not in self.roots
            and leaf not in self._declared
            and leaf not in self._external
        )

    def _refuse(self, summary: str, detail: str) -> None:
        self.description.refused.append(Diagnostic(summary, detail))

    @cached_property
    def _names(self) -> TicketNames:
        return TicketNames(self.live, self.desired, self.instrument)

    @cached_property
    def _approval(self) -> Approval:
        return Approval(status=ApprovalStatus.ADOPTED, note=self.note)

    @cached_property
    def _chains_with(self) -> Mapping[str, set[str]]:
        """The chains in which each collection stands."""
        chains: dict[str, set[str]] = {}
        for name, collection in self.live.collections.items():
            for child in collection.children:
                chains.setdefault(child, set()).add(name)
        return chains

    @cached_property
    def _declared(self) -> Mapping[str, Ticket | None]:
        """What files declare: of which ticket it is; `None` for a chain."""
        declared: dict[str, Ticket | None] = dict.fromkeys(self.desired.chains)
        for written in self.desired.tickets.values():
            ticket = written.noun
            declared.update(dict.fromkeys(ticket.leaves, ticket))
            if ticket.collection:
                declared[ticket.collection] = ticket
        return declared

    @cached_property
    def _external(self) -> frozenset[str]:
        """What files say that others make."""
        names: set[str] = set()
        for written in self.desired.chains.values():
            names.update(written.noun.external)
        return frozenset(names)
