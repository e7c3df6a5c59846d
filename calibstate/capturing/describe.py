"""Tell what a live chain is made of, in the words of a state tree.

Each collection that is reached is one thing everywhere: a ticket collection,
a collection of a bare ticket, a chain, or what others make.  What files
declare already stays what they declare.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from itertools import chain, count

from ..errors import Diagnostic
from ..model.chains import Entry, ExternalEntry
from ..model.contents import CollectionType, Holding
from ..model.desired import DesiredState
from ..model.names import InstrumentName, RepositoryAddress, collection_name_problem
from ..model.tickets import Approval, ApprovalStatus, Ticket
from ..model.timespans import EMPTY, format_range
from ..ports.butler import ButlerReader, SeenCollection

__all__ = ["Description", "Live", "Role", "describe", "look_closely"]


@dataclass(frozen=True)
class Live:
    """What a repository showed."""

    address: RepositoryAddress
    seen: Mapping[str, SeenCollection]
    """Collections that exist."""

    held: Mapping[str, Holding]
    """What those hold that hold calibrations."""

    def children(self, name: str) -> tuple[str, ...]:
        """Return the children of a chain; none where it does not exist."""
        return self.seen[name].children if name in self.seen else ()

    def is_chain(self, name: str) -> bool:
        """Say whether a collection exists and is CHAINED."""
        return name in self.seen and self.seen[name].type is CollectionType.CHAINED

    def has(self, ticket: Ticket) -> bool:
        """Say whether a ticket's collections are there, with something."""
        whole = all(leaf in self.held for leaf in ticket.leaves)
        return whole and (ticket.collection is None or self.children(ticket.collection) == ticket.leaves)

    def remark(self, name: str) -> str:
        """Say what a collection is, for a comment."""
        seen, holding = self.seen.get(name), self.held.get(name)
        if seen is None:
            return "does not exist"
        if seen.children:
            number = len(seen.children)
            return f"{seen.type.value}: {number} {'collection' if number == 1 else 'collections'}"
        if holding is None:
            return f"{seen.type.value}{_without(seen.type)}"
        return f"{seen.type.value}: {', '.join(_counts(holding))}"


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
        return [n for n, role in self.roles.items() if role is Role.CHAIN and n not in self.apart]

    @property
    def found(self) -> list[Ticket]:
        """Tickets that are reached, declared before or not."""
        return list({ticket.key: ticket for ticket in self.tickets.values()}.values())

    def entries(self, children: Sequence[str]) -> list[Entry]:
        """Return entries of a chain that say some children in their order."""
        entries: list[Entry] = []
        at = 0
        while at < len(children):
            entry, number = self._entry(children, at)
            entries.append(entry)
            at += number
        return entries

    def _entry(self, children: Sequence[str], at: int) -> tuple[Entry, int]:
        """Return the entry that stands for the next children, and how many."""
        name = children[at]
        ticket = self.tickets.get(name)
        if self.roles.get(name) is Role.EXTERNAL:
            return ExternalEntry(external=name, only=(self.live.address,)), 1
        if ticket and tuple(children[at : at + len(ticket.children)]) == ticket.children:
            return ticket.ticket, len(ticket.children)
        return name, 1


def look_closely(
    butler: ButlerReader,
    address: RepositoryAddress,
    roots: Iterable[str],
    others: Iterable[str] = (),
    *,
    read: Container[str] | None = None,
) -> Live:
    """Look at chains, all that they reach, and what of it are calibrations.

    Parameters
    ----------
    butler
        The repository.
    address
        Its address.
    roots
        Chains to look into.
    others
        Collections to look at alone.
    read
        Collections whose content matters; `None`: all.
    """
    seen: dict[str, SeenCollection] = dict(butler.collections(sorted(set(others))))
    reached: dict[str, SeenCollection] = {}
    level = set(roots)
    while level:
        found = butler.collections(sorted(level))
        reached.update(found)
        level = {child for one in found.values() for child in one.children} - reached.keys()
    seen |= reached
    leaves = {name: one for name, one in seen.items() if one.type is not CollectionType.CHAINED}
    alone = {name: one for name, one in leaves.items() if read is None or name in read}
    certified = [name for name, one in alone.items() if one.type is CollectionType.CALIBRATION]
    # A RUN of raws is not read to find that it holds no calibration.
    others_held = butler.holdings([name for name in alone if name not in certified], calibrations_only=True)
    runs = [name for name, holding in others_held.items() if holding.rows]
    held = {**butler.holdings([*certified, *runs])} if certified or runs else {}
    return Live(address, seen, {name: holding for name, holding in held.items() if holding.rows})


def describe(
    live: Live, desired: DesiredState, instrument: InstrumentName, roots: Sequence[str], note: str
) -> Description:
    """Tell what some chains and all that they reach are.

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
    return _Describer(live, desired, instrument, tuple(roots), note).describe()


@dataclass
class _Describer:
    live: Live
    desired: DesiredState
    instrument: InstrumentName
    roots: tuple[str, ...]
    note: str

    def describe(self) -> Description:
        told = Description(self.live, self.instrument)
        for name in self.roots:
            self._walk(name, told)
        self._add_bare(told)
        return told

    def _walk(self, root: str, told: Description) -> None:
        """Tell what each collection is, chains before what they hold."""
        waiting = [root]
        while waiting:
            name = waiting.pop()
            if name in told.roles or name not in self.live.seen:
                continue
            role = self._role(name, told)
            if role is None:
                continue
            told.roles[name] = role
            if role is Role.CHAIN and self._is_of_another(name):
                told.apart.add(name)
            elif role is Role.CHAIN:
                waiting.extend(reversed(self.live.children(name)))

    def _is_of_another(self, name: str) -> bool:
        """Say whether a chain is declared here for another instrument."""
        if name not in self.desired.chains:
            return False
        chain = self.desired.chains[name].noun
        return chain.instrument != self.instrument and self.desired.expects(chain.only, self.live.address)

    def _role(self, name: str, told: Description) -> Role | None:
        """Return what a collection is; `None` where the files cannot say."""
        if problem := collection_name_problem(name):
            told.refused.append(Diagnostic("Name that no file can give", f"`{name}`: {problem}."))
            return None
        if name in self._external:
            return Role.EXTERNAL
        if name in self._declared:
            return self._role_as_declared(name, told)
        if self.live.is_chain(name):
            return self._role_of_chain(name, told)
        if self.live.seen[name].type is CollectionType.TAGGED or name not in self.live.held:
            return Role.EXTERNAL
        return Role.BARE

    def _role_as_declared(self, name: str, told: Description) -> Role | None:
        """Return what files say of a collection, if it is that here."""
        said = self._declared[name]
        if said is None:
            if self.live.is_chain(name):
                return Role.CHAIN
            where = self.desired.chains[name].lines.value_at("chain")
            kind = self.live.seen[name].type.value
            detail = f"`{name}` is declared as a chain, and is a {kind} collection at {self.live.address}."
            told.refused.append(Diagnostic("Declared as something else", detail, where))
            return None
        if problem := self._unlike(said, name):
            where = self.desired.tickets[said.key].lines.at("ticket")
            told.refused.append(Diagnostic("Declared as something else", problem, where))
            return None
        told.tickets[name] = said
        return Role.TICKET if name == said.collection else Role.BARE

    def _unlike(self, ticket: Ticket, name: str) -> str:
        """Say in what a collection is not what its ticket says of it."""
        here = f"at {self.live.address}"
        if ticket.instrument != self.instrument:
            return (
                f"`{name}` belongs to the ticket {ticket.name}, and a chain of {self.instrument} searches it "
                f"{here}; a chain lists tickets of its own instrument only."
            )
        if name == ticket.collection:
            if (have := self.live.children(name)) != ticket.leaves:
                return (
                    f"{ticket.ticket} lists {', '.join(ticket.leaves)}; {here} it is "
                    f"{', '.join(have) or 'empty'}. What a ticket holds is the same everywhere."
                )
        elif name not in ticket.bare:
            return (
                f"`{name}` is declared as a part of {ticket.ticket}, and {here} a chain searches it by "
                "itself; that can be said of a ticket with `bare` only."
            )
        elif name not in self.live.held:
            return f"`{name}` is declared as a collection of {ticket.ticket}, and holds nothing {here}."
        return ""

    def _role_of_chain(self, name: str, told: Description) -> Role:
        ticket = self._as_ticket(name)
        if ticket is None:
            return Role.CHAIN
        told.tickets[name] = ticket
        told.new.append(ticket)
        return Role.TICKET

    def _as_ticket(self, name: str) -> Ticket | None:
        """Return the ticket that a chain is, if it can be one."""
        word, leaves = self._word_in(name), self.live.children(name)
        if word is None or name != f"{self._calib}{word}" or (name in self.roots and name not in self._above):
            return None
        if not leaves or not all(self._is_part(leaf, name) for leaf in leaves):
            return None
        names = tuple(self._relative(leaf, name) for leaf in leaves)
        return Ticket(ticket=word, instrument=self.instrument, approval=self._approval, collections=names)

    def _is_part(self, leaf: str, of: str) -> bool:
        """Say whether a collection can be one of a ticket, and no more."""
        return (
            leaf in self.live.held
            and self.live.seen[leaf].type in {CollectionType.CALIBRATION, CollectionType.RUN}
            and leaf.startswith(f"{self.instrument}/")
            and not collection_name_problem(leaf)
            and self._above.get(leaf) == {of}
            and leaf not in self.roots
            and leaf not in self._declared
            and leaf not in self._external
        )

    def _relative(self, leaf: str, collection: str) -> str:
        """Return how a ticket names a collection of its own."""
        inside = leaf.removeprefix(f"{collection}/")
        # What begins with the instrument would be taken for a full name.
        return leaf if inside.startswith(f"{self.instrument}/") else inside

    def _add_bare(self, told: Description) -> None:
        """Tell of which tickets the collections are that stand alone."""
        taken = {ticket.ticket for ticket in told.new}
        by_word: dict[str, list[str]] = {}
        for name, role in told.roles.items():
            if role is Role.BARE and name not in told.tickets:
                word = self._word_in(name)
                if word is None or word in taken:
                    word = self._made_word(name, taken | by_word.keys())
                    taken.add(word)
                by_word.setdefault(word, []).append(name)
        for word, names in by_word.items():
            ticket = Ticket(
                ticket=word, instrument=self.instrument, approval=self._approval, bare=tuple(names)
            )
            told.new.append(ticket)
            told.tickets.update(dict.fromkeys(names, ticket))

    def _word_in(self, name: str) -> str | None:
        """Return the ticket that the name of a collection says, if any."""
        if not name.startswith(self._calib):
            return None
        word = name.removeprefix(self._calib).partition("/")[0]
        return word if self._is_free(word) and _is_word(word) else None

    def _made_word(self, name: str, taken: Iterable[str]) -> str:
        """Return a word for a collection whose name says no ticket."""
        word = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:_LONGEST]
        word = word if _is_word(word) else f"captured-{word}".rstrip("-")
        words = chain([word], (f"{word}-{number}" for number in count(2)))
        others = frozenset(taken)
        return next(w for w in words if w not in others and self._is_free(w, name))

    def _is_free(self, word: str, of: str = "") -> bool:
        """Say whether nothing but one collection goes by a word."""
        declared = (self.instrument, word) in self.desired.tickets or word in self.desired.chains
        return not declared and (word not in self.live.seen or word == of)

    @property
    def _calib(self) -> str:
        return f"{self.instrument}/calib/"

    @cached_property
    def _approval(self) -> Approval:
        return Approval(status=ApprovalStatus.ADOPTED, note=self.note)

    @cached_property
    def _above(self) -> Mapping[str, set[str]]:
        """The chains in which each collection stands."""
        above: dict[str, set[str]] = {}
        for name, seen in self.live.seen.items():
            for child in seen.children:
                above.setdefault(child, set()).add(name)
        return above

    @cached_property
    def _declared(self) -> Mapping[str, Ticket | None]:
        """What files declare: of which ticket it is; `None` for a chain."""
        declared: dict[str, Ticket | None] = dict.fromkeys(self.desired.chains)
        for written in self.desired.tickets.values():
            ticket = written.noun
            names = (*ticket.leaves, *((ticket.collection,) if ticket.collection else ()))
            declared.update(dict.fromkeys(names, ticket))
        return declared

    @cached_property
    def _external(self) -> frozenset[str]:
        """What files say that others make."""
        chains = (written.noun for written in self.desired.chains.values())
        return frozenset(e.external for c in chains for e in c.entries if isinstance(e, ExternalEntry))


_LONGEST = 150
"""Letters of a made word; it becomes the name of a file."""


def _is_word(word: str) -> bool:
    """Say whether a word can be a ticket, and its file is read."""
    valid = re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", word) is not None
    return valid and len(word) <= _LONGEST and not word.startswith(("README", "__pycache__"))


def _without(type: CollectionType) -> str:
    match type:
        case CollectionType.CALIBRATION:
            return ", empty"
        case CollectionType.RUN:
            return " without calibrations"
        case CollectionType.CHAINED:
            return ", empty"
        case CollectionType.TAGGED:
            return ""


def _counts(holding: Holding) -> Iterator[str]:
    """Yield what a collection holds: how many of each type, and for when."""
    by_type: dict[str, list[tuple[int, int]]] = {}
    for row in holding.rows:
        by_type.setdefault(row.dataset_type, []).append((row.begin, row.end))
    for name, spans in sorted(by_type.items()):
        if holding.type is not CollectionType.CALIBRATION:
            yield f"{len(spans)} {name}"
            continue
        different = {span for span in spans if span[0] < span[1]}
        around = (min(b for b, _ in different), max(e for _, e in different)) if different else EMPTY
        several = f" in {len(set(spans))} ranges" if len(set(spans)) > 1 else ""
        yield f"{len(spans)} {name}{several} {format_range(around)}"
