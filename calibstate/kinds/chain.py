"""A chain: which calibrations a repository searches, and in what order.

The first child that holds a calibration for an exposure wins, so a new
ticket is put in front and needs no end date.  A chain is written whole, at
most once in a run, and loses only what a file names as retired or skipped.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import ClassVar

from pydantic import Field
from typing_extensions import override

from ..errors import Diagnostic, InvalidStateError, PlanIsStaleError, UnreachableError
from ..model.actions import Action, Departure, Standing
from ..model.chains import moved
from ..model.contents import CollectionType, Holding
from ..model.drift import Drift, What
from ..model.fingerprints import ticket_fingerprint
from ..model.names import Address, TicketKey
from ..model.resources import Obstacle, Resource
from ..ports.butler import ButlerReader
from ..ports.places import ReadPlaces, WritePlaces
from ..ports.progress import Watch
from ..ports.records import Fence
from .base import Kind
from .external import External, chains_below, reached
from .whole import missing_files

__all__ = ["Chain", "ChainAction", "ChainKind", "Entry", "PrependToChain", "RewriteChain", "written_order"]


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
        had = self.before or ()
        return len(set(had) - set(self.children_after)) + len(moved(had, self.children_after))

    @property
    @override
    def entrants(self) -> tuple[str, ...]:
        """Children that begin to be searched, in their order."""
        return tuple(c for c in self.children_after if c not in (self.before or ()))

    @property
    @override
    def leavers(self) -> tuple[str, ...]:
        """Children that are searched no more, in their order."""
        return tuple(c for c in self.before or () if c not in self.children_after)

    @property
    def overtaken(self) -> frozenset[str]:
        """Children that stay, and are in another order with one that does."""
        stays = _common(self.children_after, self.before or ())
        place = {child: number for number, child in enumerate(self.before or ())}
        pairs = [(one, other) for one, other in combinations(stays, 2) if place[one] > place[other]]
        return frozenset(child for pair in pairs for child in pair)

    @override
    def subject(self) -> Chain:
        tickets = {_ticket_key(name): fingerprint for name, fingerprint in self.tickets.items()}
        entry = Entry(self.entrants, tuple(self.entering), tickets)
        return Chain(self.target, self.children_after, entry=entry)

    @override
    def standing(self, live: Resource | None) -> Standing:
        if any(self.departures(live)):
            return Standing.STALE
        return Standing.DONE if _children_of(live) == self.children_after else Standing.READY

    @override
    def departures(self, live: Resource | None) -> Iterator[Departure]:
        have = _children_of(live)
        taken = isinstance(live, Chain) and live.type is not CollectionType.CHAINED
        if taken or have not in {self.before, self.children_after}:
            yield self._departure(self.target.name, _order(self.before), _shown(live))
        if isinstance(live, Chain) and not taken:
            yield from self._departures_below(live)
            for collection, fingerprint in self.entering.items():
                yield from self._departures_of(collection, fingerprint, live)

    def _departures_below(self, live: Chain) -> Iterator[Departure]:
        """Yield the chains that enter and are not as the plan has them."""
        if live.entrants_there is None:
            return  # Nobody asked.
        for child in self.entrants:
            if child not in live.entrants_there and child not in self.entering and child not in self.below:
                yield self._departure(child, "the collection", "none of that name")
        for name in sorted(self.below.keys() | live.below.keys()):
            expected, found = self.below.get(name), live.below.get(name)
            if expected != found:
                yield self._departure(name, _order(expected), _order(found))

    def _departures_of(self, collection: str, fingerprint: str, live: Chain) -> Iterator[Departure]:
        """Yield how a collection that enters is not whole."""
        holding = live.held.get(collection)
        if holding is None or holding.fingerprint != fingerprint:
            found = holding.fingerprint if holding else "nothing"
            yield self._departure(collection, f"content {fingerprint}", found)
            return
        for found in missing_files(holding, live.sizes):
            yield self._departure(collection, "a right file of each of its datasets", found)

    def _departure(self, name: str, expected: str, found: str) -> Departure:
        return Departure(self.target.place, name, expected, found)

    @override
    def changes(self) -> Iterator[str]:
        had, kept = self.before or (), 0
        for child in self.children_after:
            if child in had:
                kept += 1
            else:
                yield f"+ {child}"
        yield from (f"- {child}" for child in had if child not in self.children_after)
        if kept:
            order = "" if self._keeps_order() else ", reordered"
            yield f"  {kept} kept{order}"

    def _keeps_order(self) -> bool:
        had = self.before or ()
        return _common(had, self.children_after) == _common(self.children_after, had)


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
    def reverse(self) -> Action | str:
        if self.onto is None:
            return "A chain is never removed; without it in another chain nothing searches it."
        return RewriteChain(
            target=self.target,
            because=f"takes back: {self.because}",
            children_before=self.children_after,
            children=self.onto,
        )

    @override
    def summary(self) -> str:
        verb = "make with" if self.onto is None else "prepend"
        return f"{verb} {_count(self.children)}"


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
    def reverse(self) -> Action:
        return RewriteChain(
            target=self.target,
            because=f"takes back: {self.because}",
            children_before=self.children,
            children=self.children_before,
        )

    @override
    def summary(self) -> str:
        new = [c for c in self.children if c not in self.children_before]
        gone = [c for c in self.children_before if c not in self.children]
        told = [f"{len(new)} in" if new else "", f"{len(gone)} out" if gone else "", "in declared order"]
        return f"rewrite: {', '.join(t for t in told if t)}"


class ChainKind(Kind[Chain]):
    """Chains of tickets, of calibrations, of defaults."""

    name = "chain"
    actions = (PrependToChain, RewriteChain)

    @override
    def observe(self, targets: Sequence[Chain], places: ReadPlaces) -> Mapping[Address, Chain | None]:
        if not targets:
            return {}
        butler = places.butler(targets[0].address.place)
        seen = butler.collections([target.address.name for target in targets])
        live: dict[Address, Chain | None] = {}
        for target in targets:
            found = seen.get(target.address.name)
            chain = Chain(target.address, exists=False)
            if found:
                chain = Chain(target.address, found.children, type=found.type)
            if target.entry:
                live[target.address] = _with_entry(chain, target.entry, butler, places)
            else:
                live[target.address] = _with_extras(chain, target, butler) if found else None
        return live

    @override
    def compare(self, declared: Chain, live: Chain | None) -> Iterator[Drift]:
        if live is None:
            if declared.children:
                yield _drift(declared, What.MISSING, declared.address.name, "the chain does not exist")
        elif live.type is not CollectionType.CHAINED:
            detail = f"the name is taken by a {live.type.value} collection"
            yield _drift(declared, What.CHANGED, declared.address.name, detail)
        else:
            yield from _child_drift(declared, live.children)

    @override
    def turnover(self, declared: Chain, live: Chain | None) -> frozenset[str]:
        have = frozenset(live.children if live else ())
        return (frozenset(declared.children) - have) | (have & declared.unwanted.keys())

    @override
    def without(self, declared: Chain, parts: frozenset[str], live: Chain | None) -> Chain:
        # What is searched already stays: a chain loses only what a file
        # names as retired or skipped, and not even that before it may go.
        have = frozenset(live.children if live else ())
        stays = parts & have & declared.unwanted.keys()
        return replace(
            declared,
            children=tuple(c for c in declared.children if c in have or c not in parts),
            unwanted={c: why for c, why in declared.unwanted.items() if c not in stays},
            unspoken=declared.unspoken | stays,
        )

    @override
    def remedy(self, declared: Chain, live: Chain | None) -> Iterator[Action]:
        if live and live.type is not CollectionType.CHAINED:
            return
        have = live.children if live else ()
        after = written_order(declared.children, have, frozenset(declared.unwanted))
        if after == have:
            return
        because = _because(declared, live)
        if not have or after[-len(have) :] == have:
            yield PrependToChain(
                target=declared.address,
                because=because,
                children=after[: len(after) - len(have)],
                onto=have if live else None,
            )
        else:
            yield RewriteChain(
                target=declared.address,
                because=because,
                children_before=have,
                children=after,
            )

    @override
    def grounded(self, action: Action, declared: Chain, expected: Iterable[Resource]) -> Action:
        assert isinstance(action, ChainAction)
        chains: dict[str, tuple[str, ...]] = {}
        # What was seen below a chain may be what another step is about to
        # change, so what that one brings counts more.
        for resource in expected:
            if isinstance(resource, (Chain, External)):
                chains = {**resource.below, **chains}
            if (children := _children_of(resource)) is not None:
                chains[resource.address.name] = children
        below = {name: chains[name] for name in reached(action.entrants, chains) if name in chains}
        entering: dict[str, str] = {}
        # What a declared chain holds that enters as a whole is searched
        # already, or is brought by a step of that chain.
        for child in action.entrants:
            entering.update(declared.content.get(child, {}))
        tickets = {
            ticket: ticket_fingerprint(fingerprints.items())
            for ticket, fingerprints in declared.held_here.items()
            if not entering.keys().isdisjoint(fingerprints)
        }
        return action.model_copy(update={"below": below, "entering": entering, "tickets": tickets})

    @override
    def is_there(self, declared: Chain, live: Chain | None) -> bool:
        return live is not None and live.type is CollectionType.CHAINED

    @override
    def obstacle(self, declared: Chain, live: Chain | None) -> Obstacle | None:
        if live and live.type is not CollectionType.CHAINED:
            reason = f"{declared.address.name} is a {live.type.value} collection, not a chain"
            return Obstacle(reason, refused=True)
        return None

    @override
    def foresee(self, action: Action, actions: Sequence[Action], places: ReadPlaces) -> Sequence[Diagnostic]:
        places.butler(action.target.place).check_change()
        return ()

    @override
    def apply(self, action: Action, places: WritePlaces, watch: Watch, fence: Fence) -> None:
        assert isinstance(action, ChainAction)
        butler = places.change_butler(action.target.place)
        _require(action, places)
        butler.set_chain(action.target.name, action.children_after, expected=action.before, fence=fence)


def written_order(
    declared: Sequence[str], live: Sequence[str], unwanted: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    """Return the order in which a chain is written.

    The declared order, without what is unwanted; each extra directly in front
    of the declared child that it stands in front of live, and last where it
    stands behind all of them.

    Parameters
    ----------
    declared
        Children that are to be searched, in order.
    live
        Children now, in order.
    unwanted
        Children that are not to be searched any more.
    """
    wanted = [c for c in declared if c not in unwanted]
    waiting: list[str] = []
    in_front_of: dict[str, list[str]] = {}
    for child in live:
        if child in wanted:
            in_front_of[child], waiting = waiting, []
        elif child not in unwanted:
            waiting.append(child)
    ordered = [c for child in wanted for c in (*in_front_of.get(child, ()), child)]
    return (*ordered, *waiting)


def _drift(declared: Chain, what: What, subject: str, detail: str) -> Drift:
    return Drift(target=declared.address, what=what, subject=subject, detail=detail)


def _child_drift(declared: Chain, have: Sequence[str]) -> Iterator[Drift]:
    for child in declared.children:
        if child not in have:
            yield _drift(declared, What.MISSING, child, "declared but not searched")
    if _common(declared.children, have) != (live := _common(have, declared.children)):
        yield _drift(declared, What.MISORDERED, declared.address.name, f"live order is {', '.join(live)}")
    for child in have:
        if child in declared.unwanted:
            yield _drift(declared, What.UNWANTED, child, declared.unwanted[child])
        elif child not in declared.children and child not in declared.unspoken:
            yield _drift(declared, What.EXTRA, child, _extra(declared, child))


def _extra(declared: Chain, child: str) -> str:
    """Say of a child that no chain's file names what is known of it."""
    ticket = declared.listed_by.get(child)
    if ticket is None:
        return "searched, though no file names it; it is kept"
    return (
        f"searched by itself, though no chain's file names it; {ticket} lists it. It is kept: "
        "to take it out, list it under `retired`"
    )


def _common(these: Sequence[str], those: Sequence[str]) -> tuple[str, ...]:
    return tuple(c for c in these if c in those)


def _order(children: Sequence[str] | None) -> str:
    if children is None:
        return "no chain"
    return f"children {', '.join(children)}" if children else "no children"


def _count(children: Sequence[str]) -> str:
    return children[0] if len(children) == 1 else f"{len(children)} children"


def _because(declared: Chain, live: Chain | None) -> str:
    if live is None:
        return "the chain does not exist"
    lacking = [c for c in declared.children if c not in live.children]
    leaving = [c for c in live.children if c in declared.unwanted]
    told = [f"{_children(lacking)} declared and not searched"] if lacking else []
    told += [f"{_children(leaving)} searched, but retired or skipped"] if leaving else []
    return "; ".join(told) or "the live order is not the declared order"


def _children(names: Sequence[str]) -> str:
    return "1 child is" if len(names) == 1 else f"{len(names)} children are"


def _require(action: ChainAction, places: ReadPlaces) -> None:
    """Refuse to search what is not whole here.

    A child enters a chain only after its datasets, validity ranges and files
    were seen, and the chains below it.
    """
    subject = action.subject()
    live = ChainKind().observe([subject], places)[subject.address]
    if departures := list(action.departures(live)):
        details = "; ".join(str(departure) for departure in departures)
        raise PlanIsStaleError(
            Diagnostic("Plan is stale", f"{details}.", hint="Plan again: somebody changed it since.")
        )


def _with_extras(chain: Chain, declared: Chain, butler: ButlerReader) -> Chain:
    """Return a chain with the chains below children that no file names.

    All others are declared themselves, and looked at as such.
    """
    extras = [child for child in chain.children if child not in declared.children]
    if not extras:
        return chain
    # An observation of before anybody asked does not tell of them.
    with suppress(UnreachableError):
        return replace(chain, below=chains_below(butler.collections(extras), butler))
    return chain


def _with_entry(chain: Chain, entry: Entry, butler: ButlerReader, places: ReadPlaces) -> Chain:
    """Return a chain with all that begins to be searched."""
    entrants = butler.collections(entry.children)
    return replace(
        chain,
        below=chains_below(entrants, butler),
        entrants_there=frozenset(entrants),
        held=butler.holdings(entry.collections, files=entry.collections) if entry.collections else {},
        sizes=_bundled_sizes(entry.tickets, places) if entry.tickets else {},
    )


def _bundled_sizes(tickets: Mapping[TicketKey, str], places: ReadPlaces) -> dict[str, int]:
    """Return how large files are, as far as the archive can be seen."""
    sizes: dict[str, int] = {}
    # What a repository holds and the plan says is enough without it.
    with suppress(UnreachableError, InvalidStateError):
        for key, manifests in places.archive().bundles(tickets).items():
            for manifest in manifests:
                if manifest.fingerprint == tickets[key]:
                    sizes.update(manifest.sizes)
    return sizes


def _children_of(live: Resource | None) -> tuple[str, ...] | None:
    """Return the children of a chain; `None` where there is none."""
    if isinstance(live, Chain) and live.exists and live.type is CollectionType.CHAINED:
        return live.children
    return None


def _shown(live: Resource | None) -> str:
    if not isinstance(live, Chain) or not live.exists:
        return "no chain"
    if live.type is not CollectionType.CHAINED:
        return f"a {live.type.value} collection of that name"
    return _order(live.children)


def _ticket_key(name: str) -> TicketKey:
    instrument, _, ticket = name.partition("/")
    return instrument, ticket
