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
from typing import NamedTuple, TypeVar

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
    pieces = _paint_all(table)
    ranks = np.unique(table.rank[pieces.position]).tolist()
    return Resolved(
        winners=tuple(_joined(table, pieces, across=across)),
        ambiguities=tuple(table.ambiguities()),
        selected=frozenset(table.collections[rank] for rank in ranks),
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
    could_win: list[Candidate] = []
    for rank, leaf in enumerate(_once(leaves)):
        rows = [row for row in leaf.rows if row.data_id == data_id]
        rows.sort(key=lambda row: (row.begin, row.end, row.uuid))
        for row in rows:
            if row.dataset_type == dataset_type:
                could_win.append(Candidate(rank, leaf.collection, row))
    return tuple(could_win)


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
        dataset_type = _column(rows, 0, np.object_)
        data_id = _column(rows, 1, np.object_)
        uuid = _column(rows, 2, np.object_)
        begin = _column(rows, 3, np.int64)
        end = _column(rows, 4, np.int64)
        counts = [len(leaf.rows) for leaf in leaves]
        ranks = np.arange(len(leaves), dtype=np.int64)
        rank = np.repeat(ranks, np.array(counts, np.int64))
        # One number for type and data ID sorts faster than two texts.
        types = _numbered(dataset_type)
        data_ids = _numbered(data_id)
        number = data_ids.max(initial=0) + 1
        key = types * number + data_ids
        order = _order(uuid, end, begin, rank, key)
        # EMPTY ranges never win.
        is_proper = begin[order] < end[order]
        order = order[is_proper]
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

    def ambiguities(self) -> Iterator[Ambiguity]:
        """Yield the overlaps of rows with those after them in a collection."""
        same_key = _equals_previous(self.key)
        same_rank = _equals_previous(self.rank)
        same_collection = same_key & same_rank
        # Of ranges sorted by their begins, one that overlaps any later one
        # overlaps the next.
        overlaps_next = self.begin[1:] < self.end[:-1]
        overlapping = np.flatnonzero(same_collection & overlaps_next)
        for first in overlapping.tolist():
            end = int(self.end[first])
            for other in range(first + 1, len(self.key)):
                begin = int(self.begin[other])
                if begin >= end:
                    break
                if not same_collection[other - 1]:
                    break
                yield Ambiguity(
                    self.collections[self.rank[first]],
                    self.dataset_type[first],
                    self.data_id[first],
                    (self.uuid[first], self.uuid[other]),
                    begin,
                    min(end, int(self.end[other])),
                )

    def patterns(self) -> dict[bytes, list[int]]:
        """Return where data IDs begin, by their ranges in search order."""
        spans = np.stack([self.begin, self.end], axis=1)
        packed = spans.tobytes()
        size = 2 * spans.itemsize
        is_other_key = np.diff(self.key, prepend=-1)
        starts = np.flatnonzero(is_other_key).tolist()
        starts_of: dict[bytes, list[int]] = {}
        for start, stop in pairwise([*starts, len(spans)]):
            ranges = packed[size * start : size * stop]
            starts_of.setdefault(ranges, []).append(start)
        return starts_of


@dataclass(frozen=True)
class _Pieces:
    """Ranges in which a row wins, in columns."""

    position: Numbers
    """Which row of the table."""

    begin: Numbers
    end: Numbers


class _Piece(NamedTuple):
    """A range in which one of some ranges is the first."""

    place: int
    """Which of them."""

    begin: int
    end: int


def _column(rows: Sequence[Row], place: int, dtype: type[Scalar]) -> npt.NDArray[Scalar]:
    values = map(itemgetter(place), rows)
    return np.fromiter(values, dtype, len(rows))


def _order(uuid: Texts, *columns: Numbers) -> Numbers:
    """Return the order by the last column, the one before it, and so on."""
    order = np.lexsort(columns)
    same: list[npt.NDArray[np.bool_]] = []
    for column in columns:
        ordered = column[order]
        same.append(_equals_previous(ordered))
    tied = np.logical_and.reduce(same)
    if not tied.any():
        return order
    # Sorting UUIDs takes longer than all the rest, and hardly ever matters.
    return np.lexsort((_numbered(uuid), *columns))


def _numbered(texts: Texts) -> Numbers:
    """Return for each text its place among all of them, sorted."""
    distinct = sorted(set(texts))
    places = {text: place for place, text in enumerate(distinct)}
    numbers = map(places.__getitem__, texts)
    return np.fromiter(numbers, np.int64, len(texts))


def _paint_all(table: _Table) -> _Pieces:
    """Return the pieces of all rows that win, by data ID and begin."""
    positions = [_NONE]
    begins = [_NONE]
    ends = [_NONE]
    for ranges, starts in table.patterns().items():
        edges = np.frombuffer(ranges, np.int64)
        spans = edges.reshape(-1, 2).tolist()
        painted = np.array(_paint(spans), np.int64)
        places, piece_begins, piece_ends = painted.T
        # The pattern is that of all data IDs that begin at these rows.
        first = np.array(starts, np.int64)
        number = len(first)
        rows = first[:, None] + places
        positions.append(rows.ravel())
        begins.append(np.tile(piece_begins, number))
        ends.append(np.tile(piece_ends, number))
    position = np.concatenate(positions)
    begin = np.concatenate(begins)
    end = np.concatenate(ends)
    key = table.key[position]
    order = np.lexsort((begin, key))
    return _Pieces(
        position[order],
        begin[order],
        end[order],
    )


def _paint(ranges: Sequence[Sequence[int]]) -> list[_Piece]:
    """Return which of some ranges is the first that holds each moment.

    Parameters
    ----------
    ranges
        As they are preferred.

    Returns
    -------
    list of _Piece
        By begin, without overlaps.
    """
    # The last one that is coming begins first.
    begin_of = [begin for begin, _ in ranges]
    end_of = [end for _, end in ranges]
    coming = sorted(
        range(len(ranges)),
        key=begin_of.__getitem__,
        reverse=True,
    )
    edges = sorted({*begin_of, *end_of})
    # A heap: the first range that holds the moment is on top.
    holding: list[int] = []
    pieces: list[_Piece] = []
    for begin, end in pairwise(edges):
        while coming and begin_of[coming[-1]] <= begin:
            heappush(holding, coming.pop())
        while holding and end_of[holding[0]] <= begin:
            heappop(holding)
        if not holding:
            continue
        first = holding[0]
        # What goes on over an edge of another range stays one piece.
        if pieces and pieces[-1].place == first and pieces[-1].end == begin:
            last = pieces.pop()
            begin = last.begin
        piece = _Piece(first, begin, end)
        pieces.append(piece)
    return pieces


def _joined(table: _Table, pieces: _Pieces, *, across: bool) -> Iterator[Effective]:
    """Return the pieces, those of one dataset that touch made one."""
    position = pieces.position
    if not len(position):
        return iter(())
    goes_on = pieces.begin[1:] == pieces.end[:-1]
    goes_on &= _equals_previous(table.key[position])
    goes_on &= _equals_previous(table.uuid[position])
    if not across:
        goes_on &= _equals_previous(table.rank[position])
    is_start = np.concatenate([[True], ~goes_on])
    starts = np.flatnonzero(is_start)
    # A joined range ends where its last piece does.
    ends = np.append(starts[1:], len(position))
    last = ends - 1
    # The first position is that of the collection that is searched first.
    first = np.minimum.reduceat(position, starts)
    collections = np.array(table.collections, np.object_)
    columns = (
        table.dataset_type[first],
        table.data_id[first],
        pieces.begin[starts],
        pieces.end[last],
        table.uuid[first],
        collections[table.rank[first]],
    )
    values = [column.tolist() for column in columns]
    rows = zip(*values, strict=True)
    return map(Effective._make, rows)


def _equals_previous(
    column: npt.NDArray[Scalar],
) -> npt.NDArray[np.bool_]:
    same: npt.NDArray[np.bool_] = column[1:] == column[:-1]
    return same
