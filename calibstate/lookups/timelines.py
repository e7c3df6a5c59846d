"""Timelines of chains: as the seals tell what is declared, or as seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..engine.expand import places_of
from ..model.contents import Holding
from ..model.desired import DesiredState
from ..model.names import RepositoryAddress
from ..model.results.timelines import ChainTimeline
from ..model.scope import Scope
from ..model.timelines import NOTHING, Standing, Timeline, TimelineRow, fold
from ..model.timespans import Range
from .comparing.chain_impact import holdings_of
from .comparing.searches import search_changes
from .comparing.sides import Side, Sides
from .comparing.sight import SealedSight
from .resolve import resolve

__all__ = ["declared_timelines", "stack_of", "tickets_by_collection"]


@dataclass
class _Alike:
    """Repositories where a chain searches the same."""

    instrument: str
    before: tuple[str, ...]
    after: tuple[str, ...]
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
    sides = Sides.of(before, after, SealedSight())
    alike: dict[tuple[str, tuple[str, ...], tuple[str, ...]], _Alike] = {}
    for address in after.in_order_of_waves(places_of(after, scope)):
        for name, search in search_changes(address, scope, sides).items():
            old, new = search.before.leaves, search.after.leaves
            if compares and old == new and sides.before.sources(old) == sides.after.sources(new):
                continue
            chain = alike.setdefault((name, old, new), _Alike(search.instrument, old, new))
            chain.repositories.append(address)
    # What several chains search is resolved once.
    resolved: dict[tuple[bool, tuple[str, ...]], Timeline] = {}

    def timeline(side: Side, leaves: tuple[str, ...]) -> Timeline:
        key = (side is sides.after, leaves)
        if key not in resolved:
            resolved[key] = _timeline(side, leaves, types)
        return resolved[key]

    chains: list[ChainTimeline] = []
    for (name, old, new), chain in sorted(alike.items(), key=lambda each: each[0][0]):
        unsealed, external = _unknown(sides.after, new)
        drawn = ChainTimeline(
            name,
            chain.instrument,
            tuple(chain.repositories),
            timeline(sides.after, new),
            timeline(sides.before, old) if compares else None,
            unsealed,
            external,
        )
        chains.append(drawn)
    return tuple(chains)


def _unknown(side: Side, leaves: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return tickets and collections whose content nobody tells."""
    known = {leaf for leaf, _ in side.sources(leaves)}
    unsealed: dict[str, None] = {}
    external: dict[str, None] = {}
    for leaf in leaves:
        if leaf in known:
            continue
        if leaf in side.tickets:
            unsealed[side.tickets[leaf]] = None
        else:
            external[leaf] = None
    return tuple(unsealed), tuple(external)


def _timeline(side: Side, leaves: Sequence[str], types: Sequence[str]) -> Timeline:
    holdings = holdings_of(side.sources(leaves))
    if types:
        holdings = [_of_types(holding, types) for holding in holdings]
    folded = fold(resolve(holdings), side.tickets)
    # A seal has no UUIDs, and what it tells has no fingerprint of datasets.
    return replace(folded, fingerprint="")


def _of_types(holding: Holding, types: Sequence[str]) -> Holding:
    rows = tuple(row for row in holding.rows if row.dataset_type in types)
    return replace(holding, rows=rows)


def tickets_by_collection(desired: DesiredState) -> Mapping[str, str]:
    """Return the ticket of each collection of one.

    Parameters
    ----------
    desired
        What is declared.
    """
    tickets: dict[str, str] = {}
    for written in desired.tickets.values():
        for leaf in written.noun.leaves:
            tickets[leaf] = written.noun.ticket
    return tickets


def stack_of(
    leaves: Sequence[Holding], row: TimelineRow, timeline: Timeline, tickets: Mapping[str, str]
) -> tuple[Standing, ...]:
    """Return the tickets that could win for a row, in search order.

    Parameters
    ----------
    leaves
        What is searched, in its order.
    row
        What wins.
    timeline
        Whose row it is.
    tickets
        Ticket by collection.
    """
    standings: list[Standing] = []
    for leaf in leaves:
        alone = fold(resolve([_of_types(leaf, (row.dataset_type,))]), tickets)
        certified: tuple[Range, ...] = ()
        for each in alone.rows:
            # Filters that agree when all is searched need not agree alone.
            if not row.filters or row.filters[0] in each.filters:
                certified = tuple(interval[:2] for interval in each.intervals if interval.ticket != NOTHING)
        if certified:
            name = tickets.get(leaf.collection, leaf.collection)
            wins = tuple(_won(row, timeline, name, certified))
            standings.append(Standing(name, certified, wins))
    return tuple(standings)


def _won(row: TimelineRow, timeline: Timeline, name: str, certified: Sequence[Range]) -> list[Range]:
    """Return the parts of ranges in which a ticket wins."""
    won: list[Range] = []
    for interval in row.intervals:
        if interval.ticket == NOTHING or timeline.tickets[interval.ticket] != name:
            continue
        for begin, end in certified:
            first, last = max(begin, interval.begin), min(end, interval.end)
            if first < last:
                won.append((first, last))
    return won
