"""What lookups get for a while: on an observing day, or at a moment.

An observing day begins at noon of the day that it is called after and ends
at noon of the next, in TAI: it is the date of TAI less twelve hours, the same
at every site (SITCOMTN-032, ``day_obs`` of the butler).  So a night at Cerro
Pachón is within one, and no zone of a site is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from .effective import Effective, Resolved
from .timelines import NOTHING, Interval, Timeline, TimelineRow
from .timespans import TAI_AHEAD, UNBOUNDED_END, Range, parse_tai

__all__ = ["OddDetectors", "SelectedRow", "Selection", "While", "clipped", "observing_day", "selected"]

_NOON = "T12:00:00"
_HALF_A_DAY = timedelta(hours=12)


@dataclass(frozen=True)
class While:
    """The time that lookups are asked for."""

    begin: int
    """Nanoseconds of TAI."""

    end: int
    """Nanoseconds of TAI, after the begin."""

    night: int | None = None
    """The observing day, such as 20241110; `None`: it is a moment."""

    @classmethod
    def of_night(cls, day: date) -> While:
        """Return an observing day.

        Parameters
        ----------
        day
            The day that it is called after.

        Raises
        ------
        ValueError
            It is not of the years in which the butler counts, 1970 to 2099.
        """
        if not 1970 <= day.year <= 2099:
            raise ValueError(f"{day} is not between 1970 and 2100, where the butler counts")
        next_day = day + timedelta(days=1)
        begin = parse_tai(f"{day.isoformat()}{_NOON}")
        end = parse_tai(f"{next_day.isoformat()}{_NOON}")
        night = int(day.strftime("%Y%m%d"))
        return cls(begin, end, night)

    @classmethod
    def of_number(cls, night: int) -> While:
        """Return an observing day by its number.

        Parameters
        ----------
        night
            ``YYYYMMDD``.

        Raises
        ------
        ValueError
            It is no day, or not of the years in which the butler counts.
        """
        return cls.of_night(date.fromisoformat(f"{night:08}"))

    @classmethod
    def at(cls, moment: int) -> While:
        """Return a moment.

        Parameters
        ----------
        moment
            Nanoseconds of TAI.
        """
        return cls(moment, moment + 1)

    @property
    def span(self) -> Range:
        """From when until when, in nanoseconds of TAI."""
        return self.begin, self.end


def observing_day(now: datetime) -> date:
    """Return the observing day that a moment is in.

    Parameters
    ----------
    now
        The moment, with its zone.
    """
    in_tai = now.astimezone(UTC) + TAI_AHEAD
    shifted = in_tai - _HALF_A_DAY
    return shifted.date()


class OddDetectors(NamedTuple):
    """Detectors for which lookups get something else than for most."""

    ticket: str | None
    """`None`: nothing is found."""

    detectors: str
    """Their numbers, such as ``3,7..9``."""


class Selection(NamedTuple):
    """What lookups get in a part of the time."""

    begin: int
    """Nanoseconds of TAI."""

    end: int
    """Nanoseconds of TAI."""

    ticket: str | None
    """For most detectors; `None`: nothing is found."""

    odd: tuple[OddDetectors, ...] = ()
    """The other detectors."""

    @property
    def has_gap(self) -> bool:
        """Whether nothing is found for a detector."""
        if self.ticket is None:
            return True
        return any(odd.ticket is None for odd in self.odd)


@dataclass(frozen=True)
class SelectedRow:
    """What lookups get for one dataset type and some filters that agree."""

    dataset_type: str

    filters: tuple[str, ...]
    """Sorted; empty: the type knows no filters."""

    detectors: str
    """Numbers of the detectors that have a dataset at any time; empty: the
    type knows no detectors."""

    selections: tuple[Selection, ...]
    """By begin, without a break, over all of the time that was asked for."""


def selected(timeline: Timeline, span: Range) -> tuple[SelectedRow, ...]:
    """Return what lookups get in a span, by dataset type and filters.

    What has a dataset at any time has a row, so that a gap is seen.

    Parameters
    ----------
    timeline
        Which ticket wins when.
    span
        From when until when, in nanoseconds of TAI.
    """
    joined: dict[tuple[str, str, tuple[Selection, ...]], SelectedRow] = {}
    for row in timeline.rows:
        selections = _selections(row, timeline.tickets, span)
        key = (row.dataset_type, row.detectors, selections)
        # Filters that differ at another time agree here.
        same = joined.get(key)
        filters = list(row.filters)
        if same:
            filters.extend(same.filters)
        filters.sort()
        joined[key] = SelectedRow(
            row.dataset_type,
            tuple(filters),
            row.detectors,
            selections,
        )
    return tuple(joined.values())


def clipped(resolved: Resolved, span: Range) -> Resolved:
    """Return what is effective within a span.

    Parameters
    ----------
    resolved
        What is effective through a chain.
    span
        From when until when, in nanoseconds of TAI.
    """
    begin, end = span

    def within(winners: Iterable[Effective]) -> Iterator[Effective]:
        for winner in winners:
            if winner.begin >= end or winner.end <= begin:
                continue
            since = max(winner.begin, begin)
            until = min(winner.end, end)
            yield winner._replace(begin=since, end=until)

    return resolved.with_each(within)


def _selections(row: TimelineRow, tickets: Sequence[str], span: Range) -> tuple[Selection, ...]:
    begin, end = span
    # Behind the end of all time there is no lookup.
    end = min(end, UNBOUNDED_END)
    selections: list[Selection] = []
    reached = begin
    for interval in row.intervals:
        if interval.end <= begin or interval.begin >= end:
            continue
        since = max(interval.begin, begin)
        # Before the first interval nothing is found.
        if reached < since:
            selections.append(Selection(reached, since, None))
        reached = min(interval.end, end)
        selections.append(_selection(interval, since, reached, tickets))
    if reached < end:
        selections.append(Selection(reached, end, None))
    return tuple(_joined(selections))


def _selection(interval: Interval, begin: int, end: int, tickets: Sequence[str]) -> Selection:
    odd = []
    for others in interval.odd:
        ticket_of_others = _name(others.ticket, tickets)
        odd.append(OddDetectors(ticket_of_others, others.detectors))
    ticket = _name(interval.ticket, tickets)
    return Selection(begin, end, ticket, tuple(odd))


def _name(ticket: int, tickets: Sequence[str]) -> str | None:
    if ticket == NOTHING:
        return None
    return tickets[ticket]


def _joined(selections: Sequence[Selection]) -> list[Selection]:
    """Return selections, two that touch and are the same as one."""
    joined: list[Selection] = []
    for selection in selections:
        # All but the time.
        if joined and joined[-1][2:] == selection[2:]:
            last = joined.pop()
            selection = last._replace(end=selection.end)
        joined.append(selection)
    return joined
