"""What is used of calibrations, over all repositories.

A dataset that any chain selects at any repository is in use everywhere: the
same UUID is the same calibration.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..lookups.resolve import resolve
from ..model.contents import CollectionType, Holding
from ..model.names import CollectionName, RepositoryAddress
from ..model.retention import Children, Facts, Inventory, Keeper, Keeps, Output, Uses

__all__ = ["flattened", "reached", "uses_of"]


def flattened(name: CollectionName, chains: Children) -> tuple[CollectionName, ...]:
    """Return what is searched through a collection, as the butler does it.

    Parameters
    ----------
    name
        A chain; of another collection, it alone.
    chains
        Children of all chains.
    """
    leaves: list[CollectionName] = []
    for collection in reached(name, chains):
        if collection not in chains:
            leaves.append(collection)
    return tuple(leaves)


def reached(
    name: CollectionName,
    chains: Children,
    but_through: frozenset[CollectionName] = frozenset(),
) -> tuple[CollectionName, ...]:
    """Return a collection and all below it, depth first, each once.

    Parameters
    ----------
    name
        Where to begin.
    chains
        Children of all chains.
    but_through
        Chains below it that are not entered.
    """
    passed: dict[CollectionName, None] = {}
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current in passed:
            continue
        passed[current] = None
        if current != name and current in but_through:
            continue
        children = chains.get(current, ())
        # What is put in last is looked at first.
        waiting.extend(reversed(children))
    return tuple(passed)


def uses_of(inventories: Iterable[Inventory], facts: Facts) -> Uses:
    """Return what is used, from what all repositories showed.

    Parameters
    ----------
    inventories
        Of all repositories.
    facts
        What the state tree and Rucio say.
    """
    shown = tuple(inventories)
    selected: set[str] = set()
    searched: set[CollectionName] = set()
    kept: dict[str, set[Keeper]] = {}
    holders: dict[str, set[RepositoryAddress]] = {}
    for inventory in shown:
        for leaves in _searches(inventory, facts):
            searched.update(leaves)
            # Where a declared collection has not arrived yet, it is searched
            # as another repository has it.
            in_order = _holdings(leaves, (inventory, *shown))
            selected |= _selected(in_order)
        for collection, keeper in _namings(inventory, facts):
            holding = inventory.holdings.get(collection)
            if holding is None:
                continue
            for row in holding.rows:
                keepers = kept.setdefault(row.uuid, set())
                keepers.add(keeper)
        files = inventory.files or {}
        for stored in files.values():
            for uri in stored.uris:
                addresses = holders.setdefault(uri, set())
                addresses.add(inventory.address)
    return Uses(
        selected,
        searched,
        kept,
        holders,
    )


def _selected(leaves: Sequence[Holding]) -> set[str]:
    """Return the UUIDs that a search may give at some moment."""
    resolved = resolve(leaves)
    selected: set[str] = set()
    for winner in resolved.winners:
        selected.add(winner.uuid)
    # The butler refuses to choose between two that overlap in a collection,
    # and a person may settle it either way.
    for ambiguity in resolved.ambiguities:
        selected.update(ambiguity.uuids)
    return selected


def _searches(
    inventory: Inventory,
    facts: Facts,
) -> Iterator[tuple[CollectionName, ...]]:
    """Yield what is searched through each chain, as it is and as declared."""
    live = inventory.chains
    declared = facts.declared.get(inventory.address, {})
    as_declared = {**live, **declared}
    for name in sorted(facts.selecting):
        if name in live or name in inventory.holdings:
            yield flattened(name, live)
        if name in declared:
            yield flattened(name, as_declared)


def _holdings(
    leaves: Iterable[CollectionName],
    places: Sequence[Inventory],
) -> list[Holding]:
    """Return what collections hold at the first place that has them."""
    holdings: list[Holding] = []
    for leaf in leaves:
        for place in places:
            holding = place.holdings.get(leaf)
            if holding:
                holdings.append(holding)
                break
    return holdings


def _namings(
    inventory: Inventory,
    facts: Facts,
) -> Iterator[tuple[CollectionName, Keeper]]:
    """Yield the collections that something names, each with what does."""
    chains = inventory.chains
    for name, keeper in facts.named:
        for collection in reached(name, chains):
            yield collection, keeper
    grouping = facts.selecting | facts.of_tickets
    for name in chains:
        # What a template searched stands in its output chain for ever.
        if name in grouping or Output.of(name):
            continue
        keeper = Keeper(Keeps.CHAIN, name, inventory.address)
        # Below a chain that moves on, only what it selects counts.
        for collection in reached(name, chains, facts.selecting):
            yield collection, keeper
    for name, holding in inventory.holdings.items():
        if holding.type is CollectionType.TAGGED:
            keeper = Keeper(Keeps.TAGGED, name, inventory.address)
            yield name, keeper
