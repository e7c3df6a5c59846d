"""Look at a live chain and tell what is effective through it.

A chain is flattened depth first, and a collection that is reached again is
searched where it was reached first, as the butler does it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..model.contents import CollectionType, Holding
from ..model.effective import Resolved
from ..ports.butler import ButlerReader, SeenCollection
from .resolve import resolve

__all__ = ["effective", "flatten"]


def flatten(butler: ButlerReader, chain: str) -> tuple[str, ...]:
    """Return the collections that are searched through a chain, in order.

    Parameters
    ----------
    butler
        Where; it is asked once for each level of nesting.
    chain
        The chain; a collection of another type is all that is searched.

    Returns
    -------
    tuple of str
        None of them CHAINED; empty where the chain does not exist.
    """
    collections: dict[str, SeenCollection] = {}
    looked_at: set[str] = set()
    level = {chain}
    while level:
        names = sorted(level)
        below = butler.collections(names)
        looked_at |= level
        collections.update(below)
        children: set[str] = set()
        for collection in below.values():
            children.update(collection.children)
        # Chains may share children, and none is looked at twice.
        level = children - looked_at
    leaves = _leaves(chain, collections, reached=set())
    return tuple(leaves)


def effective(butler: ButlerReader, chain: str) -> Resolved:
    """Return what is effective through a chain.

    Parameters
    ----------
    butler
        Where.
    chain
        The chain; through one that does not exist nothing is effective.
    """
    leaves = flatten(butler, chain)
    holdings = butler.holdings(leaves, calibrations_only=True)
    # A collection may have gone since it was listed.
    still_there: list[Holding] = []
    for name in leaves:
        if name in holdings:
            still_there.append(holdings[name])
    return resolve(still_there)


def _leaves(
    name: str,
    collections: Mapping[str, SeenCollection],
    reached: set[str],
) -> Iterator[str]:
    """Yield what is searched through a collection and was not reached yet.

    So a circle ends where it closes; the butler makes none.
    """
    if name in reached or name not in collections:
        return
    reached.add(name)
    collection = collections[name]
    if collection.type is not CollectionType.CHAINED:
        yield name
    for child in collection.children:
        yield from _leaves(child, collections, reached)
