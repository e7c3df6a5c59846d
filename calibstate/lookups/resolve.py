"""Resolve: which dataset wins, for every data ID, in every range of time.

The first collection in the search order that has a dataset for the moment
wins.  Most data IDs of a camera have the same ranges in the same order, so
each such pattern is resolved once, for all data IDs that have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import chain, pairwise
from operator import itemgetter
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ..model.contents import Holding, Row
from ..model.effective import Ambiguity, Candidate, Effective, Resolved

__all__ = ["candidates", "resolve"]

Numbers = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]

Scalar = TypeVar("Scalar", np.int64, np.object_)

_NONE: Numbers = np.empty(0, np.int64)


def resolve(leaves: Sequence[Holding], *, across: bool = True) -> Resolved:
    """Return the winners of a search.

    Where certifications for one data ID overlap within one collection, which
    the butler calls ambiguous, that which begins first is preferred, then
    that which ends first, then the lesser UUID.

    Parameters
    ----------
    leaves
        What is searched, in its order; no chains.  A collection that comes
        again counts where it comes first.
    across
        Join the ranges of one dataset that touch also where two collections
        decide them.  Else each range tells the only one that does.
    """
    table = _Table.of(_once(leaves))
    positions, begins, ends = _paint_all(table)
    return Resolved(
        tuple(_joined(table, positions, begins, ends, across=across)),
        tuple(_ambiguities(table)),
        frozenset(table.collections[rank] for rank in np.unique(table.rank[positions]).tolist()),
    )


def candidates(leaves: Sequence[Holding], dataset_type: str, data_id: str) -> tuple[Candidate, ...]:
    """Return all that could win for a data ID, in search order.

    Parameters
    ----------
    leaves
        As for `resolve`.
    dataset_type, data_id
        What is looked up.

    Returns
    -------
    tuple of Candidate
        Of one collection as `resolve` prefers them; EMPTY ranges too, which
        never win.
    """
    return tuple(
        Candidate(rank, leaf.collection, row)
        for rank, leaf in enumerate(_once(leaves))
        for row in sorted(leaf.rows, key=lambda row: (row.begin, row.end, row.uuid))
        if (row.dataset_type, row.data_id) == (dataset_type, data_id)
    )


def _once(leaves: Iterable[Holding]) -> list[Holding]:
    first: dict[str, Holding] = {}
    for leaf in leaves:
        first.setdefault(leaf.collection, leaf)
    return list(first.values())


@dataclass(frozen=True)
class _Table:
    """Rows that can win, in columns.

    By data ID, then as they are preferred: a row wins wherever no row of its
    data ID before it does.
    """

    dataset_type: Texts
    data_id: Texts
    uuid: Texts
    begin: Numbers
    end: Numbers
    key: Numbers
    """Dataset type and data ID, numbered as they sort."""
    rank: Numbers
    """How many collections are searched before its own."""
    collections: Sequence[str]
    """By rank."""

    @classmethod
    def of(cls, leaves: Sequence[Holding]) -> _Table:
        rows = list(chain.from_iterable(leaf.rows for leaf in leaves))
        dataset_type, data_id, uuid = (_column(rows, place, np.object_) for place in range(3))
        begin, end = (_column(rows, place, np.int64) for place in (3, 4))
        counts = np.array([len(leaf.rows) for leaf in leaves], np.int64)
        rank = np.repeat(np.arange(len(leaves), dtype=np.int64), counts)
        data_ids = _numbered(data_id)
        key = _numbered(dataset_type) * (data_ids.max(initial=0) + 1) + data_ids
        order = _order(uuid, end, begin, rank, key)
        order = order[begin[order] < end[order]]  # EMPTY ranges never win.
        return cls(
            dataset_type[order],
            data_id[order],
            uuid[order],
            begin[order],
            end[order],
            key[order],
            rank[order],
            [leaf.collection for leaf in leaves],
        )


def _column(rows: Sequence[Row], place: int, dtype: type[Scalar]) -> npt.NDArray[Scalar]:
    return np.fromiter(map(itemgetter(place), rows), dtype, len(rows))


def _order(uuid: Texts, *columns: Numbers) -> Numbers:
    """Return the order by the last column, the one before it, and so on."""
    order = np.lexsort(columns)
    tied = np.logical_and.reduce([column[order[1:]] == column[order[:-1]] for column in columns])
    # Sorting UUIDs takes longer than all the rest, and hardly ever matters.
    return np.lexsort((_numbered(uuid), *columns)) if tied.any() else order


def _numbered(texts: Texts) -> Numbers:
    """Return for each text its place among all of them, sorted."""
    places = {text: place for place, text in enumerate(sorted(set(texts)))}
    return np.fromiter(map(places.__getitem__, texts), np.int64, len(texts))


def _ambiguities(table: _Table) -> Iterator[Ambiguity]:
    same = (table.key[1:] == table.key[:-1]) & (table.rank[1:] == table.rank[:-1])
    # Of ranges sorted by their begins, one that overlaps any later one
    # overlaps the next.
    for first in np.flatnonzero(same & (table.begin[1:] < table.end[:-1])).tolist():
        yield from _overlaps(table, first, same)


def _overlaps(table: _Table, first: int, same: npt.NDArray[np.bool_]) -> Iterator[Ambiguity]:
    """Return the overlaps of a row with those after it in its collection."""
    end = int(table.end[first])
    for other in range(first + 1, len(table.key)):
        begin = int(table.begin[other])
        if not same[other - 1] or begin >= end:
            return
        yield Ambiguity(
            table.collections[table.rank[first]],
            table.dataset_type[first],
            table.data_id[first],
            (table.uuid[first], table.uuid[other]),
            begin,
            min(end, int(table.end[other])),
        )


def _paint_all(table: _Table) -> tuple[Numbers, Numbers, Numbers]:
    """Return the pieces of all rows that win: position, begin and end."""
    pieces: list[tuple[Numbers, Numbers, Numbers]] = [(_NONE, _NONE, _NONE)]
    for ranges, starts in _patterns(table).items():
        painted = _paint(np.frombuffer(ranges, np.int64).reshape(-1, 2).tolist())
        places, begins, ends = np.array(painted, np.int64).T
        first = np.array(starts, np.int64)
        pieces.append(
            ((first[:, None] + places).ravel(), np.tile(begins, len(first)), np.tile(ends, len(first)))
        )
    positions, begins, ends = (np.concatenate(column) for column in zip(*pieces, strict=True))
    order = np.lexsort((begins, table.key[positions]))
    return positions[order], begins[order], ends[order]


def _patterns(table: _Table) -> dict[bytes, list[int]]:
    """Return where data IDs begin, by their ranges in search order."""
    spans = np.stack([table.begin, table.end], axis=1)
    packed, size = spans.tobytes(), 2 * spans.itemsize
    starts = np.flatnonzero(np.diff(table.key, prepend=-1)).tolist()
    found: dict[bytes, list[int]] = {}
    for start, stop in pairwise([*starts, len(spans)]):
        found.setdefault(packed[size * start : size * stop], []).append(start)
    return found


def _paint(ranges: Sequence[Sequence[int]]) -> list[tuple[int, int, int]]:
    """Return which of some ranges is the first that holds each moment.

    Parameters
    ----------
    ranges
        As they are preferred.

    Returns
    -------
    list of tuple
        Place in ``ranges``, begin and end; by begin, without overlaps.
    """
    coming = sorted(range(len(ranges)), key=lambda place: ranges[place][0], reverse=True)
    edges = sorted({edge for span in ranges for edge in span})
    open_: list[int] = []  # A heap: the first range that holds the moment is on top.
    pieces: list[tuple[int, int, int]] = []
    for begin, end in pairwise(edges):
        while coming and ranges[coming[-1]][0] <= begin:
            heappush(open_, coming.pop())
        while open_ and ranges[open_[0]][1] <= begin:
            heappop(open_)
        if open_ and pieces and (pieces[-1][0], pieces[-1][2]) == (open_[0], begin):
            pieces[-1] = (open_[0], pieces[-1][1], end)
        elif open_:
            pieces.append((open_[0], begin, end))
    return pieces


def _joined(
    table: _Table, positions: Numbers, begins: Numbers, ends: Numbers, *, across: bool
) -> Iterator[Effective]:
    """Return the pieces, those of one dataset that touch made one."""
    goes_on = (table.key[positions[1:]] == table.key[positions[:-1]]) & (begins[1:] == ends[:-1])
    goes_on &= table.uuid[positions[1:]] == table.uuid[positions[:-1]]
    if not across:
        goes_on &= table.rank[positions[1:]] == table.rank[positions[:-1]]
    starts = np.flatnonzero(np.concatenate([[True], ~goes_on]))[: len(positions)]
    # The first position is that of the collection that is searched first.
    first = np.minimum.reduceat(positions, starts) if len(starts) else positions
    columns = (
        table.dataset_type[first],
        table.data_id[first],
        begins[starts],
        ends[np.append(starts[1:], len(positions)) - 1] if len(starts) else ends,
        table.uuid[first],
        np.array(table.collections, np.object_)[table.rank[first]],
    )
    return map(Effective._make, zip(*(column.tolist() for column in columns), strict=True))
