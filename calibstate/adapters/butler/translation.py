"""What a bundle says, as objects of the butler that it goes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from lsst.daf.butler import (
    DataCoordinate,
    DatasetRef,
    DatasetType,
    DimensionElement,
    DimensionRecord,
    DimensionUniverse,
    StorageClassFactory,
    Timespan,
)
from lsst.daf.butler.registry import RegistryError  # type: ignore[attr-defined]
from lsst.daf.butler.time_utils import TimeConverter
from lsst.sphgeom import Region

from ...errors import Diagnostic
from ...model.bundles import Contents, StoredDataset
from ...model.timespans import UNBOUNDED_BEGIN, UNBOUNDED_END, Range, parse_tai
from ...store.bundle import TIME, TIMESPAN, Tagged

__all__ = ["Translation", "timespan_of", "translate"]


@dataclass(frozen=True)
class Translation:
    """A bundle's contents in the words of one butler."""

    types: dict[str, DatasetType] = field(default_factory=dict)
    """Dataset types by name."""
    refs: dict[str, DatasetRef] = field(default_factory=dict)
    """Datasets by UUID."""
    records: dict[DimensionElement, list[DimensionRecord]] = field(default_factory=dict)
    """Dimension records, in an order in which they can be inserted."""
    problems: list[Diagnostic] = field(default_factory=list)
    """What this butler has no words for."""


def translate(contents: Contents, universe: DimensionUniverse) -> Translation:
    """Return contents in the words of a butler with some dimensions."""
    translation = Translation()
    if contents.universe_namespace != universe.namespace:
        translation.problems.append(
            Diagnostic(
                "Dimensions are others",
                f"the dimensions of the bundle are those of {contents.universe_namespace!r}, the repository "
                f"has those of {universe.namespace!r}: their data IDs mean different things.",
                hint="Only repositories with dimensions of one namespace can share calibrations.",
            )
        )
        return translation
    for name in contents.dataset_types:
        _add_type(translation, contents, universe, name)
    for dataset in contents.datasets:
        _add_dataset(translation, dataset)
    by_element: dict[str, list[Mapping[str, Any]]] = {}
    for element, records in contents.dimensions:
        by_element.setdefault(element, []).extend(records)
    for element in sorted(by_element, key=lambda name: _rank(universe, name)):
        _add_records(translation, universe, element, by_element[element], contents.universe_version)
    return translation


def timespan_of(span: Range) -> Timespan:
    """Return a range of nanoseconds of TAI as the butler has it."""
    begin, end = span
    time = TimeConverter().nsec_to_astropy
    return Timespan(
        None if begin == UNBOUNDED_BEGIN else time(begin), None if end == UNBOUNDED_END else time(end)
    )


def _rank(universe: DimensionUniverse, element: str) -> int:
    names = [dimension.name for dimension in universe.elements]
    return names.index(element) if element in names else len(names)


def _add_type(translation: Translation, contents: Contents, universe: DimensionUniverse, name: str) -> None:
    dimensions, storage_class, is_calibration = contents.dataset_types[name]
    try:
        # Looked up now: the datastore would miss it halfway through.
        StorageClassFactory().getStorageClass(storage_class)
        translation.types[name] = DatasetType(
            name, universe.conform(dimensions), storage_class, isCalibration=is_calibration
        )
    except (KeyError, ValueError, TypeError, RegistryError) as error:
        translation.problems.append(
            Diagnostic(
                "Dataset type not known here",
                f"{name} with the dimensions {', '.join(dimensions)} and the storage class {storage_class}: "
                f"{error}.",
                hint="The repository needs a newer butler, or the storage class in its butler.yaml.",
            )
        )


def _add_dataset(translation: Translation, dataset: StoredDataset) -> None:
    dataset_type = translation.types.get(dataset.dataset_type)
    if dataset_type is None:
        return
    try:
        data_id = DataCoordinate.standardize(dataset.data_id, dimensions=dataset_type.dimensions)
    except (KeyError, ValueError, TypeError, RegistryError) as error:
        translation.problems.append(
            Diagnostic(
                "Data ID does not fit",
                f"dataset {dataset.uuid} of {dataset.run} has the data ID {dict(dataset.data_id)}: {error}.",
            )
        )
        return
    translation.refs[dataset.uuid] = DatasetRef(dataset_type, data_id, run=dataset.run, id=UUID(dataset.uuid))


def _add_records(
    translation: Translation,
    universe: DimensionUniverse,
    name: str,
    records: Iterable[Mapping[str, Any]],
    version: int,
) -> None:
    try:
        element = universe.elements[name]
        if element.has_own_table:
            translation.records[element] = [_record(element, fields) for fields in records]
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        translation.problems.append(
            Diagnostic(
                "Dimension records do not fit",
                f"the bundle describes {name} in version {version} of the dimensions, "
                f"the repository has version {universe.version}: {error}.",
                hint="Export the ticket again from a repository whose dimensions have the same version.",
            )
        )


def _record(element: DimensionElement, fields: Mapping[str, Any]) -> DimensionRecord:
    return element.RecordClass(**{key: _value(value) for key, value in fields.items()})


def _value(value: Any) -> Any:
    """Return a field of a dimension record as the butler wants it.

    Raises
    ------
    ValueError
        It has a tag that means nothing here.
    """
    match value:
        case Tagged(tag, str(moment)) if tag == TIME:
            return TimeConverter().nsec_to_astropy(parse_tai(moment))
        case Tagged(tag, "EMPTY") if tag == TIMESPAN:
            return Timespan.makeEmpty()
        case Tagged(tag, {"begin": begin, "end": end}) if tag == TIMESPAN:
            return Timespan(_value(begin), _value(end))
        case Tagged(tag, {"encoded": str(text)}) if "lsst.sphgeom." in tag:
            return Region.decode(bytes.fromhex(text))
        case Tagged(tag, _):
            raise ValueError(f"a value has the unknown tag {tag}")
        case _:
            return value
