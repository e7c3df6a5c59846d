"""A lock is broken by a person, by its id, never that of who lives here."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from calibstate.adapters.locks import open_locks
from calibstate.adapters.objectstores import open_store
from calibstate.adapters.processes import this_process
from tests.commands.sites import ORIGIN, SUMMIT, Sites
from tests.tree import Ran, Tree

ID = "0b7e9b4c5f6d4e4f8a1d2c3b4a596877"
KEY = "locks/summit__LSSTComCam.json"

Run = Callable[..., Ran]


@pytest.fixture(params=["folder", "s3"])
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Tree:
    """Return a tree of which nothing but the records is looked at."""
    records = "../records"
    if request.param == "s3":
        records = request.getfixturevalue("s3").bucket("records") + "/records"
    tree = Tree(tmp_path, records=records)
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    tree.site("summit", {"LSSTComCam": "copy"})
    return tree


@pytest.fixture
def run(tree: Tree, capsys: pytest.CaptureFixture[str]) -> Run:
    return lambda *arguments: tree.run(capsys, *arguments)


def uri(tree: Tree) -> str:
    return tree.records if tree.records.startswith("s3:") else str(tree.folder / "records")


def a_lock(*, silent: timedelta = timedelta(seconds=40), **more: Any) -> bytes:
    process = {"host": "elsewhere", "pid": 4711, "machine": "m", "boot": "b", "namespace": "n"}
    said = {"id": ID, "place": SUMMIT, "who": "somebody", "process": process, "why": "plan sha256:0"}
    beat = f"{datetime.now(UTC) - silent:%Y-%m-%dT%H:%M:%SZ}"
    return json.dumps({**said, "since": "2026-11-22T18:00:00Z", "beat": beat, **more}).encode()


def put(tree: Tree, data: bytes) -> None:
    (tree.folder / "records").mkdir(exist_ok=True)
    open_store(uri(tree)).write(KEY, data)


def there(tree: Tree) -> bytes | None:
    return open_store(uri(tree)).read(KEY, limit=10_000)


def journal(tree: Tree) -> list[dict[str, Any]]:
    store = open_store(uri(tree))
    (name,) = store.files("journal")
    data = store.read(f"journal/{name}", limit=10_000) or b""
    return [json.loads(line) for line in data.splitlines()]


def test_a_lock_of_another_host_is_broken_by_its_id_and_that_is_kept(tree: Tree, run: Run) -> None:
    put(tree, a_lock())
    ran = run("unlock", SUMMIT, "--id", ID)
    assert ran.code == 0
    assert ran.out.startswith(f"The lock of {SUMMIT}, id {ID}, is broken: somebody on elsewhere")
    assert there(tree) is None
    lines = journal(tree)
    assert [line["event"] for line in lines] == ["run", "unlock", "end"]
    assert lines[0]["began"]["process"]["pid"] == this_process().pid
    assert "plan sha256:0" in lines[1]["text"]
    assert run("log").out.count(f"the lock of {SUMMIT} is broken") == 1


@pytest.mark.parametrize("given", [("--id", "another"), ()], ids=["another", "none"])
def test_under_another_id_nothing_is_broken_and_who_is_there_is_told(
    tree: Tree, run: Run, given: tuple[str, ...]
) -> None:
    put(tree, a_lock())
    ran = run("unlock", SUMMIT, *given)
    assert ran.code == 3
    assert "somebody on elsewhere (process 4711) since 2026-11-22T18:00:00Z: plan sha256:0" in ran.err
    assert "last sign of life was 4" in ran.err
    assert ran.err.rstrip().endswith(f"calibstate unlock {SUMMIT} --id {ID}")
    assert there(tree) is not None
    assert open_store(uri(tree)).files("journal") == []


def test_a_place_that_is_not_locked_is_said_to_be_so(tree: Tree, run: Run) -> None:
    ran = run("unlock", SUMMIT, "--id", ID)
    assert (ran.code, ran.out) == (0, f"{SUMMIT} is not locked\n")
    assert run("unlock", "archive", "--id", ID).code == 0
    assert run("unlock", "rucio").code == 0


def test_a_place_that_nobody_declared_is_a_mistake(run: Run) -> None:
    ran = run("unlock", "summit/LSSTComCan", "--id", ID)
    assert ran.code == 64
    assert "Did you mean summit/LSSTComCam?" in ran.err
    assert run("unlock", "summit/*", "--id", ID).code == 64


def test_a_silent_holder_elsewhere_is_told_as_stale_and_not_broken_by_itself(tree: Tree, run: Run) -> None:
    put(tree, a_lock(silent=timedelta(minutes=12, seconds=5)))
    ran = run("unlock", SUMMIT)
    assert ran.code == 3
    assert "last sign of life was 12m ago" in ran.err
    assert "stale" in ran.err
    assert there(tree) is not None


def test_a_host_whose_clock_is_ahead_calls_nobody_stale(
    tree: Tree, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(hours=5)

    put(tree, a_lock())
    monkeypatch.setattr("calibstate.adapters.locks.datetime", Ahead)
    ran = run("unlock", SUMMIT)
    assert ran.code == 3
    assert "last sign of life was 4" in ran.err
    assert "5h" not in ran.err
    assert "stale" not in ran.err


def test_a_holder_that_lives_on_this_host_is_not_broken(tree: Tree, run: Run) -> None:
    (tree.folder / "records").mkdir(exist_ok=True)
    with open_locks(uri(tree)).hold(SUMMIT, why="a test"):
        held = json.loads(there(tree) or b"")
        asked, tried = run("unlock", SUMMIT), run("unlock", SUMMIT, "--id", held["id"])
        assert json.loads(there(tree) or b"")["id"] == held["id"]
    assert (asked.code, tried.code) == (3, 3)
    assert f"kill {this_process().pid}" in asked.err
    assert "Holder is alive" in tried.err
    assert f"kill {this_process().pid}" in tried.err


@pytest.mark.parametrize("damaged", [b"", b'{"kind": "lo', b"\xff" * 100])
@pytest.mark.matrix(2)
def test_a_damaged_lock_is_broken_by_the_id_that_its_message_tells(
    tree: Tree, run: Run, damaged: bytes
) -> None:
    put(tree, damaged)
    refused = run("unlock", SUMMIT, "--id", ID)
    assert refused.code == 3
    assert "Lock cannot be read" in refused.err
    command = refused.err.rstrip().rpartition("calibstate ")[2]
    ran = run(*shlex.split(command))
    assert ran.code == 0
    assert "cannot be read" in ran.out
    assert there(tree) is None


def test_what_a_lock_says_is_shown_and_not_obeyed(tree: Tree, run: Run) -> None:
    put(tree, a_lock(who="\x1b[2Jme", id="x; rm -rf ~"))
    ran = run("unlock", SUMMIT)
    assert "\x1b" not in ran.err
    assert "rm -rf" not in ran.err


def test_records_that_are_away_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = Tree(tmp_path, records="../nowhere/records")
    tree.settings()
    ran = tree.run(capsys, "unlock", "archive", "--id", ID)
    assert ran.code == 1
    assert "Records cannot be reached" in ran.err


def test_who_was_refused_is_told_the_command_that_helps(sites: Sites) -> None:
    locks = sites.tree.folder / "records" / "locks"
    locks.mkdir(parents=True)
    (locks / "archive.json").write_bytes(a_lock(silent=timedelta(hours=3), place="archive"))

    refused = sites.apply("--repository", ORIGIN)

    assert refused.code == 3
    command = refused.err.rstrip().rpartition("calibstate ")[2]
    assert sites.run(*shlex.split(command)).code == 0
    assert sites.apply("--repository", ORIGIN).code == 0
    assert sites.bundle("DM-1").is_dir()
    assert sites.locks() == []


def test_a_run_that_waits_long_enough_is_let_in(sites: Sites) -> None:
    (sites.tree.folder / "records").mkdir()
    held = open_locks(str(sites.tree.folder / "records")).hold("archive", why="a test")
    held.__enter__()
    first = sites.tree.spawn("apply", "--yes", "--repository", ORIGIN, "--lock-timeout", "2m")
    assert first.stderr is not None
    told = next(line for line in first.stderr if "Waiting" in line)
    assert "archive is being worked on by" in told
    assert "for 2m at most" in told
    held.__exit__(None, None, None)
    out, err = first.communicate()
    assert first.returncode == 0, (out, err)
    assert sites.bundle("DM-1").is_dir()


def test_a_run_that_waited_in_vain_is_refused(sites: Sites) -> None:
    (sites.tree.folder / "records").mkdir()
    with open_locks(str(sites.tree.folder / "records")).hold("archive", why="a test"):
        ran = sites.apply("--repository", ORIGIN, "--lock-timeout", "1s")
    assert ran.code == 3
    assert "Waiting, for 1s at most" in ran.err
    assert "Place is locked" in ran.err
    assert sites.run("apply", "--lock-timeout", "soon").code == 64
