"""Which span of time a picture shows, and where a moment stands in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import NamedTuple

from ...model.timelines import Timeline
from ...model.timespans import UNBOUNDED

__all__ = ["Span", "Tick", "span_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000_000
_DAY = 86400 * _SECOND

_BEFORE = 0.12
"""Part of what is bounded that is shown before it, and after it."""

_MOST_TICKS = 14

_STEPS = ((1, 0), (7, 0), (0, 1), (0, 3), (0, 12), (0, 60), (0, 240))
"""Days or months from one tick to the next; the last fits any span."""


class Tick(NamedTuple):
    """A line across a picture."""

    moment: int
    """Nanoseconds of TAI."""

    label: str

    is_year: bool
    """Whether a year begins there."""


class Span(NamedTuple):
    """A span of time that is shown."""

    begin: int
    """Nanoseconds of TAI."""

    end: int
    """Nanoseconds of TAI, after the begin."""

    def share(self, moment: int) -> float:
        """Return where a moment stands: 0 at the begin, 1 at the end.

        Parameters
        ----------
        moment
            Nanoseconds of TAI; what lies outside stands at the edge.
        """
        inside = min(max(moment, self.begin), self.end)
        return (inside - self.begin) / (self.end - self.begin)

    def percent(self, moment: int) -> str:
        """Return the same as the pictures write it."""
        return as_percent(self.share(moment))

    def width(self, begin: int, end: int) -> str:
        """Return how wide a range is, as the pictures write it."""
        # Neighbours touch only where both edges are rounded alike.
        first = round(self.share(begin) * 100, 4)
        last = round(self.share(end) * 100, 4)
        return as_percent((last - first) / 100)

    def ticks(self) -> Iterator[Tick]:
        """Yield where months begin, or years, or days; few enough to read."""
        for days, months in _STEPS:
            # Ten years have thousands of days, and nobody wants them all.
            ticks = list(islice(_beginnings(self, days, months), _MOST_TICKS + 1))
            if len(ticks) <= _MOST_TICKS:
                yield from ticks
                return


def as_percent(share: float) -> str:
    """Return a share of the width as pictures write it: ``12.5%``."""
    text = f"{share * 100:.4f}".rstrip("0").rstrip(".")
    return f"{text}%"


def span_of(timelines: Iterable[Timeline]) -> Span:
    """Return the span in which anything begins or ends, and a little more.

    Parameters
    ----------
    timelines
        What is shown together.
    """
    bounds: set[int] = set()
    for timeline in timelines:
        for row in timeline.rows:
            for interval in row.intervals:
                bounds.update((interval.begin, interval.end))
    bounds.difference_update(UNBOUNDED)
    if not bounds:
        # All is valid for ever: any year shows that.
        now = _nanoseconds(datetime(2025, 1, 1, tzinfo=UTC))
        return Span(now, now + 365 * _DAY)
    # Where nothing begins or ends there is nothing to see.
    first, last = min(bounds), max(bounds)
    more = max(int((last - first) * _BEFORE), 30 * _DAY)
    return Span(max(first - more, 0), min(last + more, UNBOUNDED[1]))


def _beginnings(span: Span, days: int, months: int) -> Iterator[Tick]:
    """Yield the days within a span at which something begins.

    Parameters
    ----------
    span
        The span.
    days
        Days from one to the next; 0: they are counted by months.
    months
        Months from one to the next, counted from the first of a year.
    """
    begin = _moment(span.begin)
    day = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    if months:
        years = max(months // 12, 1)
        day = day.replace(year=day.year - day.year % years, month=1, day=1)
    while True:
        moment = _nanoseconds(day)
        if moment >= span.end:
            return
        is_year = day.month == day.day == 1
        if moment > span.begin:
            yield Tick(moment, _label(day, is_year=is_year, days=days), is_year)
        if days:
            day += timedelta(days=days)
        else:
            past = day.year * 12 + day.month - 1 + months
            day = day.replace(year=past // 12, month=past % 12 + 1)


def _label(day: datetime, *, is_year: bool, days: int) -> str:
    if is_year:
        return f"{day:%Y}"
    if days:
        return f"{day.day} {day:%b}"
    return f"{day:%b}"


def _moment(nanoseconds: int) -> datetime:
    # The calendar is a ruler here: TAI has no leap seconds.
    return _EPOCH + timedelta(seconds=nanoseconds // _SECOND)


def _nanoseconds(moment: datetime) -> int:
    since = moment - _EPOCH
    return (since.days * 86400 + since.seconds) * _SECOND
