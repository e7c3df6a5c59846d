"""Timelines among the templates: a label, a picture, and the same in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup, escape

from ...model.timelines import NOTHING, Interval, Timeline, TimelineRow
from ..printable import printable
from ..timelines.svg import Drawing
from ..timelines.words import moment, ticket_name

__all__ = ["Picture", "RowInWords", "bars", "bars_with", "in_words"]

_ONE_MARK = 0.0003
"""Share of the width below which neighbours are one mark, where all dataset
types are shown together."""


@dataclass(frozen=True)
class Picture:
    """One row of a picture."""

    dataset_type: str
    filters: tuple[str, ...]

    svg: Markup
    """What draws it; all names in it are escaped there."""

    def marked(self, ticket: str) -> Picture:
        """Return it with the bars of a ticket marked, also without scripts."""
        name = escape(printable(ticket))
        # The picture is text by now, with names that are escaped.
        bar = Markup('" data-t="{}"').format(name)
        marked = Markup(' on" data-t="{}"').format(name)
        return replace(self, svg=self.svg.replace(bar, marked))


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


def bars(timeline: Timeline, drawing: Drawing, *, whole: bool = False) -> Iterator[Picture]:
    """Yield a picture for each row.

    Parameters
    ----------
    timeline
        What is drawn.
    drawing
        Draws it.
    whole
        Whether every interval is drawn by itself, however short.
    """
    for row in timeline.rows:
        yield _bars(row, timeline, drawing, whole=whole)


def bars_with(timeline: Timeline, drawing: Drawing) -> dict[str, list[Picture]]:
    """Return the pictures of rows by the tickets that win in them.

    Parameters
    ----------
    timeline, drawing
        As for `bars`.
    """
    pictures: dict[str, list[Picture]] = {}
    for row in timeline.rows:
        winning: set[int] = set()
        for interval in row.intervals:
            winning.add(interval.ticket)
            # It wins there too, if only for some detectors.
            winning.update(odd.ticket for odd in interval.odd)
        winning.discard(NOTHING)
        picture = _bars(row, timeline, drawing, whole=False)
        for ticket in winning:
            name = timeline.tickets[ticket]
            pictures.setdefault(name, []).append(picture.marked(name))
    return pictures


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


def _bars(row: TimelineRow, timeline: Timeline, drawing: Drawing, *, whole: bool) -> Picture:
    # Seen by itself, a row has room for what is short.
    join_below = 0.0
    if not whole:
        join_below = _ONE_MARK
    svg = Markup(drawing.bars(row, timeline, join_below=join_below))
    return Picture(row.dataset_type, row.filters, svg)
