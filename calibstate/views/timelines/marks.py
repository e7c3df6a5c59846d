"""What is drawn as one bar: an interval, or neighbours that are very short.

Ten years of weekly tickets have thousands of intervals, more than a screen has
places for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from ...model.timelines import NOTHING, Interval
from .span import Span

__all__ = ["Mark", "few_enough", "marks_of"]

_SHARES = (0.0, 0.0003, 0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1)
"""Shares of the width below which neighbours may become one mark; the first
that leaves few enough is taken."""


class Mark(NamedTuple):
    """What is drawn as one bar."""

    intervals: tuple[Interval, ...]
    """One after the other, without a break."""

    @property
    def begin(self) -> int:
        """Nanoseconds of TAI."""
        return self.intervals[0].begin

    @property
    def end(self) -> int:
        """Nanoseconds of TAI."""
        return self.intervals[-1].end


class _Shown(NamedTuple):
    """An interval, and where it stands."""

    interval: Interval
    first: float
    last: float


def marks_of(
    intervals: Sequence[Interval],
    span: Span,
    join_below: float,
    apart: Collection[int] = (),
) -> Iterator[Mark]:
    """Yield what is drawn of a row, gaps in which nothing is found excepted.

    Parameters
    ----------
    intervals
        Of the row, by begin.
    span
        The span of time that is shown; what is outside is left out.
    join_below
        Share of the width below which neighbours become one mark.
    apart
        Moments across which nothing is joined, in nanoseconds of TAI.
    """
    yield from _joined(_shown(intervals, span), join_below, apart)


def _shown(intervals: Sequence[Interval], span: Span) -> Iterator[_Shown]:
    for interval in intervals:
        if interval.end > span.begin and interval.begin < span.end:
            yield _Shown(interval, span.share(interval.begin), span.share(interval.end))


def _joined(shown: Iterable[_Shown], join_below: float, apart: Collection[int] = ()) -> Iterator[Mark]:
    waiting: list[Interval] = []
    begun = 0.0
    for interval, first, last in shown:
        # What finds nothing is never hidden in a mark.
        is_gap = interval.ticket == NOTHING
        # Two that are short may be long together, and stay apart then.
        is_short = last - first < join_below and not is_gap
        fits = is_short and first - begun < join_below and interval.begin not in apart
        if waiting and not fits:
            yield Mark(tuple(waiting))
            waiting = []
        if not waiting:
            begun = first
        if is_short:
            waiting.append(interval)
        elif not is_gap or interval.odd:
            yield Mark((interval,))
    if waiting:
        yield Mark(tuple(waiting))


def few_enough(rows: Sequence[Sequence[Interval]], span: Span, most: int) -> float:
    """Return the share of the width below which neighbours become one mark.

    Parameters
    ----------
    rows
        Intervals of each row.
    span
        The span of time that is shown.
    most
        Marks that there should be at most in all rows; there are more where
        no share leaves so few.
    """
    if sum(map(len, rows)) <= most:
        return _SHARES[0]
    shown = [list(_shown(intervals, span)) for intervals in rows]

    def is_enough(share: float) -> bool:
        number = 0
        for of_row in shown:
            number += sum(1 for _ in _joined(of_row, share))
        return number <= most

    # The larger the share, the fewer marks.
    first = bisect_left(_SHARES, x=True, hi=len(_SHARES) - 1, key=is_enough)
    return _SHARES[first]
