"""Timelines of chains: as the seals tell what is declared, or as seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from ..engine.expand import places_of
from ..engine.side_by_side import Gathered, gather
from ..model.desired import DesiredState
from ..model.names import RepositoryAddress
from ..model.results.timelines import ChainTimeline
from ..model.scope import Scope
from ..model.timelines import Timeline, fold
from ..ports.places import ReadPlaces
from .comparing.searches import search_changes
from .comparing.sides import Side, Sides
from .comparing.sight import SealedSight
from .fingerprint import declared_chains, look_at_repository
from .folded import Folded
from .published import timelines_of_sight
from .searched import tickets_of_collections

__all__ = ["declared_timelines", "live_timelines"]


_Names = tuple[str, ...]
"""Collections in search order, or tickets."""

_Key = tuple[str, _Names, _Names]
"""A chain by its name, and what is searched through it before and after."""


@dataclass
class _Alike:
    """Repositories where a chain searches the same."""

    instrument: str
    repositories: list[RepositoryAddress] = field(default_factory=list)


def declared_timelines(
    before: DesiredState | None,
    after: DesiredState,
    scope: Scope,
    *,
    compares: bool = False,
    types: Sequence[str] = (),
) -> tuple[ChainTimeline, ...]:
    """Return which ticket wins when, as the seals tell.

    Parameters
    ----------
    before
        The declaration that is compared with; `None`: there was none.
    after
        The declaration.
    scope
        The part that is asked for.
    compares
        Whether it is compared at all.
    types
        Dataset types that are asked for; empty: all.

    Returns
    -------
    tuple of ChainTimeline
        By chain; repositories that search the same stand together.  Where it
        is compared, only what does not select the same any more.
    """
    sight = SealedSight()
    sides = Sides.of(before, after, sight)
    # Most repositories search the same, and stand together.
    alike: dict[_Key, _Alike] = {}
    addresses = places_of(after, scope)
    for address in after.in_order_of_waves(addresses):
        searches = search_changes(address, scope, sides)
        for name, search in searches.items():
            old = search.before.leaves
            new = search.after.leaves
            if compares and old == new:
                # The same order may hold other things by other seals.
                sources_before = sides.before.sources(old)
                sources_after = sides.after.sources(new)
                if sources_before == sources_after:
                    continue
            key = (name, old, new)
            if key not in alike:
                alike[key] = _Alike(search.instrument)
            alike[key].repositories.append(address)
    timelines_before = _Timelines(sides.before, types)
    timelines_after = _Timelines(sides.after, types)
    chains: list[ChainTimeline] = []
    for key in sorted(alike):
        name, old, new = key
        chain = alike[key]
        # A timeline of what nobody compares would cost as much again.
        timeline_before: Timeline | None = None
        if compares:
            timeline_before = timelines_before.of(old)
        timeline = timelines_after.of(new)
        unsealed, external = _unknown(sides.after, new)
        repositories = tuple(chain.repositories)
        drawn = ChainTimeline(
            name,
            chain.instrument,
            repositories,
            timeline,
            timeline_before,
            unsealed,
            external,
        )
        chains.append(drawn)
    return tuple(chains)


def live_timelines(
    desired: DesiredState,
    scope: Scope,
    places: ReadPlaces,
    counted: Callable[[int, int], None] = lambda done, total: None,
) -> Gathered[RepositoryAddress, Mapping[str, Timeline]]:
    """Return which ticket wins when through live chains, by repository.

    A chain that does not exist is left out.

    Parameters
    ----------
    desired, scope
        What is declared, and the part that is asked for.
    places
        Where to look.
    counted
        Told how many repositories have been looked at, of how many.
    """
    looks: dict[RepositoryAddress, Callable[[], Mapping[str, Timeline]]] = {}
    for address in places_of(desired, scope):
        here = Scope(
            repositories=(address,),
            instruments=scope.instruments,
        )
        names = declared_chains(desired, here)
        looks[address] = partial(
            _timelines_there,
            desired,
            places,
            address,
            names,
        )
    return gather(looks, places.timeout, counted)


def _timelines_there(
    desired: DesiredState,
    places: ReadPlaces,
    address: RepositoryAddress,
    names: Sequence[str],
) -> Mapping[str, Timeline]:
    """Return the timelines of a repository, by its sight or by its rows."""
    sight = places.sight_instead(address)
    if sight:
        of_sight = timelines_of_sight(desired, sight, names)
        if of_sight is not None:
            return of_sight
    chains = look_at_repository(desired, places, address, names)
    tickets = tickets_of_collections(desired)
    timelines: dict[str, Timeline] = {}
    for name, chain in chains.items():
        timelines[name] = fold(chain.resolved, tickets)
    return timelines


def _unknown(side: Side, leaves: Sequence[str]) -> tuple[_Names, _Names]:
    """Return tickets and collections whose content nobody tells."""
    sources = side.sources(leaves)
    told_by_seals = dict(sources)
    unsealed: dict[str, None] = {}
    external: dict[str, None] = {}
    for leaf in leaves:
        if leaf in told_by_seals:
            continue
        # A ticket can be sealed; what others make cannot.
        if leaf in side.tickets:
            unsealed[side.tickets[leaf]] = None
        else:
            external[leaf] = None
    return tuple(unsealed), tuple(external)


class _Timelines:
    """Timelines by one of the declarations.

    What several chains search is resolved once.
    """

    def __init__(self, side: Side, types: Sequence[str]) -> None:
        self._side = side
        self._types = types
        self._timelines: dict[_Names, Timeline] = {}

    def of(self, leaves: _Names) -> Timeline:
        """Return the timeline of collections, in search order."""
        if leaves not in self._timelines:
            sources = self._side.sources(leaves)
            folded = Folded.of(sources, self._side.tickets, self._types)
            self._timelines[leaves] = folded.timeline
        return self._timelines[leaves]
