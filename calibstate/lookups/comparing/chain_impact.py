"""What becomes of the lookups through one chain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ...model.contents import Block, Holding
from ...model.differences import Selected, differences
from ...model.effective import Resolved
from ...model.impacts import ChainImpact, Change, Effect, Shadowed, Sources, Via
from ...model.names import RepositoryAddress
from ...model.seals import Seal, unnamed_run
from ..alike import Alike
from ..resolve import resolve
from .searches import SearchChange, Steps
from .sides import Side, Sides
from .unknown import unknown

__all__ = ["NamedChain", "blocks_of", "chain_impact", "holdings_of"]

NamedChain = tuple[RepositoryAddress, str]
"""A repository, and the name of a chain there."""

_GRAVEST_FIRST = tuple(Effect)


@dataclass(frozen=True)
class _Winners:
    """What wins by one of the declarations."""

    leaves: Sequence[Holding]
    """What is searched, for those data IDs that stand for others."""

    resolved: Resolved

    @classmethod
    def among(cls, sources: Sources, alike: Alike) -> _Winners:
        """Return what wins of what is searched.

        Parameters
        ----------
        sources
            Collections in search order, each with who tells what it holds.
        alike
            Which data IDs stand for which.
        """
        leaves: list[Holding] = []
        for leaf, source in sources:
            blocks = blocks_of(leaf, source)
            leaves.append(alike.narrowed(leaf, blocks))
        return cls(leaves, resolve(leaves))

    @cached_property
    def shadowed(self) -> frozenset[str]:
        """Collections that hold something, and never win."""
        holding: set[str] = set()
        for leaf in self.leaves:
            # What has an empty range is found by nobody.
            if any(row.begin < row.end for row in leaf.rows):
                holding.add(leaf.collection)
        return frozenset(holding - self.resolved.selected)


def chain_impact(
    search: SearchChange,
    chains: Sequence[NamedChain],
    sides: Sides,
) -> ChainImpact:
    """Return what becomes of the lookups through a chain.

    Parameters
    ----------
    search
        What it searches before and after.
    chains
        The repositories that have it, each with its name there.
    sides
        The two declarations.
    """
    tickets = sides.tickets
    before = sides.before.sources(search.before.leaves)
    after = sides.after.sources(search.after.leaves)
    changes: tuple[Change, ...] = ()
    shadowed: tuple[Shadowed, ...] = ()
    # Where the same is searched in the same order, no lookup changes.
    if before != after:
        blocks: list[Block] = []
        for leaf, source in (*before, *after):
            blocks += blocks_of(leaf, source)
        alike = Alike.among(blocks)
        won = _Winners.among(before, alike)
        wins = _Winners.among(after, alike)
        searched = frozenset(search.before.leaves)
        all_changes = _changes(won.resolved, wins.resolved, searched, alike)
        in_order = sorted(
            all_changes,
            key=lambda change: _GRAVEST_FIRST.index(change.effect),
        )
        changes = tuple(in_order)
        all_shadowed = _newly_shadowed(won, wins, tickets, sides.after)
        shadowed = tuple(all_shadowed)
    steps = Steps.between(
        search.before.children,
        search.after.children,
    )
    falls_through = any(change.after is None for change in changes)
    unknown_parts = tuple(
        unknown(
            search,
            before,
            after,
            tickets,
            falls_through=falls_through,
        )
    )
    return ChainImpact(
        chains=tuple(chains),
        instrument=search.instrument,
        entered=_as_tickets(steps.entered, tickets),
        left=_as_tickets(steps.left, tickets),
        moved=_as_tickets(steps.moved, tickets),
        changes=changes,
        shadowed=shadowed,
        # All of them search the same.
        unknown_in=(unknown_parts,) * len(chains),
        searched=(before, after),
    )


def _as_tickets(
    children: Iterable[str],
    tickets: Mapping[str, str],
) -> tuple[str, ...]:
    """Return children of a chain, those that are a ticket's by its name."""
    names: list[str] = []
    for child in children:
        names.append(tickets.get(child, child))
    return tuple(names)


def blocks_of(leaf: str, source: Holding | Seal) -> tuple[Block, ...]:
    """Return what a collection holds, as few blocks as tell it.

    Parameters
    ----------
    leaf
        Its name.
    source
        Who tells what it holds.
    """
    if isinstance(source, Holding):
        return source.blocks
    return source.blocks[leaf]


def _changes(
    before: Resolved,
    after: Resolved,
    searched: frozenset[str],
    alike: Alike,
) -> Iterator[Change]:
    """Yield the lookups that change.

    Parameters
    ----------
    before, after
        What wins.
    searched
        Collections that were searched before.
    alike
        The data IDs that each stands for.
    """
    # Here a row has its RUN in place of its UUID, and those are told together
    # that are found through one collection, and in one RUN.
    by_run = differences(
        before,
        after,
        alike_in=lambda winner: f"{winner.collection}\t{winner.uuid}",
    )
    for difference in by_run:
        via_before = _via(difference.first)
        via_after = _via(difference.other)
        yield Change(
            difference.dataset_type,
            alike.all_of(difference.dataset_type, difference.data_ids),
            difference.begin,
            difference.end,
            via_before,
            via_after,
            _effect(via_before, via_after, searched),
        )


def _via(selected: frozenset[Selected]) -> Via | None:
    """Return where lookups that are told together find their datasets."""
    if not selected:
        return None
    # They were put together by collection and RUN.
    (winner,) = selected
    if winner.uuid == unnamed_run(winner.collection):
        return Via(winner.collection, None)
    return Via(winner.collection, winner.uuid)


def _effect(
    before: Via | None,
    after: Via | None,
    searched: frozenset[str],
) -> Effect:
    if after is None:
        return Effect.LOST
    if before is None:
        return Effect.NEWLY_COVERED
    if after.collection == before.collection:
        return Effect.REPLACED
    # What was behind comes forward again.
    if after.collection in searched:
        return Effect.REVERTED
    return Effect.REPLACED


def _newly_shadowed(
    before: _Winners,
    after: _Winners,
    tickets: Mapping[str, str],
    side: Side,
) -> Iterator[Shadowed]:
    """Yield what never wins after, and won before or was not there."""
    for collection in sorted(after.shadowed - before.shadowed):
        ticket = tickets.get(collection, "")
        siblings: set[str] = set()
        for leaf in after.leaves:
            if not leaf.rows:
                continue
            name = leaf.collection
            if tickets.get(name) == ticket:
                siblings.add(name)
        # A ticket none of which wins can be taken out of the chain.
        is_whole = bool(ticket) and siblings <= after.shadowed
        where = side.line_with({ticket, collection})
        yield Shadowed(collection, ticket, is_whole, where)


def holdings_of(sources: Sources) -> list[Holding]:
    """Return what is searched, row by row.

    Parameters
    ----------
    sources
        Collections in search order, each with who tells what it holds.
    """
    holdings: list[Holding] = []
    for leaf, source in sources:
        if isinstance(source, Holding):
            holdings.append(source)
        else:
            holdings.append(source.holdings[leaf])
    return holdings
