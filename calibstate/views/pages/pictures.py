"""Timelines among the templates: a label, a picture, and the same in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from markupsafe import Markup

from ...model.timelines import NOTHING, Interval, Timeline, TimelineRow
from ...store.documents.pages_timeline import between
from ..timelines.span import Span
from ..timelines.svg import Drawing
from ..timelines.words import moment, ticket_name

__all__ = ["MOST_MARKS", "Picture", "Pictures", "RowInWords", "in_words", "pictures_of_tickets"]

MOST_MARKS = 600
"""Bars on a page: with four elements each a browser shows them at once.  Where
there are more, neighbours that are too short to be told apart are one."""

_MOST_OF_A_TICKET = 300
"""The same on the page of a ticket; of more, what is around its own is
shown."""

_AROUND = 30 * 86400 * 10**9
"""Nanoseconds that are shown before a ticket wins, and after."""


@dataclass(frozen=True)
class Picture:
    """One row of a picture."""

    dataset_type: str
    filters: tuple[str, ...]

    svg: Markup
    """What draws it; all names in it are escaped there."""


@dataclass(frozen=True)
class Pictures:
    """Rows below one axis."""

    axis: Markup
    rows: tuple[Picture, ...]

    joins: bool
    """Whether a bar may stand for several tickets."""

    @classmethod
    def of(cls, timeline: Timeline, drawing: Drawing, most: int = MOST_MARKS) -> Pictures:
        """Return a picture of each row.

        Parameters
        ----------
        timeline
            What is drawn.
        drawing
            Draws it.
        most
            How many bars there should be.
        """
        drawing = drawing.with_at_most(most, timeline)
        rows: list[Picture] = []
        for row in timeline.rows:
            svg = Markup(drawing.bars(row, timeline))
            rows.append(Picture(row.dataset_type, row.filters, svg))
        return cls(Markup(drawing.axis()), tuple(rows), drawing.joins)


@dataclass(frozen=True)
class RowInWords:
    """An interval, as a table has it."""

    dataset_type: str
    filters: str
    begin: str
    end: str
    ticket: str
    odd: str
    """What wins for other detectors; empty: nothing else does."""


def pictures_of_tickets(timeline: Timeline) -> Iterator[tuple[str, Pictures]]:
    """Yield each ticket that wins, with where it does.

    Parameters
    ----------
    timeline
        What wins.
    """
    drawing = Drawing.of(timeline)
    number = sum(len(row.intervals) for row in timeline.rows)
    for ticket, rows in _winning(timeline).items():
        own = replace(timeline, rows=tuple(row.row for row in rows))
        drawn = replace(drawing, on=timeline.tickets[ticket])
        # Among hundreds of others it would not be seen.
        if number > _MOST_OF_A_TICKET:
            begin = min(row.begin for row in rows) - _AROUND
            end = max(row.end for row in rows) + _AROUND
            span = Span(max(begin, drawing.span.begin), min(end, drawing.span.end))
            # Only there is it to be told from what is before and after it.
            own = between(own, *span)
            drawn = drawn.within(span)
        yield timeline.tickets[ticket], Pictures.of(own, drawn, _MOST_OF_A_TICKET)


class _WinningRow(NamedTuple):
    """A row in which a ticket wins."""

    row: TimelineRow
    begin: int
    """Nanoseconds of TAI, from which on it wins."""

    end: int
    """Nanoseconds of TAI, from which on it wins no more."""


def _winning(timeline: Timeline) -> Mapping[int, Sequence[_WinningRow]]:
    """Return the rows in which tickets win, by ticket."""
    winning: dict[int, list[_WinningRow]] = {}
    for row in timeline.rows:
        spans: dict[int, _WinningRow] = {}
        for interval in row.intervals:
            # It wins there too, if only for some detectors.
            for ticket in {interval.ticket, *(odd.ticket for odd in interval.odd)} - {NOTHING}:
                begin = spans[ticket].begin if ticket in spans else interval.begin
                spans[ticket] = _WinningRow(row, begin, interval.end)
        for ticket, where in spans.items():
            winning.setdefault(ticket, []).append(where)
    return winning


def in_words(timeline: Timeline) -> Iterator[RowInWords]:
    """Yield every interval, for a table."""
    for row in timeline.rows:
        for interval in row.intervals:
            yield RowInWords(
                row.dataset_type,
                " ".join(row.filters),
                moment(interval.begin),
                moment(interval.end),
                ticket_name(timeline, interval.ticket),
                "; ".join(_odd(timeline, interval)),
            )


def _odd(timeline: Timeline, interval: Interval) -> Sequence[str]:
    words: list[str] = []
    for odd in interval.odd:
        words.append(f"{ticket_name(timeline, odd.ticket)} for detector {odd.detectors}")
    return words
