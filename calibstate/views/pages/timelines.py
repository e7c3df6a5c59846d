"""Timelines: of all dataset types, and of one with why a ticket wins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from ...model.names import CollectionName
from ...model.pages import DeclaredSearch, PageContent
from ...model.timelines import Timeline
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
from ..timelines.svg import Drawing, changes
from .addresses import timeline_address
from .page import Page
from .pictures import Picture, bars, in_words

__all__ = ["timeline_pages"]

_MOST_AT_ONCE = 4000
"""Intervals of one dataset type on a page; of more, older years have pages of
their own."""

_YEARS_AT_FIRST = 2

_MOST_IN_WORDS = 400
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
        drawing = Drawing.of(shown.timeline)
        types = tuple(dict.fromkeys(row.dataset_type for row in shown.timeline.rows))
        more: dict[str, Any] = {
            **_pictures(shown.timeline, drawing),
            "types": types,
            "pairs": tuple(_pairs(content, shown)),
            "years": (),
        }
        document = timeline_page(content, shown, shown.timeline)
        yield Page(
            timeline_address(instrument), "Which ticket wins when", document, instrument, "timeline", more
        )
        for dataset_type in types:
            yield from _of_type(content, shown, dataset_type, types)


def _of_type(
    content: PageContent, shown: ShownTimeline, dataset_type: str, types: tuple[str, ...]
) -> Iterator[Page]:
    """Yield the page of a type; of one with very many intervals, more."""
    whole = of_type(shown.timeline, dataset_type)
    address = timeline_address(shown.instrument, dataset_type)
    number = sum(len(row.intervals) for row in whole.rows)
    if number <= _MOST_AT_ONCE:
        yield _page(content, shown, whole, address, dataset_type, types)
        return
    # A page of ten years of hundreds of thousands of pieces is read by nobody.
    years = _years(whole)
    first = years[-_YEARS_AT_FIRST:]
    newest = between(whole, _begin_of(first[0]), UNBOUNDED_END)
    yield _page(content, shown, newest, address, dataset_type, types, "", years)
    for year in years:
        begin = _begin_of(year)
        # What began before the first year stands with that.
        if year == years[0]:
            begin = UNBOUNDED_BEGIN
        part = between(whole, begin, _begin_of(year + 1))
        yield _page(content, shown, part, f"{address}{year}/", dataset_type, types, str(year), years)


def _page(
    content: PageContent,
    shown: ShownTimeline,
    timeline: Timeline,
    address: str,
    dataset_type: str,
    types: tuple[str, ...],
    year: str = "",
    years: tuple[int, ...] = (),
) -> Page:
    drawing = Drawing.of(timeline)
    stacks: list[Picture] = []
    for row in timeline.rows:
        stack = stack_of(row, timeline, shown.held, content.tickets)
        if stack:
            svg = Markup(drawing.why(row, timeline, stack))
            stacks.append(Picture(row.dataset_type, row.filters, svg))
    more: dict[str, Any] = {
        **_pictures(timeline, drawing, whole=True),
        "types": types,
        "pairs": tuple(_pairs(content, shown, dataset_type)),
        "stacks": stacks,
        "years": tuple(map(str, years)),
    }
    document = timeline_page(content, shown, timeline, dataset_type, year or None)
    title = f"{dataset_type}, {year}" if year else dataset_type
    return Page(address, title, document, shown.instrument, "timeline", more)


def _pictures(timeline: Timeline, drawing: Drawing, *, whole: bool = False) -> Mapping[str, Any]:
    words = list(in_words(timeline))
    return {
        "axis": Markup(drawing.axis()),
        "pictures": tuple(bars(timeline, drawing, whole=whole)),
        "words": words[:_MOST_IN_WORDS],
        "more_words": max(0, len(words) - _MOST_IN_WORDS),
        "stacks": (),
    }


def _pairs(content: PageContent, shown: ShownTimeline, only: str = "") -> Iterator[Mapping[str, Any]]:
    """Yield what is effective before and after, where it is not the same.

    Parameters
    ----------
    content, shown
        What is known, and which chain of it is shown.
    only
        The dataset type; empty: all.
    """
    if not content.base:
        return
    old = _first(content.before, shown.chain)
    new = _first(content.declared, shown.chain)
    if old is None or new is None:
        return
    # Rows are compared filter by filter: which of them agree may differ.
    timelines = (old.timeline, new.timeline)
    drawing = Drawing.of(*timelines)
    for dataset_type, filter, before, after in side_by_side(*timelines):
        if only and dataset_type != only:
            continue
        if not changes(before, after, timelines):
            continue
        svg = drawing.pair(before, after, timelines, (content.base, "now"))
        yield {
            "dataset_type": dataset_type,
            "filter": filter,
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
    return tuple(range(min(years), max(years) + 1))


def _begin_of(year: int) -> int:
    return parse_tai(f"{year}-01-01T00:00:00")
