"""Timelines: of all dataset types, and of one with why a ticket wins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import zip_longest
from typing import Any

from markupsafe import Markup

from ...model.names import CollectionName
from ...model.pages import DeclaredSearch, PageContent
from ...model.timelines import Standing, Timeline, TimelineRow
from ...model.timespans import UNBOUNDED_BEGIN, UNBOUNDED_END, parse_tai
from ...store.documents.pages_timeline import (
    ShownTimeline,
    between,
    chain_timeline,
    of_type,
    stack_of,
    timeline_page,
)
from ..timelines.ordinal import side_by_side
from ..timelines.span import Span
from ..timelines.svg import Drawing, changes
from ..timelines.tints import tints_of
from .addresses import timeline_address
from .page import Page
from .pictures import MOST_MARKS, Picture, Pictures, in_words
from .selected import selected_file

__all__ = ["timeline_pages"]

_MOST_AT_ONCE = 250
"""Intervals of one dataset type that a page draws one by one, and tickets that
it stacks; of more, older years have pages of their own."""

_YEARS_AT_FIRST = 2

_MOST_IN_WORDS = 200
"""Intervals that a page has as a table; its document has all."""


def timeline_pages(content: PageContent) -> Iterator[Page]:
    """Yield the timelines of each instrument: of all types, and of each.

    Parameters
    ----------
    content
        All that is known.
    """
    for instrument in content.instruments:
        shown = chain_timeline(content, instrument)
        if shown is None:
            continue
        types = tuple(dict.fromkeys(row.dataset_type for row in shown.timeline.rows))
        tints = _tints(content, shown)
        drawing = replace(Drawing.of(shown.timeline), tints=tints)
        common = {
            "types": types,
            "selected": selected_file(instrument, shown.timeline),
            "untold": _untold(content, shown),
        }
        more: dict[str, Any] = {
            **common,
            "pairs": tuple(_pairs(content, shown, tints)),
            "whole": None,
            "pictures": Pictures.of(shown.timeline, drawing),
            **_words(shown.timeline),
            "stacks": (),
            "more_stacked": 0,
            "years": (),
        }
        document = timeline_page(content, shown, shown.timeline)
        yield Page(
            timeline_address(instrument), "Which ticket wins when", document, instrument, "timeline", more
        )
        for dataset_type in types:
            yield from _TypePages(content, shown, dataset_type, tints, common).all()


@dataclass(frozen=True)
class _TypePages:
    """The page of a dataset type; of one with very many intervals, more."""

    content: PageContent
    shown: ShownTimeline
    dataset_type: str
    tints: Mapping[str, int]
    common: Mapping[str, Any]
    """What all pages of types have."""

    def all(self) -> Iterator[Page]:
        """Yield them: the newest first, then the years."""
        if not self.years:
            yield self.page(self.timeline, self.drawing.span)
            return
        # Ten years of hundreds of pieces are read by nobody.
        first = _begin_of(self.years[-_YEARS_AT_FIRST:][0])
        yield self.page_between(first, UNBOUNDED_END)
        for year, after in zip_longest(self.years, self.years[1:]):
            # What began before the first year stands with that.
            begin = UNBOUNDED_BEGIN if year == self.years[0] else _begin_of(year)
            end = _begin_of(after) if after else UNBOUNDED_END
            yield self.page_between(begin, end, str(year))

    @cached_property
    def timeline(self) -> Timeline:
        """All of the type."""
        return of_type(self.shown.timeline, self.dataset_type)

    @cached_property
    def drawing(self) -> Drawing:
        """Draws all of it."""
        return replace(Drawing.of(self.timeline), tints=self.tints)

    @cached_property
    def stacks(self) -> Sequence[tuple[TimelineRow, tuple[Standing, ...]]]:
        """What could win, row by row."""
        stacks: list[tuple[TimelineRow, tuple[Standing, ...]]] = []
        for row in self.timeline.rows:
            stack = stack_of(row, self.timeline, self.shown.held, self.content.tickets)
            stacks.append((row, stack))
        return stacks

    @cached_property
    def years(self) -> tuple[int, ...]:
        """Years that have a page, by time; empty: one page has all."""
        intervals = sum(len(row.intervals) for row in self.timeline.rows)
        stacked = sum(len(stack) for _, stack in self.stacks)
        if max(intervals, stacked) <= _MOST_AT_ONCE:
            return ()
        return _years(self.timeline)

    def page_between(self, begin: int, end: int, year: str = "") -> Page:
        """Return the page of what wins between two moments.

        Parameters
        ----------
        begin, end
            Nanoseconds of TAI.
        year
            Which year that is; empty: it is the newest part.
        """
        whole = self.drawing.span
        span = Span(max(begin, whole.begin), min(end, whole.end))
        return self.page(between(self.timeline, begin, end), span, year)

    def page(self, timeline: Timeline, span: Span, year: str = "") -> Page:
        """Return a page.

        Parameters
        ----------
        timeline
            What is shown.
        span
            The span of time.
        year
            Which year that is; empty: it is the newest part, or all.
        """
        drawing = self.drawing.within(span).with_at_most(_MOST_AT_ONCE, timeline)
        stacks, more_stacked = self.stacked(timeline, drawing)
        whole: Pictures | None = None
        if self.years:
            whole = Pictures.of(self.timeline, self.drawing, _MOST_AT_ONCE)
        more: dict[str, Any] = {
            **self.common,
            "pairs": tuple(_pairs(self.content, self.shown, self.tints, self.dataset_type)),
            "whole": whole,
            "pictures": Pictures.of(timeline, drawing, _MOST_AT_ONCE),
            **_words(timeline),
            "stacks": stacks,
            "more_stacked": more_stacked,
            "years": tuple(map(str, self.years)),
        }
        instrument = self.shown.instrument
        address = timeline_address(instrument, self.dataset_type)
        title = self.dataset_type
        if year:
            address += f"{year}/"
            title += f", {year}"
        document = timeline_page(self.content, self.shown, timeline, self.dataset_type, year or None)
        return Page(address, title, document, instrument, "timeline", more)

    def stacked(self, timeline: Timeline, drawing: Drawing) -> tuple[Sequence[Picture], int]:
        """Return why it wins where it wins, and how many tickets are left out.

        Parameters
        ----------
        timeline
            What is shown.
        drawing
            Draws it.
        """
        pictures: list[Picture] = []
        left_out = 0
        room = _MOST_AT_ONCE
        rows = {(row.dataset_type, row.filters): row for row in timeline.rows}
        for whole, stack in self.stacks:
            row = rows.get((whole.dataset_type, whole.filters))
            if row is None or not stack:
                continue
            # What is certified for ever is a candidate in all years since.
            part = [standing for standing in stack if standing.matters(*drawing.span)]
            shown = part[:room]
            room -= len(shown)
            left_out += len(stack) - len(shown)
            if shown:
                svg = Markup(drawing.why(row, timeline, shown))
                pictures.append(Picture(row.dataset_type, row.filters, svg))
        return pictures, left_out


def _words(timeline: Timeline) -> Mapping[str, Any]:
    """Return intervals as a table has them, as many as a page bears."""
    words = list(in_words(timeline))
    return {
        "words": words[:_MOST_IN_WORDS],
        "more_words": max(0, len(words) - _MOST_IN_WORDS),
    }


def _tints(content: PageContent, shown: ShownTimeline) -> Mapping[str, int]:
    """Return the tint of each ticket, the same in all pictures of a chain."""
    compared = _compared(content, shown)
    if compared is None:
        return tints_of([shown.timeline])
    return tints_of([shown.timeline, *compared])


def _untold(content: PageContent, shown: ShownTimeline) -> int:
    """Return of how many collections no seal tells, before or after."""
    searches = (_first(content.before, shown.chain), _first(content.declared, shown.chain))
    return max((len(search.unsealed) for search in searches if search), default=0)


def _compared(content: PageContent, shown: ShownTimeline) -> tuple[Timeline, Timeline] | None:
    """Return what is declared before and after; `None`: no base is named."""
    if not content.base:
        return None
    old = _first(content.before, shown.chain)
    new = _first(content.declared, shown.chain)
    if old is None or new is None:
        return None
    return old.timeline, new.timeline


def _pairs(
    content: PageContent, shown: ShownTimeline, tints: Mapping[str, int], only: str = ""
) -> Iterator[Mapping[str, Any]]:
    """Yield what is effective before and after, where it is not the same.

    Parameters
    ----------
    content, shown
        What is known, and which chain of it is shown.
    tints
        Of each ticket.
    only
        The dataset type; empty: all.
    """
    timelines = _compared(content, shown)
    if timelines is None:
        return
    # Rows are compared filter by filter: which of them agree may differ.
    drawing = replace(Drawing.of(*timelines), tints=tints).with_at_most(MOST_MARKS, *timelines)
    # Filters that change alike look alike, and are drawn once.
    alike: dict[tuple[str, str], list[str]] = {}
    for dataset_type, filter, before, after in side_by_side(*timelines):
        if only and dataset_type != only:
            continue
        if not changes(before, after, timelines):
            continue
        svg = drawing.pair(before, after, timelines, (content.base, "now"))
        alike.setdefault((dataset_type, svg), []).append(filter)
    for (dataset_type, svg), filters in alike.items():
        yield {
            "dataset_type": dataset_type,
            "filters": " ".join(filters),
            "svg": Markup(svg),
            "axis": Markup(drawing.axis()),
        }


def _first(
    searches: Mapping[CollectionName, tuple[DeclaredSearch, ...]], chain: CollectionName
) -> DeclaredSearch | None:
    return next(iter(searches.get(chain, ())), None)


def _years(timeline: Timeline) -> tuple[int, ...]:
    """Return the years in which anything begins, the oldest first."""
    years: set[int] = set()
    for row in timeline.rows:
        for interval in row.intervals:
            if interval.begin != UNBOUNDED_BEGIN:
                moment = datetime.fromtimestamp(interval.begin // 10**9, UTC)
                years.add(moment.year)
    return tuple(sorted(years))


def _begin_of(year: int) -> int:
    return parse_tai(f"{year}-01-01T00:00:00")
