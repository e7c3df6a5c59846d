"""Killed at any moment and run again: all is as declared, nothing is lost.

SIGKILL strikes at every moment at which something reaches the disk or the
database.  Some of them are tried always; all of them, which takes a while, in
the tests marked ``slow``.
"""

from __future__ import annotations

import io
import shutil
import signal
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.commands import cut, stock
from tests.commands.sites import ORIGIN, SUMMIT, TOP, Sites, make_sites

SHARES = 8
"""Tests among which all moments are shared out."""

BY_HAND = "u/somebody/bias"
"""What somebody put into the destination's chain."""

KILLED = -signal.SIGKILL


@dataclass(frozen=True)
class Whole:
    """A run that nobody cut off."""

    sites: Sites
    """Before it."""
    moments: tuple[cut.Moment, ...]
    """Moments that it went through."""
    after: Sites
    """After it."""
    found: dict[str, object]
    """What was found after it."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("whole")
    sites = make_sites(folder / "before", copies=(SUMMIT,), detectors=1)
    sites.add_own(SUMMIT, BY_HAND)
    stock.collection_chain(sites.path(SUMMIT), TOP, BY_HAND)
    after = sites.copied_to(folder / "after")
    ended = cut.run(folder / "run", cut.calibstate, after.tree.state, "apply", "--yes")
    assert ended.code == 0, ended.err
    return Whole(sites, ended.moments, after, _as_found(after))


def test_a_run_that_nobody_cuts_off_goes_through_moments_of_every_kind(whole: Whole) -> None:
    """Else the tests below would kill nobody."""
    kinds = {what for what, _ in whole.moments}
    assert {
        "before COMMIT",
        "after COMMIT",
        "after INSERT",
        "before os.fsync",
        "before os.replace of .fits",
        "after os.replace of .fits",
        "before os.link of .fits",
        "after os.link of .fits",
        "after os.link of .json",
        "before opening of .jsonl",
        "before opening of a temporary file",
    } <= kinds
    assert Counter(what for what, _ in whole.moments)["after COMMIT"] >= 10


def test_a_run_killed_before_or_after_each_kind_of_change_is_completed_by_the_next(
    whole: Whole, tmp_path: Path
) -> None:
    for number, moment in enumerate(_one_of_each_change(whole.moments)):
        _check(whole, moment, tmp_path / str(number))


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_a_run_killed_at_any_moment_is_completed_by_the_next(
    whole: Whole, tmp_path: Path, share: int
) -> None:
    for number, moment in enumerate(whole.moments[share::SHARES]):
        _check(whole, moment, tmp_path / str(number))


def test_a_run_killed_twice_is_completed_by_the_third(whole: Whole, tmp_path: Path) -> None:
    sites = whole.sites.copied_to(tmp_path / "sites")
    for number, moment in enumerate([("after os.link of .fits", 2), ("before COMMIT", 1)]):
        run = tmp_path / f"killed-{number}"
        assert _apply(sites, run, killed_at=moment).code == KILLED

    again = _apply(sites, tmp_path / "again")

    assert again.code == 0, again.err
    assert _as_found(sites) == whole.found


@pytest.mark.parametrize(
    "moment", [("after os.link of .fits", 2), pytest.param(("before COMMIT", 9), marks=pytest.mark.slow)]
)
def test_an_interrupted_run_lets_go_of_its_locks_and_says_how_to_go_on(
    whole: Whole, tmp_path: Path, moment: cut.Moment
) -> None:
    sites = whole.sites.copied_to(tmp_path / "sites")
    started = cut.start(tmp_path / "run", cut.calibstate, sites.tree.state, "apply", "--yes", waits_at=moment)
    assert started.has_come_there()
    assert sites.locks() == ["archive.json", "summit__LSSTComCam.json"]

    started.signal(signal.SIGINT)
    started.go_on()
    ended = started.end()

    assert ended.code == 1
    assert "Interrupted. What was done stands" in ended.err
    assert "Traceback" not in ended.err
    assert sites.locks() == sites.leftovers() == []
    assert _apply(sites, tmp_path / "again").code == 0
    assert _as_found(sites) == whole.found


def test_a_half_written_database_is_told_by_plan_and_undone_by_apply(
    whole: Whole, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sites = whole.sites.copied_to(tmp_path / "sites", capsys)
    killed = _apply(sites, tmp_path / "killed", killed_at=_in_the_import(whole.moments))
    assert killed.code == KILLED
    assert (sites.path(SUMMIT) / "gen3.sqlite3-journal").stat().st_size > 0
    before = sites.snapshot()

    plan = sites.run("plan")

    assert plan.code == 1
    assert "Run `calibstate apply`" in plan.err or "killed" in plan.out
    assert sites.snapshot() == before

    ran = sites.apply()

    assert ran.code == 0
    assert "recovered from a writer that was killed" in ran.err
    assert _as_found(sites) == whole.found


def test_the_lock_of_a_killed_run_is_taken_over_with_a_word(
    whole: Whole, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sites = whole.sites.copied_to(tmp_path / "sites", capsys)
    assert _apply(sites, tmp_path / "killed", killed_at=("before os.link of .fits", 2)).code == KILLED
    assert sites.locks() == ["archive.json", "summit__LSSTComCam.json"]

    ran = sites.apply()

    assert ran.code == 0
    assert "The lock of summit/LSSTComCam was taken over: process" in ran.err
    assert "runs no more." in ran.err
    assert sites.locks() == []


def test_a_bundle_is_there_in_full_or_not_at_all(whole: Whole, tmp_path: Path) -> None:
    """What reads the archive never meets a half one."""
    files = len(list(whole.after.bundle("DM-1").rglob("*.fits")))
    moments = [m for m in whole.moments if m[0] == "after os.replace of .fits"][:files]
    for number, moment in enumerate(moments):
        sites = whole.sites.copied_to(tmp_path / str(number) / "sites")
        assert _apply(sites, tmp_path / str(number) / "run", killed_at=moment).code == KILLED
        assert not list((sites.tree.folder / "archive").rglob("manifest.json"))


def test_a_stock_import_killed_before_it_could_say_so_loses_its_files_when_repeated(
    whole: Whole, tmp_path: Path
) -> None:
    sites, bundle = whole.sites.copied_to(tmp_path / "sites"), whole.after.bundle("DM-1")
    through = cut.run(tmp_path / "through", stock.import_, sites.path(SUMMIT), bundle)
    assert through.code == 0
    last = [moment for moment in through.moments if moment[0] == "after COMMIT"][-1]
    sites = whole.sites.copied_to(tmp_path / "others")
    assert cut.run(tmp_path / "run", stock.import_, sites.path(SUMMIT), bundle, killed_at=last).code == KILLED
    imported = [path for path in sites.files(SUMMIT) if "DM-1" in path]
    assert len(imported) == 3

    with pytest.raises(Exception, match="UNIQUE constraint failed"):
        stock.import_(sites.path(SUMMIT), bundle)

    assert [path for path in sites.files(SUMMIT) if "DM-1" in path] == []
    assert len(sites.without_file(SUMMIT)) == 3


def test_a_stock_export_that_was_killed_cannot_be_repeated(whole: Whole, tmp_path: Path) -> None:
    export = tmp_path / "export"
    killed = cut.run(
        tmp_path / "run",
        stock.export_calibs,
        whole.sites.path(ORIGIN),
        export,
        f"{TOP}/DM-1",
        killed_at=("before opening of .yaml", 1),
    )
    assert killed.code == KILLED
    assert not (export / "export.yaml").exists()

    with pytest.raises(RuntimeError, match="Export directory exists"):
        stock.export_calibs(whole.sites.path(ORIGIN), export, f"{TOP}/DM-1")


def _check(whole: Whole, moment: cut.Moment, folder: Path) -> None:
    """Kill a run, run it again, and compare what is there in the end."""
    sites = whole.sites.copied_to(folder / "sites")
    killed = _apply(sites, folder / "killed", killed_at=moment)
    assert killed.code == KILLED, f"nobody was killed at {moment}"
    again = _apply(sites, folder / "again")
    assert again.code == 0, f"{moment}: {again.out} {again.err}"
    assert _as_found(sites) == whole.found, moment
    sites.close()
    shutil.rmtree(folder)


def _apply(sites: Sites, folder: Path, killed_at: cut.Moment | None = None) -> cut.Ended:
    return cut.run(folder, cut.calibstate, sites.tree.state, "apply", "--yes", killed_at=killed_at)


def _as_found(sites: Sites) -> dict[str, object]:
    """Return everything that must be the same, however it came about."""
    bundles = sites.snapshot("archive")
    return {
        "certifications": sites.certifications(SUMMIT),
        "chain": sites.chain(SUMMIT),
        "ticket chains": [sites.chain(SUMMIT, f"{TOP}/{ticket}") for ticket in ("DM-1", "DM-2")],
        "files": sites.files(SUMMIT),
        "datasets without a file": sites.without_file(SUMMIT),
        "origin": (sites.certifications(ORIGIN), sites.files(ORIGIN), sites.chain(ORIGIN)),
        # A manifest says when it was made.
        "archive": {path: None if "manifest" in path else facts[0] for path, facts in bundles.items()},
        "leftovers": sites.leftovers(),
        "locks": sites.locks(),
    }


def _one_of_each_change(moments: tuple[cut.Moment, ...]) -> list[cut.Moment]:
    """Return a moment of each change: now before it, now after it.

    Now an early one is taken, now a late one.  Those that only make or remove
    a folder or a temporary file are left out.  By night all are tried.
    """
    times = Counter(what for what, _ in moments if not any(word in what for word in _LESSER))
    kinds: dict[str, list[str]] = {}
    for what in sorted(times):
        kinds.setdefault(what.partition(" ")[2], []).append(what)
    chosen = [whats[number % len(whats)] for number, whats in enumerate(kinds.values())]
    return [(what, 1 + number * 7 % times[what]) for number, what in enumerate(chosen)]


_LESSER = ("mkdir", "rmdir", "unlink", "folder")


def _in_the_import(moments: tuple[cut.Moment, ...]) -> cut.Moment:
    """Return a moment amid the transaction of the first import."""
    begins = moments.index(("after os.link of .fits", 1))
    inserts = [moment for moment in moments[begins:] if moment[0] == "after INSERT"]
    return inserts[len(inserts) // 4]


def test_what_the_whole_run_leaves_is_what_the_origin_holds(whole: Whole) -> None:
    """Else all the comparisons above would be with something wrong."""
    ours = [row for row in whole.after.certifications(SUMMIT) if row[0] != BY_HAND]
    assert ours == whole.after.certifications(ORIGIN)
    assert whole.after.chain(SUMMIT) == (f"{TOP}/DM-2", f"{TOP}/DM-1", BY_HAND)
    origin = whole.after.files(ORIGIN)
    assert {path: sha for path, sha in whole.after.files(SUMMIT).items() if path in origin} == origin
    assert whole.after.leftovers() == whole.after.locks() == []
    with redirect_stdout(io.StringIO()):
        assert cut.calibstate(whole.after.tree.state, "plan") == 0
