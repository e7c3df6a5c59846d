"""Commands that only look remember the last look; what writes reads."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from calibstate.factory import clock
from tests.commands.sites import SUMMIT, Sites
from tests.readers import note_digested

LOOKS = (("plan",), ("drift", "--format", "json"), ("status",))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the collections whose rows were read, as it grows."""
    return note_digested(monkeypatch)


@pytest.fixture(autouse=True)
def clock_that_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every look be of the same moment: documents tell of when it was."""
    moment = datetime.now(UTC)
    monkeypatch.setattr(clock, "source", lambda: moment)


@pytest.mark.parametrize("words", LOOKS)
def test_a_second_look_reads_no_row_unless_it_is_told_to(
    deployed: Sites, read: list[str], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    off = deployed.run(*words, "--no-cache")
    assert not Path(os.environ["XDG_CACHE_HOME"]).exists()
    assert (off.code, deployed.run(*words)) == (0, off)
    read.clear()
    assert deployed.run(*words) == off
    assert read == []
    assert deployed.run(*words, "--no-cache") == off
    assert read != []
    read.clear()
    monkeypatch.setenv("CALIBSTATE_NO_CACHE", "1")
    assert deployed.run(*words) == off
    assert read != []


def test_what_writes_reads_the_database(deployed: Sites, read: list[str]) -> None:
    for _ in range(2):
        assert deployed.run("plan").code == 0
    read.clear()
    assert deployed.apply().code == 0
    assert len(set(read)) > 1


def test_an_apply_keeps_nothing(deployed: Sites) -> None:
    assert deployed.apply().code == 0
    assert not Path(os.environ["XDG_CACHE_HOME"]).exists()


def test_what_others_take_away_is_told_by_the_next_look(deployed: Sites, tmp_path: Path) -> None:
    database = deployed.path(SUMMIT) / "gen3.sqlite3"
    shutil.copy2(database, tmp_path / "backup")
    in_sync = deployed.run("drift")
    with closing(sqlite3.connect(database)) as opened:
        names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'dataset_calibs%'"
        for (table,) in opened.execute(names).fetchall():
            opened.execute(f"DELETE FROM {table} WHERE id = (SELECT max(id) FROM {table})")
        opened.commit()
    drift = deployed.run("drift")
    assert (drift.code, drift) == (2, deployed.run("drift", "--no-cache"))
    shutil.copy2(tmp_path / "backup", database)
    assert deployed.run("drift") == in_sync


@pytest.mark.parametrize("home", [None, "/proc/nowhere"])
def test_without_a_home_everything_is_read(
    deployed: Sites, monkeypatch: pytest.MonkeyPatch, home: str | None
) -> None:
    expected = deployed.run("plan")
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
        if home:
            monkeypatch.setenv(name, home)
    assert deployed.run("plan") == deployed.run("plan") == expected


def test_doctor_tells_where_looks_are_remembered(
    deployed: Sites, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def told() -> str:
        checks = deployed.run("doctor", "--format", "json").json["checks"]
        (said,) = [check["said"] for check in checks if check["check"] == "cache"]
        return str(said)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "calibstate" / "digests"
    assert told() == f"looks at SQLite are remembered in {folder}"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    assert told() == f"no look is remembered: {folder} is not a folder of ours alone"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME")
    assert told() == "no look is remembered: neither XDG_CACHE_HOME nor HOME says where"
