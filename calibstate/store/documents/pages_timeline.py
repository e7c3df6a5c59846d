"""Which ticket wins when, as pages have it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ...model.names import CollectionName, InstrumentName, RepositoryAddress
from ...model.pages import Held, PageContent
from ...model.timelinedocument import TimelineEntry
from ...model.timelines import Standing, Timeline, TimelineRow
from .pages import PageDocument, SeenPart, head, main_chain, seen_part

__all__ = [
    "ShownTimeline",
    "TimelinePage",
    "between",
    "chain_timeline",
    "of_type",
    "stack_of",
    "timeline_page",
]


@dataclass(frozen=True)
class ShownTimeline:
    """The timeline of a chain that pages show first."""

    instrument: InstrumentName
    chain: CollectionName
    timeline: Timeline
    held: tuple[Held, ...]

    repository: RepositoryAddress | None
    """Where it was seen; `None`: it is as declared, by the seals."""

    unsealed: int = 0
    """Collections of which no seal tells what they hold."""

    last_seen: SeenPart | None = None
    """When it was seen; `None`: it is as declared."""


class TimelinePage(PageDocument):
    """Which ticket wins when, for all dataset types or one."""

    kind: Literal["page-timeline"] = "page-timeline"

    instrument: InstrumentName
    chain: CollectionName

    repository: RepositoryAddress | None
    """Where it was seen; null: it is as declared, by the seals."""

    last_seen: SeenPart | None
    """When it was seen there; null: it is as declared."""

    unsealed: int
    """Collections of which no seal tells what they hold."""

    dataset_type: str | None
    """Null: all of them."""

    year: str | None
    """The year that is shown; null: all of them, or the newest."""

    timeline: TimelineEntry


def chain_timeline(
    content: PageContent,
    instrument: InstrumentName,
    chain: CollectionName | None = None,
) -> ShownTimeline | None:
    """Return the timeline of a chain: declared, or else as its origin has it.

    Parameters
    ----------
    content
        All that is known.
    instrument
        Whose.
    chain
        The chain; `None`: the main one.

    Returns
    -------
    ShownTimeline or None
        `None`: nobody knows it.
    """
    name = chain or main_chain(content, instrument)
    if name is None or content.desired is None:
        return None
    # The search that most repositories have stands for the declaration.
    declared = next(iter(content.declared.get(name, ())), None)
    shown: ShownTimeline | None = None
    if declared:
        unsealed = len(declared.unsealed)
        shown = ShownTimeline(
            instrument,
            name,
            declared.timeline,
            declared.held,
            None,
            unsealed,
        )
        if not unsealed:
            return shown
    # Of what nobody sealed the origin tells.
    origin = content.desired.origin(instrument)
    if origin:
        live = content.live.get(origin, {}).get(name)
        if live:
            # A sight does not tell what collections hold; most have a seal.
            held = live.held or (shown.held if shown else ())
            return ShownTimeline(
                instrument,
                name,
                live.timeline,
                held,
                origin,
                last_seen=seen_part(content.ages.get(origin)),
            )
    return shown


def of_type(timeline: Timeline, dataset_type: str) -> Timeline:
    """Return the rows of one dataset type."""
    rows = tuple(row for row in timeline.rows if row.dataset_type == dataset_type)
    return replace(timeline, rows=rows)


def between(timeline: Timeline, begin: int, end: int) -> Timeline:
    """Return what wins at any moment between two; intervals stay whole.

    Parameters
    ----------
    timeline
        The whole of it.
    begin, end
        Nanoseconds of TAI.
    """
    rows: list[TimelineRow] = []
    for row in timeline.rows:
        # They are in order, and follow one on another.
        first = bisect_right(row.intervals, begin, key=lambda interval: interval.end)
        last = bisect_left(row.intervals, end, key=lambda interval: interval.begin)
        if first < last:
            rows.append(replace(row, intervals=row.intervals[first:last]))
    return replace(timeline, rows=tuple(rows))


def stack_of(
    row: TimelineRow,
    timeline: Timeline,
    held: Sequence[Held],
    tickets: Mapping[CollectionName, str],
) -> tuple[Standing, ...]:
    """Return the tickets that could win for a row, in search order.

    Parameters
    ----------
    row
        What wins.
    timeline
        Whose row it is.
    held
        What collections hold, in search order.
    tickets
        Ticket of each collection.
    """
    # Filters of one row agree in what wins, though not in what could win; the
    # first stands for them.
    filter = next(iter(row.filters), "")
    ranges: dict[str, list[tuple[int, int]]] = {}
    for each in held:
        if each.dataset_type == row.dataset_type and each.filter == filter:
            name = tickets.get(each.collection, each.collection)
            ranges.setdefault(name, []).append((each.begin, each.end))
    standings: list[Standing] = []
    for name, certified in ranges.items():
        wins = tuple(
            _won(
                row,
                timeline,
                name,
            )
        )
        standings.append(
            Standing(
                name,
                tuple(certified),
                wins,
            )
        )
    return tuple(standings)


def _won(row: TimelineRow, timeline: Timeline, name: str) -> Iterator[tuple[int, int]]:
    """Yield where a ticket wins, for whichever detector."""
    if name not in timeline.tickets:
        return
    ticket = timeline.tickets.index(name)
    for interval in row.intervals:
        if interval.ticket == ticket or any(odd.ticket == ticket for odd in interval.odd):
            yield interval.begin, interval.end


def timeline_page(
    content: PageContent,
    shown: ShownTimeline,
    timeline: Timeline,
    dataset_type: str | None = None,
    year: str | None = None,
) -> TimelinePage:
    """Return the document of a page of timelines.

    Parameters
    ----------
    content
        All that is known.
    shown
        Whose it is.
    timeline
        The part that is shown.
    dataset_type, year
        Which part that is; `None`: all of it.
    """
    return TimelinePage.model_validate(
        {
            **head(content),
            "instrument": shown.instrument,
            "chain": shown.chain,
            "repository": shown.repository,
            "last_seen": shown.last_seen,
            "unsealed": shown.unsealed,
            "dataset_type": dataset_type,
            "year": year,
            "timeline": TimelineEntry.of(timeline),
        }
    )
