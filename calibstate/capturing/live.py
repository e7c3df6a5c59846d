"""What a repository shows of its chains, and of all that they reach."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..model.contents import CollectionType, Holding
from ..model.names import RepositoryAddress
from ..model.tickets import Ticket
from ..model.timespans import EMPTY, Range, format_range
from ..ports.butler import SeenCollection
from .once import CollectionsToLookAt

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
        collection = self.collections.get(name)
        return collection is not None and collection.type is CollectionType.CHAINED

    def has(self, ticket: Ticket) -> bool:
        """Say whether a ticket's collections are there, with something."""
        for leaf in ticket.leaves:
            if leaf not in self.holdings:
                return False
        if ticket.collection is None:
            return True
        return self.children(ticket.collection) == ticket.leaves

    def unlike(self, other: Live, ticket: Ticket) -> list[str]:
        """Return a ticket's collections in which another holds other content.

        Parameters
        ----------
        other
            The other repository; both have the ticket.
        ticket
            The ticket.
        """
        names: list[str] = []
        for name in ticket.leaves:
            here = self.holdings[name]
            there = other.holdings[name]
            # What the datastore has no record of cannot be read there.
            if here.fingerprint != there.fingerprint or there.unrecorded:
                names.append(name)
        return names

    def remark(self, name: str) -> str:
        """Say what a collection is, for a comment."""
        if name not in self.collections:
            return "does not exist"
        collection = self.collections[name]
        kind = collection.type.value
        if len(collection.children) == 1:
            return f"{kind}: 1 collection"
        if collection.children:
            number = len(collection.children)
            return f"{kind}: {number} collections"
        if name in self.holdings:
            numbers = _numbers_by_type(self.holdings[name])
            return f"{kind}: {', '.join(numbers)}"
        match collection.type:
            case CollectionType.CALIBRATION | CollectionType.CHAINED:
                return f"{kind}, empty"
            case CollectionType.RUN:
                return f"{kind} without calibrations"
            case CollectionType.TAGGED:
                return kind


def look(
    butler: CollectionsToLookAt,
    address: RepositoryAddress,
    roots: Iterable[str],
    others: Iterable[str] = (),
    *,
    of_tickets: Container[str] | None,
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
    of_tickets
        RUNs that are a ticket's, whatever they hold; `None`: all.  Of others
        only calibrations can be.
    read
        Collections whose content matters; `None`: all.
    """
    alone = sorted(set(others))
    collections = dict(butler.collections(alone))
    collections |= _reached(butler, roots)
    certified: list[str] = []
    uncertified: list[str] = []
    runs: list[str] = []
    for name, collection in collections.items():
        if read is not None and name not in read:
            continue
        match collection.type:
            case CollectionType.CALIBRATION:
                certified.append(name)
            case CollectionType.RUN if of_tickets is None or name in of_tickets:
                runs.append(name)
            case CollectionType.RUN | CollectionType.TAGGED:
                uncertified.append(name)
            case CollectionType.CHAINED:
                pass
    # A RUN of raws is not read to find that it holds no calibration.
    selected = butler.holdings(uncertified, calibrations_only=True)
    runs.extend(_with_rows(selected))
    holdings: Mapping[str, Holding] = {}
    if certified or runs:
        holdings = butler.holdings([*certified, *runs])
    # What is certified may still be empty.
    return Live(
        address,
        collections,
        _with_rows(holdings),
    )


def _with_rows(holdings: Mapping[str, Holding]) -> dict[str, Holding]:
    kept: dict[str, Holding] = {}
    for name, holding in holdings.items():
        if holding.rows:
            kept[name] = holding
    return kept


def _reached(butler: CollectionsToLookAt, roots: Iterable[str]) -> dict[str, SeenCollection]:
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
    spans_of: defaultdict[str, list[Range]] = defaultdict(list)
    for row in holding.rows:
        span = (row.begin, row.end)
        spans_of[row.dataset_type].append(span)
    for dataset_type, spans in sorted(spans_of.items()):
        words = f"{len(spans)} {dataset_type}"
        if holding.type is not CollectionType.CALIBRATION:
            yield words
            continue
        ranges = set(spans)
        if len(ranges) > 1:
            words += f" in {len(ranges)} ranges"
        # An empty range finds nothing, so it must not widen the others.
        whole = EMPTY
        for begin, end in ranges:
            if begin < end:
                first = min(begin, whole[0])
                last = max(end, whole[1])
                whole = (first, last)
        yield f"{words} {format_range(whole)}"
