"""What a person asks of a butler: its own lookups, and its exposures.

These go the butler's way on purpose: they are what ours is held against.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from lsst.daf.butler import (
    Butler,
    CalibrationLookupError,
    DataIdValueError,
    DatasetRef,
    DatasetTypeExpressionError,
    DimensionNameError,
    InvalidQueryError,
    MissingCollectionError,
    MissingDatasetTypeError,
)
from lsst.daf.butler._exceptions import DimensionValueError
from sqlalchemy.exc import DataError

from ...errors import Diagnostic, RefusedError, UsageError
from ...model.contents import parse_data_id
from ...model.timespans import EMPTY, Range
from ...ports.butler import SeenExposure
from .translation import timespan_of

__all__ = [
    "find",
    "find_detectors",
    "find_exposures",
    "find_filters",
    "find_instruments",
    "find_refs",
    "find_runs",
    "find_skymaps",
]

_MANY = 1000
"""UUIDs that are asked for at once: databases limit the size of a query."""

_LARGEST = 2**63 - 1
"""The largest integer that a database holds."""

_NO_NUMBER = -1
"""Stands for what is no number: no detector has it, so nothing is found."""

_PATTERN = frozenset("*?[")

_UNKNOWN = (DataIdValueError, DatasetTypeExpressionError, MissingCollectionError, MissingDatasetTypeError)


def find(
    butler: Butler,
    chain: str,
    dataset_type: str,
    data_id: str,
    span: Range,
) -> str | None:
    """Return the UUID that the butler's own lookup finds.

    Raises
    ------
    RefusedError
        It finds several in one collection and refuses to choose.
    UsageError
        The data ID lacks what the dataset type asks for.
    """
    begin, end = span
    # The butler takes an instant for a nanosecond, and a pattern for the
    # collections that match it, in no order.
    if begin >= end or not _PATTERN.isdisjoint(chain):
        return None
    try:
        ref = butler.find_dataset(
            dataset_type,
            _values(butler, data_id),
            collections=chain,
            timespan=timespan_of(span),
        )
    except _UNKNOWN:
        return None
    except (DimensionNameError, DimensionValueError) as error:
        line = str(error).strip('"').rstrip(".")
        detail = f"{dataset_type} {data_id}: {line}."
        raise UsageError(Diagnostic("Data ID does not fit", detail)) from None
    except CalibrationLookupError as error:
        detail = f"{chain}: {dataset_type} {data_id}: {error}."
        raise RefusedError(Diagnostic("Lookup is ambiguous", detail)) from None
    return str(ref.id) if ref else None


def find_runs(butler: Butler, uuids: Iterable[str]) -> dict[str, str]:
    """Return the RUN of each dataset; unknown ones are left out."""
    return {uuid: ref.run for uuid, ref in find_refs(butler, uuids).items()}


def find_refs(butler: Butler, uuids: Iterable[str]) -> dict[str, DatasetRef]:
    """Return each dataset by its UUID; unknown ones are left out."""
    wanted: list[str] = []
    for uuid in dict.fromkeys(uuids):
        # What is no UUID is no dataset.
        with suppress(ValueError):
            UUID(uuid)
            wanted.append(uuid)
    refs: dict[str, DatasetRef] = {}
    for start in range(0, len(wanted), _MANY):
        some = wanted[start : start + _MANY]
        for ref in butler.get_many_datasets(some):
            refs[str(ref.id)] = ref
    return refs


def find_detectors(butler: Butler, instrument: str) -> dict[int, str]:
    """Return the full name of each detector."""
    detectors: dict[int, str] = {}
    for record in _records(butler, "detector", instrument):
        number = int(record["id"])
        detectors[number] = str(record["full_name"])
    return detectors


def find_filters(butler: Butler, instrument: str) -> dict[str, str]:
    """Return the band of each physical filter that has one."""
    bands: dict[str, str] = {}
    for record in _records(butler, "physical_filter", instrument):
        band = record["band"]
        if band is not None:
            name = str(record["name"])
            bands[name] = str(band)
    return bands


def find_instruments(butler: Butler) -> list[str]:
    """Return the names of all instruments that are registered, sorted."""
    names: list[str] = []
    for record in butler.registry.queryDimensionRecords("instrument"):
        names.append(str(record.dataId["instrument"]))
    return sorted(names)


def find_skymaps(butler: Butler) -> dict[str, str]:
    """Return the hash of each registered skymap in hex, by name."""
    hashes: dict[str, str] = {}
    for record in butler.registry.queryDimensionRecords("skymap"):
        hashes[str(record.dataId["skymap"])] = (record.hash or b"").hex()
    return hashes


def find_exposures(
    butler: Butler,
    instrument: str,
    where: str,
) -> list[SeenExposure]:
    """Return exposures, by number.

    Raises
    ------
    UsageError
        The butler does not understand the expression.
    """
    bands = find_filters(butler, instrument)
    records = _records(butler, "exposure", instrument, where)
    # There may be hundreds of thousands, so each is gone through once.
    exposures = [_exposure(record, bands) for record in records]
    return sorted(exposures, key=lambda exposure: exposure.exposure)


def _records(
    butler: Butler,
    element: str,
    instrument: str,
    where: str = "",
) -> list[Mapping[str, Any]]:
    """Return dimension records of an instrument; of an unknown one none.

    Raises
    ------
    UsageError
        The butler does not understand the expression.
    """
    try:
        records = butler.query_dimension_records(
            element, instrument=instrument, where=where, explain=False, limit=None
        )
        return [record.toDict() for record in records]
    except DataIdValueError:
        return []  # The instrument is not known.
    except (InvalidQueryError, AssertionError, OverflowError, DataError) as error:
        # The butler asserts that an expression is more than a number, and
        # databases have no integers of more than 64 bits.
        line = str(error).strip().splitlines()[0].rstrip(".")
        raise UsageError(
            Diagnostic(
                "Expression is not understood",
                f"{where!r}: {line}.",
                hint="Write it in the butler's query language, as in `day_obs = 20241107`.",
            )
        ) from None


def _exposure(record: Mapping[str, Any], bands: Mapping[str, str]) -> SeenExposure:
    """Return an exposure, with the band of its filter where that has one."""
    data_id = {"instrument": str(record["instrument"]), "exposure": str(record["id"])}
    if (filter_ := record["physical_filter"]) is not None:
        data_id["physical_filter"] = str(filter_)
        if str(filter_) in bands:
            data_id["band"] = bands[str(filter_)]
    timespan = record["timespan"]
    begin, end = timespan.nsec if timespan else EMPTY
    return SeenExposure(
        exposure=int(record["id"]),
        day_obs=int(record["day_obs"]),
        data_id=data_id,
        begin=begin,
        end=end,
    )


def _values(butler: Butler, data_id: str) -> dict[str, int | str]:
    """Return a data ID with the types that the butler's dimensions have."""
    dimensions = butler.dimensions.dimensions
    values: dict[str, int | str] = {}
    for key, value in parse_data_id(data_id).items():
        values[key] = value
        if key not in dimensions.names:
            continue
        if dimensions[key].primaryKey.getPythonType() is int:
            is_number = value.isascii() and value.isdigit()
            number = int(value) if is_number else _NO_NUMBER
            values[key] = number if number <= _LARGEST else _NO_NUMBER
    return values
