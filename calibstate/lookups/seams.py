"""Lookups across a seam: of an exposure that lies in two certifications.

A lookup is not for a moment, it has a timespan.  Where two ranges of one
collection meet within it, the butler finds two certifications and refuses to
choose, also where both are of one dataset.  Ranges that are joined for their
moments do not show that.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from ..model.contents import Holding, Row, parse_data_id
from ..ports.butler import SeenExposure

__all__ = [
    "AMBIGUOUS",
    "Seam",
    "SeamLookup",
    "SearchedBeforeAndAfter",
    "fits",
    "lookups_across_seams",
    "outcome",
    "seams",
    "selector",
]

_OF_EXPOSURES = frozenset({"instrument", "physical_filter", "band", "exposure"})


class _Refused(Enum):
    """The butler refuses to choose."""

    AMBIGUOUS = "ambiguous"


AMBIGUOUS = _Refused.AMBIGUOUS

Outcome = str | _Refused | None
"""UUID of the dataset; `None`: nothing is found."""

_Key = tuple[str, str]
"""Dataset type and data ID."""


_RowsInOrder = Sequence[Sequence[Row]]
"""Rows of each collection, in search order."""


_RowsOf = dict[str, list[Row]]
"""Rows by collection, those in search order."""


class Seam(NamedTuple):
    """Where two ranges of one collection follow each other."""

    key: _Key

    later_begins: int
    """Where the later range begins, in nanoseconds of TAI."""

    earlier_ends: int
    """Where the earlier range ends, in nanoseconds of TAI."""


@dataclass(frozen=True)
class SearchedBeforeAndAfter:
    """What a chain searches before and after a change, in search order."""

    before: Sequence[Holding]
    after: Sequence[Holding]


@dataclass(frozen=True)
class SeamLookup:
    """A lookup for an exposure that lies across a seam."""

    dataset_type: str
    data_id: str
    before: Outcome
    after: Outcome


def selector(data_id: str) -> dict[str, str]:
    """Return what a data ID asks of an exposure."""
    wanted: dict[str, str] = {}
    for key, value in parse_data_id(data_id).items():
        if key in _OF_EXPOSURES:
            wanted[key] = value
    return wanted


def fits(
    wanted: Mapping[str, str],
    data_id: Mapping[str, str],
) -> bool:
    """Say whether an exposure is one that a data ID asks for."""
    # It is asked for every exposure and change, and this is no loop of Python.
    return wanted.items() <= data_id.items()


def lookups_across_seams(
    chains: Iterable[SearchedBeforeAndAfter],
    exposures: Sequence[SeenExposure],
) -> dict[int, list[SeamLookup]]:
    """Return the lookups of exposures that lie across seams, by exposure.

    Parameters
    ----------
    chains
        What chains search before and after a change.
    exposures
        Exposures, by begin.
    """
    lookups: dict[int, list[SeamLookup]] = {}
    begins = [exposure.begin for exposure in exposures]
    durations = [exposure.end - exposure.begin for exposure in exposures]
    longest = max(durations, default=0)
    for chain in chains:
        before = _by_data_id(chain.before)
        after = _by_data_id(chain.after)
        seams_before = seams(chain.before)
        seams_after = seams(chain.after)
        tried: set[tuple[int, str, str]] = set()
        for seam in (*seams_before, *seams_after):
            # An exposure reaches into both if it begins before the one ends,
            # and ends after the other begins.
            earliest = seam.later_begins - longest
            first = bisect_right(begins, earliest)
            last = bisect_left(begins, seam.earlier_ends)
            for exposure in exposures[first:last]:
                number = exposure.exposure
                lookup = (number, *seam.key)
                if exposure.end <= seam.later_begins:
                    continue
                if lookup in tried:
                    continue
                tried.add(lookup)
                dataset_type, data_id = seam.key
                wanted = selector(data_id)
                if not fits(wanted, exposure.data_id):
                    continue
                rows_before = before.get(seam.key, ())
                rows_after = after.get(seam.key, ())
                begin, end = exposure.begin, exposure.end
                lookup_there = SeamLookup(
                    dataset_type,
                    data_id,
                    before=outcome(rows_before, begin, end),
                    after=outcome(rows_after, begin, end),
                )
                of_exposure = lookups.setdefault(number, [])
                of_exposure.append(lookup_there)
    return lookups


def outcome(
    collections: Iterable[Sequence[Row]],
    begin: int,
    end: int,
) -> Outcome:
    """Return what the butler finds for a timespan, as it searches.

    Parameters
    ----------
    collections
        Rows of one dataset type and data ID, by collection in search order.
    begin, end
        What a validity range must overlap.
    """
    for rows in collections:
        overlapping = [row for row in rows if row.begin < end and begin < row.end]
        if len(overlapping) > 1:
            return AMBIGUOUS
        if overlapping:
            return overlapping[0].uuid
    return None


def _by_data_id(leaves: Iterable[Holding]) -> Mapping[_Key, _RowsInOrder]:
    """Return the rows of each collection, in search order, by data ID."""
    rows_of: dict[_Key, _RowsOf] = {}
    # All rows pass here, so that the loop does as little as can be.
    for leaf in leaves:
        for row in leaf.rows:
            # An empty range is never found, and has no seam.
            if row.begin < row.end:
                key = (row.dataset_type, row.data_id)
                by_collection = rows_of.setdefault(key, {})
                by_collection.setdefault(leaf.collection, []).append(row)
    rows_in_order: dict[_Key, _RowsInOrder] = {}
    for key, by_collection in rows_of.items():
        rows_in_order[key] = list(by_collection.values())
    return rows_in_order


def seams(leaves: Iterable[Holding]) -> Iterator[Seam]:
    """Yield where two ranges of a collection follow each other.

    Parameters
    ----------
    leaves
        The collections.
    """
    by_data_id = _by_data_id(leaves)
    for key, collections in by_data_id.items():
        for rows in collections:
            # Most have one range, and then there is nothing to sort.
            if len(rows) < 2:
                continue
            ordered = sorted(rows, key=lambda row: (row.begin, row.end))
            first, *others = ordered
            reached = first.end
            for row in others:
                yield Seam(key, row.begin, reached)
                # A long range may end behind those that begin after it.
                reached = max(reached, row.end)
