"""What exposures take of what is effective, and what they find nothing of.

The middleware makes no quantum graph at all where one prerequisite of one
quantum is missing, or where it refuses to choose.  So a flat of a filter that
has no calibration yet would keep all others from being verified.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import Diagnostic
from ..model.contents import format_data_id, parse_data_id
from ..model.dailyrecords import Against
from ..model.effective import Effective, Resolved
from ..model.number_ranges import as_ranges, counted, ranges_in
from ..ports.butler import SeenExposure
from .exposures import listed

__all__ = ["Lack", "Raws", "Searched", "Verifiable", "narrowed", "verifiable", "why_not"]

_FILTER = "physical_filter"

_DETECTOR = "detector"


@dataclass(frozen=True)
class Raws:
    """The raws of one exposure."""

    exposure: SeenExposure

    detectors: tuple[int, ...]
    """Numbers of the detectors that have one, sorted."""

    @property
    def physical_filter(self) -> str:
        """The filter in front of the camera; empty: nobody wrote it down."""
        return self.exposure.data_id.get(_FILTER, "")

    @property
    def folded_detectors(self) -> str:
        """The detectors as text, such as ``0..8``."""
        return as_ranges(self.detectors)


class Lack(NamedTuple):
    """What an exposure cannot be verified without, and does not find."""

    dataset_type: str

    physical_filter: str
    """The filter that it is for; empty: the type has none."""

    is_ambiguous: bool
    """Whether there are two, and the butler refuses to choose; else there is
    none."""

    detectors: str = ""
    """Detectors for which it is so, such as ``0..8``."""


@dataclass(frozen=True)
class Verifiable:
    """What can be verified of some exposures."""

    exposures: tuple[int, ...]
    """Those that can, at least for one detector."""

    without: Mapping[int, str]
    """Detectors of them that are left out, such as ``0..3,5``."""

    lacks: Mapping[Lack, Sequence[int]]
    """Exposures by what they lack, for all or for some detectors."""


@dataclass(frozen=True)
class Searched:
    """What is searched for exposures."""

    collections: Sequence[str]
    """In the order of searching."""

    resolved: Resolved
    """What is effective: at any time, since an exposure may lie anywhere."""

    dimensions: Mapping[str, frozenset[str]]
    """Of each dataset type that is effective at any time."""


def narrowed(resolved: Resolved, against: Against) -> Resolved:
    """Return what is effective for some exposures only.

    Parameters
    ----------
    resolved
        What is effective.
    against
        Which dataset types they take, their filter and their detectors.
    """
    detectors: set[str] = set()
    for numbers in ranges_in(against.detectors):
        detectors.update(map(str, numbers))

    def taken(winners: Iterable[Effective]) -> Iterator[Effective]:
        for winner in winners:
            if against.types and winner.dataset_type not in against.types:
                continue
            data_id = parse_data_id(winner.data_id)
            # What has no filter, or no detector, is taken for all of them.
            physical_filter = data_id.get(_FILTER)
            is_of_another = physical_filter not in {
                None,
                against.physical_filter,
            }
            if against.physical_filter and is_of_another:
                continue
            detector = data_id.get(_DETECTOR)
            is_another = detector is not None and detector not in detectors
            if detectors and is_another:
                continue
            yield winner

    return resolved.with_each(taken)


def verifiable(wanted: Iterable[Raws], needs: Collection[str], searched: Searched) -> Verifiable:
    """Return what can be verified of some exposures.

    Parameters
    ----------
    wanted
        The exposures.
    needs
        Dataset types that their pipeline cannot be run without.  Of what the
        chain has at no time nobody knows here where it comes from, so the
        middleware is left to tell.
    searched
        What is searched.
    """
    exposures: list[int] = []
    without: dict[int, str] = {}
    lacks: dict[Lack, list[int]] = {}
    for raws in wanted:
        number = raws.exposure.exposure
        left_out: set[int] = set()
        for lack, detectors in _lacking(raws, needs, searched).items():
            left_out.update(detectors)
            alike = lack._replace(detectors=as_ranges(detectors))
            lacking = lacks.setdefault(alike, [])
            lacking.append(number)
        if left_out.issuperset(raws.detectors):
            continue
        exposures.append(number)
        if left_out:
            without[number] = as_ranges(left_out)
    return Verifiable(
        tuple(exposures),
        without,
        lacks,
    )


def why_not(verifiable: Verifiable, kind: str, chain: str) -> Iterator[Diagnostic]:
    """Yield what keeps exposures, or detectors of them, from being verified.

    Parameters
    ----------
    verifiable
        What can be verified, and what each of the others lacks.
    kind
        Sort of the exposures.
    chain
        What is searched.
    """
    for lack, exposures in verifiable.lacks.items():
        of_what = lack.dataset_type
        if lack.physical_filter:
            of_what = f"{of_what} of {lack.physical_filter}"
        detectors = counted("detector", lack.detectors)
        for_whom = f"{kind} {listed(exposures)}, {detectors}"
        if lack.is_ambiguous:
            yield Diagnostic(
                "Lookup is ambiguous",
                f"{for_whom}: each lies across two certifications of {of_what} in one collection of {chain}, "
                "and the butler refuses to choose. They are left out.",
                hint="Certify with validity ranges that do not begin while exposures are taken.",
            )
            continue
        yield Diagnostic(
            "Nothing to verify with",
            f"{for_whom}: no {of_what} is effective through {chain} then. They are left out.",
            hint="Deploy one that is valid on that night; then run the same command with --run --again.",
        )


def _lacking(
    raws: Raws,
    needs: Collection[str],
    searched: Searched,
) -> Mapping[Lack, Sequence[int]]:
    """Return what keeps detectors of an exposure from being verified."""
    lacks: dict[Lack, list[int]] = {}
    span = (raws.exposure.begin, raws.exposure.end)
    for dataset_type in sorted(needs):
        dimensions = searched.dimensions.get(dataset_type)
        physical_filter = ""
        if dimensions is not None and _FILTER in dimensions:
            physical_filter = raws.physical_filter
        for detector in raws.detectors:
            data_id = _looked_up(raws.exposure, detector, dimensions)
            if data_id is None:
                continue
            overlapping = searched.resolved.overlapping(
                dataset_type,
                data_id,
                span,
            )
            number = len(_first_found(searched, overlapping))
            if number == 1:
                continue
            lack = Lack(
                dataset_type,
                physical_filter,
                is_ambiguous=number > 1,
            )
            detectors = lacks.setdefault(lack, [])
            detectors.append(detector)
    return lacks


def _looked_up(
    exposure: SeenExposure,
    detector: int,
    dimensions: frozenset[str] | None,
) -> str | None:
    """Return the data ID that is looked up; `None`: nobody can tell."""
    # Without a timespan there is no moment to look up.
    if dimensions is None or exposure.begin >= exposure.end:
        return None
    values = dict(exposure.data_id)
    values[_DETECTOR] = str(detector)
    data_id: dict[str, int | str] = {}
    for dimension in dimensions:
        if dimension not in values:
            return None
        data_id[dimension] = values[dimension]
    return format_data_id(data_id)


def _first_found(searched: Searched, winners: Sequence[Effective]) -> Sequence[Effective]:
    """Return those of the collection that is searched first."""
    by_collection: dict[str, list[Effective]] = {}
    for winner in winners:
        others = by_collection.setdefault(winner.collection, [])
        others.append(winner)
    for collection in searched.collections:
        winners_of = by_collection.get(collection)
        if winners_of:
            return winners_of
    return []
