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
        one_side, other_side = (alike_in(winner) if winner else "" for winner in (piece.first, piece.other))
        key = (piece.dataset_type, *piece.span, one_side, other_side)
        alike.setdefault(key, []).append(piece)
    for (dataset_type, begin, end, _, _), pieces in sorted(alike.items()):
        yield Difference(
            dataset_type,
            tuple(sorted(piece.data_id for piece in pieces)),
            begin,
            end,
            frozenset(_selected(p.first) for p in pieces if p.first),
            frozenset(_selected(p.other) for p in pieces if p.other),
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
    here, there = _by_key(first), _by_key(other)
    for key in sorted(here.keys() | there.keys()):
        mine, yours = here.get(key, []), there.get(key, [])
        if [_what(w) for w in mine] != [_what(w) for w in yours]:
            yield from _along(key, mine, yours)


def _by_key(resolved: Resolved) -> dict[tuple[str, str], list[Effective]]:
    return {key: list(ws) for key, ws in groupby(resolved.winners, key=lambda w: (w.dataset_type, w.data_id))}


def _what(winner: Effective) -> tuple[str, int, int]:
    return (winner.uuid, winner.begin, winner.end)


def _along(key: tuple[str, str], mine: list[Effective], yours: list[Effective]) -> Iterator[_Piece]:
    """Walk along time, and yield the longest pieces that differ alike."""
    edges = sorted({edge for w in (*mine, *yours) for edge in (w.begin, w.end)})
    here, there = _winners(mine, edges), _winners(yours, edges)
    last: _Piece | None = None
    for (begin, end), a, b in zip(pairwise(edges), here, there, strict=True):
        if (a and a.uuid) == (b and b.uuid):
            continue
        if last and last.span[1] == begin and (last.first, last.other) == (a, b):
            last.span = (last.span[0], end)
            continue
        if last:
            yield last
        last = _Piece(*key, (begin, end), a, b)
    if last:
        yield last


def _winners(winners: list[Effective], edges: list[int]) -> Iterator[Effective | None]:
    """Yield the winner between each two edges, which holds all between."""
    coming = iter(winners)
    winner = next(coming, None)
    for begin, _ in pairwise(edges):
        while winner and winner.end <= begin:
            winner = next(coming, None)
        yield winner if winner and winner.begin <= begin else None


def _selected(winner: Effective) -> Selected:
    return Selected(winner.collection, winner.uuid)
