"""Exposures by day, for readings of instruments that are about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from lsst.daf.butler import Butler, DataIdValueError, MissingCollectionError, MissingDatasetTypeError

from ...model.exposures import NightOfExposures
from ...ports.butler import DayOfExposures, SeenExposure, TakenExposure

__all__ = ["count_by_day", "count_by_night", "find_taken", "find_with_dataset"]


def count_by_day(
    butler: Butler,
    instrument: str,
    run: str,
    dataset_type: str,
    since: int,
) -> dict[int, DayOfExposures]:
    """Return what a RUN holds for exposures, by their observing days."""
    datasets: Counter[int] = Counter()
    flats: Counter[int] = Counter()
    days: set[int] = set()
    with_dataset = find_with_dataset(butler, instrument, run, dataset_type)
    where = f"day_obs >= {int(since)}"
    for record in _records(butler, instrument, where):
        days.add(record.day_obs)
        if record.id in with_dataset:
            datasets[record.day_obs] += 1
        elif record.observation_type == "flat":
            flats[record.day_obs] += 1
    return {day: DayOfExposures(datasets[day], flats[day]) for day in days}


def count_by_night(exposures: Iterable[SeenExposure]) -> list[NightOfExposures]:
    """Return how many exposures there are, by observing day and filter."""
    nights: dict[tuple[int, str], NightOfExposures] = {}
    for exposure in exposures:
        # One without a timespan has an EMPTY one, which ends before it begins.
        if exposure.begin >= exposure.end:
            continue
        physical_filter = exposure.data_id.get("physical_filter", "")
        band = exposure.data_id.get("band", "")
        night = NightOfExposures(exposure.day_obs, physical_filter, band, 1, exposure.begin, exposure.end)
        key = (exposure.day_obs, physical_filter)
        if key in nights:
            others = nights[key]
            night = others._replace(
                exposures=others.exposures + 1,
                begin=min(others.begin, exposure.begin),
                end=max(others.end, exposure.end),
            )
        nights[key] = night
    return sorted(nights.values())


def find_taken(butler: Butler, instrument: str, days: Sequence[int]) -> list[TakenExposure]:
    """Return the exposures of some observing days, by number."""
    if not days:
        return []
    listed = ", ".join(str(int(day)) for day in sorted(set(days)))
    exposures: list[TakenExposure] = []
    for record in _records(butler, instrument, f"day_obs IN ({listed})"):
        exposures.append(
            TakenExposure(
                exposure=record.id,
                day_obs=record.day_obs,
                obs_id=record.obs_id,
                group=_group_of(record),
                is_flat=record.observation_type == "flat",
            )
        )
    return sorted(exposures, key=lambda exposure: exposure.exposure)


def find_with_dataset(butler: Butler, instrument: str, run: str, dataset_type: str) -> frozenset[int]:
    """Return the exposures that have a dataset of a type in a RUN."""
    try:
        refs = butler.query_datasets(
            dataset_type, collections=run, instrument=instrument, explain=False, limit=None
        )
    # Before the first file is ingested there is neither a RUN nor a type.
    except (DataIdValueError, MissingCollectionError, MissingDatasetTypeError):
        return frozenset()
    return frozenset(int(ref.dataId["exposure"]) for ref in refs if "exposure" in ref.dataId)


def _group_of(record: Any) -> str:
    """Return the group of an exposure, in whatever universe it was taken."""
    # Until version 6 it was no dimension, and had another name.
    name = "group" if "group" in record.fields.names else "group_name"
    return getattr(record, name) or ""


def _records(butler: Butler, instrument: str, where: str) -> Sequence[Any]:
    """Return records of exposures; of an unknown instrument none."""
    try:
        return butler.query_dimension_records(
            "exposure", instrument=instrument, where=where, explain=False, limit=None
        )
    except DataIdValueError:
        return []
