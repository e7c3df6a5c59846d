"""What collections hold, read straight from the tables of the registry.

The butler's own queries tell the same and take many times as long.  The
tables are no promise of the butler's, so they are read only where every part
of the schema has a version that was tried; of any other repository, and
wherever something is not as it was, nothing is told here, and the butler is
asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby, islice
from typing import Any, NamedTuple, Protocol, TypeVar
from uuid import UUID

from ...model.contents import CollectionType, HeldDigest, Holding, Row, format_data_id
from ...model.fingerprints import collection_fingerprint, digest_of_lines
from ...model.timespans import EMPTY, UNBOUNDED
from ...ports.butler import SeenCollection

__all__ = ["DATASTORE", "TRIED", "Connection", "FileRecord", "NotTriedError", "Snapshot"]

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

DATASTORE = "lsst.daf.butler.datastores.fileDatastore.FileDatastore"
"""The one class of datastores whose records are known."""

_AT_ONCE = 500
"""Collections that are named in one statement; SQLite takes 999 values."""

_DIGESTED_AT_ONCE = 50
"""Collections whose rows are in memory at a time for what they come to."""

_NOT_DIMENSIONS = frozenset(
    {"id", "dataset_type_id", "dataset_id", "collection_id", "timespan", "timespan_begin", "timespan_end"}
)
"""Columns of the tables of associations besides those of the data ID."""

_TYPES = {
    1: CollectionType.RUN,
    2: CollectionType.TAGGED,
    3: CollectionType.CHAINED,
    4: CollectionType.CALIBRATION,
}
"""By their number in the table of collections."""

_WORD = re.compile(r"[A-Za-z0-9_]+")

_make_row: Callable[[Iterable[object]], Row] = partial(tuple.__new__, Row)
"""`Row._make` without a check of the length, in half of the time."""

_Item = TypeVar("_Item")


class NotTriedError(Exception):
    """A repository is not as those that were tried; its text says in what."""


class Connection(Protocol):
    """A way to the database of a registry, within one transaction."""

    @property
    def is_postgres(self) -> bool:
        """Whether it is PostgreSQL; else it is SQLite."""
        ...

    def select(self, statement: str, values: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        """Return rows, as the database's module makes them.

        Parameters
        ----------
        statement
            With ``%s`` where a value stands in PostgreSQL, in SQLite ``?``.
        values
            These, in their order.
        """
        ...

    def columns(self, table: str) -> list[str]:
        """Return the names of the columns of a table."""
        ...


class FileRecord(NamedTuple):
    """What the datastore recorded of one file of a dataset."""

    uuid: str
    """The dataset."""
    component: str
    """The part of the dataset that it holds; empty: all of it."""
    path: str
    """Relative to the folder of the datastore, or a URI."""
    size: int | None
    """Bytes, where they were recorded."""


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
    """One state of a registry's database.

    Parameters
    ----------
    connection
        To the database, in a transaction.
    namespace
        Schema of the tables; `None`: the usual one.
    records
        Table of the datastore's records.

    Raises
    ------
    NotTriedError
        These are no tables that are known.
    """

    def __init__(self, connection: Connection, namespace: str | None, records: str) -> None:
        self._connection = connection
        self._in = f'"{namespace}".' if namespace else ""
        self._records = records
        self._columns_of: dict[str, list[str]] = {}
        self._check_versions()

    def _check_versions(self) -> None:
        # The description of the dimensions is long, and is not needed.
        attributes: dict[str, str] = dict(
            self._connection.select(
                f"SELECT name, value FROM {self._in}butler_attributes WHERE name <> 'config:dimensions.json'"
            )
        )
        for manager, (class_, version) in TRIED.items():
            there = attributes.get(f"config:registry.managers.{manager}")
            if (there, attributes.get(f"version:{there}")) != (class_, version):
                raise NotTriedError(f"its {manager} are not of version {version}")

    def probe(self) -> None:
        """Ask what looks ask, of a single collection of calibrations."""
        calibration = next(number for number, type_ in _TYPES.items() if type_ is CollectionType.CALIBRATION)
        statement = f"SELECT min(name) FROM {self._in}collection WHERE type = {calibration}"
        ((name,),) = self._connection.select(statement)
        names = [] if name is None else [name]
        self.collections(names)
        self.holdings(names, calibrations_only=True)
        self.digests(names, calibrations_only=True)

    def collections(self, names: Sequence[str]) -> dict[str, SeenCollection]:
        """Return those of some collections that exist, in their order."""
        there = self._collections(names)
        chains = [id_ for id_, (_, type_) in there.items() if type_ is CollectionType.CHAINED]
        children = self._children(chains)
        existing = {
            name: SeenCollection(name, type_, tuple(children.get(id_, ())))
            for id_, (name, type_) in there.items()
        }
        return {name: existing[name] for name in dict.fromkeys(names) if name in existing}

    def holdings(self, names: Sequence[str], *, calibrations_only: bool) -> dict[str, Holding]:
        """Return what collections hold.

        Parameters
        ----------
        names
            Collections; absent and CHAINED ones are left out of the answer.
        calibrations_only
            Leave out datasets of types that are no calibrations, and do not
            look at the datastore.
        """
        there = self._collections(names)
        leaves = {id_: at for id_, at in there.items() if at[1] is not CollectionType.CHAINED}
        rows: dict[int, list[Row]] = {id_: [] for id_ in leaves}
        parts = self._parts(leaves, calibrations_only=calibrations_only)
        for table, part in parts.items():
            for some in _chunks(sorted(part.collections)):
                self._read(table, _condition(part.types, some), part.types, rows)
        unrecorded = self._unrecorded({} if calibrations_only else parts)
        return {
            name: Holding(name, type_, tuple(rows[id_]), frozenset(unrecorded.get(id_, ())))
            for id_, (name, type_) in leaves.items()
        }

    def files(self, names: Sequence[str]) -> list[FileRecord]:
        """Return the records of the files of what collections hold.

        Parameters
        ----------
        names
            Collections, absent and CHAINED ones among them.
        """
        there = self._collections(names)
        leaves = {id_: at for id_, at in there.items() if at[1] is not CollectionType.CHAINED}
        # Several collections may hold one dataset.
        records: set[FileRecord] = set()
        for table, part in self._parts(leaves, calibrations_only=False).items():
            for some in _chunks(sorted(part.collections)):
                where = _condition(part.types, some)
                # A dataset that was written in components has several.
                answer = self._connection.select(
                    f"SELECT DISTINCT {self._uuid}, r.component, r.path, r.file_size "
                    f"FROM {self._in}{table} a "
                    f"JOIN {self._in}{self._records} r ON r.dataset_id = a.dataset_id WHERE {where}"
                )
                uuids = self._written([uuid for uuid, *_ in answer])
                for uuid, (_, component, path, size) in zip(uuids, answer, strict=True):
                    records.add(FileRecord(uuid, component, path, size))
        return list(records)

    def runs(self, uuids: Sequence[str]) -> dict[str, str]:
        """Return the RUN of each dataset; unknown ones are left out.

        Parameters
        ----------
        uuids
            Datasets; what is no UUID is no dataset.
        """
        wanted = [digits for uuid in uuids if (digits := _digits(uuid))]
        runs: dict[str, str] = {}
        for some in _chunks(wanted):
            datasets = f"(SELECT id AS dataset_id, run_id FROM {self._in}dataset)"
            answer = self._connection.select(
                f"SELECT {self._uuid}, c.name FROM {datasets} a "
                f"JOIN {self._in}collection c ON c.collection_id = a.run_id "
                f"WHERE a.dataset_id IN ({self._markers(some)})",
                some,
            )
            ids = self._written([uuid for uuid, _ in answer])
            runs |= zip(ids, (name for _, name in answer), strict=True)
        return runs

    def detectors(self, instrument: str) -> dict[int, str]:
        """Return the full name of each detector."""
        answer = self._connection.select(
            f"SELECT id, full_name FROM {self._in}detector WHERE instrument = {self._markers([instrument])}",
            [instrument],
        )
        return {int(number): str(name) for number, name in answer}

    def filters(self, instrument: str) -> dict[str, str]:
        """Return the band of each physical filter that has one."""
        answer = self._connection.select(
            f"SELECT name, band FROM {self._in}physical_filter "
            f"WHERE band IS NOT NULL AND instrument = {self._markers([instrument])}",
            [instrument],
        )
        return dict(answer)

    def digests(self, names: Sequence[str], *, calibrations_only: bool) -> dict[str, HeldDigest]:
        """Return what the rows of collections come to.

        Parameters
        ----------
        names, calibrations_only
            As for `holdings`.
        """
        if self._connection.is_postgres and not self._is_in_utf8():
            return self._digests_of_rows(names, calibrations_only=calibrations_only)
        there = self._collections(names)
        leaves = {id_: at for id_, at in there.items() if at[1] is not CollectionType.CHAINED}
        parts = self._parts(leaves, calibrations_only=calibrations_only)
        digests = dict.fromkeys(leaves, (collection_fingerprint(()), 0))
        odd: set[int] = set()
        if self._connection.is_postgres:
            for some in _chunks(sorted(leaves)):
                digests |= self._digest_in_postgres(some, parts)
        else:
            for some in _chunks(sorted(leaves), _DIGESTED_AT_ONCE):
                digests |= self._digest_lines_of_sqlite(some, parts, odd)
        unrecorded = self._unrecorded({} if calibrations_only else parts)
        digested = {
            name: HeldDigest(type_, *digests[id_], frozenset(unrecorded.get(id_, ())))
            for id_, (name, type_) in leaves.items()
        }
        by_rows = [leaves[id_][0] for id_ in sorted(odd)]
        return digested | self._digests_of_rows(by_rows, calibrations_only=calibrations_only)

    def _digests_of_rows(self, names: Sequence[str], *, calibrations_only: bool) -> dict[str, HeldDigest]:
        """Return what rows come to, that are read for it; see `digests`."""
        digests: dict[str, HeldDigest] = {}
        for some in _chunks(names, _DIGESTED_AT_ONCE):
            for name, held in self.holdings(some, calibrations_only=calibrations_only).items():
                digests[name] = HeldDigest(held.type, held.fingerprint, len(held.rows), held.unrecorded)
        return digests

    def _digest_in_postgres(
        self, some: Sequence[int], parts: Mapping[str, _Part]
    ) -> dict[int, tuple[str, int]]:
        """Return fingerprint and number of the rows of collections, by id.

        PostgreSQL makes the lines of `~calibstate.model.fingerprints`, sorts
        them by code point and takes the SHA-256 of them all, so no row comes
        here.
        """
        lines: list[str] = []
        for table, part in parts.items():
            if among := part.collections.intersection(some):
                lines += self._select_lines(table, self._columns(table), _condition(part.types, among))
        if not lines:
            return {}
        answer = self._connection.select(
            f"SELECT collection_id, {_SHA256_OF_LINES}, count(*) "
            f"FROM ({' UNION ALL '.join(lines)}) lines GROUP BY collection_id"
        )
        return {id_: (f"sha256:{digest}", count) for id_, digest, count in answer}

    def _digest_lines_of_sqlite(
        self, some: Sequence[int], parts: Mapping[str, _Part], odd: set[int]
    ) -> dict[int, tuple[str, int]]:
        """Return fingerprint and number of the rows of collections, by id.

        SQLite makes the lines of `~calibstate.model.fingerprints`, all of a
        type as one text: a row that comes here by itself costs more than its
        line, and threads that read side by side wait for each other at each.

        Parameters
        ----------
        some
            The collections.
        parts
            What is asked for, by table.
        odd
            Collections are added of which the rows have to be read.
        """
        lines: dict[int, list[str]] = {id_: [] for id_ in some}
        for table, part in parts.items():
            if not (among := part.collections.intersection(some)):
                continue
            columns = self._columns(table)
            answer = self._connection.select(
                f"SELECT a.collection_id, group_concat({_line_in_sqlite(columns)}, char(10)), count(*), "
                f"max({_is_odd(columns)}) FROM {self._in}{table} a "
                f"JOIN {self._in}dataset_type t ON t.id = a.dataset_type_id "
                f"WHERE {_condition(part.types, among)} GROUP BY a.dataset_type_id, a.collection_id"
            )
            for id_, text, count, is_odd in answer:
                lines_of_type = text.split("\n")
                lines[id_] += lines_of_type
                if is_odd or len(lines_of_type) != count:
                    odd.add(id_)
        return {id_: (digest_of_lines(sorted(there)), len(there)) for id_, there in lines.items()}

    def _select_lines(self, table: str, columns: Sequence[str], where: str) -> Iterator[str]:
        """Yield statements that select collections and lines in PostgreSQL."""
        select = (
            f"a.collection_id, {_line(columns)} AS line FROM {self._in}{table} a "
            f"JOIN {self._in}dataset_type t ON t.id = a.dataset_type_id WHERE {where}"
        )
        if "timespan" not in columns:
            yield f"SELECT {select}"
            return
        yield f"SELECT {select} AND NOT isempty(a.timespan)"
        # An EMPTY range can be certified many times, and is told once.
        yield f"SELECT DISTINCT {select} AND isempty(a.timespan)"

    def _columns(self, table: str) -> list[str]:
        """Return the names of the columns of a table, asked once."""
        if table not in self._columns_of:
            self._columns_of[table] = self._connection.columns(f"{self._in}{table}")
        return self._columns_of[table]

    def _markers(self, values: Sequence[str]) -> str:
        """Return what stands for values in a statement."""
        return ", ".join(["%s" if self._connection.is_postgres else "?"] * len(values))

    def _is_in_utf8(self) -> bool:
        """Say whether PostgreSQL sorts texts as fingerprints do."""
        return self._connection.select("SELECT current_setting('server_encoding')") == [("UTF8",)]

    def _collections(self, names: Sequence[str]) -> dict[int, tuple[str, CollectionType]]:
        """Return name and type of those that exist, by id."""
        there: dict[int, tuple[str, CollectionType]] = {}
        for some in _chunks(names):
            statement = (
                f"SELECT collection_id, name, type FROM {self._in}collection "
                f"WHERE name IN ({self._markers(some)})"
            )
            for id_, name, number in self._connection.select(statement, some):
                if number not in _TYPES:
                    raise NotTriedError(f"a collection of it has the type {number}")
                there[id_] = (name, _TYPES[number])
        return there

    def _children(self, chains: Sequence[int]) -> dict[int, list[str]]:
        """Return the names of the children of chains, in search order."""
        children: dict[int, list[str]] = {}
        for some in _chunks(chains):
            statement = (
                f"SELECT k.parent, c.name FROM {self._in}collection_chain k "
                f"JOIN {self._in}collection c ON c.collection_id = k.child "
                f"WHERE k.parent IN ({_listed(some)}) ORDER BY k.parent, k.position"
            )
            for parent, name in self._connection.select(statement):
                children.setdefault(parent, []).append(name)
        return children

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
            statement = (
                "SELECT s.collection_id, t.id, t.name, t.tag_association_table, "
                "t.calibration_association_table "
                f"FROM {self._in}collection_summary_dataset_type s "
                f"JOIN {self._in}dataset_type t ON t.id = s.dataset_type_id "
                f"WHERE s.collection_id IN ({_listed(some)})"
            )
            yield from map(_Type._make, self._connection.select(statement))

    def _read(self, table: str, where: str, types: Mapping[int, str], rows: Mapping[int, list[Row]]) -> None:
        """Add rows of one table to those of their collections."""
        columns = self._columns(table)
        dimensions = [column for column in columns if column not in _NOT_DIMENSIONS]
        key = "".join(f', a."{dimension}"' for dimension in dimensions)
        # In this order they lie in the index.
        answer = self._connection.select(
            f"SELECT a.collection_id, a.dataset_type_id, {self._uuid}, {self._bounds(columns)}{key} "
            f"FROM {self._in}{table} a WHERE {where} ORDER BY a.dataset_type_id, a.collection_id"
        )
        if not answer:
            return
        # By columns, as there may be hundreds of thousands of rows.
        collections, numbers, uuids, begins, ends, *values = zip(*answer, strict=True)
        names = map(types.__getitem__, numbers)
        data_ids = _data_ids(dimensions, values, len(answer))
        rows_of_table = map(_make_row, zip(names, data_ids, self._written(uuids), begins, ends, strict=True))
        if EMPTY[0] in begins:
            # An EMPTY range can be certified many times, and is told once.
            for collection, row in dict.fromkeys(zip(collections, rows_of_table, strict=True)):
                rows[collection].append(row)
        else:
            for collection, group in groupby(collections):
                rows[collection].extend(islice(rows_of_table, len(list(group))))

    def _unrecorded(self, parts: Mapping[str, _Part]) -> dict[int, set[str]]:
        """Return the UUIDs of datasets without a record, by collection."""
        unrecorded: dict[int, set[str]] = {}
        for table, part in parts.items():
            # PostgreSQL may read all records for a statement, so there is one.
            size = len(part.collections) if self._connection.is_postgres else None
            for some in _chunks(sorted(part.collections), size):
                for id_, uuid in self._select_unrecorded(table, _condition(part.types, some)):
                    unrecorded.setdefault(id_, set()).add(uuid)
        return unrecorded

    def _select_unrecorded(self, table: str, where: str) -> Iterator[tuple[int, str]]:
        """Return collection and UUID of datasets without a record."""
        answer = self._connection.select(
            f"SELECT DISTINCT a.collection_id, {self._uuid} FROM {self._in}{table} a WHERE {where} "
            f"AND NOT EXISTS (SELECT 1 FROM {self._in}{self._records} r WHERE r.dataset_id = a.dataset_id)"
        )
        ids = self._written([uuid for _, uuid in answer])
        return zip((collection for collection, _ in answer), ids, strict=True)

    @property
    def _uuid(self) -> str:
        # To make text of them in the database is quicker with PostgreSQL, and
        # slower with SQLite, which has the digits only.
        return "a.dataset_id::text" if self._connection.is_postgres else "a.dataset_id"

    def _written(self, uuids: Sequence[str]) -> Sequence[str]:
        """Return UUIDs as they are written."""
        return uuids if self._connection.is_postgres else _with_dashes(uuids)

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


_DIGITS = 32


def _with_dashes(digits: Sequence[str]) -> list[str]:
    """Return UUIDs of which only the digits are kept as they are written.

    Raises
    ------
    NotTriedError
        They are kept in another way.
    """
    if any(len(id_) != _DIGITS for id_ in digits):
        raise NotTriedError("its datasets have other identifiers")
    return [f"{id_[:8]}-{id_[8:12]}-{id_[12:16]}-{id_[16:20]}-{id_[20:]}" for id_ in digits]


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


def _condition(types: Iterable[int], collections: Iterable[int]) -> str:
    return f"a.dataset_type_id IN ({_listed(sorted(types))}) AND a.collection_id IN ({_listed(collections)})"


_SHA256_OF_LINES = (
    "encode(sha256(convert_to(string_agg(line || E'\\n', '' ORDER BY line COLLATE \"C\"), 'UTF8')), 'hex')"
)


def _dimensions(columns: Sequence[str]) -> list[str]:
    """Return the columns of a data ID, in the order of its text.

    Raises
    ------
    NotTriedError
        A column is called what no dimension is.
    """
    dimensions = sorted(column for column in columns if column not in _NOT_DIMENSIONS)
    if not all(_WORD.fullmatch(dimension) for dimension in dimensions):
        raise NotTriedError("its dimensions have other names")
    return dimensions


def _line_in_sqlite(columns: Sequence[str]) -> str:
    """Return the expression of the line of a row, in SQLite.

    ``printf`` takes two thirds of the time of ``||``.
    """
    dimensions = _dimensions(columns)
    data_id = ",".join(f"{dimension}=%s" for dimension in dimensions)
    # Of a UUID SQLite has the digits only.
    uuid = ["a.dataset_id", *(f"substr(a.dataset_id, {first}, 4)" for first in (9, 13, 17))]
    uuid.append("substr(a.dataset_id, 21)")
    begin, end = "'-'", "'-'"
    if "timespan_begin" in columns:
        begin = f"CASE a.timespan_begin WHEN {UNBOUNDED[0]} THEN '-' ELSE a.timespan_begin END"
        end = f"CASE a.timespan_end WHEN {UNBOUNDED[1]} THEN '-' ELSE a.timespan_end END"
    values = ["t.name", *(f'a."{dimension}"' for dimension in dimensions), *uuid, begin, end]
    return f"printf('%s\t{data_id}\t%.8s-%.4s-%.4s-%.4s-%s\t%s\t%s', {', '.join(values)})"


def _is_odd(columns: Sequence[str]) -> str:
    """Return the expression that SQLite makes another line of a row.

    Its UUID has not the usual number of digits, or its range is EMPTY: that
    can be certified many times, and is told once.
    """
    is_odd = f"length(a.dataset_id) <> {_DIGITS}"
    return f"{is_odd} OR a.timespan_begin >= a.timespan_end" if "timespan_begin" in columns else is_odd


def _line(columns: Sequence[str]) -> str:
    """Return the expression of the line of a row, in PostgreSQL."""
    dimensions = _dimensions(columns)
    pairs = [f"'{dimension}=' || a.\"{dimension}\"" for dimension in dimensions]
    data_id = " || ',' || ".join(pairs) or "''"
    fields = ("t.name", data_id, "a.dataset_id::text", _range_in_line(columns))
    return " || E'\\t' || ".join(fields)


def _range_in_line(columns: Sequence[str]) -> str:
    """Return the expression of begin and end in a line, in PostgreSQL."""
    if "timespan" not in columns:
        return "E'-\\t-'"
    begin = f"coalesce(lower(a.timespan), {UNBOUNDED[0]})"
    end = f"coalesce(upper(a.timespan), {UNBOUNDED[1]})"
    return (
        "CASE WHEN isempty(a.timespan) THEN E'empty\\tempty' ELSE "
        f"CASE WHEN {begin} = {UNBOUNDED[0]} THEN '-' ELSE {begin}::text END || E'\\t' || "
        f"CASE WHEN {end} = {UNBOUNDED[1]} THEN '-' ELSE {end}::text END END"
    )


def _chunks(items: Sequence[_Item], size: int | None = None) -> Iterator[Sequence[_Item]]:
    size = size or _AT_ONCE
    for first in range(0, len(items), size):
        yield items[first : first + size]


def _digits(uuid: str) -> str | None:
    """Return the digits of a UUID, as both databases take it; else `None`."""
    try:
        return UUID(uuid).hex
    except ValueError:
        return None


def _listed(ids: Iterable[int]) -> str:
    return ", ".join(map(str, ids))
