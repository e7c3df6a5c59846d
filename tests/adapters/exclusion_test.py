"""On PostgreSQL whoever keeps other `records` is kept away by the database."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
import pytest

from calibstate.adapters.butler import exclude_others
from calibstate.adapters.butler import exclusion as excluding
from calibstate.errors import LockedError, UnreachableError
from tests import world
from tests.services.postgres import Postgres

PLACE = "summit/LSSTCam"


def configured(folder: Path, url: str, namespace: str | None = None) -> str:
    """Return a repository of which there is the configuration only."""
    folder.mkdir()
    schema = f"  namespace: {namespace}\n" if namespace else ""
    (folder / "butler.yaml").write_text(f"registry:\n  db: {url}\n{schema}")
    return str(folder)


def holders(postgres: Postgres) -> list[tuple[int, str]]:
    with psycopg.connect(postgres.url) as connection:
        return connection.execute(
            "SELECT l.pid, a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
            "WHERE l.locktype = 'advisory'"
        ).fetchall()


def test_of_two_addresses_of_one_database_one_is_refused_and_told_who_is_there(
    postgres: Postgres, tmp_path: Path
) -> None:
    one = configured(tmp_path / "one", postgres.url, "a_schema")
    other = configured(tmp_path / "other", postgres.url.replace("127.0.0.1", "localhost"), "a_schema")
    with exclude_others(one, PLACE) as check:
        ((pid, name),) = holders(postgres)
        with pytest.raises(LockedError) as raised, exclude_others(other, PLACE):
            pytest.fail("two write")
        check()
    said = str(raised.value)
    assert f"pid {os.getpid()} on " in name
    for word in (PLACE, name, "user calib", f"process {pid} of the server", f"pg_terminate_backend({pid})"):
        assert word in said
    assert holders(postgres) == []
    with exclude_others(other, PLACE) as check:
        check()


def test_another_schema_is_another_repository(postgres: Postgres, tmp_path: Path) -> None:
    one = configured(tmp_path / "one", postgres.url, "schema_of_one")
    other = configured(tmp_path / "other", postgres.url, "schema_of_another")
    with exclude_others(one, PLACE), exclude_others(other, PLACE):
        assert len(holders(postgres)) == 2


def test_the_schema_that_nobody_names_is_the_usual_one(postgres: Postgres, tmp_path: Path) -> None:
    one = configured(tmp_path / "one", postgres.url)
    other = configured(tmp_path / "other", postgres.url, "public")
    with (
        exclude_others(one, PLACE),
        pytest.raises(LockedError),
        exclude_others(other, PLACE),
    ):
        pytest.fail("two write")


def test_a_connection_that_broke_is_noticed(postgres: Postgres, tmp_path: Path) -> None:
    one = configured(tmp_path / "one", postgres.url)
    with exclude_others(one, PLACE) as check:
        ((pid, _),) = holders(postgres)
        postgres.execute(f"SELECT pg_terminate_backend({pid}, 5000)")
        with pytest.raises(LockedError, match="Lock was lost"):
            check()
        # And it stays so, rather than to hold on to another connection.
        with pytest.raises(LockedError, match="Lock was lost"):
            check()
    with exclude_others(one, PLACE):
        pass


def test_a_server_that_ends_idle_transactions_does_not_end_ours(postgres: Postgres, tmp_path: Path) -> None:
    own = postgres.another()
    database = own.url.rpartition("/")[2]
    own.execute(f"ALTER DATABASE {database} SET idle_in_transaction_session_timeout = 1000")
    own.execute(f"ALTER DATABASE {database} SET default_transaction_isolation = 'serializable'")
    with exclude_others(configured(tmp_path / "one", own.url), PLACE) as check:
        ((pid, _),) = holders(own)
        with psycopg.connect(own.url, autocommit=True) as connection:
            connection.execute("SELECT pg_sleep(2.5)")
            row = connection.execute(
                "SELECT state, backend_xmin FROM pg_stat_activity WHERE pid = %s", [pid]
            ).fetchone()
        # No snapshot is held, so that the server can clear what is dead.
        assert row == ("idle in transaction", None)
        check()


def test_a_server_that_does_not_answer_is_unreachable(tmp_path: Path) -> None:
    uri = configured(tmp_path / "one", "postgresql://calib:geheim@127.0.0.1:1/butler")
    with pytest.raises(UnreachableError) as raised, exclude_others(uri, PLACE):
        pytest.fail("nobody knows who else writes")
    assert "geheim" not in str(raised.value)


def test_sqlite_is_left_as_it_is(tmp_path: Path) -> None:
    world.make_repo(tmp_path / "repository").close()
    uri = str(tmp_path / "repository")
    with exclude_others(uri, PLACE) as check, exclude_others(uri, PLACE):
        check()
    assert [path.name for path in (tmp_path / "repository").glob("gen3*")] == ["gen3.sqlite3"]


def test_keys_stay_what_they_are_since_all_versions_meet_at_them() -> None:
    assert excluding._key("butler", "public") == 8159851583348059072
