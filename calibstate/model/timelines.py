"""Which ticket wins when, folded: a picture of what a chain selects.

A camera has hundreds of data IDs, and nearly always they change together.  So
a timeline has one row for each dataset type and filter: in each interval the
ticket that wins for most detectors, and beside it the *odd* ones, with what
wins for them.  It is exact: nothing is sampled, and `TimelineRow.at` tells for
every detector and moment what a lookup gets.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from .contents import parse_data_id
from .effective import Effective, Resolved
from .number_ranges import as_ranges, ranges_in
from .timespans import Range

__all__ = ["NOTHING", "Interval", "Odd", "Standing", "Timeline", "TimelineRow", "filter_and_detector", "fold"]

NOTHING = -1
"""Stands for a ticket where a lookup finds nothing."""


class Odd(NamedTuple):
    """Detectors for which something else wins than for most."""

    ticket: int
    """Index among the tickets of the timeline; `NOTHING`: nothing is found."""

    detectors: str
    """Their numbers, such as ``3,7..9``."""


class Interval(NamedTuple):
    """A span of time in which the same wins for each detector."""

    begin: int
    """Nanoseconds of TAI."""

    end: int
    """Nanoseconds of TAI, after the begin."""

    ticket: int
    """Index among the tickets of the timeline, for most detectors; `NOTHING`:
    nothing is found."""

    odd: tuple[Odd, ...] = ()
    """The other detectors."""


@dataclass(frozen=True)
class TimelineRow:
    """What wins for one dataset type and some filters that agree."""

    dataset_type: str

    filters: tuple[str, ...]
    """Sorted; a data ID that has other keys stands as text, without
    instrument and detector.  Empty: the type knows no filters."""

    detectors: str
    """Numbers of the detectors for which the type has a dataset at any time,
    such as ``0..8``; empty: it knows no detectors."""

    intervals: tuple[Interval, ...]
    """By begin, without a break: gaps are intervals too.  Before the first and
    after the last nothing is found."""

    @cached_property
    def number_of_detectors(self) -> int:
        """How many detectors there are; 0: the type knows none."""
        return sum(map(len, ranges_in(self.detectors)))

    def interval(self, moment: int) -> Interval | None:
        """Return the interval of a moment; `None`: before or after all.

        Parameters
        ----------
        moment
            Nanoseconds of TAI.
        """
        index = bisect_right(self._begins, moment) - 1
        if index < 0:
            return None
        interval = self.intervals[index]
        # Only the last one has an end that nothing follows.
        if moment >= interval.end:
            return None
        return interval

    def at(self, moment: int, detector: int | None = None) -> int:
        """Return the ticket that wins: its index, or `NOTHING`.

        Parameters
        ----------
        moment
            Nanoseconds of TAI.
        detector
            Number of the detector; `None`: that of most.
        """
        interval = self.interval(moment)
        if interval is None:
            return NOTHING
        if detector is None:
            return interval.ticket
        if not _holds(self.detectors, detector):
            return NOTHING
        for odd in interval.odd:
            if _holds(odd.detectors, detector):
                return odd.ticket
        return interval.ticket

    def among(self, detectors: str) -> TimelineRow:
        """Return the same row, of more detectors: for them nothing is found.

        Parameters
        ----------
        detectors
            All of them, such as ``0..8``.
        """
        # What knows no detectors stands for all of them.
        if not self.detectors or self.detectors == detectors:
            return self
        lacking = set(_numbers(detectors)).difference(_numbers(self.detectors))
        intervals: list[Interval] = []
        for interval in self.intervals:
            winning: dict[int, set[int]] = {NOTHING: set(lacking)}
            rest = set(_numbers(self.detectors))
            for odd in interval.odd:
                others = set(_numbers(odd.detectors))
                winning.setdefault(odd.ticket, set()).update(others)
                rest -= others
            winning.setdefault(interval.ticket, set()).update(rest)
            alike = {ticket: (len(numbers), as_ranges(numbers)) for ticket, numbers in winning.items()}
            intervals.append(_interval(interval.begin, interval.end, alike))
        return replace(self, detectors=detectors, intervals=tuple(intervals))

    @cached_property
    def _begins(self) -> list[int]:
        return [interval.begin for interval in self.intervals]


@dataclass(frozen=True)
class Timeline:
    """What a chain selects, over time."""

    fingerprint: str
    """The effective fingerprint of the chain."""

    tickets: tuple[str, ...]
    """Tickets that win anywhere, sorted, such as ``DM-47447``; a collection
    that belongs to none stands with its own name."""

    rows: tuple[TimelineRow, ...]
    """By dataset type and filters."""

    def check(self) -> None:
        """Check what was read from a file.

        Raises
        ------
        ValueError
            It is no timeline: a row has no interval, one ends before it
            begins, or a ticket is not there.
        """
        for row in self.rows:
            if not row.intervals:
                raise ValueError(f"{row.dataset_type}: it has no interval")
            for index, interval in enumerate(row.intervals):
                if interval.begin >= interval.end:
                    raise ValueError(f"{row.dataset_type}: interval {index} ends before it begins")
                for ticket in (interval.ticket, *(odd.ticket for odd in interval.odd)):
                    if not NOTHING <= ticket < len(self.tickets):
                        raise ValueError(f"{row.dataset_type}: there is no ticket {ticket}")


@dataclass(frozen=True)
class Standing:
    """A ticket among those that could win for a row, in search order."""

    ticket: str

    ranges: tuple[Range, ...]
    """Where it has a dataset for most detectors, by begin."""

    wins: tuple[Range, ...]
    """Those parts in which nothing before it is found."""

    def matters(self, begin: int, end: int) -> bool:
        """Say whether it is anything to a span of time.

        It is where it wins then, or where it begins or ends then; not where
        it only goes on behind others.

        Parameters
        ----------
        begin, end
            Nanoseconds of TAI.
        """
        for first, last in self.wins:
            if first >= end:
                continue
            if begin < last:
                return True
        bounds: set[int] = set()
        for first, last in self.ranges:
            bounds.add(first)
            bounds.add(last)
        # What only goes on behind others tells nothing new.
        for bound in sorted(bounds):
            if begin <= bound:
                return bound < end
        return False


class _Wins(NamedTuple):
    """A ticket that wins in a range for one data ID."""

    begin: int
    end: int
    ticket: int


_Track = tuple[_Wins, ...]
"""What wins for one data ID, by begin; gaps are left out."""

_Tracks = dict[_Track, set[int | None]]
"""Detectors of one type and filter, those of one track together; the detector
is `None` where a data ID has none."""


def fold(
    resolved: Resolved,
    tickets: Mapping[str, str],
    members: Mapping[tuple[str, str], Sequence[str]] | None = None,
) -> Timeline:
    """Return what is effective as a timeline.

    Parameters
    ----------
    resolved
        What is effective through a chain.
    tickets
        What is to be called a ticket, by collection; one that is not in it
        keeps its own name.
    members
        All data IDs for which one of a dataset type stands; `None`: each
        stands for itself.
    """
    # Two tickets may certify the same dataset, each for its own time.
    tickets_of = {winner.collection: "" for winner in resolved.pieces}
    for collection in tickets_of:
        tickets_of[collection] = tickets.get(collection, collection)
    names = sorted(set(tickets_of.values()), key=_order)
    index_of_name = {name: index for index, name in enumerate(names)}
    index_of: dict[str, int] = {}
    for collection, name in tickets_of.items():
        index_of[collection] = index_of_name[name]
    rows: list[TimelineRow] = []
    for (dataset_type, filter), tracks in sorted(_tracks(resolved, index_of, members or {}).items()):
        filters = (filter,) if filter else ()
        row = _row(dataset_type, filters, tracks)
        rows.append(row)
    having: dict[str, set[int]] = {}
    for row in rows:
        having.setdefault(row.dataset_type, set()).update(_numbers(row.detectors))
    # A filter that lacks a detector which others have finds nothing for it.
    everywhere = {dataset_type: as_ranges(numbers) for dataset_type, numbers in having.items()}
    rows = [row.among(everywhere[row.dataset_type]) for row in rows]
    return Timeline(resolved.fingerprint, tuple(names), tuple(_agreeing(rows)))


def _order(name: str) -> tuple[str, int, str]:
    """Return what tickets are sorted by: their numbers as numbers."""
    project, _, number = name.rpartition("-")
    if number.isdecimal():
        return project, int(number), name
    return name, 0, name


def _tracks(
    resolved: Resolved,
    index_of: Mapping[str, int],
    members: Mapping[tuple[str, str], Sequence[str]],
) -> dict[tuple[str, str], _Tracks]:
    """Return the tracks by dataset type and filter."""
    tracks: dict[tuple[str, str], _Tracks] = {}
    wins: list[_Wins] = []
    previous: Effective | None = None
    detectors = _Detectors()

    def close() -> None:
        if previous is None:
            return
        track = tuple(wins)
        # Whatever is certified alike wins alike.
        data_ids = tuple(members.get(previous[:2], (previous.data_id,)))
        for filter, having in detectors[data_ids].items():
            alike = tracks.setdefault((previous.dataset_type, filter), {})
            alike.setdefault(track, set()).update(having)

    # There are millions of winners, sorted by type, data ID and begin: one
    # pass has them all.
    for winner in resolved.pieces:
        if previous is None or winner[:2] != previous[:2]:
            close()
            wins = []
        ticket = index_of[winner.collection]
        begin = winner.begin
        # Two datasets of one ticket that touch are one interval.
        if wins and wins[-1].end == begin and wins[-1].ticket == ticket:
            begin = wins.pop().begin
        wins.append(_Wins(begin, winner.end, ticket))
        previous = winner
    close()
    return tracks


class _Detectors(dict[tuple[str, ...], Mapping[str, Set[int | None]]]):
    """Detectors of data IDs by filter; many types have the same data IDs."""

    def __missing__(self, data_ids: tuple[str, ...]) -> Mapping[str, Set[int | None]]:
        by_filter: dict[str, set[int | None]] = {}
        for data_id in data_ids:
            filter, detector = filter_and_detector(data_id)
            by_filter.setdefault(filter, set()).add(detector)
        self[data_ids] = by_filter
        return by_filter


def filter_and_detector(data_id: str) -> tuple[str, int | None]:
    """Return the filter of a data ID as a row has it, and its detector.

    Parameters
    ----------
    data_id
        As text.
    """
    values = parse_data_id(data_id)
    values.pop("instrument", None)
    detector: int | None = None
    number = values.get("detector", "")
    if number.isdecimal():
        detector = int(number)
        del values["detector"]
    # A physical filter has one band.
    if "physical_filter" in values:
        values.pop("band", None)
    if len(values) == 1:
        for key in ("physical_filter", "band"):
            if key in values:
                return values[key], detector
    filter = ",".join(f"{key}={value}" for key, value in values.items())
    return filter, detector


def _row(dataset_type: str, filters: tuple[str, ...], tracks: _Tracks) -> TimelineRow:
    """Return the row of one type and filter."""
    detectors: set[int] = set()
    edges: set[int] = set()
    for track, having in tracks.items():
        detectors.update(detector for detector in having if detector is not None)
        for wins in track:
            edges.add(wins.begin)
            edges.add(wins.end)
    alike = _Alike(tuple(tracks.values()))
    # How far each track has been gone through.
    reached = [0] * len(tracks)
    intervals: list[Interval] = []
    for begin, end in pairwise(sorted(edges)):
        winning: dict[int, tuple[int, ...]] = {}
        for place, track in enumerate(tracks):
            while reached[place] < len(track) and track[reached[place]].end <= begin:
                reached[place] += 1
            ticket = NOTHING
            if reached[place] < len(track) and track[reached[place]].begin <= begin:
                ticket = track[reached[place]].ticket
            winning[ticket] = (*winning.get(ticket, ()), place)
        interval = _interval(begin, end, {ticket: alike[places] for ticket, places in winning.items()})
        # What goes on over an edge of other detectors stays one interval.
        if intervals and intervals[-1][2:] == interval[2:]:
            interval = interval._replace(begin=intervals.pop().begin)
        intervals.append(interval)
    return TimelineRow(dataset_type, filters, as_ranges(detectors), tuple(intervals))


class _Alike(dict[tuple[int, ...], tuple[int, str]]):
    """Number and names of the detectors of some tracks, by their places.

    There are few tracks, and they come together again and again.
    """

    def __init__(self, detectors: Sequence[Set[int | None]]) -> None:
        super().__init__()
        self.detectors = detectors

    def __missing__(self, places: tuple[int, ...]) -> tuple[int, str]:
        together: set[int | None] = set()
        for place in places:
            together |= self.detectors[place]
        named = [detector for detector in together if detector is not None]
        self[places] = (len(together), as_ranges(named))
        return self[places]


def _interval(begin: int, end: int, winning: Mapping[int, tuple[int, str]]) -> Interval:
    """Return an interval: what most have, and the odd ones.

    Parameters
    ----------
    begin, end
        Of it.
    winning
        How many detectors each ticket has, and which.
    """
    # Of two that as many have, the later ticket: always the same one.
    most = max(winning, key=lambda ticket: (winning[ticket][0], ticket))
    odd: list[Odd] = []
    for ticket in sorted(winning):
        number, detectors = winning[ticket]
        if ticket != most and number:
            odd.append(Odd(ticket, detectors))
    return Interval(begin, end, most, tuple(odd))


def _agreeing(rows: Iterable[TimelineRow]) -> Sequence[TimelineRow]:
    """Return rows, those of one type that agree over filters as one."""
    joined: dict[tuple[str, str, tuple[Interval, ...]], TimelineRow] = {}
    for row in rows:
        key = (row.dataset_type, row.detectors, row.intervals)
        same = joined.get(key)
        if same:
            row = replace(same, filters=(*same.filters, *row.filters))
        joined[key] = row
    # A dictionary keeps the order of what came first.
    return list(joined.values())


def _numbers(detectors: str) -> Iterator[int]:
    for numbers in ranges_in(detectors):
        yield from numbers


def _holds(detectors: str, detector: int) -> bool:
    return any(detector in numbers for numbers in ranges_in(detectors))
