"""A verification that is killed is finished by the next run, and once.

Killed is our command, or the pipetask that it has begun, which lives on when
our command is killed and is waited for.
"""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from calibstate.adapters.locks import open_locks
from calibstate.cli.app import run
from tests.commands.construct_killed_test import kill, submitted_by, wait_for
from tests.constructing import BPS, INSTRUMENT, middleware
from tests.nightly import NIGHTS, Nightly, make_nightly

pytest.importorskip("lsst.ctrl.mpexec", reason="the extra `construct` is not installed")

pytestmark = pytest.mark.slow

NIGHT = NIGHTS[0]
WORDS = ("daily", INSTRUMENT, "--day", str(NIGHT), "--run")
LOCK = f"daily/{INSTRUMENT}"


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Nightly:
    nightly = make_nightly(tmp_path_factory.mktemp("nightly") / "made")
    nightly.declare(verify={"bias": "verifyBias"})
    return nightly


@pytest.fixture
def nightly(made_once: Nightly, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Nightly:
    copy = made_once.copied_to(tmp_path / "world", capsys)
    copy.construction.declare_sites("pipetask")
    return copy


def verify(nightly: Nightly) -> int:
    """Run the command in this process, which has the butler already."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in middleware(nightly.construction).items():
            monkeypatch.setenv(name, value)
        return run(["-C", str(nightly.construction.tree.state), *WORDS])


@pytest.mark.parametrize("whose", ["ours", "theirs"])
def test_what_was_killed_is_finished_by_the_next_run(nightly: Nightly, whose: str) -> None:
    started = nightly.construction.tree.spawn(
        *WORDS, **{**middleware(nightly.construction), "CALIBSTATE_STANDIN_SLEEP": "1"}
    )
    wait_for(lambda: submitted_by(started) or started.poll() is not None)
    if whose == "ours":
        started.kill()
    else:
        # Not before it has written anything.
        wait_for(lambda: nightly.origin.runs() or started.poll() is not None)
        for process in submitted_by(started):
            kill(process)
    started.communicate()

    # What lives on is waited for: nothing is begun beside it.
    wait_for(lambda: verify(nightly) != 4)

    assert verify(nightly) == 0
    exposures = [NIGHT * 100000 + 1, NIGHT * 100000 + 2]
    record = nightly.record(NIGHT)
    assert [result["exposure"] for result in record["results"]] == exposures
    # What it was verified against was written down before it was killed.
    assert all(result["against"] for result in record["results"])
    # An exposure that was whole is left alone; the rest has a RUN of its own.
    assert len(nightly.origin.runs()) in ({1} if whose == "ours" else {1, 2})
    results = nightly.origin.uuids("verifyBiasExpStats")
    assert len(results) == len(exposures)


def test_who_is_stopped_leaves_the_pipeline_to_the_next_run(nightly: Nightly) -> None:
    started = nightly.construction.tree.spawn(
        *WORDS, **{**middleware(nightly.construction), "CALIBSTATE_STANDIN_SLEEP": "1"}
    )
    wait_for(lambda: submitted_by(started) or started.poll() is not None)
    started.send_signal(signal.SIGINT)
    out, err = started.communicate()

    assert started.returncode == 4, err
    assert "running" in out
    assert "A pipeline that was begun goes on" in err
    wait_for(lambda: verify(nightly) != 4)
    assert verify(nightly) == 0
    assert len(nightly.origin.runs()) == 1


def test_where_a_site_submits_to_a_batch_system_pipetask_is_run_all_the_same(nightly: Nightly) -> None:
    nightly.construction.declare_sites("bps", BPS)

    assert verify(nightly) == 0

    (batch,) = (nightly.construction.tree.folder / "scratch").rglob("batch.json")
    assert json.loads(batch.read_text())["submit"] == "pipetask"


def test_of_two_at_once_one_is_refused_and_told_how_to_go_on(nightly: Nightly) -> None:
    records = nightly.construction.tree.folder / "records"
    with open_locks(str(records)).hold(LOCK, why="daily LSSTComCam"):
        ran = nightly.text(NIGHT, "--run")
        shown = nightly.text(NIGHT)

    assert ran.code == 3
    assert f"{LOCK} is being worked on" in ran.err
    assert nightly.origin.runs() == []
    # Who only looks waits for nobody.
    assert shown.code == 4


def test_a_lock_of_a_run_on_another_host_is_broken_by_its_place(nightly: Nightly) -> None:
    process = {"host": "elsewhere", "pid": 4711, "machine": "m", "boot": "b", "namespace": "n"}
    id = "0b7e9b4c5f6d4e4f8a1d2c3b4a596877"
    beat = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    lock = {"id": id, "place": LOCK, "who": "somebody", "process": process, "why": "daily", "since": beat}
    file = nightly.construction.tree.folder / f"records/locks/daily__{INSTRUMENT}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({**lock, "beat": beat}))

    refused = nightly.text(NIGHT, "--run")
    broken = nightly.construction.run("unlock", LOCK, "--id", id)

    assert refused.code == 3
    assert f"calibstate unlock {LOCK} --id {id}" in refused.err
    assert broken.code == 0, broken.err
    assert not file.exists()
