"""Timelines as tables: a column for each change, and never linear time.

In a text of 80 columns a night of ten years is narrower than a letter, so that
what is lost for a night would not be seen.  Here every change has a column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...model.timelinecompare import rows_by_filter, with_same_detectors
from ...model.timelines import NOTHING, Interval, Timeline, TimelineRow
from ...model.timespans import UNBOUNDED_END
from .words import bar_label, moment, number_of, row_label, ticket_name

__all__ = ["Column", "Table", "blocks", "pairs", "side_by_side", "tables", "wide"]

_NOTHING = "nothing"


@dataclass(frozen=True)
class Column:
    """From when something wins, on each line of a table."""

    begin: str
    """TAI; ``…`` where unbounded."""

    cells: tuple[str, ...]
    """One for each line."""


@dataclass(frozen=True)
class Table:
    """Rows that change together, column by column."""

    labels: tuple[str, ...]
    """What the rows are called: type and filters."""

    lines: tuple[str, ...]
    """What the lines are called; empty where there is one."""

    columns: tuple[Column, ...]

    notes: tuple[str, ...] = ()
    """Detectors for which something else wins, in sentences."""


def tables(timeline: Timeline) -> Iterator[Table]:
    """Yield a table for each set of rows that have the same columns.

    Parameters
    ----------
    timeline
        What is shown.
    """
    labels: dict[tuple[tuple[Column, ...], tuple[str, ...]], list[str]] = {}
    for row in timeline.rows:
        columns: list[Column] = []
        notes: list[str] = []
        for interval in row.intervals:
            columns.append(Column(moment(interval.begin), (_cell(interval, timeline),)))
            notes.extend(_notes(interval, timeline))
        # What ends is told by a column of nothing.
        end = row.intervals[-1].end
        if end != UNBOUNDED_END:
            columns.append(Column(moment(end), (_NOTHING,)))
        key = (tuple(columns), tuple(notes))
        labels.setdefault(key, []).append(row_label(row))
    for (columns_of_all, notes_of_all), rows in labels.items():
        yield Table(tuple(rows), (), columns_of_all, notes_of_all)


def pairs(before: Timeline, after: Timeline, names: tuple[str, str]) -> Iterator[Table]:
    """Yield a table for each set of rows that change alike.

    Parameters
    ----------
    before, after
        What won, and what wins.
    names
        What the two are called.
    """
    labels: dict[tuple[tuple[Column, ...], tuple[str, ...]], list[str]] = {}
    for dataset_type, filter, old, new in side_by_side(before, after):
        label = f"{dataset_type} {filter}".strip()
        columns = tuple(_changing(old, new, before, after))
        if not columns:
            continue
        notes: list[str] = []
        for name, row, timeline in ((names[0], old, before), (names[1], new, after)):
            for interval in row.intervals if row else ():
                for note in _notes(interval, timeline):
                    notes.append(f"{name}: {note}")
        labels.setdefault((columns, tuple(notes)), []).append(label)
    for (columns, notes_of_all), rows in labels.items():
        yield Table(tuple(rows), names, columns, notes_of_all)


def side_by_side(
    before: Timeline, after: Timeline
) -> Iterator[tuple[str, str, TimelineRow | None, TimelineRow | None]]:
    """Yield type and filter with their rows.

    Filters that agreed before need not agree any more.

    Parameters
    ----------
    before, after
        What won, and what wins.
    """
    old = rows_by_filter(before)
    new = rows_by_filter(after)
    for key in sorted({*old, *new}):
        yield (*key, *with_same_detectors(old.get(key), new.get(key)))


def _changing(
    old: TimelineRow | None, new: TimelineRow | None, before: Timeline, after: Timeline
) -> Iterator[Column]:
    """Yield the columns from the first that differs to that after the last."""
    edges: set[int] = set()
    for row in (old, new):
        for interval in row.intervals if row else ():
            edges.update(interval[:2])
    edges.discard(UNBOUNDED_END)
    columns: list[Column] = []
    differs: list[bool] = []
    for edge in sorted(edges):
        first, whole_first = _at(old, edge, before)
        second, whole_second = _at(new, edge, after)
        is_other = whole_first != whole_second
        # What goes on as it was needs no column of its own.
        if columns and columns[-1].cells == (first, second) and differs[-1] == is_other:
            continue
        columns.append(Column(moment(edge), (first, second)))
        differs.append(is_other)
    if True not in differs:
        return
    # One column more says where it is as before again.
    first_other = differs.index(True)
    last_other = len(differs) - 1 - differs[::-1].index(True)
    yield from columns[first_other : last_other + 2]


def _at(row: TimelineRow | None, edge: int, timeline: Timeline) -> tuple[str, object]:
    """Return what wins from a moment on: as a cell, and in full."""
    interval = row.interval(edge) if row else None
    if interval is None:
        return _NOTHING, ()
    names = [(ticket_name(timeline, interval.ticket), "")]
    for odd in interval.odd:
        names.append((ticket_name(timeline, odd.ticket), odd.detectors))
    if names == [(_NOTHING, "")]:
        return _NOTHING, ()
    return _cell(interval, timeline), names


def _cell(interval: Interval, timeline: Timeline) -> str:
    label = _NOTHING
    if interval.ticket != NOTHING:
        label = bar_label(timeline.tickets[interval.ticket])
    if interval.odd:
        number = sum(number_of(odd.detectors) for odd in interval.odd)
        return f"{label} +{number}"
    return label


def _notes(interval: Interval, timeline: Timeline) -> Iterator[str]:
    for odd in interval.odd:
        words = f"detector {odd.detectors}: {ticket_name(timeline, odd.ticket)}"
        yield f"{words}, from {moment(interval.begin)} until {moment(interval.end)}"


def blocks(columns: Sequence[Column], width: int) -> Iterator[Sequence[Column]]:
    """Yield columns in blocks that are no wider than a line.

    Parameters
    ----------
    columns
        In order.
    width
        Characters that there are.
    """
    block: list[Column] = []
    used = 0
    for column in columns:
        needed = wide(column) + 2
        if block and used + needed > width:
            yield block
            block, used = [], 0
        block.append(column)
        used += needed
    if block:
        yield block


def wide(column: Column) -> int:
    """Return how many characters a column takes."""
    return max(len(column.begin), *map(len, column.cells))
