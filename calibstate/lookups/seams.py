"""Lookups across a seam: of an exposure that lies in two certifications.

A lookup is not for a moment, it has a timespan.  Where two ranges of one
collection meet within it, the butler finds two certifications and refuses to
choose, also where both are of one dataset.  Ranges that are joined for their
moments do not show that.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
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


def fits(wanted: Mapping[str, str], data_id: Mapping[str, str]) -> bool:
    """Say whether an exposure is one that a data ID asks for."""
    return all(data_id.get(key) == value for key, value in wanted.items())


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
    lookups: defaultdict[int, list[SeamLookup]] = defaultdict(list)
    begins = [exposure.begin for exposure in exposures]
    longest = max(
        (exposure.end - exposure.begin for exposure in exposures),
        default=0,
    )
    for chain in chains:
        before = _by_data_id(chain.before)
        after = _by_data_id(chain.after)
        tried: set[tuple[int, str, str]] = set()
        for seam in (*seams(chain.before), *seams(chain.after)):
            # An exposure reaches into both if it begins before the one ends,
            # and ends after the other begins.
            first = bisect_right(begins, seam.later_begins - longest)
            last = bisect_left(begins, seam.earlier_ends)
            for exposure in exposures[first:last]:
                lookup = (exposure.exposure, *seam.key)
                if exposure.end <= seam.later_begins:
                    continue
                if lookup in tried:
                    continue
                tried.add(lookup)
                dataset_type, data_id = seam.key
                if not fits(selector(data_id), exposure.data_id):
                    continue
                lookups[exposure.exposure].append(
                    SeamLookup(
                        dataset_type,
                        data_id,
                        before=outcome(
                            before.get(seam.key, ()),
                            exposure.begin,
                            exposure.end,
                        ),
                        after=outcome(
                            after.get(seam.key, ()),
                            exposure.begin,
                            exposure.end,
                        ),
                    )
                )
    return dict(lookups)


def outcome(collections: Iterable[Sequence[Row]], begin: int, end: int) -> Outcome:
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


def _by_data_id(
    leaves: Iterable[Holding],
) -> Mapping[_Key, Sequence[Sequence[Row]]]:
    """Return the rows of each collection, in search order, by data ID."""
    rows_of: dict[_Key, dict[str, list[Row]]] = {}
    for leaf in leaves:
        for row in leaf.rows:
            # An empty range is never found, and has no seam.
            if row.begin < row.end:
                key = (row.dataset_type, row.data_id)
                by_collection = rows_of.setdefault(key, {})
                by_collection.setdefault(leaf.collection, []).append(row)
    rows_in_order: dict[_Key, Sequence[Sequence[Row]]] = {}
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
    for key, collections in _by_data_id(leaves).items():
        for rows in collections:
            if len(rows) < 2:
                continue
            ordered = sorted(rows, key=lambda row: (row.begin, row.end))
            reached = ordered[0].end
            for row in ordered[1:]:
                yield Seam(key, row.begin, reached)
                # A long range may end behind those that begin after it.
                reached = max(reached, row.end)
