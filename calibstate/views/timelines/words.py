"""Timelines in words: labels of rows and bars, and what a bar says."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...model.number_ranges import ranges_in
from ...model.timelines import NOTHING, Interval, Timeline, TimelineRow
from ...model.timespans import format_bound
from ..printable import printable

__all__ = [
    "bar_label",
    "in_words",
    "interval_in_words",
    "moment",
    "number_of",
    "row_label",
    "several_in_words",
    "ticket_name",
]

_ISSUE = re.compile(r"[A-Z][_A-Z0-9]*-([1-9][0-9]*)")


def row_label(row: TimelineRow) -> str:
    """Return what a row is called: ``flat r_03``."""
    words = [row.dataset_type, *row.filters]
    return printable(" ".join(words))


def ticket_name(timeline: Timeline, ticket: int) -> str:
    """Return a ticket by its index; ``nothing`` where none wins."""
    if ticket == NOTHING:
        return "nothing"
    return printable(timeline.tickets[ticket])


def bar_label(name: str) -> str:
    """Return what stands in the bar of a ticket: the number of its issue."""
    # The project of an issue is the same nearly everywhere.
    match = _ISSUE.fullmatch(name)
    if match:
        return match[1]
    return printable(name)


def moment(bound: int) -> str:
    """Return a moment for people: the day alone where it begins then."""
    text = format_bound(bound)
    if text is None:
        return "…"
    # Most certifications begin with a day.
    return text.removesuffix("T00:00:00").replace("T", " ")


def number_of(detectors: str) -> int:
    """Return how many detectors there are of such as ``3,7..9``."""
    return sum(map(len, ranges_in(detectors)))


def interval_in_words(timeline: Timeline, interval: Interval) -> str:
    """Return what wins in an interval: ``DM-1: 2024-11-07 → … TAI``."""
    name = ticket_name(timeline, interval.ticket)
    words = f"{name}: {moment(interval.begin)} → {moment(interval.end)} TAI"
    for odd in interval.odd:
        words += f"; {ticket_name(timeline, odd.ticket)} for detector {odd.detectors}"
    return words


def several_in_words(timeline: Timeline, intervals: Sequence[Interval]) -> str:
    """Return what wins in intervals that are drawn as one bar.

    Parameters
    ----------
    timeline
        Whose they are.
    intervals
        One after the other.
    """
    names = list(dict.fromkeys(ticket_name(timeline, interval.ticket) for interval in intervals))
    shown = names[0]
    if len(names) > 1:
        shown += f" … {names[-1]}, {len(names)} tickets"
    begin, end = moment(intervals[0].begin), moment(intervals[-1].end)
    words = f"{shown}: {begin} → {end} TAI"
    if any(interval.odd for interval in intervals):
        words += "; others for some detectors"
    return words


def in_words(timeline: Timeline, intervals: Sequence[Interval]) -> str:
    """Return a row for who cannot see it: what wins, from when until when."""
    parts = [interval_in_words(timeline, interval) for interval in intervals]
    return ". ".join(parts)
