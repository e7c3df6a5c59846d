"""``export.yaml``.

What is read here is what the stock reader of the butler
(``YamlRepoImportBackend`` of lsst.daf.butler) would make of it, without the
butler; whatever could be understood in two ways is refused.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeVar

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

_Type = TypeVar("_Type")


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
        return _contents(*load(text))
    except ValueError as error:
        raise unreadable(name, str(error)) from error


def paths(text: str) -> list[str]:
    """Return the paths of the datasets of an export, in its order."""
    try:
        return [node.value for node in path_nodes(compose(text))]
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
    return str(yaml.serialize(root, Dumper=yaml.CSafeDumper, allow_unicode=True))


@dataclass
class _Draft:
    """Contents while they are read."""

    dimensions: list[tuple[str, tuple[Mapping[str, Any], ...]]] = field(default_factory=list)
    dataset_types: dict[str, tuple[tuple[str, ...], str, bool]] = field(default_factory=dict)
    collections: dict[str, tuple[CollectionType, str | None, tuple[str, ...]]] = field(default_factory=dict)
    datasets: dict[str, StoredDataset] = field(default_factory=dict)
    certifications: dict[str, dict[Range, tuple[str, ...]]] = field(default_factory=dict)


def _contents(head: Mapping[str, Any], entries: list[Any]) -> Contents:
    _check_version(head)
    draft = _Draft()
    for entry in entries:
        read = _READERS.get(_field(entry, "type", str))
        if read is None:
            raise ValueError(f"an entry of `data` is of the unknown type {entry['type']!r}")
        read(draft, entry)
    _check_references(draft)
    return Contents(
        universe_namespace=_field(head, "universe_namespace", str, DEFAULT_NAMESPACE),
        universe_version=_field(head, "universe_version", int, 0),
        dimensions=tuple(draft.dimensions),
        dataset_types=draft.dataset_types,
        collections=draft.collections,
        datasets=tuple(draft.datasets.values()),
        certifications={name: tuple(by.items()) for name, by in draft.certifications.items()},
    )


def _check_version(head: Mapping[str, Any]) -> None:
    version = head.get("version")
    # Files from before there were versions say ``version: 0``.
    if version != 0 and not _READABLE.fullmatch(str(version)):
        raise ValueError(f"its version is {version!r}; only 1.0 can be read")


def _check_references(draft: _Draft) -> None:
    """Refuse an export that names what it does not describe."""
    runs = _collections_of(draft, CollectionType.RUN)
    for dataset in draft.datasets.values():
        if dataset.run not in runs:
            raise ValueError(f"dataset {dataset.uuid} is in {dataset.run!r}, which is no RUN of the export")
        if dataset.dataset_type not in draft.dataset_types:
            raise ValueError(f"the dataset type {dataset.dataset_type!r} is not defined")
    certifiable = _collections_of(draft, CollectionType.CALIBRATION)
    for name, ranges in draft.certifications.items():
        if name not in certifiable:
            raise ValueError(f"{name!r} has certifications and is no CALIBRATION collection of the export")
        for uuid_ in chain.from_iterable(ranges.values()):
            if uuid_ not in draft.datasets:
                raise ValueError(f"{name!r} certifies dataset {uuid_}, which the export does not describe")


def _collections_of(draft: _Draft, wanted: CollectionType) -> frozenset[str]:
    return frozenset(name for name, (type_, _, _) in draft.collections.items() if type_ is wanted)


def _read_dimension(draft: _Draft, entry: Mapping[str, Any]) -> None:
    records = _field(entry, "records", list)
    if not all(isinstance(record, dict) for record in records):
        raise ValueError("a dimension record is not a mapping")
    draft.dimensions.append((_field(entry, "element", str), tuple(records)))


def _read_collection(draft: _Draft, entry: Mapping[str, Any]) -> None:
    type_ = _collection_type(entry)
    children: list[Any] = []
    if type_ is CollectionType.CHAINED:
        children = _field(entry, "children", list)
    doc = None
    if entry.get("doc") is not None:
        doc = _field(entry, "doc", str)
    definition = (type_, doc, tuple(map(_child, children)))
    _define(draft.collections, "the collection", _field(entry, "name", str), definition)


def _read_run(draft: _Draft, entry: Mapping[str, Any]) -> None:
    _define(draft.collections, "the run", _field(entry, "name", str), (CollectionType.RUN, None, ()))


def _read_dataset_type(draft: _Draft, entry: Mapping[str, Any]) -> None:
    dimensions = _field(entry, "dimensions", list)
    if not all(isinstance(dimension, str) for dimension in dimensions):
        raise ValueError("a dimension of a dataset type is not a word")
    definition = (
        tuple(dimensions),
        _field(entry, "storage_class", str),
        _field(entry, "is_calibration", bool, default=False),
    )
    _define(draft.dataset_types, "the dataset type", _field(entry, "name", str), definition)


def _read_datasets(draft: _Draft, entry: Mapping[str, Any]) -> None:
    dataset_type = _field(entry, "dataset_type", str)
    run = _field(entry, "run", str)
    for record in _field(entry, "records", list):
        ids = _listed(record, "dataset_id")
        data_ids = _listed(record, "data_id")
        if len(ids) != len(data_ids):
            raise ValueError(f"a record of {run!r} has {len(ids)} dataset_id and {len(data_ids)} data_id")
        path = _field(record, "path", str, "")
        formatter = _field(record, "formatter", str, "")
        for id_, data_id in zip(ids, data_ids, strict=True):
            dataset = StoredDataset(_uuid(id_), dataset_type, run, _data_id(data_id), path, formatter)
            if dataset.uuid in draft.datasets:
                raise ValueError(f"dataset {dataset.uuid} is described twice")
            draft.datasets[dataset.uuid] = dataset


def _read_associations(draft: _Draft, entry: Mapping[str, Any]) -> None:
    if _collection_type(entry) is CollectionType.TAGGED:
        return
    collection = _field(entry, "collection", str)
    ranges = draft.certifications.setdefault(collection, {})
    for certified in _field(entry, "validity_ranges", list):
        ids = _field(certified, "dataset_ids", list)
        uuids = tuple(map(_uuid, ids))
        if len(set(uuids)) != len(uuids):
            raise ValueError(f"{collection!r} certifies a dataset twice for one range")
        # The stock reader would keep the last of two equal ranges only.
        _define(ranges, f"a range of {collection!r},", _range(certified), uuids)


_READERS: Mapping[str, Callable[[_Draft, Mapping[str, Any]], None]] = {
    "dimension": _read_dimension,
    "collection": _read_collection,
    "run": _read_run,
    "dataset_type": _read_dataset_type,
    "dataset": _read_datasets,
    "associations": _read_associations,
}

_Key = TypeVar("_Key")


def _define(definitions: dict[_Key, _Type], what: str, name: _Key, definition: _Type) -> None:
    if definitions.setdefault(name, definition) != definition:
        raise ValueError(f"{what} {name!r} is told in two ways")


_MISSING: Any = object()


def _field(entry: Any, key: str, type_: type[_Type], default: _Type = _MISSING) -> _Type:
    value = None
    if isinstance(entry, dict):
        value = entry.get(key, default)
    # For Python true is an integer; for an export it is not.
    is_bool = isinstance(value, bool)
    if isinstance(value, type_) and (type_ is bool or not is_bool):
        return value
    raise ValueError(f"`{key}` is missing or no {type_.__name__} where one should be")


def _listed(record: Any, key: str) -> list[Any]:
    """Return a list, also where old exports have its only item."""
    value = None
    if isinstance(record, dict):
        value = record.get(key)
    if isinstance(value, list):
        return value
    return [value]


def _collection_type(entry: Mapping[str, Any]) -> CollectionType:
    name = _field(entry, "collection_type", str)
    if name.upper() not in CollectionType.__members__:
        raise ValueError(f"{name!r} is no type of collection")
    return CollectionType[name.upper()]


def _child(child: Any) -> str:
    name = child
    # Old exports give a restriction beside each child; the butler drops it.
    if isinstance(child, list) and len(child) == 2:
        name, _ = child
    if not isinstance(name, str):
        raise ValueError("a child of a chain has no name")  # noqa: TRY004
    return name


def _uuid(value: Any) -> str:
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(uuid.uuid3(_OLD_IDS, str(value)))
    raise ValueError(f"{value!r} is no dataset id")


def _data_id(value: Any) -> Mapping[str, int | str]:
    if not isinstance(value, dict):
        raise ValueError(_NO_DATA_ID)  # noqa: TRY004
    for dimension, word in value.items():
        # For Python true is an integer.
        if not isinstance(dimension, str) or isinstance(word, bool) or not isinstance(word, int | str):
            raise ValueError(_NO_DATA_ID)  # noqa: TRY004
    return dict(value)


def _range(certified: Mapping[str, Any]) -> Range:
    if "timespan" not in certified:
        # The form of old exports.
        return _span(certified)
    timespan = certified["timespan"]
    if not isinstance(timespan, Tagged) or timespan.tag != TIMESPAN:
        raise ValueError("a validity range is no timespan")
    if timespan.value == "EMPTY":
        return EMPTY
    return _span(timespan.value)


def _span(bounds: Any) -> Range:
    if not isinstance(bounds, dict) or not {"begin", "end"} <= bounds.keys():
        raise ValueError("a validity range has no begin and end")
    begin = _bound(bounds["begin"], UNBOUNDED_BEGIN)
    end = _bound(bounds["end"], UNBOUNDED_END)
    if begin > end:
        return EMPTY
    # The butler makes an instant one nanosecond long.
    if begin == end:
        end += 1
    return begin, end


def _bound(value: Any, unbounded: int) -> int:
    if value is None:
        return unbounded
    if not isinstance(value, Tagged) or value.tag != TIME or not isinstance(value.value, str):
        raise ValueError("a bound of a validity range is no moment")
    # What lies outside of 1970 to 2100 the butler takes for unbounded.
    return min(max(parse_tai(value.value), UNBOUNDED_BEGIN), UNBOUNDED_END)
