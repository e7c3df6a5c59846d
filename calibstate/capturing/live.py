"""What a repository shows of its chains, and of all that they reach."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..model.contents import CollectionType, Holding
from ..model.names import RepositoryAddress
from ..model.tickets import Ticket
from ..model.timespans import EMPTY, format_range
from ..ports.butler import ButlerReader, SeenCollection

__all__ = ["Live", "look"]


@dataclass(frozen=True)
class Live:
    """Collections of a repository, and the calibrations in them."""

    address: RepositoryAddress
    collections: Mapping[str, SeenCollection]
    """Collections that exist."""

    holdings: Mapping[str, Holding]
    """What those hold that hold calibrations."""

    def children(self, name: str) -> tuple[str, ...]:
        """Return the children of a chain; none where it does not exist."""
        if name not in self.collections:
            return ()
        return self.collections[name].children

    def is_chain(self, name: str) -> bool:
        """Say whether a collection exists and is CHAINED."""
        return name in self.collections and self.collections[name].type is CollectionType.CHAINED

    def has(self, ticket: Ticket) -> bool:
        """Say whether a ticket's collections are there, with something."""
        if not all(leaf in self.holdings for leaf in ticket.leaves):
            return False
        return ticket.collection is None or self.children(ticket.collection) == ticket.leaves

    def remark(self, name: str) -> str:
        """Say what a collection is, for a comment."""
        if name not in self.collections:
            return "does not exist"
        collection = self.collections[name]
        kind = collection.type.value
        if len(collection.children) == 1:
            return f"{kind}: 1 collection"
        if collection.children:
            return f"{kind}: {len(collection.children)} collections"
        if name in self.holdings:
            return f"{kind}: {', '.join(_numbers_by_type(self.holdings[name]))}"
        match collection.type:
            case CollectionType.CALIBRATION | CollectionType.CHAINED:
                return f"{kind}, empty"
            case CollectionType.RUN:
                return f"{kind} without calibrations"
            case CollectionType.TAGGED:
                return kind


def look(
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
    collections = dict(butler.collections(sorted(set(others))))
    collections |= _reached(butler, roots)
    certified: list[str] = []
    uncertified: list[str] = []
    for name, collection in collections.items():
        matters = read is None or name in read
        if collection.type is CollectionType.CHAINED or not matters:
            continue
        if collection.type is CollectionType.CALIBRATION:
            certified.append(name)
        else:
            uncertified.append(name)
    # A RUN of raws is not read to find that it holds no calibration.
    selected = butler.holdings(uncertified, calibrations_only=True)
    runs = [name for name, holding in selected.items() if holding.rows]
    holdings: dict[str, Holding] = {}
    if certified or runs:
        for name, holding in butler.holdings([*certified, *runs]).items():
            if holding.rows:
                holdings[name] = holding
    return Live(address, collections, holdings)


def _reached(butler: ButlerReader, roots: Iterable[str]) -> dict[str, SeenCollection]:
    """Return some collections, their children, the children's children...

    All collections of one level are asked for together, so that a deep tree
    costs as many questions as it has levels.
    """
    reached: dict[str, SeenCollection] = {}
    level = set(roots)
    while level:
        collections = butler.collections(sorted(level))
        reached.update(collections)
        children: set[str] = set()
        for collection in collections.values():
            children.update(collection.children)
        # Chains may stand in each other: none is looked into twice.
        level = children - reached.keys()
    return reached


def _numbers_by_type(holding: Holding) -> Iterator[str]:
    """Yield how many datasets a collection holds of each type, and for when.

    Such as ``9 bias in 2 ranges [2024-11-01, …)``; only certifications have
    ranges.
    """
    spans_of: dict[str, list[tuple[int, int]]] = {}
    for row in holding.rows:
        spans_of.setdefault(row.dataset_type, []).append((row.begin, row.end))
    for dataset_type, spans in sorted(spans_of.items()):
        words = f"{len(spans)} {dataset_type}"
        if holding.type is not CollectionType.CALIBRATION:
            yield words
            continue
        ranges = set(spans)
        if len(ranges) > 1:
            words += f" in {len(ranges)} ranges"
        # An empty range finds nothing, so it must not widen the others.
        proper = [span for span in ranges if span[0] < span[1]]
        if proper:
            first = min(begin for begin, _ in proper)
            last = max(end for _, end in proper)
            yield f"{words} {format_range((first, last))}"
        else:
            yield f"{words} {format_range(EMPTY)}"
