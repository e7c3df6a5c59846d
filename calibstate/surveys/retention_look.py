"""Look at all that repositories keep, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ..engine.side_by_side import gather
from ..engine.undeclared import chains_to_ask_for
from ..errors import Diagnostic, UnreachableError
from ..model.desired import DesiredState
from ..model.names import ANY, RUCIO, CollectionName, Place, RepositoryAddress, TicketKey
from ..model.retention import Inventory
from ..model.rucio import Rule
from ..model.scope import Scope
from ..ports.butler import ButlerReader
from ..ports.retention import RetentionPlaces
from .retention_facts import rules_of_others
from .retention_uses import flattened

__all__ = ["Looked", "look_at_inventories"]


@dataclass(frozen=True)
class Looked:
    """What all places showed."""

    inventories: Mapping[RepositoryAddress, Inventory]

    rules: Mapping[TicketKey, Sequence[Rule]]
    """Rules in Rucio of other accounts, by ticket."""

    unreachable: Mapping[Place, Diagnostic]
    """Why the other places could not be seen."""


def look_at_inventories(
    desired: DesiredState,
    places: RetentionPlaces,
    counted: Callable[[int, int], None] = lambda done, total: None,
) -> Looked:
    """Look at all that all declared repositories keep.

    Parameters
    ----------
    desired
        The whole declared state: what one site uses, no other may lose.
    places
        Where to look.
    counted
        Told how many repositories have been looked at, of how many.
    """
    looks: dict[RepositoryAddress, Callable[[], Inventory]] = {}
    for address in desired.repositories:
        looks[address] = partial(_look, desired, places, address)
    gathered = gather(looks, places.timeout, counted)
    unreachable: dict[Place, Diagnostic] = {**gathered.unreachable}
    rules: Mapping[TicketKey, Sequence[Rule]] = {}
    if desired.settings.noun.rucio:
        # A rule of somebody else may keep what nothing here names.
        try:
            rucio = places.rucio()
            rules = rules_of_others(desired, rucio)
        except UnreachableError as error:
            unreachable[Place(RUCIO)] = error.first
    return Looked(gathered.results, rules, unreachable)


def _look(desired: DesiredState, places: RetentionPlaces, address: RepositoryAddress) -> Inventory:
    """Return what a repository keeps, or what was published of it."""
    site, repository = desired.repository(address)
    prefixes = {""}
    if site.construction:
        # Trials are made below a name of somebody's own.
        prefixes.add(site.construction.user_prefix)
    folders: list[str] = []
    for instrument in repository.instruments:
        if instrument == ANY:
            continue
        for prefix in sorted(prefixes):
            folders.append(f"{prefix}{instrument}/calib")
    try:
        reader = places.retention(address)
        return reader.inventory(folders)
    except UnreachableError:
        # Its chains were published; what else it keeps was not.
        butler = places.butler(address)
        return _as_published(desired, address, butler)


def _as_published(desired: DesiredState, address: RepositoryAddress, butler: ButlerReader) -> Inventory:
    """Return what the chains of a repository search, as it was published.

    Raises
    ------
    UnreachableError
        A chain was not asked for then.
    """
    everything = Scope()
    tops = set(chains_to_ask_for(address, desired, everything))
    for name, written in desired.chains.items():
        if desired.has_chain(address, written.noun):
            tops.add(name)
    chains: dict[CollectionName, tuple[CollectionName, ...]] = {}
    level = set(tops)
    while level:
        collections = butler.collections(sorted(level))
        level = set()
        for name, collection in collections.items():
            # A collection that is no chain has no children.
            if collection.children:
                chains[name] = collection.children
                level.update(collection.children)
        # Chains may share children, and none is looked at twice.
        level -= chains.keys()
    leaves: set[CollectionName] = set()
    for name in tops:
        searched = flattened(name, chains)
        leaves.update(searched)
    holdings = butler.holdings(leaves, calibrations_only=True)
    return Inventory(
        address,
        chains,
        holdings,
        files=None,
        is_whole=False,
    )
