"""Describe a live chain in the words of a state tree.

Each collection that is reached is one thing everywhere: a ticket collection,
a collection of a bare ticket, a chain, or what others make.  What files
declare already stays what they declare.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from graphlib import TopologicalSorter

from ..errors import Diagnostic, Where
from ..model.chains import Entry, ExternalEntry
from ..model.contents import CollectionType
from ..model.desired import DesiredState
from ..model.names import InstrumentName, TicketKey, collection_name_problem, spelled
from ..model.results.captures import ChildFound
from ..model.tickets import Approval, Ticket
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
        chains: list[str] = []
        for name, role in self.roles.items():
            if role is Role.CHAIN and name not in self.apart:
                chains.append(name)
        return chains

    @property
    def inner_chains_first(self) -> list[str]:
        """Chains, those within others before these."""
        chains = self.chains
        order: TopologicalSorter[str] = TopologicalSorter()
        for name in chains:
            order.add(name)
            for child in self.live.children(name):
                if child in chains:
                    order.add(name, child)
        return list(order.static_order())

    @property
    def children(self) -> Iterator[ChildFound]:
        """Children of the chains, each with what it is declared as."""
        for chain in self.chains:
            for child in self.live.children(chain):
                role = self.roles[child]
                words = role.value
                if role is Role.TICKET:
                    ticket = self.tickets[child]
                    words = f"ticket {ticket.ticket}"
                elif role is Role.BARE:
                    ticket = self.tickets[child]
                    words = f"collection of the bare ticket {ticket.ticket}"
                holds = self.live.remark(child)
                yield ChildFound(
                    chain,
                    child,
                    declared_as=words,
                    holds=holds,
                )

    @property
    def remarks(self) -> Mapping[str, str]:
        """What collections and tickets hold, for comments in files."""
        remarks: dict[str, str] = {}
        for name in self.live.collections:
            remarks[name] = self.live.remark(name)
        for name, ticket in self.tickets.items():
            number = len(ticket.leaves)
            if number > 1:
                remarks[ticket.ticket] = f"{number} collections"
            elif name == ticket.collection:
                remarks[ticket.ticket] = "1 collection"
            else:
                # A ticket of one bare collection holds what that holds.
                remarks[ticket.ticket] = self.live.remark(name)
        return remarks

    @property
    def reached(self) -> list[Ticket]:
        """Tickets that are reached, declared before or not."""
        tickets: dict[TicketKey, Ticket] = {}
        # Several collections may belong to one ticket.
        for ticket in self.tickets.values():
            tickets[ticket.key] = ticket
        return list(tickets.values())

    def entries(self, children: Sequence[str]) -> list[Entry]:
        """Return entries of a chain that say some children in their order."""
        entries: list[Entry] = []
        rest = tuple(children)
        while rest:
            name = rest[0]
            number = 1
            entry: Entry = name
            ticket = self.tickets.get(name)
            if self.roles.get(name) is Role.EXTERNAL:
                here = self.live.address
                entry = ExternalEntry(external=name, only=(here,))
            elif ticket and rest[: len(ticket.children)] == ticket.children:
                # One word stands for all children of the ticket.
                number = len(ticket.children)
                entry = ticket.ticket
            entries.append(entry)
            rest = rest[number:]
        return entries


def describe(
    live: Live,
    desired: DesiredState,
    instrument: InstrumentName,
    roots: Sequence[str],
    approval: Approval,
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
    approval
        That of new tickets.
    """
    description = Description(live, instrument)
    describer = _Describer(
        description,
        live,
        desired,
        instrument,
        tuple(roots),
        approval,
    )
    describer.walk()
    describer.add_bare_tickets()
    return description


@dataclass
class _Describer:
    """Fills a description, one collection after the other."""

    description: Description
    live: Live
    desired: DesiredState
    instrument: InstrumentName

    roots: tuple[str, ...]
    """The chains that are asked for."""

    approval: Approval
    """That of new tickets."""

    def walk(self) -> None:
        """Give each collection its role, chains before what they hold."""
        waiting = list(reversed(self.roots))
        while waiting:
            name = waiting.pop()
            # Whatever is reached again is what it was before.
            if name in self.description.roles:
                continue
            if name not in self.live.collections:
                continue
            role = self._role(name)
            if role is None:
                continue
            self.description.roles[name] = role
            if role is not Role.CHAIN:
                continue
            if self._is_of_another_instrument(name):
                self.description.apart.add(name)
            else:
                # The last one waiting is taken first: children in their order.
                children = self.live.children(name)
                waiting.extend(reversed(children))

    def _is_of_another_instrument(self, name: str) -> bool:
        """Say whether a chain is declared here for another instrument."""
        declared = self.desired.chains.get(name)
        if declared is None:
            return False
        if declared.noun.instrument == self.instrument:
            return False
        return self.desired.expects(declared.noun.only, self.live.address)

    def add_bare_tickets(self) -> None:
        """Declare tickets for the collections that stand alone.

        Collections that have a ticket's word in their name become one ticket.
        """
        taken = {ticket.ticket for ticket in self.description.new}
        collections_of: defaultdict[str, list[str]] = defaultdict(list)
        for collection, role in self.description.roles.items():
            if role is not Role.BARE:
                continue
            if collection in self.description.tickets:
                continue
            word = self._names.name_in(collection)
            if word is None or word in taken:
                others = taken | collections_of.keys()
                word = self._names.invented(collection, others)
                # Nothing else joins a ticket whose name was invented.
                taken.add(word)
            collections_of[word].append(collection)
        for word, collections in collections_of.items():
            ticket = Ticket(
                ticket=word,
                instrument=self.instrument,
                approval=self.approval,
                bare=tuple(collections),
            )
            self.description.new.append(ticket)
            for collection in collections:
                self.description.tickets[collection] = ticket

    def _role(self, name: str) -> Role | None:
        """Return what a collection is; `None` where the files cannot say."""
        problem = collection_name_problem(name)
        if problem:
            detail = f"{spelled(name)}: {problem}."
            self._refuse("Name that no file can give", detail)
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
        if name not in self.live.holdings:
            return Role.EXTERNAL
        # Nobody certifies through a TAGGED collection; others tag.
        if self.live.collections[name].type is CollectionType.TAGGED:
            return Role.EXTERNAL
        return Role.BARE

    def _role_as_declared(self, name: str) -> Role | None:
        """Return what files say of a collection, if it is that here."""
        ticket = self._declared[name]
        if ticket is None and self.live.is_chain(name):
            return Role.CHAIN
        if ticket is None:
            kind = self.live.collections[name].type.value
            here = self.live.address
            self._refuse(
                "Declared as something else",
                f"`{name}` is declared as a chain, and is a {kind} collection at {here}.",
                self.desired.chains[name].lines.value_at("chain"),
            )
            return None
        difference = self._difference(ticket, name)
        if difference:
            lines = self.desired.tickets[ticket.key].lines
            self._refuse(
                "Declared as something else",
                difference,
                lines.at("ticket"),
            )
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
                f"`{name}` belongs to the ticket {ticket.name}, "
                f"and a chain of {self.instrument} searches it {here}; "
                "a chain lists tickets of its own instrument only."
            )
        if name == ticket.collection:
            children = self.live.children(name)
            if children != ticket.leaves:
                word = ticket.ticket
                listed = ", ".join(ticket.leaves)
                live = ", ".join(children) or "empty"
                return (
                    f"{word} lists {listed}; {here} it is {live}. What a ticket holds is the same everywhere."
                )
        elif name not in ticket.bare:
            return (
                f"`{name}` is declared as a part of {ticket.ticket}, "
                f"and {here} a chain searches it by itself; "
                "that can be said of a ticket with `bare` only."
            )
        elif name not in self.live.holdings:
            word = ticket.ticket
            return f"`{name}` is declared as a collection of {word}, and holds nothing {here}."
        return ""

    def _as_ticket(self, name: str) -> Ticket | None:
        """Return the ticket that a chain is, if it can be one."""
        word = self._names.name_in(name)
        if word is None:
            return None
        if name != self._names.prefix + word:
            return None
        # A chain that is asked for, and stands in no other, stays a chain.
        if name in self.roots and name not in self._chains_with:
            return None
        leaves = self.live.children(name)
        if not leaves:
            return None
        names: list[str] = []
        for leaf in leaves:
            if not self._is_part(leaf, name):
                return None
            short = leaf.removeprefix(f"{name}/")
            # What begins with the instrument would be taken for a full name.
            if short.startswith(f"{self.instrument}/"):
                names.append(leaf)
            else:
                names.append(short)
        return Ticket(
            ticket=word,
            instrument=self.instrument,
            approval=self.approval,
            collections=tuple(names),
        )

    def _is_part(self, leaf: str, collection: str) -> bool:
        """Say whether a collection is a ticket collection's, and no more."""
        if leaf not in self.live.holdings:
            return False
        # Nobody else has it: it stands in this chain alone, and in no file.
        return (
            self.live.collections[leaf].type is not CollectionType.TAGGED
            and leaf.startswith(f"{self.instrument}/")
            and not collection_name_problem(leaf)
            and self._chains_with.get(leaf) == {collection}
            and leaf not in self.roots
            and leaf not in self._declared
            and leaf not in self._external
        )

    def _refuse(
        self,
        summary: str,
        detail: str,
        where: Where | None = None,
    ) -> None:
        diagnostic = Diagnostic(summary, detail, where)
        self.description.refused.append(diagnostic)

    @cached_property
    def _names(self) -> TicketNames:
        return TicketNames(self.live, self.desired, self.instrument)

    @cached_property
    def _chains_with(self) -> Mapping[str, set[str]]:
        """The chains in which each collection stands."""
        chains: defaultdict[str, set[str]] = defaultdict(set)
        for name, collection in self.live.collections.items():
            for child in collection.children:
                chains[child].add(name)
        # Only those are in it that stand in a chain.
        return dict(chains)

    @cached_property
    def _declared(self) -> Mapping[str, Ticket | None]:
        """What files declare: of which ticket it is; `None` for a chain."""
        declared: dict[str, Ticket | None] = {}
        for name in self.desired.chains:
            declared[name] = None
        for written in self.desired.tickets.values():
            ticket = written.noun
            for leaf in ticket.leaves:
                declared[leaf] = ticket
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
