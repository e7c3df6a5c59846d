"""Compare two declarations: which lookups get another calibration.

What the collections hold is told by the seals alone, so that no butler is
needed; or by a live repository, with the extras in its chains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..engine.expand import places_of
from ..model.desired import DesiredState
from ..model.impacts import ChainImpact, Impact
from ..model.names import RepositoryAddress
from ..model.scope import Scope
from ..ports.butler import ButlerReader
from .comparing.chain_impact import NamedChain, chain_impact
from .comparing.searches import SearchChange, search_changes
from .comparing.sides import Sides
from .comparing.sight import LiveSight, SealedSight, Sight

__all__ = ["impact"]


def impact(
    before: DesiredState | None,
    after: DesiredState,
    scope: Scope,
    live: ButlerReader | None = None,
) -> Impact:
    """Return what a change of the declaration does.

    Parameters
    ----------
    before
        The declaration as it was; `None`: there was none.
    after
        The declaration as it is now.
    scope
        The part that is asked for.
    live
        The only repository that is asked for, to tell what collections hold
        and which extras it searches.  Without it the seals tell, and they
        tell what it lacks.
    """
    addresses = places_of(after, scope)
    sight: Sight = SealedSight()
    if live is not None:
        sight = LiveSight(live)
    sides = Sides.of(before, after, sight)
    # Chains that search the same are compared once, wherever they are.
    chains_of: dict[SearchChange, list[NamedChain]] = {}
    # As a change comes to them, so that people read of them in that order.
    for address in after.in_order_of_waves(addresses):
        searches = search_changes(address, scope, sides)
        for name, search in searches.items():
            chains = chains_of.setdefault(search, [])
            chains.append((address, name))
    # All that is searched anywhere is looked at together.
    leaves: set[str] = set()
    for search in chains_of:
        leaves.update(search.before.leaves, search.after.leaves)
    sight.look(leaves)
    impacts: list[ChainImpact] = []
    for search, chains in chains_of.items():
        impact_there = chain_impact(search, chains, sides)
        impacts.append(impact_there)
    telling = [impact for impact in _joined(impacts) if not impact.silent]
    gone: set[RepositoryAddress] = set()
    if before is not None:
        addresses_before = set(places_of(before, scope))
        gone = addresses_before.difference(after.repositories)
    result = Impact(
        chains=tuple(telling),
        repositories=tuple(addresses),
        gone=tuple(sorted(gone)),
    )
    if not scope.tickets:
        return result
    return result.about_tickets(scope, before, after)


def _joined(impacts: Sequence[ChainImpact]) -> list[ChainImpact]:
    """Return impacts; of what changes only by a chain within it, with that."""
    joined: list[ChainImpact] = []
    for impact in impacts:
        if impact.steps:
            joined.append(impact)
    for impact in impacts:
        if impact.steps:
            continue
        # A chain within a chain changes what that one changes.
        same = _with_same_changes(impact, joined)
        if same is None:
            joined.append(impact)
            continue
        other = joined[same]
        joined[same] = replace(
            other,
            chains=(*other.chains, *impact.chains),
            unknown_in=(*other.unknown_in, *impact.unknown_in),
        )
    return joined


def _with_same_changes(
    impact: ChainImpact,
    others: Sequence[ChainImpact],
) -> int | None:
    """Return the index of the impact that changes the same, if any does."""
    if not impact.changes:
        return None
    for index, other in enumerate(others):
        if impact.instrument != other.instrument:
            continue
        if impact.changes == other.changes:
            return index
    return None
