"""``export.yaml``.

What is read here is what the stock reader of the butler
(``YamlRepoImportBackend`` of lsst.daf.butler) would make of it, without the
butler; whatever could be understood in two ways is refused.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import yaml

from ...model.bundles import DEFAULT_NAMESPACE, Contents, StoredDataset
from ...model.contents import CollectionType
from ...model.timespans import EMPTY, UNBOUNDED_BEGIN, UNBOUNDED_END, Range, parse_tai
from .names import EXPORT
from .nodes import TIME, TIMESPAN, Tagged, compose, load, path_nodes
from .refusals import unreadable

__all__ = ["paths", "read_contents", "with_paths"]

# The rule by which the stock reader turns the integers of old exports into
# UUIDs (``_RefMapper`` of lsst.daf.butler.transfers).
_OLD_IDS = uuid.UUID("4d4851f4-2890-4d41-8779-5f38a3f5062b")

_NO_DATA_ID = "a data ID is no mapping of words to words and integers"

_READABLE = re.compile(r"1\.0(\.\d+)?")

_Key = TypeVar("_Key")
_Type = TypeVar("_Type")

_Entry: TypeAlias = Mapping[str, Any]
"""A part of an export, as plain data."""

_DatasetType: TypeAlias = tuple[tuple[str, ...], str, bool]
"""Dimensions, storage class, and whether it is a calibration."""

_Collection: TypeAlias = tuple[CollectionType, str | None, tuple[str, ...]]
"""Type, documentation and children."""

_UUIDs: TypeAlias = tuple[str, ...]


def read_contents(text: str, *, name: str = EXPORT) -> Contents:
    """Return what an export says.

    Members of TAGGED collections are not kept.

    Parameters
    ----------
    text
        ``export.yaml`` of a butler, version 1.0.
    name
        What messages call it.

    Raises
    ------
    RefusedError
        It is not such an export, or contradicts itself.
    """
    try:
        top, entries = load(text)
        draft = _Draft()
        draft.check_version(top)
        for entry in entries:
            draft.read(entry)
        draft.check_references()
        return draft.contents(top)
    except ValueError as error:
        raise unreadable(name, str(error)) from error


def paths(text: str) -> list[str]:
    """Return the paths of the datasets of an export, in its order."""
    try:
        root = compose(text)
        nodes = path_nodes(root)
        return [node.value for node in nodes]
    except ValueError as error:
        raise unreadable(EXPORT, str(error)) from error


def with_paths(text: str, new: Mapping[str, str]) -> str:
    """Return an export with other paths of its datasets.

    Parameters
    ----------
    text
        The export; all else in it, tags too, stays as it is.
    new
        New path by old path; those that are not in it stay.
    """
    try:
        root = compose(text)
        for node in path_nodes(root):
            node.value = new.get(node.value, node.value)
    except ValueError as error:
        raise unreadable(EXPORT, str(error)) from error
    written = yaml.serialize(
        root,
        Dumper=yaml.CSafeDumper,
        allow_unicode=True,
    )
    return str(written)


@dataclass
class _Draft:
    """Contents while they are read."""

    dimensions: list[tuple[str, tuple[_Entry, ...]]] = field(default_factory=list)
    dataset_types: dict[str, _DatasetType] = field(default_factory=dict)
    collections: dict[str, _Collection] = field(default_factory=dict)
    datasets: dict[str, StoredDataset] = field(default_factory=dict)
    certifications: dict[str, dict[Range, _UUIDs]] = field(default_factory=dict)

    def check_version(self, top: _Entry) -> None:
        """Refuse an export of a version that is not known."""
        version = top.get("version")
        # Files from before there were versions say ``version: 0``.
        if version == 0:
            return
        if not _READABLE.fullmatch(str(version)):
            raise ValueError(f"its version is {version!r}; only 1.0 can be read")

    def read(self, entry: Any) -> None:
        """Take in one entry of ``data``."""
        match _field(entry, "type", str):
            case "dimension":
                self.read_dimension(entry)
            case "collection":
                self.read_collection(entry)
            case "run":
                run = (CollectionType.RUN, None, ())
                self.define_collection("the run", entry, run)
            case "dataset_type":
                self.read_dataset_type(entry)
            case "dataset":
                self.read_datasets(entry)
            case "associations":
                self.read_associations(entry)
            case unknown:
                raise ValueError(f"an entry of `data` is of the unknown type {unknown!r}")

    def read_dimension(self, entry: _Entry) -> None:
        """Take in the records of a dimension."""
        records = _field(entry, "records", list)
        for record in records:
            if not isinstance(record, dict):
                raise ValueError("a dimension record is not a mapping")  # noqa: TRY004
        element = _field(entry, "element", str)
        dimension_records = (element, tuple(records))
        self.dimensions.append(dimension_records)

    def read_collection(self, entry: _Entry) -> None:
        """Take in a collection, and its children if it is a chain."""
        type_ = _collection_type(entry)
        children: list[Any] = []
        if type_ is CollectionType.CHAINED:
            children = _field(entry, "children", list)
        doc = None
        if entry.get("doc") is not None:
            doc = _field(entry, "doc", str)
        names = []
        for child in children:
            child_name = child
            # Old exports give a restriction beside it; the butler drops it.
            if isinstance(child, list) and len(child) == 2:
                child_name, _ = child
            if not isinstance(child_name, str):
                raise ValueError("a child of a chain has no name")  # noqa: TRY004
            names.append(child_name)
        collection = (type_, doc, tuple(names))
        self.define_collection("the collection", entry, collection)

    def define_collection(self, what: str, entry: _Entry, collection: _Collection) -> None:
        """Take in what an entry says that a collection is."""
        name = _field(entry, "name", str)
        _define(self.collections, what, name, collection)

    def read_dataset_type(self, entry: _Entry) -> None:
        """Take in a dataset type."""
        dimensions = _field(entry, "dimensions", list)
        for dimension in dimensions:
            if not isinstance(dimension, str):
                raise ValueError("a dimension of a dataset type is not a word")  # noqa: TRY004
        dataset_type = (
            tuple(dimensions),
            _field(entry, "storage_class", str),
            _field(entry, "is_calibration", bool, default=False),
        )
        name = _field(entry, "name", str)
        _define(self.dataset_types, "the dataset type", name, dataset_type)

    def read_datasets(self, entry: _Entry) -> None:
        """Take in datasets of one type in one run.

        A record is a file, which has one dataset or several.
        """
        dataset_type = _field(entry, "dataset_type", str)
        run = _field(entry, "run", str)
        for record in _field(entry, "records", list):
            ids = _listed(record, "dataset_id")
            data_ids = _listed(record, "data_id")
            number = len(ids)
            if len(data_ids) != number:
                raise ValueError(f"a record of {run!r} has {number} dataset_id and {len(data_ids)} data_id")
            path = _field(record, "path", str, "")
            formatter = _field(record, "formatter", str, "")
            for id_, data_id in zip(ids, data_ids, strict=True):
                uuid_ = _uuid(id_)
                dataset = StoredDataset(
                    uuid=uuid_,
                    dataset_type=dataset_type,
                    run=run,
                    data_id=_data_id(data_id),
                    path=path,
                    formatter=formatter,
                )
                if uuid_ in self.datasets:
                    raise ValueError(f"dataset {uuid_} is described twice")
                self.datasets[uuid_] = dataset

    def read_associations(self, entry: _Entry) -> None:
        """Take in the certifications of a CALIBRATION collection."""
        if _collection_type(entry) is CollectionType.TAGGED:
            return
        collection = _field(entry, "collection", str)
        ranges = self.certifications.setdefault(collection, {})
        for certified in _field(entry, "validity_ranges", list):
            ids = _field(certified, "dataset_ids", list)
            uuids = tuple(map(_uuid, ids))
            unique = set(uuids)
            if len(unique) != len(uuids):
                raise ValueError(f"{collection!r} certifies a dataset twice for one range")
            # The stock reader would keep the last of two equal ranges only.
            what = f"a range of {collection!r},"
            range_ = _range(certified)
            _define(ranges, what, range_, uuids)

    def check_references(self) -> None:
        """Refuse an export that names what it does not describe."""
        runs = self.of_type(CollectionType.RUN)
        for dataset in self.datasets.values():
            if dataset.run not in runs:
                raise ValueError(
                    f"dataset {dataset.uuid} is in {dataset.run!r}, which is no RUN of the export"
                )
            if dataset.dataset_type not in self.dataset_types:
                raise ValueError(f"the dataset type {dataset.dataset_type!r} is not defined")
        certifiable = self.of_type(CollectionType.CALIBRATION)
        for name, ranges in self.certifications.items():
            if name not in certifiable:
                raise ValueError(
                    f"{name!r} has certifications and is no CALIBRATION collection of the export"
                )
            for uuids in ranges.values():
                for uuid_ in uuids:
                    if uuid_ in self.datasets:
                        continue
                    raise ValueError(
                        f"{name!r} certifies dataset {uuid_}, which the export does not describe"
                    )

    def of_type(self, wanted: CollectionType) -> set[str]:
        """Return the names of the collections of a type."""
        names = set()
        for name, collection in self.collections.items():
            type_, _, _ = collection
            if type_ is wanted:
                names.add(name)
        return names

    def contents(self, top: _Entry) -> Contents:
        """Return what was read, with what the export says above all."""
        certifications = {}
        for name, ranges in self.certifications.items():
            certifications[name] = tuple(ranges.items())
        namespace = _field(top, "universe_namespace", str, DEFAULT_NAMESPACE)
        version = _field(top, "universe_version", int, 0)
        return Contents(
            universe_namespace=namespace,
            universe_version=version,
            dimensions=tuple(self.dimensions),
            dataset_types=self.dataset_types,
            collections=self.collections,
            datasets=tuple(self.datasets.values()),
            certifications=certifications,
        )


def _define(definitions: dict[_Key, _Type], what: str, name: _Key, definition: _Type) -> None:
    """Take in what a name stands for, once or twice the same."""
    first = definitions.setdefault(name, definition)
    if first != definition:
        raise ValueError(f"{what} {name!r} is told in two ways")


_MISSING: Any = object()


def _field(entry: Any, key: str, type_: type[_Type], default: _Type = _MISSING) -> _Type:
    """Return the value of a key, which has to be of a type."""
    value = None
    if isinstance(entry, dict):
        value = entry.get(key, default)
    if isinstance(value, type_):
        # For Python true is an integer; for an export it is not.
        is_bool = isinstance(value, bool)
        if type_ is bool or not is_bool:
            return value
    wanted = type_.__name__
    raise ValueError(f"`{key}` is missing or no {wanted} where one should be")


def _listed(record: Any, key: str) -> list[Any]:
    """Return a list, also where old exports have its only item."""
    value = None
    if isinstance(record, dict):
        value = record.get(key)
    if isinstance(value, list):
        return value
    return [value]


def _collection_type(entry: _Entry) -> CollectionType:
    name = _field(entry, "collection_type", str)
    member = name.upper()
    if member not in CollectionType.__members__:
        raise ValueError(f"{name!r} is no type of collection")
    return CollectionType[member]


def _uuid(value: Any) -> str:
    if isinstance(value, uuid.UUID):
        return str(value)
    # For Python true is an integer.
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{value!r} is no dataset id")  # noqa: TRY004
    number = str(value)
    new_id = uuid.uuid3(_OLD_IDS, number)
    return str(new_id)


def _data_id(value: Any) -> Mapping[str, int | str]:
    """Return a data ID, whose dimensions have words or integers."""
    if not isinstance(value, dict):
        raise ValueError(_NO_DATA_ID)  # noqa: TRY004
    for dimension, word in value.items():
        # For Python true is an integer.
        if isinstance(word, bool):
            raise ValueError(_NO_DATA_ID)  # noqa: TRY004
        if not isinstance(dimension, str):
            raise ValueError(_NO_DATA_ID)  # noqa: TRY004
        if not isinstance(word, int | str):
            raise ValueError(_NO_DATA_ID)  # noqa: TRY004
    return dict(value)


def _range(certified: _Entry) -> Range:
    """Return the range that a certification holds for."""
    # Old exports have its begin and end beside the datasets.
    bounds: Any = certified
    if "timespan" in certified:
        timespan = certified["timespan"]
        is_timespan = isinstance(timespan, Tagged) and timespan.tag == TIMESPAN
        if not is_timespan:
            raise ValueError("a validity range is no timespan")
        if timespan.value == "EMPTY":
            return EMPTY
        bounds = timespan.value
    has_both = isinstance(bounds, dict) and "begin" in bounds and "end" in bounds
    if not has_both:
        raise ValueError("a validity range has no begin and end")
    # Without a bound it holds from, or to, the end of the butler's time.
    begin = _bound(bounds["begin"], UNBOUNDED_BEGIN)
    end = _bound(bounds["end"], UNBOUNDED_END)
    if begin > end:
        return EMPTY
    # The butler makes an instant one nanosecond long.
    if begin == end:
        end += 1
    return begin, end


def _bound(value: Any, unbounded: int) -> int:
    """Return a moment in nanoseconds of TAI."""
    if value is None:
        return unbounded
    is_moment = isinstance(value, Tagged) and value.tag == TIME
    if not is_moment or not isinstance(value.value, str):
        raise ValueError("a bound of a validity range is no moment")
    moment = parse_tai(value.value)
    # What lies outside of 1970 to 2100 the butler takes for unbounded.
    moment = max(moment, UNBOUNDED_BEGIN)
    return min(moment, UNBOUNDED_END)
