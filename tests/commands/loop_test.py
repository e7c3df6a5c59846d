"""A loop of turns: bounded, patient, and it keeps nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from calibstate.cli.looping import Bounds, Loop
from calibstate.cli.stopping import Stopping
from tests.commands.sites import ORIGIN, TOP, Sites
from tests.commands.watched import CARRIES, Watched, git

ROOMY = Bounds(timedelta(minutes=5), 8 * 2**30)
NEW = f"{TOP}/DM-3"


def loop(code: str, bounds: Bounds = ROOMY, pause: float = 0.0) -> Loop:
    """Return a loop whose turns are a few lines of Python."""
    return Loop(["-c", code], lambda: timedelta(seconds=pause), bounds, Stopping(), (sys.executable,))


def test_a_turn_that_takes_too_long_is_asked_to_end_and_then_killed(tmp_path: Path) -> None:
    kind = f"""
import signal, sys, time
def end(*_): open({str(tmp_path / "asked")!r}, "w"); sys.exit(4)
signal.signal(signal.SIGTERM, end)
time.sleep(600)
"""
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    soon = Bounds(timedelta(seconds=1), 8 * 2**30, grace=timedelta(seconds=1))

    assert loop(kind, soon).turn() == 4
    assert (tmp_path / "asked").exists()
    assert loop(deaf, soon).turn() == -signal.SIGKILL


def test_a_turn_that_takes_too_much_memory_is_ended() -> None:
    greedy = (
        "held = bytearray(400 * 2**20); held[::4096] = b'x' * len(held[::4096])\nimport time; time.sleep(600)"
    )
    little = Bounds(timedelta(minutes=5), 200 * 2**20, grace=timedelta(seconds=5))

    assert loop(greedy, little).turn() == -signal.SIGTERM


@pytest.mark.parametrize("code", [0, 2, 3, 4])
def test_how_a_site_stands_is_no_failure_of_the_loop(code: int) -> None:
    going = loop("")
    going.failures = 3
    going.turn = lambda: _stop(going, code)  # type: ignore[method-assign]

    assert going.run() == 0
    assert going.failures == 0


def test_pauses_double_after_failures_and_end_at_an_hour() -> None:
    going = loop("", pause=600)
    began = time.monotonic()
    pauses = []
    for going.failures in (0, 1, 2, 3, 60):
        pauses.append(round(going.left(began) / 600))

    assert pauses == [1, 2, 4, 6, 6]


def test_what_was_asked_wrongly_is_not_asked_for_ever() -> None:
    assert loop("import sys; sys.exit(64)").run() == 64


def _stop(going: Loop, code: int) -> int:
    os.kill(os.getpid(), signal.SIGTERM)
    return code


def growth(turns: int) -> tuple[int, int, int]:
    """Return by how much a loop grows: open files, threads, kilobytes."""
    going = loop("")
    for _ in range(3):
        going.turn()
    before = _taken()
    for _ in range(turns):
        going.turn()
    after = _taken()
    return after[0] - before[0], after[1] - before[1], after[2] - before[2]


def _taken() -> tuple[int, int, int]:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return len(os.listdir("/proc/self/fd")), threading.active_count(), int(status["VmRSS"].split()[0])


def test_a_loop_grows_by_nothing() -> None:
    files, threads, memory = growth(20)

    assert (files, threads) == (0, 0)
    assert memory < 4_000


# The real one


@pytest.fixture
def watched(deployed: Sites) -> Watched:
    """Return an origin that keeps itself."""
    watched = Watched(deployed)
    watched.lets("usdf", CARRIES, "apply")
    watched.begin()
    return watched


def started(watched: Watched, *more: str) -> subprocess.Popen[str]:
    clone = watched.clone("usdf")
    words = [sys.executable, "-m", "calibstate", "-C", str(clone), "watch", "usdf", "--every", "1s", *more]
    pipe = subprocess.PIPE
    return subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, env={**os.environ, "CI": "true"})


def wait_for(what: Path, process: subprocess.Popen[str], until: str = "") -> None:
    """Wait for a file that holds something, for as long as a process runs."""
    while process.poll() is None:
        if what.exists() and until in what.read_text():
            return
        time.sleep(0.1)
    out, err = process.communicate()
    raise AssertionError(f"it ended with {process.returncode}:\n{out}\n{err}")


def test_a_merge_is_taken_up_by_a_loop_that_ends_when_it_is_asked_to(watched: Watched) -> None:
    kept = watched.folder / "records" / "watch" / "usdf.json"
    with started(watched, "--pages", str(watched.folder / "pages")) as process:
        wait_for(kept, process)
        watched.sites.make_ticket("DM-3")
        watched.sites.tree.chain(["DM-3", "DM-2", "DM-1"])
        commit = watched.merge("Adopt DM-3")
        wait_for(kept, process, commit)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate()

    assert process.returncode == 0, err
    assert NEW in watched.sites.chain(ORIGIN)
    assert "done     prepend-to-chain" in out
    assert (watched.folder / "pages" / "index.html").is_file()
    assert watched.sites.locks() == []


@pytest.mark.parametrize("turns", [8, pytest.param(500, marks=pytest.mark.slow)])
def test_turns_in_which_nothing_is_new_leave_nothing_behind(watched: Watched, turns: int) -> None:
    kept = watched.folder / "records" / "watch" / "usdf.json"
    with started(watched) as process:
        wait_for(kept, process)
        first = wait_for_turns(watched, process, 3)
        before = left_by(watched, process)
        wait_for_turns(watched, process, first + turns)
        after = left_by(watched, process)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate()

    assert process.returncode == 0, err
    # The first one is news, since there was none before.
    assert len(out.splitlines()) == 1, out
    assert after.files == before.files
    assert (after.open, after.threads) == (before.open, before.threads)
    # Numbers grow by digits, and memory by what Python keeps for later.
    assert after.bytes - before.bytes < 1000
    assert after.kilobytes - before.kilobytes < 4_000


@dataclass(frozen=True)
class Left:
    """What a loop has taken, and what its turns have left on the disk."""

    files: list[str]
    bytes: int
    open: int
    threads: str
    kilobytes: int


def left_by(watched: Watched, process: subprocess.Popen[str]) -> Left:
    about = Path(f"/proc/{process.pid}")
    status = dict(line.split(":", 1) for line in (about / "status").read_text().splitlines())
    sizes = sizes_of(watched)
    for _ in range(4):
        # What a turn needs while it is under way is not there for long.
        time.sleep(0.7)
        now = sizes_of(watched)
        sizes = {name: size for name, size in now.items() if name in sizes}
    return Left(
        sorted(sizes),
        sum(sizes.values()),
        len(list((about / "fd").iterdir())),
        status["Threads"].strip(),
        int(status["VmRSS"].split()[0]),
    )


def sizes_of(watched: Watched) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for folder in ("records", "clone-usdf", "repo", "archive"):
        for path in (watched.folder / folder).rglob("*"):
            with suppress(OSError):
                if path.is_file():
                    sizes[path.relative_to(watched.folder).as_posix()] = path.stat().st_size
    return sizes


def wait_for_turns(watched: Watched, process: subprocess.Popen[str], turns: int) -> int:
    """Wait until a loop has turned so often; return how often it has."""
    while process.poll() is None:
        number: int = watched.state("usdf")["turns"]
        if number >= turns:
            return number
        time.sleep(0.2)
    raise AssertionError(f"it ended with {process.returncode}")


@pytest.mark.parametrize("after", [0.3, pytest.param(1.0, marks=pytest.mark.slow), 2.5])
def test_a_loop_that_is_killed_at_any_moment_is_taken_up_by_the_next(watched: Watched, after: float) -> None:
    watched.sites.make_ticket("DM-3")
    watched.sites.tree.chain(["DM-3", "DM-2", "DM-1"])
    commit = watched.merge("Adopt DM-3")
    for _ in range(3):
        with started(watched) as process:
            time.sleep(after)
            _kill_with_its_turn(process)
            process.communicate()

    ran = watched.turn("usdf")

    assert ran.code in {0, 4}, ran.err
    assert watched.at("usdf") == commit
    assert NEW in watched.sites.chain(ORIGIN)
    assert git(watched.clone("usdf"), "status", "--porcelain") == ""
    assert watched.sites.locks() == []
    assert watched.sites.without_file(ORIGIN) == []


def _kill_with_its_turn(process: subprocess.Popen[str]) -> None:
    """Kill a loop and the turn that it has started, as a power cut does."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    process.kill()


def test_two_loops_of_one_clone_do_no_harm(watched: Watched) -> None:
    watched.sites.make_ticket("DM-3")
    watched.sites.tree.chain(["DM-3", "DM-2", "DM-1"])
    commit = watched.merge("Adopt DM-3")
    kept = watched.folder / "records" / "watch" / "usdf.json"

    with started(watched) as first, started(watched) as second:
        wait_for(kept, first, commit)
        for process in (first, second):
            process.send_signal(signal.SIGTERM)
        told = [process.communicate() for process in (first, second)]

    assert (first.returncode, second.returncode) == (0, 0), told
    assert watched.turn("usdf").code in {0, 4}
    assert watched.sites.chain(ORIGIN) == (NEW, f"{TOP}/DM-2", f"{TOP}/DM-1")
    assert watched.sites.certifications(ORIGIN) == sorted(set(watched.sites.certifications(ORIGIN)))
