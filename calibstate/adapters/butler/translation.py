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

_MISFITS = (KeyError, ValueError, TypeError)
"""What the butler raises where something does not fit its dimensions."""

_Fields = Mapping[str, Any]
"""Fields of a dimension record, by name."""


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
    records_of: dict[str, list[_Fields]] = {}
    for name, records in contents.dimensions:
        records_of.setdefault(name, []).extend(records)
    # A record is inserted after those that it refers to, which is the order
    # of the elements.  What the universe does not know comes last.
    elements = [element.name for element in universe.elements if element.name in records_of]
    unknown = [name for name in records_of if name not in elements]
    for name in (*elements, *unknown):
        _add_records(translation, contents, universe, name, records_of[name])
    return translation


def timespan_of(span: Range) -> Timespan:
    """Return a range of nanoseconds of TAI as the butler has it."""
    begin, end = span
    converter = TimeConverter()
    return Timespan(
        None if begin == UNBOUNDED_BEGIN else converter.nsec_to_astropy(begin),
        None if end == UNBOUNDED_END else converter.nsec_to_astropy(end),
    )


def _add_type(
    translation: Translation,
    contents: Contents,
    universe: DimensionUniverse,
    name: str,
) -> None:
    """Add a dataset type, or the problem that it is not known."""
    dimensions, storage_class, is_calibration = contents.dataset_types[name]
    try:
        # Looked up now: the datastore would miss it halfway through.
        StorageClassFactory().getStorageClass(storage_class)
        translation.types[name] = DatasetType(
            name,
            universe.conform(dimensions),
            storage_class,
            isCalibration=is_calibration,
        )
    except (*_MISFITS, RegistryError) as error:
        names = ", ".join(dimensions)
        translation.problems.append(
            Diagnostic(
                "Dataset type not known here",
                f"{name} with the dimensions {names} and the storage class {storage_class}: {error}.",
                hint="The repository needs a newer butler, or the storage class in its butler.yaml.",
            )
        )


def _add_dataset(translation: Translation, dataset: StoredDataset) -> None:
    """Add a dataset, or the problem that its data ID does not fit."""
    dataset_type = translation.types.get(dataset.dataset_type)
    if dataset_type is None:
        return
    try:
        data_id = DataCoordinate.standardize(dataset.data_id, dimensions=dataset_type.dimensions)
    except (*_MISFITS, RegistryError) as error:
        values = dict(dataset.data_id)
        translation.problems.append(
            Diagnostic(
                "Data ID does not fit",
                f"dataset {dataset.uuid} of {dataset.run} has the data ID {values}: {error}.",
            )
        )
        return
    translation.refs[dataset.uuid] = DatasetRef(
        dataset_type,
        data_id,
        run=dataset.run,
        id=UUID(dataset.uuid),
    )


def _add_records(
    translation: Translation,
    contents: Contents,
    universe: DimensionUniverse,
    name: str,
    records: Iterable[_Fields],
) -> None:
    """Add the records of a dimension, or the problem that they do not fit."""
    try:
        element = universe.elements[name]
        if not element.has_own_table:
            return
        translated: list[DimensionRecord] = []
        for record in records:
            fields = {key: _value(value) for key, value in record.items()}
            translated.append(element.RecordClass(**fields))
        translation.records[element] = translated
    except (*_MISFITS, RuntimeError) as error:
        translation.problems.append(
            Diagnostic(
                "Dimension records do not fit",
                f"the bundle describes {name} in version {contents.universe_version} of the dimensions, "
                f"the repository has version {universe.version}: {error}.",
                hint="Export the ticket again from a repository whose dimensions have the same version.",
            )
        )


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
