"""The registry's tables tell what the butler tells, or nothing."""

from __future__ import annotations

import itertools
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lsst.daf.butler import Butler, Config, DatasetType
from lsst.daf.butler.registry import CollectionType as ButlerCollectionType  # type: ignore[attr-defined]
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError

from calibstate.adapters import butler as adapter
from calibstate.adapters.butler import open_writer
from calibstate.adapters.butler.opening import Repository
from calibstate.adapters.butler.tables import Tables
from calibstate.adapters.registry import connections, tables
from calibstate.adapters.registry.connections import DatabaseError
from calibstate.adapters.registry.plain import PlainRepository
from calibstate.adapters.registry.tables import Snapshot
from calibstate.adapters.registry.tried import TRIED
from calibstate.adapters.repositories import open_reader
from calibstate.errors import NeedsRecoveryError, UnreachableError
from calibstate.model.contents import Holding
from calibstate.model.timespans import EMPTY, UNBOUNDED, Range, parse_tai
from tests import real_files, world
from tests.adapters.butler_opening_test import kill_a_writer
from tests.calibrations import IN_2024, IN_2025, INSTRUMENT, SINCE_2024
from tests.hands import RealHands
from tests.readers import BUTLER, REGISTRY, TABLES, open_reader_by
from tests.real_files import REAL_FILES, RealFile
from tests.services.postgres import Postgres

ALL = os.environ.get("CALIBSTATE_TEST_ALL") == "1"

DARK, FLAT, SPLIT, VERIFY, TAGGED = "calib/dark", "calib/flat", "calib/split", "verify", "tagged"
ODD, BARE = "odd", "bare"
IN_BETWEEN: Range = (parse_tai("2024-05-01T00:00:00"), parse_tai("2024-06-01T00:00:00"))

Told = Mapping[str, tuple[object, ...]]


def make_world(folder: Path, server: Postgres | None) -> None:
    """Make a repository with every kind of range, collection and data ID."""
    given: dict[str, Any] = {"db": server.url, "namespace": "butler"} if server else {}
    world.make_repo(folder, **given).close()
    hands = RealHands(str(folder))
    # Ranges that are empty overlap with nothing, not even with each other.
    hands.add_calibration(DARK, "dark", EMPTY, EMPTY, SINCE_2024)
    hands.add_calibration(FLAT, "flat", IN_2024, IN_2025)
    split, *_ = hands.add_calibration(SPLIT, "bias")
    hands.decertify(SPLIT, split, IN_BETWEEN)
    hands.add_calibration(SPLIT, "camera", SINCE_2024)
    hands.add_run(VERIFY, "verifyBiasStats")
    hands.add_run(VERIFY, "bias")
    hands.add_tagged(TAGGED, VERIFY)
    hands.forget(split)
    _add_odd_data_ids(hands.butler)
    hands.add_chain("calib", [FLAT, DARK])
    hands.butler.close()


def _add_odd_data_ids(butler: Butler) -> None:
    """Add data IDs of no dimension, and of one that is a word of SQL."""
    butler.collections.register(ODD)
    butler.collections.register(BARE, ButlerCollectionType.CALIBRATION)
    butler.registry.insertDimensionData("group", {"instrument": INSTRUMENT, "name": "2024-01-01T00:00:00"})
    bare = DatasetType("packages", butler.dimensions.empty, "Packages", isCalibration=True)
    grouped = DatasetType("grouped", butler.dimensions.conform(["group"]), "StructuredDataDict")
    for type_ in (bare, grouped):
        butler.registry.registerDatasetType(type_)
    refs = butler.registry.insertDatasets(bare, [{}], ODD)
    butler.registry.insertDatasets(grouped, [{"instrument": INSTRUMENT, "group": "2024-01-01T00:00:00"}], ODD)
    butler.registry.certify(BARE, refs, world.timespan(UNBOUNDED))


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sqlite") / "repository"
    make_world(folder, None)
    return folder


@pytest.fixture(scope="module")
def on_postgres(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Postgres]:
    folder, server = tmp_path_factory.mktemp("postgres") / "repository", postgres.another()
    make_world(folder, server)
    return folder, server


def on_a_copy(on_postgres: tuple[Path, Postgres], folder: Path) -> Postgres:
    """Copy a repository with its database, and return that."""
    template, server = on_postgres
    copied = server.copy()
    config = world.clone(template, folder) / "butler.yaml"
    config.write_text(config.read_text().replace(server.url, copied.url))
    return copied


@pytest.fixture(params=["sqlite", "postgres"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the world, for one test."""
    copy = tmp_path / "repository"
    if request.param == "sqlite":
        return world.clone(request.getfixturevalue("on_sqlite"), copy)
    on_a_copy(request.getfixturevalue("on_postgres"), copy)
    return copy


@pytest.fixture
def read(folder: Path) -> Iterator[Tables]:
    found = Tables(Repository(str(folder)))
    yield found
    found.close()


def execute(folder: Path, *statements: str) -> None:
    """Change the database behind everybody's back."""
    repository = Repository(str(folder))
    assert repository.registry
    engine = create_engine(repository.registry)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement.replace("{in}", f"{repository.namespace or 'main'}."))
    engine.dispose()


def told_by(way: str, folder: Path, *, calibrations_only: bool = False) -> Told:
    """Return what all collections of a repository hold."""
    reader = open_reader_by(way, str(folder))
    with Butler.from_config(str(folder)) as butler:
        names = list(butler.collections.query("*"))
    told = everything(reader.holdings(names, calibrations_only=calibrations_only))
    reader.close()
    return told


def everything(held: Mapping[str, Holding]) -> Told:
    return {n: (h.collection, h.type, sorted(h.rows), h.unrecorded, h.sizes) for n, h in held.items()}


# The same as the butler


@pytest.mark.parametrize("calibrations_only", [False, True])
@pytest.mark.parametrize("at_once", [1, 500])
@pytest.mark.parametrize("way", [TABLES, REGISTRY])
@pytest.mark.matrix
def test_tables_tell_row_by_row_what_the_butler_tells(
    folder: Path, monkeypatch: pytest.MonkeyPatch, way: str, at_once: int, calibrations_only: bool
) -> None:
    monkeypatch.setattr(tables, "_AT_ONCE", at_once)
    told = told_by(way, folder, calibrations_only=calibrations_only)
    assert told == told_by(BUTLER, folder, calibrations_only=calibrations_only)


@pytest.mark.parametrize("calibrations_only", [False, True])
@pytest.mark.parametrize("at_once", [1, 500])
def test_digests_are_what_the_rows_of_the_butler_come_to(
    folder: Path, monkeypatch: pytest.MonkeyPatch, at_once: int, calibrations_only: bool
) -> None:
    monkeypatch.setattr(tables, "_AT_ONCE", at_once)
    monkeypatch.setattr(tables, "_DIGESTED_AT_ONCE", at_once)
    assert_digests_are_those_of_rows(folder, calibrations_only=calibrations_only)


def assert_digests_are_those_of_rows(folder: Path, *, calibrations_only: bool = False) -> None:
    with Butler.from_config(str(folder)) as butler:
        names = list(butler.collections.query("*"))
    by_butler, by_tables = (open_reader_by(way, str(folder)) for way in (BUTLER, REGISTRY))
    held = by_butler.holdings(names, calibrations_only=calibrations_only)
    digests = by_tables.digests(names, calibrations_only=calibrations_only)
    by_butler.close()
    by_tables.close()
    told = {n: (h.type, h.fingerprint, len(h.rows), h.unrecorded) for n, h in held.items()}
    assert {n: (h.type, h.fingerprint, len(h.rows), h.unrecorded) for n, h in digests.items()} == told
    assert told


SOME_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
ODD_TEXTS = (
    "a'b",
    'c"d',
    "e,f",
    "g\\h",
    "\\t",
    "%s",
    "%",
    "é",
    "Z",
    "a",
    "\U0001f52d",
    "\uffff",
    "e\u0301",
    "=",
    " ",
    "two\nlines",
    "\n",
)


@given(st.lists(st.sampled_from(ODD_TEXTS) | SOME_TEXT, min_size=1, max_size=6, unique=True), st.data())
@settings(max_examples=50 if ALL else 3, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_databases_digest_whatever_texts_and_ranges_as_we_do(
    digested: Path, groups: list[str], data: st.DataObject
) -> None:
    """Certify datasets of groups that have any names, for any ranges."""
    bounds = st.sampled_from([*UNBOUNDED, *IN_2024, *IN_2025, 1, UNBOUNDED[1] - 1])
    number = next(NUMBERS)
    name = f"random/{number}"
    with Butler.from_config(str(digested), writeable=True) as butler:
        butler.collections.register(name, ButlerCollectionType.CALIBRATION)
        for at, group in enumerate(groups):
            butler.registry.insertDimensionData(
                "group", {"instrument": INSTRUMENT, "name": group}, skip_existing=True
            )
            run = f"random/{number}/{at}"
            butler.collections.register(run)
            refs = butler.registry.insertDatasets(
                "grouped", [{"instrument": INSTRUMENT, "group": group}], run
            )
            begin, end = sorted([data.draw(bounds), data.draw(bounds)])
            butler.registry.certify(name, refs, world.timespan(EMPTY if begin == end else (begin, end)))
    assert_digests_are_those_of_rows(digested)


NUMBERS = itertools.count()


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def digested(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world of its own, to which more and more is added."""
    folder = tmp_path_factory.mktemp("digested") / "repository"
    if request.param == "sqlite":
        world.clone(request.getfixturevalue("on_sqlite"), folder)
    else:
        on_a_copy(request.getfixturevalue("on_postgres"), folder)
    with Butler.from_config(str(folder), writeable=True) as butler:
        old = butler.registry.getDatasetType("grouped")
        assert not old.isCalibration()
        butler.removeRuns([ODD])
        butler.registry.removeDatasetType("grouped")
        butler.registry.registerDatasetType(
            DatasetType("grouped", old.dimensions, "StructuredDataDict", isCalibration=True)
        )
    return folder


def test_the_world_has_what_is_easily_told_wrong(folder: Path) -> None:
    reader = open_reader_by(TABLES, str(folder))
    held = reader.holdings([DARK, SPLIT, ODD, BARE])
    reader.close()
    dark = [(row.begin, row.end) for row in held[DARK].rows if row.data_id.startswith("detector=0,")]
    assert sorted(dark) == sorted([EMPTY, SINCE_2024])
    split = [row[3:] for row in held[SPLIT].rows if row.data_id == f"detector=0,instrument={INSTRUMENT}"]
    assert sorted(split) == [(UNBOUNDED[0], IN_BETWEEN[0]), (IN_BETWEEN[1], UNBOUNDED[1])]
    assert len(held[SPLIT].unrecorded) == 1
    assert {row.data_id for row in held[ODD].rows} == {
        "",
        f"group=2024-01-01T00:00:00,instrument={INSTRUMENT}",
    }
    assert [row.data_id for row in held[BARE].rows] == [""]


@pytest.mark.parametrize("real", REAL_FILES, ids=lambda real: real.name)
@pytest.mark.matrix(1)
def test_tables_tell_of_real_calibrations_what_the_butler_tells(real: RealFile, tmp_path: Path) -> None:
    real_files.load(real, tmp_path / "repository")
    told = told_by(TABLES, tmp_path / "repository")
    assert told == told_by(BUTLER, tmp_path / "repository")
    assert told == told_by(REGISTRY, tmp_path / "repository")
    rows = [row for name in real.leaves for row in told[name][2]]  # type: ignore[attr-defined]
    assert len(rows) == real.certifications
    assert_digests_are_those_of_rows(tmp_path / "repository")


@pytest.mark.parametrize("real", REAL_FILES, ids=lambda real: real.name)
@pytest.mark.matrix(1)
def test_postgres_digests_real_calibrations_as_we_do(
    real: RealFile, tmp_path: Path, postgres: Postgres
) -> None:
    real_files.load(real, tmp_path / "repository", postgres.another().url)
    assert_digests_are_those_of_rows(tmp_path / "repository")


def test_a_data_id_that_comes_often_is_kept_once(folder: Path, read: Tables) -> None:
    held = read.read([FLAT])
    assert held
    data_ids = [row.data_id for row in held[FLAT].rows]
    assert len({id(data_id) for data_id in data_ids}) == len(set(data_ids)) == len(data_ids) / 2


# When the butler is asked instead


def _another_version(manager: str) -> Callable[[Path], None]:
    class_, version = TRIED[manager]
    newer = f"{version.rpartition('.')[0]}.99"
    return lambda folder: execute(
        folder, f"UPDATE {{in}}butler_attributes SET value = '{newer}' WHERE name = 'version:{class_}'"
    )


def _another_class(folder: Path) -> None:
    execute(
        folder,
        "UPDATE {in}butler_attributes SET value = 'some.other.Manager' "
        "WHERE name = 'config:registry.managers.datasets'",
    )


def _another_table(folder: Path) -> None:
    execute(folder, "ALTER TABLE {in}collection_summary_dataset_type RENAME COLUMN collection_id TO other")


@pytest.mark.parametrize("change", [*map(_another_version, TRIED), _another_class])
@pytest.mark.matrix(3)
def test_a_schema_that_was_not_tried_is_read_by_the_butler(
    folder: Path, change: Callable[[Path], None]
) -> None:
    before = told_by(BUTLER, folder)
    # One that is open already; it would not open such a repository.
    reader = adapter.open_reader(str(folder))
    change(folder)
    look = Tables(Repository(str(folder)))
    assert look.read([FLAT]) is None
    assert everything(reader.holdings(before)) == before
    for opened in (look, reader):
        opened.close()


def test_tables_that_are_not_as_expected_tell_nothing(folder: Path, read: Tables) -> None:
    assert read.read([FLAT])
    assert read.aside is None
    _another_table(folder)
    assert read.read([FLAT]) is None
    assert str(read.aside).startswith("its tables cannot be read without the butler: ")
    assert "collection_id" in str(read.aside)


def test_another_kind_of_datastore_is_asked_through_the_butler(folder: Path, read: Tables) -> None:
    before = told_by(BUTLER, folder)
    config = Config(str(folder / "butler.yaml"))
    kept = config["datastore"].toDict()
    config["datastore"] = {
        "cls": "lsst.daf.butler.datastores.chainedDatastore.ChainedDatastore",
        "datastores": [kept],
    }
    config.dumpToUri(folder / "butler.yaml")
    assert read.read([FLAT]) is None
    reader = open_reader(str(folder))
    assert everything(reader.holdings(before)) == before
    reader.close()


# Only looking


@contextmanager
def snapshot_by(way: str, folder: Path) -> Iterator[Snapshot]:
    """Hold on to one state, by the butler's connection or by ours."""
    if way == REGISTRY:
        with connections.snapshot(PlainRepository.at(str(folder))) as snapshot:
            yield snapshot
        return
    look = Tables(Repository(str(folder)))
    with look.snapshot() as snapshot:
        yield snapshot
    look.close()


in_both_ways = pytest.mark.parametrize("way", [TABLES, REGISTRY])


@in_both_ways
def test_nothing_can_be_written(folder: Path, way: str) -> None:
    before = told_by(BUTLER, folder)
    schema = "butler." if "postgres" in str(Repository(str(folder)).registry) else ""
    for statement in (
        f"DELETE FROM {schema}collection_chain",
        f"UPDATE {schema}dataset_type SET name = 'x'",
        f"CREATE TABLE {schema}mine (name TEXT)",
    ):
        with (
            pytest.raises((DBAPIError, DatabaseError), match=r"read-?only"),
            snapshot_by(way, folder) as there,
        ):
            there._connection.select(statement)
    assert told_by(BUTLER, folder) == before


@in_both_ways
def test_whoever_may_only_select_can_read(
    on_postgres: tuple[Path, Postgres], tmp_path: Path, way: str
) -> None:
    folder = tmp_path / "repository"
    server = on_a_copy(on_postgres, folder)
    before = told_by(BUTLER, folder)
    looker = f"looker_{way}"
    server.execute(f"CREATE ROLE {looker} LOGIN")
    server.execute(f"GRANT USAGE ON SCHEMA butler TO {looker}")
    server.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA butler TO {looker}")
    config = folder / "butler.yaml"
    config.write_text(config.read_text().replace("calib@", f"{looker}@"))
    assert told_by(way, folder) == before


@in_both_ways
def test_a_look_sees_one_state_and_the_next_one_sees_the_next(
    on_postgres: tuple[Path, Postgres], tmp_path: Path, way: str
) -> None:
    folder = tmp_path / "repository"
    on_a_copy(on_postgres, folder)
    hands = RealHands(str(folder))
    with snapshot_by(way, folder) as snapshot:
        before = snapshot.holdings([SPLIT, "new"], calibrations_only=False)
        hands.add_calibration("new", "bias")
        hands.remove(SPLIT)
        assert snapshot.holdings([SPLIT, "new"], calibrations_only=False) == before
    assert set(before) == {SPLIT}
    with snapshot_by(way, folder) as snapshot:
        assert set(snapshot.holdings([SPLIT, "new"], calibrations_only=False)) == {"new"}
    hands.butler.close()


@pytest.mark.parametrize("way", [TABLES, REGISTRY, BUTLER])
def test_what_is_only_in_the_write_ahead_log_is_seen(on_sqlite: Path, tmp_path: Path, way: str) -> None:
    folder = world.clone(on_sqlite, tmp_path / "repository")
    before = told_by(BUTLER, folder)
    with closing(sqlite3.connect(folder / "gen3.sqlite3", isolation_level=None)) as writer:
        assert writer.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)
        assert told_by(way, folder) == before
        writer.execute("UPDATE collection SET name = 'calib/renamed' WHERE name = ?", (DARK,))
        assert (folder / "gen3.sqlite3-wal").stat().st_size
        after = told_by(way, folder)
    assert after.keys() == {*before, "calib/renamed"} - {DARK}
    assert after["calib/renamed"][1:] == before[DARK][1:]


# Troubles


def test_a_killed_writer_is_told_by_whoever_has_read_before(on_sqlite: Path, tmp_path: Path) -> None:
    folder = world.clone(on_sqlite, tmp_path / "repository")
    reader = open_reader(str(folder))
    before = reader.holdings([FLAT])
    kill_a_writer(folder / "gen3.sqlite3")
    with pytest.raises(NeedsRecoveryError, match="calibstate apply"):
        reader.holdings([FLAT])
    open_writer(str(folder)).close()
    assert everything(reader.holdings([FLAT])) == everything(before)
    reader.close()


def test_a_database_that_goes_away_is_unreachable(
    on_postgres: tuple[Path, Postgres], postgres: Postgres, tmp_path: Path
) -> None:
    server = on_a_copy(on_postgres, tmp_path / "repository")
    reader = open_reader(str(tmp_path / "repository"))
    assert reader.holdings([FLAT])
    postgres.execute(f"DROP DATABASE {server.url.rpartition('/')[2]} WITH (FORCE)")
    with pytest.raises(UnreachableError):
        reader.holdings([FLAT])
    reader.close()


def test_a_reader_that_is_closed_has_let_go_of_the_database(
    on_postgres: tuple[Path, Postgres], postgres: Postgres, tmp_path: Path
) -> None:
    server = on_a_copy(on_postgres, tmp_path / "repository")
    reader = open_reader_by(TABLES, str(tmp_path / "repository"))
    assert reader.holdings([FLAT])
    reader.close()
    # Refused while anybody is connected.
    postgres.execute(f"DROP DATABASE {server.url.rpartition('/')[2]}")


# When datasets arrived


@in_both_ways
def test_arrivals_of_hundreds_of_collections_are_asked_table_by_table(
    folder: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = told_by(BUTLER, folder)
    filled = {name for name, (_, _, rows, *_) in told.items() if rows}
    many = [*told, *(f"no/run/{number}" for number in range(400))]
    asked: list[str] = []
    with snapshot_by(way, folder) as there:
        select = type(there._connection).select

        def counted(connection: Any, statement: str, values: Sequence[str] = ()) -> list[tuple[Any, ...]]:
            asked.append(statement)
            return select(connection, statement, values)

        monkeypatch.setattr(type(there._connection), "select", counted)
        ingested = there.ingested(many)

    assert set(ingested) == filled
    # Of the collections, of their types, and one of each table.
    tables_asked = [statement for statement in asked if "ingest_date" in statement]
    assert len(asked) <= 2 + len(tables_asked)
    assert len(tables_asked) == len(set(tables_asked)) < len(filled)
