"""What collections hold, read in bulk.

One query per dataset type over all collections together; asked collection by
collection the same takes many times as long.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar
from uuid import UUID

from lsst.daf.butler import (
    Butler,
    CollectionInfo,
    DataCoordinate,
    DatasetRef,
    DatasetType,
    MissingCollectionError,
    Timespan,
)

from ...model.contents import CollectionType, Holding, Row, format_data_id
from ...model.timespans import UNBOUNDED
from .datastore import artifacts, has_datastore, recorded, sizes_of

__all__ = ["find_collections", "read_holdings"]

_Value = TypeVar("_Value")


def find_collections(
    butler: Butler, names: Sequence[str], *, with_types: bool = False
) -> list[CollectionInfo]:
    """Return those of some collections that exist.

    Parameters
    ----------
    butler
        Where; it keeps no collections in memory, so this is what is there.
    names
        Their names.
    with_types
        Tell the names of their dataset types too.
    """
    if not names:
        return []
    try:
        return list(butler.collections.query_info(names, include_summary=with_types))
    except MissingCollectionError:
        # One that is missing spoils the answer for all: ask by halves.
        half = len(names) // 2
        parts = (names[:half], names[half:]) if half else ()
        infos: list[CollectionInfo] = []
        for part in parts:
            infos += find_collections(butler, part, with_types=with_types)
        return infos


def read_holdings(
    butler: Butler,
    names: Iterable[str],
    files: Collection[str] = (),
    *,
    calibrations_only: bool = False,
) -> dict[str, Holding]:
    """Return what collections hold.

    Parameters
    ----------
    butler
        Where.
    names
        Collections; absent and CHAINED ones are left out of the answer.
    files
        Those of them whose files are looked at too.
    calibrations_only
        Leave out datasets of types that are no calibrations, and do not look
        at the datastore.
    """
    infos = find_collections(butler, list(dict.fromkeys(names)), with_types=True)
    types = {info.name: CollectionType[info.type.name] for info in infos}
    leaves = {name: type_ for name, type_ in types.items() if type_ is not CollectionType.CHAINED}
    answers = _Seen({name: [] for name in leaves})
    with butler.query() as query:
        for name, within in _by_dataset_type(infos, leaves).items():
            dataset_type = butler.get_dataset_type(name)
            if calibrations_only and not dataset_type.isCalibration():
                continue
            rows = query.join_dataset_search(dataset_type, within).general(
                dataset_type.dimensions.required,
                dataset_fields={name: {"dataset_id", "run", "collection", "timespan"}},
                find_first=False,
            )
            answers.take(dataset_type, rows)
    recorded_uuids = answers.refs.keys() if calibrations_only else recorded(butler, answers.refs.values())
    sizes = _sizes(butler, [answers.refs[uuid] for uuid in answers.uuids(files)])
    in_files = set(files)
    holdings: dict[str, Holding] = {}
    for name, type_ in leaves.items():
        held = answers.rows[name]
        unrecorded = frozenset(row.uuid for row in held if row.uuid not in recorded_uuids)
        holding = Holding(name, type_, tuple(held), unrecorded)
        if name in in_files:
            actual, as_recorded = _of_rows(held, sizes.actual), _of_rows(held, sizes.recorded)
            holding = replace(holding, sizes=actual, recorded=as_recorded)
        holdings[name] = holding
    return holdings


@dataclass
class _Seen:
    """Rows by collection, and each dataset of theirs once."""

    rows: dict[str, list[Row]]
    refs: dict[str, DatasetRef] = field(default_factory=dict)

    def take(self, dataset_type: DatasetType, answer: Iterable[Mapping[str, object]]) -> None:
        """Keep the answer to a query for one dataset type."""
        name, dimensions = dataset_type.name, dataset_type.dimensions
        keys = tuple(dimensions.required)
        data_ids: dict[tuple[object, ...], tuple[str, DataCoordinate]] = {}
        for row in answer:
            values = tuple(row[key] for key in keys)
            if values not in data_ids:
                data_id = dict(zip(keys, values, strict=True))
                data_ids[values] = (
                    format_data_id(data_id),  # type: ignore[arg-type]
                    DataCoordinate.from_required_values(dimensions, values),  # type: ignore[arg-type]
                )
            text, coordinate = data_ids[values]
            id_, run, timespan = row[f"{name}.dataset_id"], row[f"{name}.run"], row[f"{name}.timespan"]
            assert isinstance(id_, UUID)
            uuid = str(id_)
            if uuid not in self.refs:
                self.refs[uuid] = DatasetRef(dataset_type, coordinate, str(run), id=id_, conform=False)
            span = timespan.nsec if isinstance(timespan, Timespan) else UNBOUNDED
            self.rows[str(row[f"{name}.collection"])].append(Row(name, text, uuid, *span))

    def uuids(self, collections: Collection[str]) -> set[str]:
        """Return the datasets of some of the collections."""
        return {row.uuid for name in self.rows.keys() & set(collections) for row in self.rows[name]}


def _by_dataset_type(infos: Iterable[CollectionInfo], leaves: Mapping[str, object]) -> dict[str, list[str]]:
    within: dict[str, list[str]] = {}
    for info in infos:
        if info.name in leaves:
            # The summary may name types that are gone; it never lacks one.
            for dataset_type in sorted(info.dataset_types or ()):
                within.setdefault(dataset_type, []).append(info.name)
    return within


@dataclass(frozen=True)
class _Sizes:
    """Sizes of the files of datasets, by UUID."""

    actual: dict[str, int | None]
    """As they are; `None` where a file is gone."""

    recorded: dict[str, int]
    """As the datastore recorded them, where it did."""


def _sizes(butler: Butler, refs: Sequence[DatasetRef]) -> _Sizes:
    if not has_datastore(butler):
        return _Sizes({}, {})
    files = artifacts(butler, refs)
    size = sizes_of(file.uri for of_dataset in files.values() for file in of_dataset)
    sizes = _Sizes({}, {})
    for ref in refs:
        uuid = str(ref.id)
        of_dataset = files.get(uuid, ())
        sizes.actual[uuid] = _total([size[file.uri] for file in of_dataset])
        recorded_size = _total([file.size for file in of_dataset])
        if recorded_size is not None:
            sizes.recorded[uuid] = recorded_size
    return sizes


def _of_rows(rows: Sequence[Row], by_uuid: Mapping[str, _Value]) -> dict[str, _Value]:
    """Return what is known of the datasets of some rows."""
    return {row.uuid: by_uuid[row.uuid] for row in rows if row.uuid in by_uuid}


def _total(sizes: Sequence[int | None]) -> int | None:
    present = [size for size in sizes if size is not None]
    return sum(present) if present and len(present) == len(sizes) else None
