"""What a person asks of a butler: its own lookups, and its exposures.

These go the butler's way on purpose: they are what ours is held against.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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

__all__ = ["find", "find_detectors", "find_exposures", "find_filters", "find_refs", "find_runs"]

_MANY = 1000
"""UUIDs that are asked for at once: databases limit the size of a query."""

_LARGEST = 2**63 - 1
"""The largest integer that a database holds."""

_PATTERN = frozenset("*?[")

_UNKNOWN = (DataIdValueError, DatasetTypeExpressionError, MissingCollectionError, MissingDatasetTypeError)


def find(butler: Butler, chain: str, dataset_type: str, data_id: str, span: Range) -> str | None:
    """Return the UUID that the butler's own lookup finds.

    Raises
    ------
    RefusedError
        It finds several in one collection and refuses to choose.
    UsageError
        The data ID lacks what the dataset type asks for.
    """
    # The butler takes an instant for a nanosecond, and a pattern for the
    # collections that match it, in no order.
    if span[0] >= span[1] or set(chain) & _PATTERN:
        return None
    try:
        ref = butler.find_dataset(
            dataset_type, _values(butler, data_id), collections=chain, timespan=timespan_of(span)
        )
    except _UNKNOWN:
        return None
    except (DimensionNameError, DimensionValueError) as error:
        line = str(error).strip('"').rstrip(".")
        problem = Diagnostic("Data ID does not fit", f"{dataset_type} {data_id}: {line}.")
        raise UsageError(problem) from None
    except CalibrationLookupError as error:
        problem = Diagnostic("Lookup is ambiguous", f"{chain}: {dataset_type} {data_id}: {error}.")
        raise RefusedError(problem) from None
    return str(ref.id) if ref else None


def find_runs(butler: Butler, uuids: Iterable[str]) -> dict[str, str]:
    """Return the RUN of each dataset; unknown ones are left out."""
    return {uuid: ref.run for uuid, ref in find_refs(butler, uuids).items()}


def find_refs(butler: Butler, uuids: Iterable[str]) -> dict[str, DatasetRef]:
    """Return each dataset by its UUID; unknown ones are left out."""
    wanted = [uuid for uuid in dict.fromkeys(uuids) if _is_uuid(uuid)]
    refs: dict[str, DatasetRef] = {}
    for start in range(0, len(wanted), _MANY):
        for ref in butler.get_many_datasets(wanted[start : start + _MANY]):
            refs[str(ref.id)] = ref
    return refs


def find_detectors(butler: Butler, instrument: str) -> dict[int, str]:
    """Return the full name of each detector."""
    records = _records(butler, "detector", instrument)
    return {int(record["id"]): str(record["full_name"]) for record in records}


def find_filters(butler: Butler, instrument: str) -> dict[str, str]:
    """Return the band of each physical filter that has one."""
    records = _records(butler, "physical_filter", instrument)
    return {str(record["name"]): str(record["band"]) for record in records if record["band"] is not None}


def find_exposures(butler: Butler, instrument: str, where: str) -> list[SeenExposure]:
    """Return exposures, by number.

    Raises
    ------
    UsageError
        The butler does not understand the expression.
    """
    bands = find_filters(butler, instrument)
    exposures = [_exposure(record, bands) for record in _records(butler, "exposure", instrument, where)]
    return sorted(exposures, key=lambda exposure: exposure.exposure)


def _records(butler: Butler, element: str, instrument: str, where: str = "") -> list[Mapping[str, Any]]:
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
    data_id = {"instrument": str(record["instrument"]), "exposure": str(record["id"])}
    if (filter_ := record["physical_filter"]) is not None:
        data_id["physical_filter"] = str(filter_)
        data_id |= {"band": bands[str(filter_)]} if str(filter_) in bands else {}
    begin, end = record["timespan"].nsec if record["timespan"] else EMPTY
    return SeenExposure(int(record["id"]), int(record["day_obs"]), data_id, begin, end)


def _values(butler: Butler, data_id: str) -> dict[str, int | str]:
    """Return a data ID with the types that the butler's dimensions have."""
    return {key: _value(butler, key, value) for key, value in parse_data_id(data_id).items()}


def _value(butler: Butler, key: str, value: str) -> int | str:
    dimensions = butler.dimensions.dimensions
    if key in dimensions.names and dimensions[key].primaryKey.getPythonType() is int:
        is_number = value.isascii() and value.isdigit() and int(value) <= _LARGEST
        return int(value) if is_number else -1  # No such detector.
    return value


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
