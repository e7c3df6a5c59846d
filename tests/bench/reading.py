"""What collections hold, from the tables, by the butler and by plain SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from lsst.daf.butler import Butler, DataCoordinate, DatasetRef, FileDataset
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]
from sqlalchemy import Connection, create_engine

from calibstate.adapters.butler.opening import Repository
from calibstate.ports.butler import ButlerReader
from tests import world
from tests.calibrations import YAML_FORMATTER, data_ids, dataset_uuid
from tests.readers import BUTLER, TABLES, open_reader_by
from tests.services.postgres import Postgres, running

from .measure import Measured, measure
from .worlds import CALIB, DATASETS, DETECTORS, INSTRUMENT, LEAVES, ticket_names

__all__ = [
    "TICKETS",
    "by_sql",
    "make",
    "opened",
    "read_many_question",
    "read_postgres_question",
    "read_question",
]

TICKETS = 10
DAY = 86_400_000_000_000


def read_question(folder: Path, turns: int, spans: int = 1, server: Postgres | None = None) -> Measured:
    """Measure reading the certifications of ten tickets.

    Parameters
    ----------
    folder
        Where the repository is made.
    turns
        How often.
    spans
        In how many ranges each dataset is certified.
    server
        PostgreSQL to keep the registry in; SQLite without it.
    """
    repository = folder / "read"
    leaves = make(repository, spans, server)
    total = TICKETS * DATASETS * spans

    def held(reader: ButlerReader, turn: int) -> None:
        _check(sum(len(held.rows) for held in reader.holdings(leaves).values()), total)

    with opened(repository) as (tables, butler, connection):
        return measure(
            f"Read {total:,} certifications on {'PostgreSQL' if server else 'SQLite'}",
            {
                "calibstate, from the tables": partial(held, tables),
                "the same by the butler's queries": partial(held, butler),
                "the rows with their names by plain SQL": by_sql(connection, repository, total),
            },
            turns,
        )


def read_many_question(folder: Path, turns: int) -> Measured:
    """Measure the same with ten ranges of each dataset."""
    return read_question(folder, turns, spans=10)


def read_postgres_question(folder: Path, turns: int) -> Measured:
    """Measure the same on PostgreSQL."""
    with running() as server:
        return read_question(folder, turns, server=server)


@contextmanager
def opened(repository: Path) -> Iterator[tuple[ButlerReader, ButlerReader, Connection]]:
    url = Repository(str(repository)).registry
    assert url
    with (
        closing(open_reader_by(TABLES, str(repository))) as tables,
        closing(open_reader_by(BUTLER, str(repository))) as butler,
        create_engine(url).connect() as connection,
    ):
        yield tables, butler, connection


def by_sql(connection: Connection, repository: Path, total: int) -> Callable[[int], None]:
    """Return what reads type, collection, data ID, UUID and range."""
    namespace = Repository(str(repository)).namespace
    schema = f"{namespace}." if namespace else ""
    named = f"SELECT DISTINCT calibration_association_table FROM {schema}dataset_type"
    tables = [table for (table,) in connection.exec_driver_sql(named)]
    columns = {table: _columns(connection, f"{schema}{table}") for table in tables}

    def rows(turn: int) -> None:
        count = 0
        for table in tables:
            cursor = connection.exec_driver_sql(
                f"SELECT t.name, c.name, {columns[table]} FROM {schema}{table} a "
                f"JOIN {schema}dataset_type t ON t.id = a.dataset_type_id "
                f"JOIN {schema}collection c ON c.collection_id = a.collection_id"
            ).cursor
            assert cursor
            count += len(cursor.fetchall())
        connection.rollback()
        _check(count, total)

    return rows


def _columns(connection: Connection, table: str) -> str:
    # A range as an object of Python costs much, and nobody needs it.
    bounds = {"timespan": "lower(a.timespan), upper(a.timespan)"}
    found = list(connection.exec_driver_sql(f"SELECT * FROM {table} LIMIT 0").keys())
    return ", ".join(bounds.get(column, f"a.{column}") for column in found)


def _check(found: int, total: int) -> None:
    if found != total:
        raise RuntimeError(f"{found} certifications were read, not {total}")


def make(folder: Path, spans: int, server: Postgres | None) -> list[str]:
    """Make a repository of tickets; the files of all are one."""
    given = {"db": server.url, "namespace": "butler"} if server else {}
    leaves = [(f"{CALIB}/{t}/{leaf}", name) for t in ticket_names(TICKETS) for leaf, name in LEAVES.items()]
    file = folder / "file.yaml"
    with closing(world.make_repo(folder, INSTRUMENT, detectors=DETECTORS, **given)) as butler:
        file.write_text("{}\n")
        for collection, name in leaves:
            world.add_type(butler, name)
            _add(butler, collection, name, file, spans)
    return [collection for collection, _ in leaves]


def _add(butler: Butler, collection: str, name: str, file: Path, spans: int) -> None:
    run, type_ = f"{collection}.run", butler.get_dataset_type(name)
    butler.collections.register(run)
    butler.collections.register(collection, CollectionType.CALIBRATION)
    refs = [
        DatasetRef(
            type_,
            DataCoordinate.standardize(data_id, dimensions=type_.dimensions),
            run=run,
            id=dataset_uuid(run, name, data_id),
        )
        for data_id in data_ids(name, INSTRUMENT, range(DETECTORS))
    ]
    butler.ingest(FileDataset(str(file), refs, formatter=YAML_FORMATTER), transfer="direct")
    with butler.transaction():
        for day in range(spans):
            begin = world.SINCE_2024[0] + day * DAY
            butler.registry.certify(collection, refs, world.timespan((begin, begin + DAY)))
