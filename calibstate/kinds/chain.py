"""A chain: which calibrations a repository searches, and in what order.

The first child that holds a calibration for an exposure wins, so a new
ticket is put in front and needs no end date.  A chain is written whole, at
most once in a run, and loses only what a file names as retired or skipped.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import ClassVar

from pydantic import Field
from typing_extensions import override

from ..errors import Diagnostic, PlanIsStaleError, RefusedError
from ..model.actions import Action, Standing
from ..model.chains import moved
from ..model.contents import CollectionType
from ..model.drift import Drift, What
from ..model.names import Address
from ..model.resources import Obstacle, Resource
from ..ports.places import ReadPlaces, WritePlaces
from ..ports.progress import Watch
from .base import Kind

__all__ = ["Chain", "ChainAction", "ChainKind", "PrependToChain", "RewriteChain", "written_order"]


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

    type: CollectionType = CollectionType.CHAINED
    """Observed: another type where the name is taken."""

    @override
    def facts(self) -> Iterator[str]:
        yield f"{self.address} {self.type.value} {' '.join(self.children)}"


class ChainAction(Action):
    """A chain gets its children, on the ground that the plan saw."""

    entering: dict[str, str] = Field(default={})
    """Fingerprint of each collection that begins to be searched."""

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
        return Chain(self.target, self.children_after)

    @override
    def standing(self, live: Resource | None) -> Standing:
        have = live.children if isinstance(live, Chain) and live.type is CollectionType.CHAINED else None
        taken = live is not None and have is None
        if have == self.children_after:
            return Standing.DONE
        return Standing.READY if have == self.before and not taken else Standing.STALE

    @override
    def moved(self, live: Resource | None) -> str:
        if not isinstance(live, Chain):
            return f"expected {_order(self.before)}; found no chain"
        if live.type is not CollectionType.CHAINED:
            return f"expected {_order(self.before)}; found a {live.type.value} collection of that name"
        return f"expected {_order(self.before)}; found {_order(live.children)}"

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
        seen = places.butler(targets[0].address.place).collections(t.address.name for t in targets)
        return {
            t.address: Chain(t.address, seen[t.address.name].children, type=seen[t.address.name].type)
            if t.address.name in seen
            else None
            for t in targets
        }

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
        new = [c for c in after if c not in have]
        entering = {leaf: fp for c in new for leaf, fp in declared.content.get(c, {}).items()}
        because = _because(declared, live)
        if not have or after[-len(have) :] == have:
            yield PrependToChain(
                target=declared.address,
                because=because,
                children=after[: len(after) - len(have)],
                onto=have if live else None,
                entering=entering,
            )
        else:
            yield RewriteChain(
                target=declared.address,
                because=because,
                children_before=have,
                children=after,
                entering=entering,
            )

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
    def apply(self, action: Action, places: WritePlaces, watch: Watch) -> None:
        assert isinstance(action, ChainAction)
        butler = places.change_butler(action.target.place)
        _require(action, places)
        butler.set_chain(action.target.name, action.children_after, expected=action.before)


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
    """Refuse to search collections that are not whole here.

    A child enters a chain only after its datasets, validity ranges and files
    were seen.
    """
    holdings = places.butler(action.target.place).holdings(action.entering, files=action.entering)
    for name, fingerprint in action.entering.items():
        holding = holdings.get(name)
        if holding is None or holding.fingerprint != fingerprint:
            found = holding.fingerprint if holding else "nothing"
            raise PlanIsStaleError(
                Diagnostic(
                    "Plan is stale",
                    f"{name} in {action.target.place} should hold {fingerprint}; found {found}.",
                    hint="Plan again: somebody changed it since.",
                )
            )
        lost = sum(size is None for size in holding.sizes.values()) + len(holding.unrecorded)
        if lost:
            raise RefusedError(
                Diagnostic(
                    "Files are gone",
                    f"{lost} datasets of {name} in {action.target.place} have no file.",
                    hint="Run `calibstate apply` again: it places them from the bundle.",
                )
            )
