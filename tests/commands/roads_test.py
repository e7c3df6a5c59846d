"""Whether the butler is asked or the tables are read, the same is told."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from calibstate.adapters.registry.tables import Snapshot
from calibstate.factory import clock
from tests.adapters.butler_opening_test import kill_a_writer
from tests.commands.sites import EMBARGO, ORIGIN, SUMMIT, TOP, Sites
from tests.tree import Ran

LOOKS = (
    ("plan",),
    ("drift",),
    ("drift", "--format", "json"),
    ("status", "--format", "json"),
    ("fingerprint", "--format", "json"),
    ("show", "--live", SUMMIT, TOP),
    ("explain", "--repository", SUMMIT, "--exposure", "1", "bias", "--detector", "0"),
)


def _nothing(sites: Sites) -> None:
    pass


def _drift(sites: Sites) -> None:
    extra = sites.add_own(EMBARGO)
    sites.change_chain(EMBARGO, lambda children: [extra, *children])
    sites.change_chain(SUMMIT, lambda children: children[1:])


def _chain_emptied(sites: Sites) -> None:
    sites.change_chain(SUMMIT, lambda children: [], f"{TOP}/DM-2")


def _record_lost(sites: Sites) -> None:
    with sites.butler(SUMMIT) as butler:
        ref = next(iter(butler.query_datasets("bias", collections=f"{TOP}/DM-2/*", find_first=False)))
        butler._datastore.forget([ref])


def _no_database(sites: Sites) -> None:
    (sites.path(SUMMIT) / "gen3.sqlite3").unlink()


def _no_sqlite(sites: Sites) -> None:
    (sites.path(SUMMIT) / "gen3.sqlite3").write_text("version https://git-lfs.github.com/spec/v1\n")


def _no_configuration(sites: Sites) -> None:
    (sites.path(SUMMIT) / "butler.yaml").unlink()


def _no_folder(sites: Sites) -> None:
    shutil.rmtree(sites.path(SUMMIT))


def _killed_writer(sites: Sites) -> None:
    kill_a_writer(sites.path(SUMMIT) / "gen3.sqlite3")


def _the_same_butler_twice(sites: Sites) -> None:
    shutil.copy(sites.path(ORIGIN) / "butler.yaml", sites.path(SUMMIT) / "butler.yaml")
    config = sites.path(SUMMIT) / "butler.yaml"
    config.write_text(config.read_text().replace("<butlerRoot>/gen3", f"{sites.path(ORIGIN)}/gen3"))


REMEMBERING = ("plan", "drift", "status")
"""Looks that remember the last one."""


def look(sites: Sites) -> list[Ran]:
    return [sites.run(*words) for words in LOOKS]


def look_again(sites: Sites, *more: str) -> list[Ran]:
    return [sites.run(*words, *more) for words in LOOKS if words[0] in REMEMBERING]


@pytest.fixture(autouse=True)
def clock_that_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every look be of the same moment: documents tell of when it was."""
    moment = datetime.now(UTC)
    monkeypatch.setattr(clock, "source", lambda: moment)


@pytest.mark.parametrize(
    "change",
    [
        _nothing,
        _drift,
        _chain_emptied,
        _record_lost,
        _no_database,
        _no_sqlite,
        _no_configuration,
        _no_folder,
        _killed_writer,
        _the_same_butler_twice,
    ],
)
@pytest.mark.matrix(2)
def test_every_look_tells_the_same_by_either_road(
    deployed: Sites, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Sites], None]
) -> None:
    change(deployed)
    quick = look(deployed)
    remembering = [ran for words, ran in zip(LOOKS, quick, strict=True) if words[0] in REMEMBERING]
    assert look_again(deployed) == remembering
    assert look_again(deployed, "--no-cache") == remembering
    monkeypatch.setenv("DAF_BUTLER_CONFIG_PATH", str(tmp_path))
    assert look(deployed) == quick


def test_why_the_butler_is_asked_is_told_to_who_asks_for_details(
    deployed: Sites, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Read by the butler" not in deployed.run("-v", "drift").err
    monkeypatch.setenv("DAF_BUTLER_CONFIG_PATH", str(tmp_path))
    assert "Read by the butler" not in deployed.run("drift").err
    told = deployed.run("-v", "drift").err
    for address in (ORIGIN, SUMMIT, EMBARGO):
        assert f"{address}: DAF_BUTLER_CONFIG_PATH is set" in told
    for words in (["verify"], ["observe", "-o", str(tmp_path / "observed.json")]):
        assert f"{SUMMIT}: DAF_BUTLER_CONFIG_PATH is set" in deployed.run("-v", *words).err


def test_a_quick_look_that_fails_is_told_to_who_asks_for_details(
    deployed: Sites, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = deployed.run("drift", "--no-cache")

    def fail(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("no such column: of a later version")

    monkeypatch.setattr(Snapshot, "_parts", fail)
    why = "its tables cannot be read without the butler: no such column: of a later version"
    assert deployed.run("drift", "--no-cache") == quick
    assert (
        f"{SUMMIT}: {why}. It is read as any other, and takes longer."
        in deployed.run("-v", "drift", "--no-cache").err
    )
    assert f"every look at it takes longer: {why}" in deployed.run("doctor").out

    # The butler's own connection is the second way, and fails as well.
    monkeypatch.setenv("DAF_BUTLER_CONFIG_PATH", str(tmp_path))
    both = f"DAF_BUTLER_CONFIG_PATH is set; {why}"
    assert deployed.run("drift", "--no-cache") == quick
    assert f"{SUMMIT}: {both}" in deployed.run("-v", "drift", "--no-cache").err
    assert f"every look at it takes longer: {both}" in deployed.run("doctor").out


def test_labels_that_only_the_butler_reads_are_told_to_who_asks_for_details(
    deployed: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = deployed.run("drift")
    monkeypatch.setenv("DAF_BUTLER_REPOSITORIES", "{}")
    assert deployed.run("drift") == quick
    told = deployed.run("-v", "drift").err
    assert "DAF_BUTLER_REPOSITORIES is set: the labels of repositories are read by the butler" in told


OF_THE_STACK = {"astropy", "lsst", "numpy", "sqlalchemy"}


@pytest.mark.parametrize("verb", ["plan", "drift", "status", "fingerprint", "observe", "explain"])
def test_a_look_at_plain_repositories_loads_nothing_of_the_stack(
    deployed: Sites, tmp_path: Path, verb: str
) -> None:
    arguments = {
        "observe": ["-o", str(tmp_path / "observed.json")],
        "explain": ["flat", "detector=R00_S01", "band=r", "--at", "2024-06-01T00:00:00"],
    }
    more = arguments.get(verb, [])
    # In a process of its own: in ours other tests have loaded everything.
    code = (
        "import sys\n"
        "from calibstate.cli.app import run\n"
        f"code = run(['-C', {str(deployed.tree.state)!r}, {verb!r}, *{more!r}])\n"
        "print(code, *{module.partition('.')[0] for module in sys.modules})\n"
    )
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    exit_code, *modules = ran.stdout.splitlines()[-1].split()
    # Of the stack only numpy, which resolves what is effective.
    expected = {"numpy"} if verb in {"fingerprint", "observe", "explain"} else set()
    assert (exit_code, OF_THE_STACK.intersection(modules)) == ("0", expected), ran.stderr
