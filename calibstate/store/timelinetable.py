"""A timeline as a sight has it: each moment once, and elsewhere its place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from ..model.names import Noun
from ..model.number_ranges import ranges_in
from ..model.observations import Name
from ..model.sights import Count
from ..model.timelines import Interval, Odd, Timeline, TimelineRow
from ..model.timespans import UNBOUNDED_BEGIN, UNBOUNDED_END, format_bound, parse_tai

__all__ = ["RowTable", "TimelineTable", "positions"]

_NUMBERS = re.compile(r"[0-9]{1,9}(\.\.[0-9]{1,9})?(,[0-9]{1,9}(\.\.[0-9]{1,9})?)*")


class RowTable(Noun):
    """What wins for one dataset type and some filters that agree."""

    dataset_type: Name

    filters: tuple[Name, ...]
    """Empty: the type knows none."""

    detectors: str
    """Numbers, such as ``0..8``; empty: the type knows no detectors."""

    begin: tuple[Count | None, ...]
    """Begin of each interval, as its place in ``moments``; null: unbounded.
    Each ends where the next begins."""

    end: Count | None
    """End of the last one, likewise."""

    ticket: tuple[int, ...]
    """Of each interval the ticket that wins for most detectors, as its place
    in ``tickets``; -1: nothing is found."""

    odd: tuple[tuple[Count, int, Count], ...]
    """Where something else wins: places of the interval, of what wins, and of
    the ``detectors`` for which it does, by interval."""

    @classmethod
    def of(cls, row: TimelineRow, places: Mapping[int, int | None], detectors: dict[str, int]) -> RowTable:
        """Return a row as it is written.

        Parameters
        ----------
        row
            The row.
        places
            Those of all moments.
        detectors
            Places of numbers of detectors; those that are new get one.
        """
        odd: list[tuple[int, int, int]] = []
        for index, interval in enumerate(row.intervals):
            for each in interval.odd:
                place = detectors.setdefault(each.detectors, len(detectors))
                odd.append((index, each.ticket, place))
        return cls(
            dataset_type=row.dataset_type,
            filters=row.filters,
            detectors=row.detectors,
            begin=tuple(places[interval.begin] for interval in row.intervals),
            end=places[row.intervals[-1].end],
            ticket=tuple(interval.ticket for interval in row.intervals),
            odd=tuple(odd),
        )

    def row(self, moments: Sequence[int], detectors: Sequence[str]) -> TimelineRow:
        """Return what was written.

        Parameters
        ----------
        moments
            Bounds of intervals, in nanoseconds of TAI.
        detectors
            Numbers of detectors, as text.

        Raises
        ------
        ValueError
            Its columns do not fit together.
        """
        odd: dict[int, tuple[Odd, ...]] = {}
        try:
            begins = [UNBOUNDED_BEGIN if place is None else moments[place] for place in self.begin]
            end = UNBOUNDED_END if self.end is None else moments[self.end]
            for index, ticket, place in self.odd:
                odd[index] = (*odd.get(index, ()), Odd(ticket, detectors[place]))
        except IndexError:
            raise ValueError(f"{self.dataset_type}: a place that is not there") from None
        intervals: list[Interval] = []
        # Each ends where the next begins.
        spans = pairwise((*begins, end))
        for index, ((begin, until), ticket) in enumerate(zip(spans, self.ticket, strict=True)):
            intervals.append(Interval(begin, until, ticket, odd.pop(index, ())))
        if odd:
            raise ValueError(f"{self.dataset_type}: something is odd in an interval that is not there")
        return TimelineRow(self.dataset_type, self.filters, self.detectors, tuple(intervals))


class TimelineTable(Noun):
    """Which ticket wins when."""

    tickets: tuple[Name, ...]
    """Tickets that win anywhere; a collection that belongs to none stands with
    its own name."""

    moments: tuple[str, ...]
    """Bounds of intervals, TAI, each once."""

    detectors: tuple[str, ...]
    """Numbers of detectors, such as ``3,7..9``, each once."""

    rows: tuple[RowTable, ...]
    """By dataset type and filters."""

    @classmethod
    def of(cls, timeline: Timeline) -> TimelineTable:
        """Return a timeline as it is written."""
        bounds: set[int] = set()
        for row in timeline.rows:
            for interval in row.intervals:
                bounds |= {interval.begin, interval.end}
        places: dict[int, int | None] = {}
        moments: list[str] = []
        for moment in sorted(bounds):
            places[moment] = None
            text = format_bound(moment)
            if text:
                places[moment] = len(moments)
                moments.append(text)
        numbers: dict[str, int] = {}
        return cls(
            tickets=timeline.tickets,
            moments=tuple(moments),
            rows=tuple(RowTable.of(row, places, numbers) for row in timeline.rows),
            detectors=tuple(numbers),
        )

    def timeline(self, fingerprint: str) -> Timeline:
        """Return what was written.

        Parameters
        ----------
        fingerprint
            The effective fingerprint of its chain.

        Raises
        ------
        ValueError
            It is no timeline: its columns do not fit together.
        """
        for numbers in (*self.detectors, *(row.detectors for row in self.rows)):
            _check_numbers(numbers)
        moments = [parse_tai(moment) for moment in self.moments]
        rows = tuple(row.row(moments, self.detectors) for row in self.rows)
        timeline = Timeline(fingerprint, self.tickets, rows)
        timeline.check()
        return timeline


def positions(text: str, number: int) -> list[int]:
    """Return places that are written as ranges.

    Parameters
    ----------
    text
        Such as ``0..3,5``, growing; empty: none.
    number
        How many places there are.

    Raises
    ------
    ValueError
        They are no such places.
    """
    _check_numbers(text)
    places: list[int] = []
    for run in ranges_in(text):
        # A few characters could stand for more than there is memory for.
        if not len(run) or run.stop > number or (places and run.start <= places[-1]):
            raise ValueError(f"{text} are no places among {number}")
        places.extend(run)
    return places


def _check_numbers(text: str) -> None:
    if text and not _NUMBERS.fullmatch(text):
        raise ValueError(f"{text} are no numbers")
