"""Where two chains select different calibrations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import attrgetter

from .effective import Effective, Resolved
from .timespans import Range

__all__ = ["Difference", "Selected", "differences"]


@dataclass(frozen=True, order=True)
class Selected:
    """What a lookup gets."""

    collection: str
    uuid: str


@dataclass(frozen=True)
class Difference:
    """Data IDs of one type for which another calibration is selected."""

    dataset_type: str
    data_ids: tuple[str, ...]
    """As text, sorted."""

    begin: int
    """Nanoseconds of TAI."""

    end: int
    """Nanoseconds of TAI."""

    first: frozenset[Selected] = frozenset()
    """What the one chain selects; nothing: a gap."""

    other: frozenset[Selected] = frozenset()
    """What the other chain selects; nothing: a gap."""


def differences(
    first: Resolved, other: Resolved, alike_in: Callable[[Effective], str] = attrgetter("collection")
) -> Iterator[Difference]:
    """Yield where two chains select different datasets.

    Data IDs whose ranges differ in the same way, between the same
    collections, are told together.

    Parameters
    ----------
    first, other
        What is effective through each.
    alike_in
        What the winners on each side must have in common to be told
        together.
    """
    alike: dict[tuple[str, int, int, str, str], list[_Piece]] = {}
    for piece in _pieces(first, other):
        first_side = ""
        if piece.first:
            first_side = alike_in(piece.first)
        other_side = ""
        if piece.other:
            other_side = alike_in(piece.other)
        begin, end = piece.span
        key = (piece.dataset_type, begin, end, first_side, other_side)
        told_together = alike.setdefault(key, [])
        told_together.append(piece)
    # Sorted by their keys, which are all different.
    for (dataset_type, begin, end, _, _), pieces in sorted(alike.items()):
        data_ids = []
        selected: set[Selected] = set()
        other_selected: set[Selected] = set()
        for piece in pieces:
            data_ids.append(piece.data_id)
            if piece.first:
                selected.add(_selected(piece.first))
            if piece.other:
                other_selected.add(_selected(piece.other))
        yield Difference(
            dataset_type,
            tuple(sorted(data_ids)),
            begin,
            end,
            frozenset(selected),
            frozenset(other_selected),
        )


@dataclass
class _Piece:
    """One data ID in one range."""

    dataset_type: str
    data_id: str
    span: Range
    first: Effective | None
    other: Effective | None


def _pieces(first: Resolved, other: Resolved) -> Iterator[_Piece]:
    of_first = _by_key(first)
    of_other = _by_key(other)
    for key in sorted(of_first.keys() | of_other.keys()):
        winners = of_first.get(key, [])
        other_winners = of_other.get(key, [])
        # Most are the same, and need no walk along time.
        what = list(map(_what, winners))
        other_what = list(map(_what, other_winners))
        if what != other_what:
            yield from _along(key, winners, other_winners)


def _by_key(resolved: Resolved) -> dict[tuple[str, str], list[Effective]]:
    """Return winners in the order of time, by dataset type and data ID."""
    grouped = groupby(resolved.winners, key=attrgetter("dataset_type", "data_id"))
    return {key: list(winners) for key, winners in grouped}


def _what(winner: Effective) -> tuple[str, int, int]:
    return (winner.uuid, winner.begin, winner.end)


def _along(
    key: tuple[str, str], winners: list[Effective], other_winners: list[Effective]
) -> Iterator[_Piece]:
    """Walk along time, and yield the longest pieces that differ alike."""
    # Between two edges nothing changes on either side.
    moments: set[int] = set()
    for winner in (*winners, *other_winners):
        moments.update((winner.begin, winner.end))
    edges = sorted(moments)
    here = _winners(winners, edges)
    there = _winners(other_winners, edges)
    last: _Piece | None = None
    for (begin, end), first, other in zip(pairwise(edges), here, there, strict=True):
        if (first and first.uuid) == (other and other.uuid):
            continue
        # A piece that goes on where the last one ended makes it longer.
        winners_here = (first, other)
        if last and last.span[1] == begin and (last.first, last.other) == winners_here:
            last.span = (last.span[0], end)
            continue
        if last:
            yield last
        last = _Piece(*key, (begin, end), first, other)
    if last:
        yield last


def _winners(winners: list[Effective], edges: list[int]) -> Iterator[Effective | None]:
    """Yield the winner between each two edges, which holds all between."""
    coming = iter(winners)
    winner = next(coming, None)
    for begin, _ in pairwise(edges):
        while winner and winner.end <= begin:
            winner = next(coming, None)
        if winner and winner.begin <= begin:
            yield winner
        else:
            yield None


def _selected(winner: Effective) -> Selected:
    return Selected(winner.collection, winner.uuid)
