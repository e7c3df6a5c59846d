"""Where two timelines select otherwise: exact, folded over filters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from .number_ranges import as_ranges, ranges_in
from .timelines import NOTHING, Timeline, TimelineRow

__all__ = ["Difference", "Winner", "differences", "rows_by_filter"]


class Winner(NamedTuple):
    """A ticket that wins for some detectors."""

    ticket: str
    """The ticket, or a collection that belongs to none."""

    detectors: str
    """Numbers such as ``0..8``; empty: the type knows none."""


class Difference(NamedTuple):
    """A span in which two timelines select otherwise."""

    dataset_type: str
    filters: tuple[str, ...]
    """Those for which it is so; empty: the type knows none."""

    begin: int
    """Nanoseconds of TAI."""

    end: int
    """Nanoseconds of TAI."""

    a: tuple[Winner, ...]
    """What wins in the first; empty: nothing is found."""

    b: tuple[Winner, ...]
    """What wins in the second; empty: nothing is found."""


def differences(a: Timeline, b: Timeline) -> tuple[Difference, ...]:
    """Return where two timelines select otherwise, for any detector.

    Parameters
    ----------
    a, b
        What is compared.

    Returns
    -------
    tuple of Difference
        By dataset type, filter and begin; filters that differ alike are
        together.
    """
    # Equal fingerprints: not one lookup differs.  What seals tell has none.
    if a.fingerprint and a.fingerprint == b.fingerprint:
        return ()
    rows_of_a = rows_by_filter(a)
    rows_of_b = rows_by_filter(b)
    # Filters are joined where all their spans are the same.
    alike: dict[tuple[str, tuple[Difference, ...]], list[str]] = {}
    for dataset_type, name in sorted(rows_of_a.keys() | rows_of_b.keys()):
        key = (dataset_type, name)
        sides = (_Side(a, rows_of_a.get(key)), _Side(b, rows_of_b.get(key)))
        spans = tuple(_spans(dataset_type, *sides))
        if spans:
            alike.setdefault((dataset_type, spans), []).append(name)
    everything: list[Difference] = []
    for (_, spans), names in alike.items():
        filters = tuple(filter(None, names))
        for span in spans:
            everything.append(span._replace(filters=filters))
    return tuple(everything)


def rows_by_filter(timeline: Timeline) -> Mapping[tuple[str, str], TimelineRow]:
    """Return rows by dataset type and filter, each filter by itself.

    Parameters
    ----------
    timeline
        Whose; the filter of a type that knows none is empty.
    """
    rows: dict[tuple[str, str], TimelineRow] = {}
    for row in timeline.rows:
        # Which filters agree may differ between two timelines.
        for name in row.filters or ("",):
            rows[row.dataset_type, name] = row
    return rows


class _Side(NamedTuple):
    """One of two timelines, at one row."""

    timeline: Timeline
    row: TimelineRow | None

    def edges(self) -> Iterator[int]:
        if self.row:
            for interval in self.row.intervals:
                yield interval.begin
                yield interval.end

    def winners(self, moment: int) -> tuple[Winner, ...]:
        """Return what wins at a moment, by ticket."""
        interval = self.row.interval(moment) if self.row else None
        if self.row is None or interval is None:
            return ()
        # What most have is had by all but the odd ones.
        rest = _numbers(self.row.detectors)
        winners: list[Winner] = []
        for odd in interval.odd:
            rest -= _numbers(odd.detectors)
            if odd.ticket != NOTHING:
                winners.append(Winner(self.timeline.tickets[odd.ticket], odd.detectors))
        if interval.ticket != NOTHING:
            winners.append(Winner(self.timeline.tickets[interval.ticket], as_ranges(sorted(rest))))
        return tuple(sorted(winners))


@lru_cache(maxsize=1024)
def _numbers(detectors: str) -> frozenset[int]:
    numbers: set[int] = set()
    for numbers_of_range in ranges_in(detectors):
        numbers.update(numbers_of_range)
    return frozenset(numbers)


def _spans(dataset_type: str, a: _Side, b: _Side) -> Iterator[Difference]:
    """Yield the spans in which one row differs; those that touch are one."""
    edges = sorted({*a.edges(), *b.edges()})
    last: Difference | None = None
    for begin, end in pairwise(edges):
        # Between two edges nothing changes on either side.
        span = Difference(dataset_type, (), begin, end, a.winners(begin), b.winners(begin))
        if last and (span.a, span.b) == (last.a, last.b):
            last = last._replace(end=end)
            continue
        if last and last.a != last.b:
            yield last
        last = span
    if last and last.a != last.b:
        yield last
