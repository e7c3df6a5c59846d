"""Reading in bulk what collections hold.

One query per dataset type over all collections together; asked collection by
collection the same takes many times as long.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC
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
from lsst.resources import ResourcePath

from ...model.contents import CollectionType, Holding, Row, format_data_id
from ...model.observations import stamp
from ...model.sights import Ingested
from ...model.timespans import UNBOUNDED
from ..registry.files import total_size
from .datastore import artifacts, has_datastore, recorded, sizes_of

__all__ = ["Answers", "find_collections", "read_arrivals", "read_holdings", "read_rows"]

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
        if half == 0:
            return []
        infos: list[CollectionInfo] = []
        for part in (names[:half], names[half:]):
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
    wanted = list(dict.fromkeys(names))
    leaves: dict[str, CollectionType] = {}
    collections_of: dict[str, list[str]] = {}
    for info in find_collections(butler, wanted, with_types=True):
        type_ = CollectionType[info.type.name]
        if type_ is CollectionType.CHAINED:
            continue
        leaves[info.name] = type_
        # The summary may name types that are gone; it never lacks one.
        for dataset_type_name in sorted(info.dataset_types or ()):
            collections_of.setdefault(dataset_type_name, []).append(info.name)
    answers = read_rows(butler, leaves, collections_of, calibrations_only=calibrations_only)
    # Where the datastore is not looked at, nothing counts as unrecorded.
    recorded_uuids: Collection[str] = answers.refs.keys()
    if not calibrations_only:
        recorded_uuids = recorded(butler, answers.refs.values())
    with_files = leaves.keys() & set(files)
    sizes = _Sizes()
    sizes.read(butler, answers.refs_in(with_files))
    holdings: dict[str, Holding] = {}
    for name, type_ in leaves.items():
        held = answers.rows[name]
        unrecorded = frozenset(row.uuid for row in held if row.uuid not in recorded_uuids)
        holding = Holding(
            collection=name,
            type=type_,
            rows=tuple(held),
            unrecorded=unrecorded,
        )
        if name in with_files:
            actual = _of_rows(held, sizes.actual)
            as_recorded = _of_rows(held, sizes.recorded)
            holding = replace(holding, sizes=actual, recorded=as_recorded)
        holdings[name] = holding
    return holdings


def read_rows(
    butler: Butler,
    leaves: Iterable[str],
    collections_of: Mapping[str, Sequence[str]],
    *,
    calibrations_only: bool = False,
) -> Answers:
    """Return the rows of collections, one query for each dataset type.

    Parameters
    ----------
    butler
        Where.
    leaves
        Collections, none of them CHAINED.
    collections_of
        Those of them that may have a dataset type, by its name.
    calibrations_only
        Leave out datasets of types that are no calibrations.
    """
    answers = Answers({name: [] for name in leaves})
    with butler.query() as query:
        for dataset_type_name, within in collections_of.items():
            dataset_type = butler.get_dataset_type(dataset_type_name)
            if calibrations_only and not dataset_type.isCalibration():
                continue
            rows = query.join_dataset_search(dataset_type, within).general(
                dataset_type.dimensions.required,
                dataset_fields={dataset_type_name: {"dataset_id", "run", "collection", "timespan"}},
                find_first=False,
            )
            answers.take(dataset_type, rows)
    return answers


def read_arrivals(butler: Butler, names: Sequence[str]) -> dict[str, Ingested]:
    """Return when what collections hold arrived.

    Parameters
    ----------
    butler
        Where.
    names
        Collections; absent and empty ones are left out of the answer.
    """
    collections_of: dict[str, list[str]] = {}
    for info in find_collections(butler, names, with_types=True):
        if info.type.name == CollectionType.CHAINED.name:
            continue
        for dataset_type_name in sorted(info.dataset_types or ()):
            collections_of.setdefault(dataset_type_name, []).append(info.name)
    ingested: dict[str, Ingested] = {}
    with butler.query() as query:
        for name, within in collections_of.items():
            dataset_type = butler.get_dataset_type(name)
            rows = query.join_dataset_search(dataset_type, within).general(
                dataset_type.dimensions.required,
                dataset_fields={name: {"ingest_date", "collection"}},
                find_first=False,
            )
            for row in rows:
                moment = stamp(row[f"{name}.ingest_date"].utc.to_datetime(timezone=UTC))
                alone = Ingested(first=moment, last=moment)
                collection = row[f"{name}.collection"]
                ingested[collection] = alone.joined(ingested.get(collection))
    return ingested


@dataclass
class Answers:
    """Rows by collection, and each dataset of theirs once."""

    rows: dict[str, list[Row]]
    refs: dict[str, DatasetRef] = field(default_factory=dict)
    """Datasets by UUID."""

    def take(
        self,
        dataset_type: DatasetType,
        answer: Iterable[Mapping[str, object]],
    ) -> None:
        """Keep the answer to a query for one dataset type."""
        # There may be hundreds of thousands of rows, so each data ID is made
        # once however often it comes, and little is named that is used once.
        name = dataset_type.name
        dimensions = dataset_type.dimensions
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

    def refs_in(self, collections: Iterable[str]) -> list[DatasetRef]:
        """Return the datasets of some of the collections, each once."""
        uuids: set[str] = set()
        for name in collections:
            uuids.update(row.uuid for row in self.rows[name])
        return [self.refs[uuid] for uuid in uuids]


@dataclass
class _Sizes:
    """Sizes of the files of datasets, by UUID."""

    actual: dict[str, int | None] = field(default_factory=dict)
    """As they are; `None` where a file is gone."""

    recorded: dict[str, int] = field(default_factory=dict)
    """As the datastore recorded them, where it did."""

    def read(self, butler: Butler, refs: Sequence[DatasetRef]) -> None:
        """Look at the files of datasets, where the butler tells of files."""
        if not has_datastore(butler):
            return
        files = artifacts(butler, refs)
        uris: list[ResourcePath] = []
        for of_dataset in files.values():
            uris += [file.uri for file in of_dataset]
        # All are asked for together: a store takes a while for each.
        size_of = sizes_of(uris)
        for ref in refs:
            uuid = str(ref.id)
            of_dataset = files.get(uuid, ())
            self.actual[uuid] = total_size(size_of[file.uri] for file in of_dataset)
            recorded_size = total_size(file.size for file in of_dataset)
            if recorded_size is not None:
                self.recorded[uuid] = recorded_size


def _of_rows(
    rows: Sequence[Row],
    by_uuid: Mapping[str, _Value],
) -> dict[str, _Value]:
    """Return what is known of the datasets of some rows."""
    values: dict[str, _Value] = {}
    for row in rows:
        if row.uuid in by_uuid:
            values[row.uuid] = by_uuid[row.uuid]
    return values
