"""Where two timelines select otherwise: exact, folded over filters."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from .contents import parse_data_id
from .fingerprints import digest_of_lines
from .number_ranges import as_ranges, ranges_in
from .timelines import NOTHING, Interval, Timeline, TimelineRow
from .timespans import Range

__all__ = ["Difference", "Winner", "differences", "digest_within", "rows_by_filter", "with_same_detectors"]


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


def digest_within(
    timeline: Timeline,
    span: Range,
    types: Collection[str] = (),
    *,
    physical_filter: str = "",
    detectors: str = "",
) -> str:
    """Return a digest of which ticket wins in a span, for every detector.

    Equal digests: each lookup gets the same ticket.  What is found at other
    times only makes no difference.

    Parameters
    ----------
    timeline
        Which ticket wins when.
    span
        From when until when, in nanoseconds of TAI.
    types
        Dataset types that count; empty: all.
    physical_filter
        The filter that counts, of types that have filters; empty: all.
    detectors
        Those that count, such as ``0..8``, of types that have detectors;
        empty: all.
    """
    first, last = span
    lines: list[str] = []
    for (dataset_type, name), row in sorted(rows_by_filter(timeline).items()):
        if types and dataset_type not in types:
            continue
        if physical_filter and not _is_of(physical_filter, name):
            continue
        side = _Side(timeline, row)
        edges = {first, last, *side.edges()}
        within = [edge for edge in sorted(edges) if first <= edge <= last]
        before: tuple[Winner, ...] = ()
        for begin in within[:-1]:
            winners = tuple(_among(side.winners(begin), detectors))
            # Where nothing changes there is no edge.
            if winners != before:
                lines.append(repr((dataset_type, name, begin, tuple(map(tuple, winners)))))
            before = winners
    return digest_of_lines(lines)


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


def with_same_detectors(
    a: TimelineRow | None, b: TimelineRow | None
) -> tuple[TimelineRow | None, TimelineRow | None]:
    """Return two rows of the same detectors.

    What one of them lacks finds nothing there.

    Parameters
    ----------
    a, b
        The same row of two timelines; `None`: there is none.
    """
    if a is None or b is None or a.detectors == b.detectors:
        return a, b
    both = as_ranges({*_numbers(a.detectors), *_numbers(b.detectors)})
    return a.among(both), b.among(both)


class _Side(NamedTuple):
    """One of two timelines, at one row."""

    timeline: Timeline
    row: TimelineRow | None

    def edges(self) -> Iterator[int]:
        if self.row:
            for interval in self.row.intervals:
                yield interval.begin
                yield interval.end

    def interval(self, moment: int) -> Interval | None:
        """Return the interval of a moment; `None`: nothing is found."""
        return self.row.interval(moment) if self.row else None

    def selects_as(self, other: _Side, moment: int) -> bool:
        """Say at once whether both select the same for all detectors.

        Parameters
        ----------
        other
            The other side; its row has the same detectors.
        moment
            Nanoseconds of TAI.
        """
        mine, its = self.interval(moment), other.interval(moment)
        if mine is None or its is None:
            return mine is its
        if len(mine.odd) != len(its.odd) or self.named(mine.ticket) != other.named(its.ticket):
            return False
        for my_odd, its_odd in zip(mine.odd, its.odd, strict=True):
            if my_odd.detectors != its_odd.detectors or self.named(my_odd.ticket) != other.named(
                its_odd.ticket
            ):
                return False
        return True

    def named(self, ticket: int) -> str | None:
        """Return what a ticket is called; `None`: nothing is found."""
        if ticket == NOTHING:
            return None
        return self.timeline.tickets[ticket]

    def winners(self, moment: int) -> tuple[Winner, ...]:
        """Return what wins at a moment, by ticket."""
        interval = self.interval(moment)
        if self.row is None or interval is None:
            return ()
        winners: list[Winner] = []
        for odd in interval.odd:
            ticket = self.named(odd.ticket)
            if ticket is not None:
                winners.append(Winner(ticket, odd.detectors))
        ticket = self.named(interval.ticket)
        if ticket is not None:
            odd_ones = (odd.detectors for odd in interval.odd)
            winners.append(Winner(ticket, _but(self.row.detectors, *odd_ones)))
        return tuple(sorted(winners))


def _is_of(physical_filter: str, name: str) -> bool:
    """Say whether a row is looked up for a filter."""
    # A data ID that has other keys stands as text.
    if "=" in name:
        return parse_data_id(name).get("physical_filter", physical_filter) == physical_filter
    return name in {"", physical_filter}


def _among(winners: Sequence[Winner], detectors: str) -> Iterator[Winner]:
    """Yield what wins for some detectors, or for what knows none."""
    for winner in winners:
        if not detectors or not winner.detectors:
            yield winner
        elif both := _both(winner.detectors, detectors):
            yield winner._replace(detectors=both)


@lru_cache(maxsize=1024)
def _both(detectors: str, others: str) -> str:
    """Return detectors that are among others, too."""
    return as_ranges(set(_numbers(detectors)).intersection(_numbers(others)))


@lru_cache(maxsize=1024)
def _but(detectors: str, *odd: str) -> str:
    """Return detectors but for some of them; the same come again and again."""
    numbers = set(_numbers(detectors))
    for odd_ones in odd:
        numbers.difference_update(_numbers(odd_ones))
    return as_ranges(numbers)


def _numbers(detectors: str) -> Iterator[int]:
    for numbers in ranges_in(detectors):
        yield from numbers


def _spans(dataset_type: str, a: _Side, b: _Side) -> Iterator[Difference]:
    """Yield the spans in which one row differs; those that touch are one."""
    edges = sorted({*a.edges(), *b.edges()})
    has_same_detectors = bool(a.row and b.row and a.row.detectors == b.row.detectors)
    last: Difference | None = None
    for begin, end in pairwise(edges):
        # Between two edges nothing changes on either side.
        if has_same_detectors and a.selects_as(b, begin):
            # Of ten years a few weeks differ.
            if last and last.a != last.b:
                yield last
            last = None
            continue
        span = Difference(dataset_type, (), begin, end, a.winners(begin), b.winners(begin))
        if last and (span.a, span.b) == (last.a, last.b):
            last = last._replace(end=end)
            continue
        if last and last.a != last.b:
            yield last
        last = span
    if last and last.a != last.b:
        yield last
