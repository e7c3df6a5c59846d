"""What collections hold, read straight from the tables of the registry.

The butler's own queries tell the same and take many times as long.  The
tables are no promise of the butler's, so they are read only where every part
of the schema has a version that was tried; of any other repository, and
wherever something is not as it was, nothing is told here, and the butler is
asked.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby, islice
from typing import Any, NamedTuple, Protocol, TypeVar
from uuid import UUID

from ...model.contents import CollectionType, HeldDigest, Holding, Row, format_data_id
from ...model.exposures import NightOfExposures
from ...model.fingerprints import collection_fingerprint, digest_of_lines
from ...model.sights import Ingested
from ...model.timespans import EMPTY
from ...ports.butler import DayOfExposures, SeenCollection, TakenExposure
from . import statements
from .lines import (
    DIGITS,
    NOT_DIMENSIONS,
    SHA256_OF_LINES,
    bounds,
    is_odd,
    line_in_postgres,
    line_in_sqlite,
)
from .tried import TRIED, NotTriedError

__all__ = ["Connection", "FileRecord", "Snapshot"]

_AT_ONCE = 500
"""Collections that are named in one statement; SQLite takes 999 values."""

_DIGESTED_AT_ONCE = 50
"""Collections whose rows are in memory at a time for what they come to."""

_CALIBRATION = 4

_TYPES = {
    1: CollectionType.RUN,
    2: CollectionType.TAGGED,
    3: CollectionType.CHAINED,
    _CALIBRATION: CollectionType.CALIBRATION,
}
"""By their number in the table of collections."""


_make_row: Callable[[Iterable[object]], Row] = partial(tuple.__new__, Row)
"""`Row._make` without a check of the length, in half of the time."""

_Item = TypeVar("_Item")


class Connection(Protocol):
    """A way to the database of a registry, within one transaction."""

    @property
    def is_postgres(self) -> bool:
        """Whether it is PostgreSQL; else it is SQLite."""
        ...

    def select(
        self,
        statement: str,
        values: Sequence[str] = (),
    ) -> list[tuple[Any, ...]]:
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


class _Collection(NamedTuple):
    """A collection that exists."""

    name: str
    type: CollectionType


_Collections = dict[int, _Collection]
"""Collections by id."""

_Digests = dict[int, tuple[str, int]]
"""Fingerprint and number of the rows of collections, by id."""


@dataclass
class _Part:
    """What of one table is asked for."""

    collections: set[int] = field(default_factory=set)
    types: dict[int, str] = field(default_factory=dict)
    """Names by id."""

    def where(self, collections: Iterable[int]) -> str:
        """Return the condition for the rows of some of the collections."""
        types = _listed(sorted(self.types))
        some = _listed(collections)
        return f"a.dataset_type_id IN ({types}) AND a.collection_id IN ({some})"

    def wheres(self, size: int | None = None) -> Iterator[str]:
        """Yield conditions that together are for all of the collections.

        Parameters
        ----------
        size
            Collections of one condition; `None`: as many as a statement may
            name.
        """
        for some in _chunks(sorted(self.collections), size):
            yield self.where(some)


_Parts = dict[str, _Part]
"""What is asked for, by table."""


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

    def __init__(
        self,
        connection: Connection,
        namespace: str | None,
        records: str,
    ) -> None:
        self._connection = connection
        self._schema = f'"{namespace}".' if namespace else ""
        self._records = records
        self._columns_of: dict[str, list[str]] = {}
        self._check_versions()

    def _check_versions(self) -> None:
        """Look whether every part of the schema has a version that was tried.

        Raises
        ------
        NotTriedError
            One has another.
        """
        answer = self._select(statements.ATTRIBUTES)
        attributes: dict[str, str] = dict(answer)
        for manager, tried in TRIED.items():
            class_ = attributes.get(f"config:registry.managers.{manager}")
            version = attributes.get(f"version:{class_}")
            if (class_, version) != tried:
                _, tried_version = tried
                raise NotTriedError(f"its {manager} are not of version {tried_version}")

    def probe(self) -> None:
        """Ask what looks ask, of a single collection of calibrations."""
        ((name,),) = self._select(statements.FIRST_OF_TYPE, type=str(_CALIBRATION))
        names = [] if name is None else [name]
        self.collections(names)
        self.holdings(names, calibrations_only=True)
        self.digests(names, calibrations_only=True)

    def collections(self, names: Sequence[str]) -> dict[str, SeenCollection]:
        """Return those of some collections that exist, in their order."""
        existing = self._collections(names)
        chains = [id_ for id_, (_, type_) in existing.items() if type_ is CollectionType.CHAINED]
        children_of = self._children(chains)
        by_name: dict[str, SeenCollection] = {}
        for id_, (name, type_) in existing.items():
            by_name[name] = SeenCollection(
                name=name,
                type=type_,
                children=tuple(children_of.get(id_, ())),
            )
        # The database answers in an order of its own.
        return {name: by_name[name] for name in dict.fromkeys(names) if name in by_name}

    def holdings(
        self,
        names: Sequence[str],
        *,
        calibrations_only: bool,
    ) -> dict[str, Holding]:
        """Return what collections hold.

        Parameters
        ----------
        names
            Collections; absent and CHAINED ones are left out of the answer.
        calibrations_only
            Leave out datasets of types that are no calibrations, and do not
            look at the datastore.
        """
        leaves = self._leaves(names)
        parts = self._parts(leaves, calibrations_only=calibrations_only)
        rows: dict[int, list[Row]] = {id_: [] for id_ in leaves}
        for table, part in parts.items():
            for where in part.wheres():
                self._read(table, where, part.types, rows)
        unrecorded = self._unrecorded({} if calibrations_only else parts)
        holdings: dict[str, Holding] = {}
        for id_, (name, type_) in leaves.items():
            holdings[name] = Holding(
                collection=name,
                type=type_,
                rows=tuple(rows[id_]),
                unrecorded=frozenset(unrecorded.get(id_, ())),
            )
        return holdings

    def files(self, names: Sequence[str]) -> list[FileRecord]:
        """Return the records of the files of what collections hold.

        Parameters
        ----------
        names
            Collections, absent and CHAINED ones among them.
        """
        parts = self._parts(self._leaves(names), calibrations_only=False)
        # Several collections may hold one dataset.
        records: set[FileRecord] = set()
        for table, part in parts.items():
            for where in part.wheres():
                answer = self._select(statements.FILES, table=table, where=where)
                # All UUIDs at once, and tuples as they come: there may be
                # hundreds of thousands of rows.
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
        wanted: list[str] = []
        for uuid in uuids:
            # Both databases take a UUID as its digits.
            with suppress(ValueError):
                wanted.append(UUID(uuid).hex)
        runs: dict[str, str] = {}
        for some in _chunks(wanted):
            markers = self._markers(some)
            answer = self._select(statements.RUNS, some, datasets=markers)
            written = self._written([uuid for uuid, _ in answer])
            names = [name for _, name in answer]
            runs |= zip(written, names, strict=True)
        return runs

    def ingested(self, names: Sequence[str]) -> dict[str, Ingested]:
        """Return when what collections hold arrived, without empty ones."""
        leaves = self._leaves(names)
        ingested: dict[str, Ingested] = {}
        for table, part in self._parts(leaves, calibrations_only=False).items():
            for where in part.wheres():
                for id_, first, last in self._select(statements.INGESTED, table=table, where=where):
                    name = leaves[id_].name
                    # What is of no calendar tells nothing.
                    with suppress(ValueError):
                        ingested[name] = Ingested.between(first, last).joined(ingested.get(name))
        return ingested

    def detectors(self, instrument: str) -> dict[int, str]:
        """Return the full name of each detector."""
        marker = self._markers([instrument])
        answer = self._select(statements.DETECTORS, [instrument], instrument=marker)
        return {int(number): str(name) for number, name in answer}

    def filters(self, instrument: str) -> dict[str, str]:
        """Return the band of each physical filter that has one."""
        marker = self._markers([instrument])
        answer = self._select(statements.FILTERS, [instrument], instrument=marker)
        return dict(answer)

    def instruments(self) -> list[str]:
        """Return the names of all instruments that are registered, sorted."""
        names = [str(name) for (name,) in self._select(statements.INSTRUMENTS)]
        return sorted(names)

    def skymaps(self) -> dict[str, str]:
        """Return the hash of each registered skymap in hex, by name."""
        hashes: dict[str, str] = {}
        for name, hash_ in self._select(statements.SKYMAPS):
            # The butler keeps bytes as base64 in all databases.
            hashes[str(name)] = b64decode(hash_ or "").hex()
        return hashes

    def nights(self, instrument: str) -> list[NightOfExposures]:
        """Return how many exposures there are, by observing day and filter."""
        self._check_exposures()
        begin, end = bounds(self._columns("exposure"))
        answer = self._select(
            statements.NIGHTS,
            [instrument],
            begin=begin,
            end=end,
            instrument=self._markers([instrument]),
        )
        nights: list[NightOfExposures] = []
        for day, physical_filter, band, number, first, last in answer:
            night = NightOfExposures(
                day_obs=int(day),
                physical_filter=physical_filter or "",
                band=band or "",
                exposures=int(number),
                begin=int(first),
                end=int(last),
            )
            nights.append(night)
        return sorted(nights)

    def exposures_by_day(
        self, instrument: str, run: str, dataset_type: str, since: int
    ) -> dict[int, DayOfExposures]:
        """Return what a RUN holds for exposures, by their observing days."""
        self._check_exposures()
        answer = self._select(
            statements.EXPOSURES_BY_DAY,
            [instrument],
            datasets=self._datasets_with_exposures(run, dataset_type),
            instrument=self._markers([instrument]),
            since=str(int(since)),
        )
        days: dict[int, DayOfExposures] = {}
        for day, datasets, flats_without in answer:
            days[int(day)] = DayOfExposures(int(datasets), int(flats_without))
        return days

    def exposures_with(self, instrument: str, run: str, dataset_type: str) -> frozenset[int]:
        """Return the exposures that have a dataset of a type in a RUN."""
        answer = self._select(self._datasets_with_exposures(run, dataset_type))
        return frozenset(int(exposure) for name, exposure, _ in answer if name == instrument)

    def _datasets_with_exposures(self, run: str, dataset_type: str) -> str:
        """Return the statement for what a RUN holds of a type."""
        for table, part in self._parts(self._leaves([run]), calibrations_only=False).items():
            for id_, name in part.types.items():
                # A type of that name may have other dimensions here.
                if name == dataset_type and "exposure" in self._columns(table):
                    only = _Part(part.collections, {id_: name})
                    (where,) = only.wheres()
                    return self._filled_in(statements.SOME_DATASETS, table=table, where=where)
        return self._filled_in(statements.NO_DATASETS)

    def taken_exposures(self, instrument: str, days: Sequence[int]) -> list[TakenExposure]:
        """Return the exposures of some observing days, by number."""
        self._check_exposures()
        exposures: list[TakenExposure] = []
        for some in _chunks(sorted(days)):
            answer = self._select(
                statements.EXPOSURES,
                [instrument],
                instrument=self._markers([instrument]),
                days=_listed(some),
            )
            for number, day, obs_id, group, type_ in answer:
                exposures.append(TakenExposure(int(number), int(day), obs_id, group, type_ == "flat"))
        return exposures

    def _check_exposures(self) -> None:
        """Look whether exposures are told as they were when this was tried.

        Raises
        ------
        NotTriedError
            They are told otherwise, as in older universes of dimensions.
        """
        columns = {"instrument", "id", "day_obs", "obs_id", "group", "observation_type", "physical_filter"}
        if not columns.issubset(self._columns("exposure")):
            raise NotTriedError("its exposures have other columns")

    def digests(
        self,
        names: Sequence[str],
        *,
        calibrations_only: bool,
    ) -> dict[str, HeldDigest]:
        """Return what the rows of collections come to.

        Parameters
        ----------
        names, calibrations_only
            As for `holdings`.
        """
        if self._connection.is_postgres:
            # In another encoding it does not sort texts as fingerprints do.
            encoding = self._connection.select("SELECT current_setting('server_encoding')")
            if encoding != [("UTF8",)]:
                return self._digests_of_rows(names, calibrations_only=calibrations_only)
        leaves = self._leaves(names)
        parts = self._parts(leaves, calibrations_only=calibrations_only)
        # Of a collection without a row no database tells anything.
        digests: _Digests = dict.fromkeys(leaves, (collection_fingerprint(()), 0))
        odd: set[int] = set()
        if self._connection.is_postgres:
            for some in _chunks(sorted(leaves)):
                digests |= self._digest_in_postgres(some, parts)
        else:
            for some in _chunks(sorted(leaves), _DIGESTED_AT_ONCE):
                digests |= self._digest_lines_of_sqlite(some, parts, odd)
        unrecorded = self._unrecorded({} if calibrations_only else parts)
        digested: dict[str, HeldDigest] = {}
        for id_, (name, type_) in leaves.items():
            fingerprint, count = digests[id_]
            digested[name] = HeldDigest(
                type=type_,
                fingerprint=fingerprint,
                count=count,
                unrecorded=frozenset(unrecorded.get(id_, ())),
            )
        by_rows = [leaves[id_].name for id_ in sorted(odd)]
        return digested | self._digests_of_rows(by_rows, calibrations_only=calibrations_only)

    def _digests_of_rows(
        self,
        names: Sequence[str],
        *,
        calibrations_only: bool,
    ) -> dict[str, HeldDigest]:
        """Return what rows come to, that are read for it; see `digests`."""
        digests: dict[str, HeldDigest] = {}
        for some in _chunks(names, _DIGESTED_AT_ONCE):
            holdings = self.holdings(some, calibrations_only=calibrations_only)
            for name, held in holdings.items():
                digests[name] = HeldDigest(
                    type=held.type,
                    fingerprint=held.fingerprint,
                    count=len(held.rows),
                    unrecorded=held.unrecorded,
                )
        return digests

    def _digest_in_postgres(self, some: Sequence[int], parts: _Parts) -> _Digests:
        """Return what the rows of collections come to, by id.

        PostgreSQL makes the lines of `~calibstate.model.fingerprints`, sorts
        them by code point and takes the SHA-256 of them all, so no row comes
        here.
        """
        selects: list[str] = []
        for table, part in parts.items():
            among = part.collections.intersection(some)
            if not among:
                continue
            columns = self._columns(table)
            has_ranges = "timespan" in columns
            lines = self._filled_in(
                statements.LINES_WITH_RANGES if has_ranges else statements.LINES,
                table=table,
                line=line_in_postgres(columns),
                where=part.where(among),
            )
            selects.append(lines)
        if not selects:
            return {}
        answer = self._select(
            statements.DIGESTS_OF_LINES,
            digest=SHA256_OF_LINES,
            lines=" UNION ALL ".join(selects),
        )
        digests: _Digests = {}
        for id_, digest, count in answer:
            digests[id_] = (f"sha256:{digest}", count)
        return digests

    def _digest_lines_of_sqlite(
        self,
        some: Sequence[int],
        parts: _Parts,
        odd: set[int],
    ) -> _Digests:
        """Return what the rows of collections come to, by id.

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
            among = part.collections.intersection(some)
            if not among:
                continue
            columns = self._columns(table)
            answer = self._select(
                statements.TEXTS_OF_LINES,
                table=table,
                line=line_in_sqlite(columns),
                is_odd=is_odd(columns),
                where=part.where(among),
            )
            for id_, text, count, has_odd in answer:
                lines_of_type = text.split("\n")
                lines[id_] += lines_of_type
                # A value with a line feed in it looks like two lines.
                if has_odd or len(lines_of_type) != count:
                    odd.add(id_)
        digests: _Digests = {}
        for id_, lines_of_collection in lines.items():
            digest = digest_of_lines(sorted(lines_of_collection))
            digests[id_] = (digest, len(lines_of_collection))
        return digests

    def _columns(self, table: str) -> list[str]:
        """Return the names of the columns of a table, asked once."""
        if table not in self._columns_of:
            self._columns_of[table] = self._connection.columns(f"{self._schema}{table}")
        return self._columns_of[table]

    def _select(
        self,
        statement: str,
        values: Sequence[str] = (),
        **words: str,
    ) -> list[tuple[Any, ...]]:
        """Return what a statement selects.

        Parameters
        ----------
        statement
            One of `statements`.
        values
            For its markers.
        **words
            What it is filled in with, besides what all are.
        """
        return self._connection.select(self._filled_in(statement, **words), values)

    def _filled_in(self, statement: str, **words: str) -> str:
        """Return a statement with the names of this registry."""
        return statement.format(
            schema=self._schema,
            records=self._records,
            uuid=self._uuid,
            **words,
        )

    def _markers(self, values: Sequence[str]) -> str:
        """Return what stands for values in a statement."""
        marker = "%s" if self._connection.is_postgres else "?"
        return ", ".join([marker] * len(values))

    def _collections(self, names: Sequence[str]) -> _Collections:
        """Return those that exist, by id."""
        existing: _Collections = {}
        for some in _chunks(names):
            markers = self._markers(some)
            answer = self._select(statements.COLLECTIONS, some, names=markers)
            for id_, name, number in answer:
                if number not in _TYPES:
                    raise NotTriedError(f"a collection of it has the type {number}")
                existing[id_] = _Collection(name, _TYPES[number])
        return existing

    def _leaves(self, names: Sequence[str]) -> _Collections:
        """Return those that exist and are not CHAINED, by id."""
        leaves = self._collections(names)
        for id_, collection in list(leaves.items()):
            if collection.type is CollectionType.CHAINED:
                del leaves[id_]
        return leaves

    def _children(self, chains: Sequence[int]) -> dict[int, list[str]]:
        """Return the names of the children of chains, in search order."""
        children: dict[int, list[str]] = {}
        for some in _chunks(chains):
            answer = self._select(statements.CHILDREN, chains=_listed(some))
            for parent, name in answer:
                children.setdefault(parent, []).append(name)
        return children

    def _parts(
        self,
        collections: _Collections,
        *,
        calibrations_only: bool,
    ) -> _Parts:
        """Return what is asked for, by table."""
        parts: _Parts = {}
        for some in _chunks(sorted(collections)):
            answer = self._select(statements.DATASET_TYPES, collections=_listed(some))
            for dataset_type in map(_Type._make, answer):
                id_ = dataset_type.collection
                is_certified = collections[id_].type is CollectionType.CALIBRATION
                table = dataset_type.calibs if is_certified else dataset_type.tags
                if table is None or (calibrations_only and dataset_type.calibs is None):
                    continue
                part = parts.setdefault(table, _Part())
                part.collections.add(id_)
                part.types[dataset_type.id] = dataset_type.name
        return parts

    def _read(
        self,
        table: str,
        where: str,
        types: Mapping[int, str],
        rows: Mapping[int, list[Row]],
    ) -> None:
        """Add rows of one table to those of their collections."""
        columns = self._columns(table)
        dimensions = [column for column in columns if column not in NOT_DIMENSIONS]
        selected = [*bounds(columns)]
        for dimension in dimensions:
            selected.append(f'a."{dimension}"')
        answer = self._select(
            statements.ROWS,
            table=table,
            where=where,
            columns=", ".join(selected),
        )
        if not answer:
            return
        # By columns, and packed: there may be hundreds of thousands of rows,
        # and a loop that names what is in each takes longer.
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

    def _unrecorded(self, parts: _Parts) -> dict[int, set[str]]:
        """Return the UUIDs of datasets without a record, by collection."""
        unrecorded: dict[int, set[str]] = {}
        for table, part in parts.items():
            # PostgreSQL may read all records for a statement, so there is one.
            size = len(part.collections) if self._connection.is_postgres else None
            for where in part.wheres(size):
                answer = self._select(statements.UNRECORDED, table=table, where=where)
                uuids = self._written([uuid for _, uuid in answer])
                for (id_, _), uuid in zip(answer, uuids, strict=True):
                    unrecorded.setdefault(id_, set()).add(uuid)
        return unrecorded

    @property
    def _uuid(self) -> str:
        # To make text of them in the database is quicker with PostgreSQL, and
        # slower with SQLite, which has the digits only.
        return "a.dataset_id::text" if self._connection.is_postgres else "a.dataset_id"

    def _written(self, uuids: Sequence[str]) -> Sequence[str]:
        """Return UUIDs as they are written.

        Raises
        ------
        NotTriedError
            They are kept in another way.
        """
        if self._connection.is_postgres:
            return uuids
        if any(len(id_) != DIGITS for id_ in uuids):
            raise NotTriedError("its datasets have other identifiers")
        # All in one go, since there may be hundreds of thousands.
        return [f"{id_[:8]}-{id_[8:12]}-{id_[12:16]}-{id_[16:20]}-{id_[20:]}" for id_ in uuids]


def _data_ids(
    dimensions: Sequence[str],
    values: Sequence[Sequence[int | str]],
    count: int,
) -> Iterator[str]:
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


def _chunks(
    items: Sequence[_Item],
    size: int | None = None,
) -> Iterator[Sequence[_Item]]:
    """Yield items in parts of a size; without one, as a statement may name."""
    size = size or _AT_ONCE
    for first in range(0, len(items), size):
        yield items[first : first + size]


def _listed(ids: Iterable[int]) -> str:
    return ", ".join(map(str, ids))
