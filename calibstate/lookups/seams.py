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

from ..model.contents import Holding, Row, parse_data_id
from ..ports.butler import SeenExposure

__all__ = [
    "AMBIGUOUS",
    "SeamLookup",
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

_Rows = Mapping[tuple[str, str], Sequence[Sequence[Row]]]
"""By dataset type and data ID the rows of each collection, in search order."""


@dataclass(frozen=True)
class SeamLookup:
    """A lookup for an exposure that lies across a seam."""

    dataset_type: str
    data_id: str
    before: Outcome
    after: Outcome


def selector(data_id: str) -> dict[str, str]:
    """Return what a data ID asks of an exposure."""
    return {key: value for key, value in parse_data_id(data_id).items() if key in _OF_EXPOSURES}


def fits(wanted: Mapping[str, str], data_id: Mapping[str, str]) -> bool:
    """Say whether an exposure is one that a data ID asks for."""
    return all(data_id.get(key) == value for key, value in wanted.items())


def lookups_across_seams(
    chains: Iterable[tuple[Sequence[Holding], Sequence[Holding]]], exposures: Sequence[SeenExposure]
) -> dict[int, list[SeamLookup]]:
    """Return the lookups of exposures that lie across seams, by exposure.

    Parameters
    ----------
    chains
        What chains search before and after a change, in search order.
    exposures
        Exposures, by begin.
    """
    found: dict[int, list[SeamLookup]] = {}
    begins = [exposure.begin for exposure in exposures]
    longest = max((exposure.end - exposure.begin for exposure in exposures), default=0)
    for before, after in chains:
        was, is_now = _by_data_id(before), _by_data_id(after)
        tried: set[tuple[int, str, str]] = set()
        for key, last_begin, first_end in (*seams(before), *seams(after)):
            # An exposure reaches into both if it begins before the one ends,
            # and ends after the other begins.
            first = bisect_right(begins, last_begin - longest)
            for exposure in exposures[first : bisect_left(begins, first_end)]:
                lookup = (exposure.exposure, *key)
                if exposure.end <= last_begin or lookup in tried:
                    continue
                tried.add(lookup)
                if fits(selector(key[1]), exposure.data_id):
                    span = (exposure.begin, exposure.end)
                    outcomes = [outcome(rows.get(key, ()), *span) for rows in (was, is_now)]
                    found.setdefault(exposure.exposure, []).append(SeamLookup(*key, *outcomes))
    return found


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


def _by_data_id(leaves: Iterable[Holding]) -> _Rows:
    found: dict[tuple[str, str], dict[str, list[Row]]] = {}
    for leaf in leaves:
        for row in leaf.rows:
            if row.begin < row.end:
                by_collection = found.setdefault((row.dataset_type, row.data_id), {})
                by_collection.setdefault(leaf.collection, []).append(row)
    return {key: list(by_collection.values()) for key, by_collection in found.items()}


def seams(leaves: Iterable[Holding]) -> Iterator[tuple[tuple[str, str], int, int]]:
    """Yield where two ranges of a collection follow each other.

    Parameters
    ----------
    leaves
        The collections.

    Yields
    ------
    tuple
        Dataset type and data ID.
    int
        Where the later range begins.
    int
        Where the earlier one ends.
    """
    for key, collections in _by_data_id(leaves).items():
        for within in collections:
            if len(within) < 2:
                continue
            ordered = sorted(within, key=lambda row: (row.begin, row.end))
            reached = ordered[0].end
            for row in ordered[1:]:
                yield key, row.begin, reached
                reached = max(reached, row.end)
