"""Two at once: one works, the other is refused, and nothing is lost."""

from __future__ import annotations

import getpass
import json
import signal
import socket
from pathlib import Path

import pytest

from calibstate.adapters.locks import open_locks
from tests.commands import cut, stock
from tests.commands.sites import EMBARGO, ORIGIN, SUMMIT, TOP, Sites

IN_THE_IMPORT = ("after os.link of .fits", 1)
"""When all bundles are made and the first import has placed a file."""


def as_at_the_origin(sites: Sites) -> bool:
    for address in (EMBARGO, SUMMIT):
        assert sites.certifications(address) == sites.certifications(ORIGIN)
        assert sites.files(address) == sites.files(ORIGIN)
        assert sites.without_file(address) == []
        assert sites.chain(address) == (f"{TOP}/DM-2", f"{TOP}/DM-1")
    return sites.leftovers() == sites.locks() == []


def test_of_two_stock_imports_at_once_no_file_is_left(sites: Sites, tmp_path: Path) -> None:
    export = tmp_path / "export"
    stock.export_calibs(sites.path(ORIGIN), export, f"{TOP}/DM-1")

    # The first has begun, and the other is quicker.
    arguments = (stock.import_, sites.path(SUMMIT), export)
    slow = cut.start(tmp_path / "slow", *arguments, waits_at=("after COMMIT", 1))
    assert slow.has_come_there()
    quick = cut.run(tmp_path / "quick", *arguments)
    slow.go_on()

    assert (quick.code, slow.end().code) == (0, 1)
    assert len(sites.of_ticket(SUMMIT, "DM-1")) == 12
    assert sites.files(SUMMIT) == {}


def test_while_a_run_works_another_is_refused_with_the_name_of_the_first(
    sites: Sites, tmp_path: Path
) -> None:
    first = cut.start(
        tmp_path / "first", cut.calibstate, sites.tree.state, "apply", "--yes", waits_at=IN_THE_IMPORT
    )
    assert first.has_come_there()
    before = sites.snapshot("repo", "archive", "records/locks")

    second = sites.apply()

    assert second.code == 3
    assert "Place is locked" in second.err
    who = f"{getpass.getuser()} on {socket.gethostname()} (process {first.process.pid}) since 20"
    assert who in second.err
    assert sites.snapshot("repo", "archive", "records/locks") == before
    first.go_on()
    assert first.end().code == 0
    assert as_at_the_origin(sites)
    assert sites.apply().code == 0


def test_who_is_stopped_while_waiting_for_another_is_interrupted_and_not_refused(
    sites: Sites, tmp_path: Path
) -> None:
    arguments = ("apply", "--yes", "--lock-timeout", "5m")
    with open_locks(str(sites.tree.folder / "records")).hold(SUMMIT, why="something else"):
        waiting = cut.start(
            tmp_path / "waiting",
            cut.calibstate,
            sites.tree.state,
            *arguments,
            waits_at=("while sleeping", 1),
        )
        assert waiting.has_come_there()
        waiting.signal(signal.SIGTERM)
        ended = waiting.end()
    assert (ended.code, "Interrupted" in ended.err) == (1, True)
    assert sites.locks() == []


def test_a_repository_that_goes_away_before_it_is_locked_costs_the_others_nothing(
    sites: Sites, tmp_path: Path
) -> None:
    before_the_first_lock = ("before os.link of .json", 1)
    run = cut.start(
        tmp_path / "run", cut.calibstate, sites.tree.state, "apply", "--yes", waits_at=before_the_first_lock
    )
    assert run.has_come_there()
    there = sites.path(SUMMIT)
    there.rename(tmp_path / "away")
    run.go_on()
    ended = run.end()
    (tmp_path / "away").rename(there)

    assert ended.code == 1
    assert "it does not exist" in ended.out
    assert sites.chain(EMBARGO) == (f"{TOP}/DM-2", f"{TOP}/DM-1")
    assert sites.locks() == []
    assert sites.apply().code == 0
    assert as_at_the_origin(sites)


def test_a_site_whose_own_records_are_away_costs_the_others_nothing(sites: Sites, tmp_path: Path) -> None:
    away = tmp_path / "away"
    site = sites.tree.state / "sites" / "summit.yaml"
    site.write_text(f"{site.read_text()}records: {away / 'records'}\n")

    ran = sites.apply()

    assert ran.code == 1
    assert "Records cannot be reached" in ran.out
    assert f"{away / 'records'}/: Neither the folder nor the one above it exists" in ran.out
    assert not sites.has(SUMMIT, TOP)
    assert sites.chain(EMBARGO) == (f"{TOP}/DM-2", f"{TOP}/DM-1")
    away.mkdir()
    assert sites.apply().code == 0
    assert as_at_the_origin(sites)


def test_while_a_run_works_others_can_look(sites: Sites, tmp_path: Path) -> None:
    first = cut.start(
        tmp_path / "first", cut.calibstate, sites.tree.state, "apply", "--yes", waits_at=IN_THE_IMPORT
    )
    assert first.has_come_there()
    assert sites.run("plan").code == 2
    assert sites.run("drift").code == 2
    first.go_on()
    assert first.end().code == 0


@pytest.mark.slow
def test_a_run_at_another_place_is_not_refused(sites: Sites, tmp_path: Path) -> None:
    assert sites.apply("--repository", ORIGIN).code == 0
    first = cut.start(
        tmp_path / "first",
        cut.calibstate,
        *(sites.tree.state, "apply", "--yes", "--repository", SUMMIT),
        waits_at=("after os.link of .fits", 1),
    )
    assert first.has_come_there()

    assert sites.apply("--repository", EMBARGO).code == 0

    first.go_on()
    assert first.end().code == 0
    assert as_at_the_origin(sites)


def test_two_processes_started_together_leave_what_is_declared(sites: Sites) -> None:
    runs = [sites.tree.spawn("apply", "--yes") for _ in range(2)]
    ended = [(*run.communicate(), run.returncode) for run in runs]

    assert sorted(code for _, _, code in ended) in ([0, 0], [0, 3])
    for _, err, code in ended:
        assert code == 0 or any(f"(process {run.pid}) since" in err for run in runs)
    assert as_at_the_origin(sites)
    assert sites.apply().code == 0


@pytest.mark.slow
def test_many_runs_at_once_leave_what_is_declared(sites: Sites, tmp_path: Path) -> None:
    runs = [
        cut.start(tmp_path / str(n), cut.calibstate, sites.tree.state, "apply", "--yes") for n in range(6)
    ]
    ended = [run.end() for run in runs]

    assert {run.code for run in ended} <= {0, 3}
    assert 0 in {run.code for run in ended}
    assert all("is being worked on by" in run.err for run in ended if run.code == 3)
    assert as_at_the_origin(sites)


def test_the_lock_of_a_killed_run_is_taken_over_even_where_nothing_is_to_be_done(
    sites: Sites, tmp_path: Path
) -> None:
    killed = cut.run(
        tmp_path / "killed",
        cut.calibstate,
        *(sites.tree.state, "apply", "--yes"),
        killed_at=IN_THE_IMPORT,
    )
    assert killed.code < 0
    assert sites.locks() == ["archive.json", "summit__LSSTComCam.json", "usdf__embargo.json"]

    ran = sites.apply()

    assert ran.code == 0
    for place in ("archive", "summit/LSSTComCam", "usdf/embargo"):
        assert f"The lock of {place} was taken over: process" in ran.err
    assert as_at_the_origin(sites)


def test_a_lock_of_another_host_is_never_taken_over(sites: Sites) -> None:
    locks = sites.tree.folder / "records" / "locks"
    locks.mkdir(parents=True)
    process = {"host": "elsewhere", "pid": 1, "started": 1, "machine": "m", "boot": "b", "namespace": "n"}
    said = {"id": "x", "place": SUMMIT, "who": "somebody", "process": process, "why": "plan sha256:0"}
    (locks / "summit__LSSTComCam.json").write_text(json.dumps({**said, "since": "2026-11-22T18:00:00Z"}))
    before = sites.snapshot("repo", "records")

    ran = sites.apply()

    assert ran.code == 3
    assert "somebody on elsewhere (process 1) since 2026-11-22T18:00:00Z: plan sha256:0" in ran.err
    after = sites.snapshot("repo", "records")
    # What the locks that it gave back were swapped under.
    assert after.pop("records/locks/.guard", None)
    assert after == before
    assert sites.apply("--site", "usdf").code == 0
    assert sites.chain(EMBARGO) == (f"{TOP}/DM-2", f"{TOP}/DM-1")


def test_a_run_whose_lock_was_broken_stops_before_its_next_step(sites: Sites, tmp_path: Path) -> None:
    first = cut.start(
        tmp_path / "first", cut.calibstate, sites.tree.state, "apply", "--yes", waits_at=IN_THE_IMPORT
    )
    assert first.has_come_there()
    for lock in (sites.tree.folder / "records" / "locks").glob("*.json"):
        lock.unlink()
    before = {address: sites.files(address).keys() for address in (EMBARGO, SUMMIT)}
    first.go_on()

    ended = first.end()

    assert ended.code == 3
    assert "Lock was lost" in ended.err
    after = {address: sites.files(address).keys() for address in (EMBARGO, SUMMIT)}
    # The import in hand was finished, and the other one not begun.
    assert sum(bool(after[address]) for address in after) == 1
    assert any(after[address] > before[address] for address in after)
    assert not any(sites.has(address, TOP) for address in after)
    assert sites.apply().code == 0
    assert as_at_the_origin(sites)


def test_records_that_cannot_be_written_let_nothing_be_written(sites: Sites) -> None:
    (sites.tree.folder / "records").write_text("a file where the folder should be")
    before = sites.snapshot("repo")

    ran = sites.apply()

    assert ran.code == 1
    assert "Records cannot be reached" in ran.err
    assert sites.snapshot("repo") == before
