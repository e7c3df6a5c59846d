"""Resolve: which dataset wins, for every data ID, in every range of time.

The first collection in the search order that has a dataset for the moment
wins.  Most data IDs of a camera have the same ranges in the same order, so
each such pattern is resolved once, for all data IDs that have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from ..model.contents import Holding, Row
from ..model.effective import Ambiguity, Candidate, Effective, Resolved

__all__ = ["candidates", "resolve"]

Numbers = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]
Flags = npt.NDArray[np.bool_]

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
    searched = _once(leaves)
    table = _Table.of(searched)
    pieces = _paint_all(table)
    same_collection = _equals_previous(table.rank[pieces.position])
    goes_on = _goes_on(table, pieces)
    within = goes_on & same_collection
    winners = _joined(table, pieces, goes_on if across else within)
    parted: tuple[Effective, ...] | None = None
    # That two collections have the same dataset in ranges that touch is rare.
    if across and not np.array_equal(goes_on, within):
        parted = tuple(_joined(table, pieces, within))
    ranks_of_pieces = table.rank[pieces.position]
    winning_ranks = np.unique(ranks_of_pieces)
    selected: set[str] = set()
    for rank in winning_ranks.tolist():
        selected.add(table.collections[rank])
    ambiguities = table.ambiguities()
    return Resolved(
        tuple(winners),
        tuple(ambiguities),
        frozenset(selected),
        parted,
    )


def candidates(
    leaves: Sequence[Holding],
    dataset_type: str,
    data_id: str,
) -> tuple[Candidate, ...]:
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
    searched = _once(leaves)
    for rank, leaf in enumerate(searched):
        # Few rows are of the data ID, so that is looked at first.
        rows = [row for row in leaf.rows if row.data_id == data_id]
        rows.sort(key=lambda row: (row.begin, row.end, row.uuid))
        for row in rows:
            if row.dataset_type == dataset_type:
                candidate = Candidate(rank, leaf.collection, row)
                could_win.append(candidate)
    return tuple(could_win)


def _once(leaves: Iterable[Holding]) -> list[Holding]:
    first: dict[str, Holding] = {}
    for leaf in leaves:
        first.setdefault(leaf.collection, leaf)
    return list(first.values())


_Patterns = dict[bytes, list[int]]
"""Where data IDs begin in a table, by their ranges."""


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
        rows: list[Row] = []
        counts: list[int] = []
        for leaf in leaves:
            rows.extend(leaf.rows)
            counts.append(len(leaf.rows))
        dataset_type = _column(rows, 0, np.object_)
        data_id = _column(rows, 1, np.object_)
        uuid = _column(rows, 2, np.object_)
        begin = _column(rows, 3, np.int64)
        end = _column(rows, 4, np.int64)
        ranks = np.arange(len(leaves), dtype=np.int64)
        repeats = np.array(counts, np.int64)
        rank = np.repeat(ranks, repeats)
        # One number for type and data ID sorts faster than two texts.
        types = _numbered(dataset_type)
        data_ids = _numbered(data_id)
        number = data_ids.max(initial=0) + 1
        key = types * number + data_ids
        order = _order(uuid, end, begin, rank, key)
        # EMPTY ranges never win.
        is_proper = begin[order] < end[order]
        order = order[is_proper]
        collections = [leaf.collection for leaf in leaves]
        return cls(
            dataset_type=dataset_type[order],
            data_id=data_id[order],
            uuid=uuid[order],
            begin=begin[order],
            end=end[order],
            key=key[order],
            rank=rank[order],
            collections=collections,
        )

    def ambiguities(self) -> Iterator[Ambiguity]:
        """Yield the overlaps of rows with those after them in a collection."""
        same_key = _equals_previous(self.key)
        same_rank = _equals_previous(self.rank)
        same_collection = same_key & same_rank
        # Of ranges sorted by their begins, one that overlaps any later one
        # overlaps the next.
        next_begins = self.begin[1:]
        ends = self.end[:-1]
        overlaps_next = next_begins < ends
        overlapping = np.flatnonzero(same_collection & overlaps_next)
        # There are next to none, and each is looked at by itself.
        for first in overlapping.tolist():
            end = int(self.end[first])
            for other in range(first + 1, len(self.key)):
                begin = int(self.begin[other])
                other_end = int(self.end[other])
                if begin >= end:
                    break
                if not same_collection[other - 1]:
                    break
                uuids = (self.uuid[first], self.uuid[other])
                yield Ambiguity(
                    self.collections[self.rank[first]],
                    self.dataset_type[first],
                    self.data_id[first],
                    uuids,
                    begin,
                    min(end, other_end),
                )

    def patterns(self) -> _Patterns:
        """Return where data IDs begin, by their ranges in search order."""
        spans = np.stack([self.begin, self.end], axis=1)
        packed = spans.tobytes()
        size = 2 * spans.itemsize
        is_other_key = np.diff(self.key, prepend=-1)
        starts = np.flatnonzero(is_other_key)
        edges = starts.tolist()
        edges.append(len(spans))
        starts_of: _Patterns = {}
        # A camera has as many data IDs as detectors and filters together, so
        # the loop cuts bytes and hashes them, and does nothing else.
        for start, stop in pairwise(edges):
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


def _column(
    rows: Sequence[Row],
    place: int,
    dtype: type[Scalar],
) -> npt.NDArray[Scalar]:
    values = map(itemgetter(place), rows)
    return np.fromiter(values, dtype, len(rows))


def _order(uuid: Texts, *columns: Numbers) -> Numbers:
    """Return the order by the last column, the one before it, and so on."""
    order = np.lexsort(columns)
    same: list[Flags] = []
    for column in columns:
        ordered = column[order]
        same.append(_equals_previous(ordered))
    tied = np.logical_and.reduce(same)
    if not tied.any():
        return order
    # Sorting UUIDs takes longer than all the rest, and hardly ever matters.
    numbers = _numbered(uuid)
    return np.lexsort((numbers, *columns))


def _numbered(texts: Texts) -> Numbers:
    """Return for each text its place among all of them, sorted."""
    distinct = sorted(set(texts))
    places = {text: place for place, text in enumerate(distinct)}
    # There is one text for each row, and a loop over them would be slow.
    numbers = map(places.__getitem__, texts)
    return np.fromiter(numbers, np.int64, len(texts))


def _paint_all(table: _Table) -> _Pieces:
    """Return the pieces of all rows that win, by data ID and begin."""
    positions = [_NONE]
    begins = [_NONE]
    ends = [_NONE]
    patterns = table.patterns()
    for ranges, starts in patterns.items():
        edges = np.frombuffer(ranges, np.int64)
        spans = edges.reshape(-1, 2)
        pieces = _paint(spans.tolist())
        painted = np.array(pieces, np.int64)
        places, piece_begins, piece_ends = painted.T
        # The pattern is that of all data IDs that begin at these rows.
        first = np.array(starts, np.int64)
        rows = first[:, None] + places
        number = len(first)
        all_begins = np.tile(piece_begins, number)
        all_ends = np.tile(piece_ends, number)
        positions.append(rows.ravel())
        begins.append(all_begins)
        ends.append(all_ends)
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
    moments = set(begin_of)
    moments.update(end_of)
    edges = sorted(moments)
    # A heap: the first range that holds the moment is on top.
    holding: list[int] = []
    pieces: list[_Piece] = []
    # This loop is gone through for each pattern of ranges, not for each data
    # ID, so it may be one of Python.
    for begin, end in pairwise(edges):
        while coming and begin_of[coming[-1]] <= begin:
            heappush(holding, coming.pop())
        while holding and end_of[holding[0]] <= begin:
            heappop(holding)
        if not holding:
            continue
        first = holding[0]
        # What goes on over an edge of another range stays one piece.
        if pieces:
            last = pieces[-1]
            if last.place == first and last.end == begin:
                begin = last.begin
                pieces.pop()
        piece = _Piece(first, begin, end)
        pieces.append(piece)
    return pieces


def _goes_on(table: _Table, pieces: _Pieces) -> Flags:
    """Say of each piece but the first whether it goes on with that before.

    It does if it begins where that ends, and is the same dataset for the same
    data ID.
    """
    later_begins = pieces.begin[1:]
    earlier_ends = pieces.end[:-1]
    goes_on: Flags = later_begins == earlier_ends
    goes_on &= _equals_previous(table.key[pieces.position])
    goes_on &= _equals_previous(table.uuid[pieces.position])
    return goes_on


def _joined(table: _Table, pieces: _Pieces, goes_on: Flags) -> Iterator[Effective]:
    """Return the pieces, those that go on made one with those before."""
    position = pieces.position
    if not len(position):
        return iter(())
    # The first piece goes on with none.
    is_start = np.concatenate([[True], ~goes_on])
    starts = np.flatnonzero(is_start)
    # A joined range ends where its last piece does.
    next_starts = starts[1:]
    ends = np.append(next_starts, len(position))
    last = ends - 1
    # The first position is that of the collection that is searched first.
    first = np.minimum.reduceat(position, starts)
    rank = table.rank[first]
    collections = np.array(table.collections, np.object_)
    # Winners come in hundreds of thousands, and a loop over them would take
    # longer than all before it.
    rows = zip(
        table.dataset_type[first].tolist(),
        table.data_id[first].tolist(),
        pieces.begin[starts].tolist(),
        pieces.end[last].tolist(),
        table.uuid[first].tolist(),
        collections[rank].tolist(),
        strict=True,
    )
    return map(Effective._make, rows)


def _equals_previous(
    column: npt.NDArray[Scalar],
) -> Flags:
    """Say of each value but the first whether it is that before it."""
    same: Flags = column[1:] == column[:-1]
    return same
