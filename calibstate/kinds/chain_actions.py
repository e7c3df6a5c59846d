"""A chain as it is declared and seen, and what is done to it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import ClassVar

from pydantic import Field
from typing_extensions import override

from ..model.actions import Action, Departure, Standing
from ..model.chains import moved
from ..model.contents import CollectionType, Holding
from ..model.names import Address, CollectionName, RepositoryAddress, TicketKey
from ..model.resources import Resource
from .chain_file import chain_address
from .whole import missing_files

__all__ = [
    "Chain",
    "ChainAction",
    "Entry",
    "PrependToChain",
    "RewriteChain",
    "children_of",
    "common",
]


@dataclass(frozen=True)
class Chain(Resource):
    """A CHAINED collection."""

    children: tuple[str, ...] = ()
    """Children in search order; the first that has a calibration wins."""

    unwanted: Mapping[str, str] = field(default_factory=dict)
    """Declared: children that are not to be searched, with the reason."""

    unspoken: frozenset[str] = frozenset()
    """Declared: children that files name, but that this command leaves
    alone."""

    content: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Declared: for a child that is a ticket, the fingerprint that each of its
    collections must have when it begins to be searched."""

    listed_by: Mapping[str, str] = field(default_factory=dict)
    """Declared: the tickets whose files list a collection, by collection."""

    held_here: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    """Declared: fingerprint of each collection of the tickets that are to be
    in its repository, by ticket."""

    entry: Entry | None = None
    """Asked: what begins to be searched, to be looked at whole."""

    type: CollectionType = CollectionType.CHAINED
    """Observed: another type where the name is taken."""

    exists: bool = True
    """Observed: false where there is no chain, and only what is to enter it
    was looked at."""

    below: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    """Observed: chains below it, with their children: below what enters it,
    where that was asked, else below its extras."""

    entrants_there: frozenset[str] | None = None
    """Observed: children that enter it and exist; `None`: nobody asked."""

    held: Mapping[str, Holding] = field(default_factory=dict, repr=False)
    """Observed: what the collections hold that begin to be searched."""

    sizes: Mapping[str, int] = field(default_factory=dict, repr=False)
    """Observed: sizes of their datasets' files in bytes, by UUID, as their
    bundles say; nothing of those whose bundle could not be seen."""

    @classmethod
    def at(cls, repository: RepositoryAddress, name: CollectionName) -> Address:
        """Return the address of a chain."""
        return chain_address(repository, name)

    @property
    def is_chain(self) -> bool:
        """Observed: whether the name is not taken by another collection."""
        return self.type is CollectionType.CHAINED

    @override
    def facts(self) -> Iterator[str]:
        yield f"{self.address} {self.type.value} {' '.join(self.children)}"

    @override
    def declaration(self) -> Mapping[str, object]:
        return {"children": self.children, "unwanted": sorted(self.unwanted)}


@dataclass(frozen=True)
class Entry:
    """What begins to be searched by a chain."""

    children: tuple[str, ...]
    """Its new children."""

    collections: tuple[str, ...]
    """Collections that are held to their fingerprints and files."""

    tickets: Mapping[TicketKey, str]
    """Ticket fingerprints of the bundles that say how large files are."""


class ChainAction(Action):
    """A chain gets its children, on the ground that the plan saw."""

    entering: dict[str, str] = Field(default={})
    """Fingerprint of each collection that begins to be searched."""

    below: dict[str, tuple[str, ...]] = Field(default={})
    """Children of each chain that begins to be searched, however deep, as
    they are when the step begins."""

    tickets: dict[str, str] = Field(default={})
    """Ticket fingerprint of each ticket of which something begins to be
    searched; its bundle says how large the files are."""

    @property
    @abstractmethod
    def before(self) -> tuple[str, ...] | None:
        """Children now; `None`: the chain does not exist."""

    @property
    @abstractmethod
    def children_after(self) -> tuple[str, ...]:
        """Children when it is done."""

    @property
    def displaced(self) -> int:
        """How many children it takes out or moves."""
        before = self.before or ()
        return len(set(before) - set(self.children_after)) + len(moved(before, self.children_after))

    @property
    @override
    def entrants(self) -> tuple[str, ...]:
        """Children that begin to be searched, in their order."""
        before = self.before or ()
        return tuple(child for child in self.children_after if child not in before)

    @property
    @override
    def leavers(self) -> tuple[str, ...]:
        """Children that are searched no more, in their order."""
        after = self.children_after
        return tuple(child for child in self.before or () if child not in after)

    @property
    @override
    def overtaken(self) -> frozenset[str]:
        """Children that stay, and are in another order with one that does."""
        before = self.before or ()
        stays = common(self.children_after, before)
        place = {child: number for number, child in enumerate(before)}
        # Either of them may begin to answer for the other, so both count.
        overtaken: set[str] = set()
        # In a pair the first is searched before the second once it is done.
        for first, second in combinations(stays, 2):
            if place[first] > place[second]:
                overtaken.update((first, second))
        return frozenset(overtaken)

    @override
    def subject(self) -> Chain:
        tickets: dict[TicketKey, str] = {}
        for name, fingerprint in self.tickets.items():
            tickets[TicketKey.of(name)] = fingerprint
        entry = Entry(self.entrants, tuple(self.entering), tickets)
        return Chain(self.target, self.children_after, entry=entry)

    @override
    def standing(self, live: Resource | None) -> Standing:
        if any(self.departures(live)):
            return Standing.STALE
        if children_of(live) == self.children_after:
            return Standing.DONE
        return Standing.READY

    @override
    def departures(self, live: Resource | None) -> Iterator[Departure]:
        is_taken = isinstance(live, Chain) and not live.is_chain
        is_other = children_of(live) not in {self.before, self.children_after}
        if is_taken or is_other:
            expected = _order(self.before)
            yield self._departure(self.target.name, expected, _what_is_there(live))
        if isinstance(live, Chain) and not is_taken:
            # What enters is looked at even where there is no chain yet.
            yield from self._departures_below(live)
            for collection, fingerprint in self.entering.items():
                yield from self._departures_of(collection, fingerprint, live)

    def _departures_below(self, live: Chain) -> Iterator[Departure]:
        """Yield the chains that enter and are not as the plan has them."""
        if live.entrants_there is None:
            return  # Nobody looked.
        # What has content or children is compared by these, further down.
        compared = self.entering.keys() | self.below.keys()
        for child in self.entrants:
            if child not in live.entrants_there and child not in compared:
                yield self._departure(child, "the collection", "none of that name")
        for name in sorted(self.below.keys() | live.below.keys()):
            expected = self.below.get(name)
            actual = live.below.get(name)
            if expected != actual:
                yield self._departure(name, _order(expected), _order(actual))

    def _departures_of(
        self,
        collection: str,
        fingerprint: str,
        live: Chain,
    ) -> Iterator[Departure]:
        """Yield how a collection that enters is not whole."""
        expected = f"content {fingerprint}"
        holding = live.held.get(collection)
        if holding is None:
            yield self._departure(collection, expected, "nothing")
            return
        if holding.fingerprint != fingerprint:
            yield self._departure(collection, expected, holding.fingerprint)
            return
        # The datasets are right; now their records and files.
        for missing in missing_files(holding, live.sizes):
            yield self._departure(
                collection,
                "a right file of each of its datasets",
                missing,
            )

    def _departure(
        self,
        name: str,
        expected: str,
        actual: str,
    ) -> Departure:
        return Departure(self.target.place, name, expected, actual)

    @override
    def changes(self) -> Iterator[str]:
        before = self.before or ()
        after = self.children_after
        kept = 0
        for child in after:
            if child in before:
                kept += 1
            else:
                yield f"+ {child}"
        for child in self.leavers:
            yield f"- {child}"
        if not kept:
            return
        if common(before, after) == common(after, before):
            yield f"  {kept} kept"
        else:
            yield f"  {kept} kept, reordered"


class PrependToChain(ChainAction):
    """Search more children before all others, in one write."""

    do: ClassVar[str] = "prepend-to-chain"

    children: tuple[str, ...]
    """Children that are put in front, in search order."""

    onto: tuple[str, ...] | None
    """Children that the chain has now; `None`: it is made by this."""

    @property
    @override
    def before(self) -> tuple[str, ...] | None:
        return self.onto

    @property
    @override
    def children_after(self) -> tuple[str, ...]:
        return (*self.children, *(self.onto or ()))

    @override
    def summary(self) -> str:
        # A chain that is not there is made with all of its children.
        verb = "prepend"
        if self.onto is None:
            verb = "make with"
        children = f"{len(self.children)} children"
        if len(self.children) == 1:
            children = self.children[0]
        return f"{verb} {children}"


class RewriteChain(ChainAction):
    """Search other children, or in another order, in one write."""

    do: ClassVar[str] = "rewrite-chain"

    children_before: tuple[str, ...]
    """Children that the chain has now."""

    children: tuple[str, ...]
    """Children that it will have."""

    @property
    @override
    def before(self) -> tuple[str, ...] | None:
        return self.children_before

    @property
    @override
    def children_after(self) -> tuple[str, ...]:
        return self.children

    @override
    def summary(self) -> str:
        changes = []
        if self.entrants:
            changes.append(f"{len(self.entrants)} in")
        if self.leavers:
            changes.append(f"{len(self.leavers)} out")
        changes.append("in declared order")
        return f"rewrite: {', '.join(changes)}"


def common(these: Sequence[str], those: Sequence[str]) -> tuple[str, ...]:
    """Return those of some children that are among others, in their order."""
    return tuple(child for child in these if child in those)


def _order(children: Sequence[str] | None) -> str:
    """Say which children a chain has; `None`: there is no chain."""
    if children is None:
        return "no chain"
    if not children:
        return "no children"
    return f"children {', '.join(children)}"


def children_of(live: Resource | None) -> tuple[str, ...] | None:
    """Return the children of a chain; `None` where there is none."""
    if isinstance(live, Chain) and live.exists and live.is_chain:
        return live.children
    return None


def _what_is_there(live: Resource | None) -> str:
    """Say what stands where a chain should be."""
    if not isinstance(live, Chain) or not live.exists:
        return "no chain"
    if not live.is_chain:
        return f"a {live.type.value} collection of that name"
    return _order(live.children)
