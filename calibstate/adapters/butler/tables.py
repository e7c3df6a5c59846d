"""What collections hold, read straight from the tables of the registry.

The butler's own queries tell the same and take many times as long.  The
tables are no promise of the butler's, so they are read only where every part
of the schema has a version that was tried; of any other repository, and
wherever something is not as it was, nothing is told here, and the butler is
asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import groupby, islice
from typing import Any, NamedTuple, TypeVar

import numpy as np
from lsst.daf.butler.registry import (  # type: ignore[attr-defined]
    CollectionType as ButlerCollectionType,
)
from sqlalchemy import bindparam, text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from ...model.contents import CollectionType, Holding, Row, format_data_id
from ...model.timespans import EMPTY, UNBOUNDED
from .holdings import no_collection_of_garbage
from .opening import Repository

__all__ = ["TRIED", "Tables"]

TRIED: Mapping[str, tuple[str, str]] = {
    "attributes": ("lsst.daf.butler.registry.attributes.DefaultButlerAttributeManager", "1.0.1"),
    "collections": (
        "lsst.daf.butler.registry.collections.synthIntKey.SynthIntKeyCollectionManager",
        "2.0.0",
    ),
    "datasets": (
        "lsst.daf.butler.registry.datasets.byDimensions._manager.ByDimensionsDatasetRecordStorageManagerUUID",
        "2.0.0",
    ),
    "dimensions": (
        "lsst.daf.butler.registry.dimensions.static.StaticDimensionRecordStorageManager",
        "6.0.2",
    ),
    "opaque": ("lsst.daf.butler.registry.opaque.ByNameOpaqueTableStorageManager", "0.2.0"),
}
"""Class and version of each part of the schema that is read here."""

_DATASTORE = "lsst.daf.butler.datastores.fileDatastore.FileDatastore"
"""The one class of datastores whose records are known."""

_AT_ONCE = 500
"""Collections that are named in one statement; SQLite takes 999 values."""

_NOT_DIMENSIONS = frozenset(
    {"id", "dataset_type_id", "dataset_id", "collection_id", "timespan", "timespan_begin", "timespan_end"}
)
"""Columns of the tables of associations besides those of the data ID."""

_TYPES = {type_.value: CollectionType[type_.name] for type_ in ButlerCollectionType}

_make_row: Callable[[Iterable[object]], Row] = partial(tuple.__new__, Row)
"""`Row._make` without a check of the length, in half of the time."""

_Record = tuple[Any, ...]
_Item = TypeVar("_Item")


class _NotTriedError(Exception):
    """A repository is not as those that were tried."""


class Tables:
    """The registry's tables of one repository, to look at.

    Parameters
    ----------
    repository
        Whose; it need not be one whose tables are known.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    @cached_property
    def _engine(self) -> Engine:
        return self._repository.engine()

    @no_collection_of_garbage()
    def read(self, names: Iterable[str], *, calibrations_only: bool = False) -> dict[str, Holding] | None:
        """Return what collections hold, all in one state of the database.

        Parameters
        ----------
        names
            Collections; absent and CHAINED ones are left out of the answer.
        calibrations_only
            Leave out datasets of types that are no calibrations, and do not
            look at the datastore.

        Returns
        -------
        dict or None
            By name; `None` where these tables cannot tell, for whatever
            reason: the butler can, or says what is wrong.
        """
        try:
            with self.snapshot() as snapshot:
                return snapshot.holdings(list(dict.fromkeys(names)), calibrations_only=calibrations_only)
        except (_NotTriedError, SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error):
            # The trouble is told by the butler, which meets it too.
            return None

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Hold on to one state of the database; nothing can be written."""
        with self._engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection = connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with connection.begin():
                yield Snapshot(connection, self._repository)

    def close(self) -> None:
        """Let go of the database."""
        if "_engine" in vars(self):
            self._engine.dispose()


class _Type(NamedTuple):
    """A dataset type in one collection."""

    collection: int
    id: int
    name: str
    tags: str
    """Table of what RUN and TAGGED collections hold of it."""
    calibs: str | None
    """Table of its certifications; `None`: it is no calibration."""


@dataclass
class _Part:
    """What of one table is asked for."""

    collections: set[int] = field(default_factory=set)
    types: dict[int, str] = field(default_factory=dict)
    """Names by id."""


class Snapshot:
    """One state of a repository's database.

    Parameters
    ----------
    connection
        To the database, in a transaction.
    repository
        Whose database.
    """

    def __init__(self, connection: Connection, repository: Repository) -> None:
        self.connection = connection
        self._config = repository.config
        self._in = f'"{repository.namespace}".' if repository.namespace else ""
        self._is_postgres = connection.dialect.name == "postgresql"

    def holdings(self, names: Sequence[str], *, calibrations_only: bool) -> dict[str, Holding]:
        """Return what collections hold, as `Tables.read` does."""
        records = self._table_of_records()
        collections = self._collections(names)
        rows: dict[int, list[Row]] = {id_: [] for id_ in collections}
        unrecorded: dict[int, set[str]] = {id_: set() for id_ in collections}
        for table, part in self._parts(collections, calibrations_only=calibrations_only).items():
            for where in _conditions(part):
                self._read(table, where, part.types, rows)
                if calibrations_only:
                    continue
                for id_, uuid in self._select_unrecorded(table, where, records):
                    unrecorded[id_].add(uuid)
        return {
            name: Holding(name, type_, tuple(rows[id_]), frozenset(unrecorded[id_]))
            for id_, (name, type_) in collections.items()
        }

    def _table_of_records(self) -> str:
        """Return the table of the datastore's records.

        Raises
        ------
        _NotTriedError
            This is no repository whose tables are known.
        """
        # The description of the dimensions is long, and is not needed.
        attributes: dict[str, str] = dict(
            self._select(
                f"SELECT name, value FROM {self._in}butler_attributes WHERE name <> 'config:dimensions.json'"
            )
        )
        for manager, tried in TRIED.items():
            class_ = attributes.get(f"config:registry.managers.{manager}")
            if (class_, attributes.get(f"version:{class_}")) != tried:
                raise _NotTriedError(manager)
        if self._config.get(("datastore", "cls")) != _DATASTORE:
            raise _NotTriedError("datastore")
        return str(self._config["datastore", "records", "table"])

    def _collections(self, names: Sequence[str]) -> dict[int, tuple[str, CollectionType]]:
        """Return name and type of those that hold something, by id."""
        statement = text(
            f"SELECT collection_id, name, type FROM {self._in}collection WHERE name IN :names"
        ).bindparams(bindparam("names", expanding=True))
        found: dict[int, tuple[str, CollectionType]] = {}
        for some in _chunks(names):
            for id_, name, number in self.connection.execute(statement, {"names": some}):
                if number not in _TYPES:
                    raise _NotTriedError(number)
                found[id_] = (name, _TYPES[number])
        return {id_: at for id_, at in found.items() if at[1] is not CollectionType.CHAINED}

    def _parts(
        self, collections: Mapping[int, tuple[str, CollectionType]], *, calibrations_only: bool
    ) -> dict[str, _Part]:
        """Return what is asked for, by table."""
        parts: dict[str, _Part] = {}
        for type_ in self._types(collections):
            _, collection_type = collections[type_.collection]
            certified = collection_type is CollectionType.CALIBRATION
            table = type_.calibs if certified else type_.tags
            if table is None or (calibrations_only and type_.calibs is None):
                continue
            part = parts.setdefault(table, _Part())
            part.collections.add(type_.collection)
            part.types[type_.id] = type_.name
        return parts

    def _types(self, collections: Iterable[int]) -> Iterator[_Type]:
        # The summary may name types that are gone; it never lacks one.
        for some in _chunks(sorted(collections)):
            yield from map(
                _Type._make,
                self._select(
                    "SELECT s.collection_id, t.id, t.name, t.tag_association_table, "
                    "t.calibration_association_table "
                    f"FROM {self._in}collection_summary_dataset_type s "
                    f"JOIN {self._in}dataset_type t ON t.id = s.dataset_type_id "
                    f"WHERE s.collection_id IN ({_listed(some)})"
                ),
            )

    def _read(self, table: str, where: str, types: Mapping[int, str], rows: Mapping[int, list[Row]]) -> None:
        """Add rows of one table to those of their collections."""
        columns = self._columns(table)
        dimensions = [column for column in columns if column not in _NOT_DIMENSIONS]
        key = "".join(f', a."{dimension}"' for dimension in dimensions)
        # In this order they lie in the index.
        found = self._select(
            f"SELECT a.collection_id, a.dataset_type_id, {self._uuid}, {self._bounds(columns)}{key} "
            f"FROM {self._in}{table} a WHERE {where} ORDER BY a.dataset_type_id, a.collection_id"
        )
        if not found:
            return
        # By columns, as there may be hundreds of thousands of rows.
        collections, numbers, uuids, begins, ends, *values = zip(*found, strict=True)
        names = map(types.__getitem__, numbers)
        data_ids = _data_ids(dimensions, values, len(found))
        made = map(_make_row, zip(names, data_ids, self._written(uuids), begins, ends, strict=True))
        if EMPTY[0] in begins:
            # An EMPTY range can be certified many times, and is told once.
            for collection, row in dict.fromkeys(zip(collections, made, strict=True)):
                rows[collection].append(row)
        else:
            for collection, group in groupby(collections):
                rows[collection].extend(islice(made, len(list(group))))

    def _select_unrecorded(self, table: str, where: str, records: str) -> Iterator[tuple[int, str]]:
        """Return collection and UUID of datasets without a record."""
        found = self._select(
            f"SELECT DISTINCT a.collection_id, {self._uuid} FROM {self._in}{table} a WHERE {where} "
            f"AND NOT EXISTS (SELECT 1 FROM {self._in}{records} r WHERE r.dataset_id = a.dataset_id)"
        )
        ids = self._written([uuid for _, uuid in found])
        return zip((collection for collection, _ in found), ids, strict=True)

    def _columns(self, table: str) -> list[str]:
        nothing = self.connection.exec_driver_sql(f"SELECT * FROM {self._in}{table} LIMIT 0")
        return list(nothing.keys())

    @property
    def _uuid(self) -> str:
        # To make text of them in the database is quicker with PostgreSQL, and
        # slower with SQLite, which has the digits only.
        return "a.dataset_id::text" if self._is_postgres else "a.dataset_id"

    def _written(self, uuids: Sequence[str]) -> Sequence[str]:
        """Return UUIDs as they are written."""
        return uuids if self._is_postgres else _with_dashes(uuids)

    def _bounds(self, columns: Sequence[str]) -> str:
        """Return the expressions of begin and end."""
        if "timespan_begin" in columns:
            return "a.timespan_begin, a.timespan_end"
        if "timespan" not in columns:
            return f"{UNBOUNDED[0]}, {UNBOUNDED[1]}"
        return ", ".join(
            f"CASE WHEN isempty(a.timespan) THEN {empty} ELSE coalesce({bound}(a.timespan), {unbounded}) END"
            for bound, empty, unbounded in zip(("lower", "upper"), EMPTY, UNBOUNDED, strict=True)
        )

    def _select(self, statement: str) -> list[_Record]:
        cursor = self.connection.exec_driver_sql(statement).cursor
        assert cursor is not None
        # Tuples as the database's module makes them; wrapped ones cost more.
        return list(cursor.fetchall())


_DIGITS = 32
_WRITTEN = 36
_GROUPS = ((0, 8), (9, 13), (14, 18), (19, 23), (24, 36))
"""Where the digits of a UUID stand when it is written."""


def _with_dashes(uuids: Sequence[str]) -> list[str]:
    """Return UUIDs of which only the digits are kept as they are written.

    All together, which takes a third of the time of one by one.

    Raises
    ------
    _NotTriedError
        They are kept in another way.
    """
    digits = np.frombuffer("".join(uuids).encode(), np.uint8)
    if len(digits) != _DIGITS * len(uuids):
        raise _NotTriedError("UUID")
    rows = digits.reshape(-1, _DIGITS)
    written = np.full((len(uuids), _WRITTEN), ord("-"), np.uint8)
    for dashes, (begin, end) in enumerate(_GROUPS):
        written[:, begin:end] = rows[:, begin - dashes : end - dashes]
    text_ = written.tobytes().decode()
    return [text_[at : at + _WRITTEN] for at in range(0, len(text_), _WRITTEN)]


def _data_ids(dimensions: Sequence[str], values: Sequence[Sequence[int | str]], count: int) -> Iterator[str]:
    """Return data IDs, each a single text however often it comes.

    Parameters
    ----------
    dimensions
        The required ones.
    values
        Those of all rows, by dimension.
    count
        Number of rows, for data IDs that have no dimension.
    """
    keys = list(zip(*values, strict=True)) if values else [()] * count
    texts = {key: format_data_id(dict(zip(dimensions, key, strict=True))) for key in set(keys)}
    return map(texts.__getitem__, keys)


def _conditions(part: _Part) -> Iterator[str]:
    types = _listed(sorted(part.types))
    for some in _chunks(sorted(part.collections)):
        yield f"a.dataset_type_id IN ({types}) AND a.collection_id IN ({_listed(some)})"


def _chunks(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    for first in range(0, len(items), _AT_ONCE):
        yield items[first : first + _AT_ONCE]


def _listed(ids: Iterable[int]) -> str:
    return ", ".join(map(str, ids))
