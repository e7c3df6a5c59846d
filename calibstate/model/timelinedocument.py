"""A timeline as it is written: columns of bounds and of indices."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from .names import Noun
from .timelines import Interval, Odd, Timeline, TimelineRow
from .timespans import UNBOUNDED_BEGIN, UNBOUNDED_END, format_bound, parse_tai

__all__ = ["RowEntry", "TimelineEntry"]


class RowEntry(Noun):
    """What wins for one dataset type and some filters that agree."""

    dataset_type: str

    filters: tuple[str, ...] = ()
    """Empty: the type knows none."""

    detectors: str = ""
    """Numbers, such as ``0..8``; empty: the type knows none."""

    begin: tuple[str | None, ...]
    """Begin of each interval, TAI; null: unbounded.  Each ends where the next
    begins."""

    end: str | None
    """End of the last one, TAI; null: unbounded."""

    ticket: tuple[int, ...]
    """Of each interval the ticket that wins for most detectors, as index into
    ``tickets``; -1: nothing is found."""

    odd: Mapping[int, tuple[tuple[int, str], ...]] = {}
    """By index of an interval: the detectors for which something else wins, as
    ticket and numbers."""


class TimelineEntry(Noun):
    """Which ticket wins when."""

    fingerprint: str
    """The effective fingerprint of the chain."""

    tickets: tuple[str, ...]
    """Tickets that win anywhere; a collection that belongs to none stands with
    its own name."""

    rows: tuple[RowEntry, ...]
    """By dataset type and filters."""

    @classmethod
    def of(cls, timeline: Timeline) -> TimelineEntry:
        """Return a timeline as it is written."""
        return cls(
            fingerprint=timeline.fingerprint,
            tickets=timeline.tickets,
            rows=tuple(map(_written, timeline.rows)),
        )

    def timeline(self) -> Timeline:
        """Return what was written.

        Raises
        ------
        ValueError
            It is no timeline: its columns do not fit together.
        """
        timeline = Timeline(self.fingerprint, self.tickets, tuple(map(_read, self.rows)))
        timeline.check()
        return timeline


def _written(row: TimelineRow) -> RowEntry:
    odd: dict[int, tuple[tuple[int, str], ...]] = {}
    for index, interval in enumerate(row.intervals):
        if interval.odd:
            odd[index] = tuple((each.ticket, each.detectors) for each in interval.odd)
    return RowEntry(
        dataset_type=row.dataset_type,
        filters=row.filters,
        detectors=row.detectors,
        begin=tuple(format_bound(interval.begin) for interval in row.intervals),
        end=format_bound(row.intervals[-1].end),
        ticket=tuple(interval.ticket for interval in row.intervals),
        odd=odd,
    )


def _read(row: RowEntry) -> TimelineRow:
    begins = [_moment(begin, UNBOUNDED_BEGIN) for begin in row.begin]
    # Each ends where the next begins.
    spans = pairwise((*begins, _moment(row.end, UNBOUNDED_END)))
    intervals: list[Interval] = []
    for index, ((begin, end), ticket) in enumerate(zip(spans, row.ticket, strict=True)):
        odd = tuple(Odd(*each) for each in row.odd.get(index, ()))
        intervals.append(Interval(begin, end, ticket, odd))
    return TimelineRow(row.dataset_type, row.filters, row.detectors, tuple(intervals))


def _moment(text: str | None, unbounded: int) -> int:
    if text is None:
        return unbounded
    return parse_tai(text)
