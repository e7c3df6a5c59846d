"""What declared chains search and select: as declared, and as they are live.

A declared chain is told by the seals alone, so that no butler is needed; of
what nobody sealed it is told that it is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from ..engine.expand import chains_at, places_of
from ..engine.side_by_side import gather
from ..errors import Diagnostic
from ..model.contents import Holding
from ..model.desired import DesiredState
from ..model.impacts import Sources
from ..model.names import CollectionName, RepositoryAddress
from ..model.pages import DeclaredSearch, Held, LiveChain, SelectedThen
from ..model.scope import Scope
from ..model.sights import Sight
from ..model.timelines import filter_and_detector, fold
from ..ports.places import ReadPlaces
from .comparing.searches import Search, search_changes
from .comparing.sides import Sides
from .comparing.sight import SealedSight
from .effective import flatten
from .fingerprint import look_at_chains
from .folded import Folded

__all__ = ["LiveChains", "chains_of_sight", "declared_searches", "live_chains", "tickets_of_collections"]

LiveChains = Mapping[RepositoryAddress, Mapping[CollectionName, LiveChain]]
"""By address and name; a chain that does not exist is left out."""

_Searches = dict[CollectionName, dict[Search, list[RepositoryAddress]]]
"""Repositories that search the same, by chain and by what it searches."""


def tickets_of_collections(desired: DesiredState) -> Mapping[CollectionName, str]:
    """Return the ticket of each collection of tickets.

    Parameters
    ----------
    desired
        What is declared.
    """
    tickets: dict[CollectionName, str] = {}
    for written in desired.tickets.values():
        ticket = written.noun
        for name in (*ticket.leaves, *ticket.children):
            tickets[name] = ticket.ticket
    return tickets


def declared_searches(
    desired: DesiredState,
    scope: Scope,
) -> Mapping[CollectionName, tuple[DeclaredSearch, ...]]:
    """Return what declared chains search, and what is effective by the seals.

    Parameters
    ----------
    desired
        What is declared.
    scope
        The part of it that is asked for.

    Returns
    -------
    mapping
        By name of the chain; a search comes first that most repositories
        have.
    """
    sides = Sides.of(None, desired, SealedSight())
    tickets = tickets_of_collections(desired)
    searches: dict[CollectionName, tuple[DeclaredSearch, ...]] = {}
    for name, having in _searches(sides, desired, scope).items():
        of_chain: list[DeclaredSearch] = []
        for search, addresses in having.items():
            sources = sides.after.sources(search.leaves)
            folded = Folded.of(sources, tickets)
            declared = DeclaredSearch(
                repositories=tuple(addresses),
                children=search.children,
                searched=search.leaves,
                selected=folded.selected,
                unsealed=_unsealed(search, sources),
                timeline=folded.timeline,
                held=tuple(folded.held),
            )
            of_chain.append(declared)
        of_chain.sort(key=lambda search: -len(search.repositories))
        searches[name] = tuple(of_chain)
    return searches


def selected_then(desired: DesiredState, scope: Scope, name: CollectionName) -> SelectedThen | None:
    """Return what a chain selected by a revision, as far as seals tell.

    Parameters
    ----------
    desired
        What was declared.
    scope
        The part of it that is asked for.
    name
        The chain.

    Returns
    -------
    SelectedThen or None
        By the search that most repositories had; `None`: none had any.
    """
    sides = Sides.of(None, desired, SealedSight())
    having = _searches(sides, desired, scope, name).get(name)
    if not having:
        return None
    search = max(having, key=lambda search: len(having[search]))
    sources = sides.after.sources(search.leaves)
    folded = Folded.of(sources, tickets_of_collections(desired))
    return SelectedThen(
        folded.timeline,
        unsealed=len(_unsealed(search, sources)),
        repository=having[search][0],
        certifications=folded.certifications,
    )


def _searches(
    sides: Sides,
    desired: DesiredState,
    scope: Scope,
    only: CollectionName | None = None,
) -> _Searches:
    """Return what chains search, and where; most do the same."""
    addresses = places_of(desired, scope)
    repositories = desired.in_order_of_waves(addresses)
    # Most repositories search the same, which is resolved once.
    same: _Searches = {}
    for address in repositories:
        for name, change in search_changes(
            address,
            scope,
            sides,
        ).items():
            if only is not None and name != only:
                continue
            having = same.setdefault(name, {})
            having.setdefault(change.after, []).append(address)
    return same


def _unsealed(search: Search, sources: Sources) -> frozenset[CollectionName]:
    """Return collections that no seal tells of; they may win as well."""
    return frozenset(search.leaves) - {leaf for leaf, _ in sources}


def live_chains(
    desired: DesiredState,
    scope: Scope,
    places: ReadPlaces,
    counted: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[LiveChains, Mapping[RepositoryAddress, Diagnostic]]:
    """Return the declared chains as they are live, and what was not seen.

    Parameters
    ----------
    desired, scope
        What is declared, and the part that is asked for.
    places
        Where to look.
    counted
        Told how many repositories have been looked at, of how many.
    """
    tickets = tickets_of_collections(desired)
    looked_at = look_at_chains(
        desired,
        scope,
        places,
        counted,
    )

    def chains_there(address: RepositoryAddress) -> Mapping[CollectionName, LiveChain]:
        butler = places.butler(address)
        there = looked_at.chains[address]
        listed = butler.collections(list(there))
        chains: dict[CollectionName, LiveChain] = {}
        for name, chain in there.items():
            # A chain may have gone since it was looked at.
            if name not in listed:
                continue
            searched = flatten(butler, name)
            holdings = butler.holdings(searched, calibrations_only=True)
            # A collection may have gone since it was listed.
            still_there: list[Holding] = []
            for leaf in searched:
                if leaf in holdings:
                    still_there.append(holdings[leaf])
            timeline = fold(chain.resolved, tickets)
            held = _held(still_there)
            chains[name] = LiveChain(
                children=tuple(listed[name].children),
                searched=searched,
                selected=chain.resolved.selected,
                timeline=timeline,
                held=tuple(held),
            )
        return chains

    # A silent repository costs one limit, and no other its turn.
    looks: dict[RepositoryAddress, Callable[[], Mapping[CollectionName, LiveChain]]] = {}
    for address in looked_at.chains:
        looks[address] = partial(chains_there, address)
    gathered = gather(
        looks,
        places.timeout,
        lambda done, total: None,
    )
    return gathered.results, {**looked_at.unreachable, **gathered.unreachable}


def _held(holdings: Iterable[Holding]) -> Iterator[Held]:
    """Yield what collections hold, told once for all detectors."""
    filters: dict[str, str] = {}
    for holding in holdings:
        alike: set[tuple[str, str, int, int]] = set()
        # Hundreds of thousands of rows come to a few.
        for row in holding.rows:
            # There are as many data IDs as detectors, again and again.
            if row.data_id not in filters:
                filter, _ = filter_and_detector(row.data_id)
                filters[row.data_id] = filter
            filter = filters[row.data_id]
            alike.add((row.dataset_type, filter, row.begin, row.end))
        for dataset_type, filter, begin, end in sorted(alike):
            # What has an empty range is found by nobody.
            if begin < end:
                yield Held(
                    holding.collection,
                    dataset_type,
                    filter,
                    begin,
                    end,
                )


def chains_of_sight(
    desired: DesiredState,
    sight: Sight,
) -> Mapping[CollectionName, LiveChain] | None:
    """Return the chains that a sight tells of; what they hold is not told.

    Parameters
    ----------
    desired
        What is declared.
    sight
        What somebody published of one of its repositories.

    Returns
    -------
    mapping or None
        By name; `None`: it does not tell of all chains that are declared
        today.
    """
    here = Scope(repositories=(sight.address,))
    for change in chains_at(desired, here, sight.address):
        name = change.address.name
        if name in desired.chains and name not in sight.chains:
            return None
    chains: dict[CollectionName, LiveChain] = {}
    for name, there in sight.chains.items():
        # A chain that is absent has nothing to show.
        if there is None or name not in desired.chains:
            continue
        chains[name] = LiveChain(
            children=there.children,
            searched=there.searched,
            selected=frozenset(there.selected),
            timeline=there.timeline,
        )
    return chains
