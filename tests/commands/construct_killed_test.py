"""A construction that is killed at any step, and run again: the same is made.

Killed is our command, or what it has submitted; pipetask and bps live on
when our command is killed, and are waited for.  A few of the cases are tried
always, all of them by night.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lsst.daf.butler import MissingCollectionError

from calibstate.cli.app import run
from tests.constructing import BPS, Construction, make_construction, middleware

STEPS = (
    "make bias_bootstrap",
    "make dark_bootstrap",
    "make flat_bootstrap",
    "make defects",
    "certify defects",
    "chain defects",
    "make bias",
    "certify bias",
    "chain bias",
    "make flat_g",
    "certify flat_g",
    "chain flat_g",
    "verify bias",
    "verify flat_g",
)

SAMPLE = {
    ("here", "ours", "make bias"),
    ("here", "ours", "certify bias"),
    ("pipetask", "theirs", "make defects"),
}
"""What is tried always."""

LIMIT = 300.0
"""Seconds after which a test gives up; far more than anything takes."""


@dataclass
class Uncut:
    """A construction that nobody kills, as far as it was wanted."""

    folder: Path
    stages: list[Construction]
    """Before the first step, and after each that is done."""

    def before(self, step: str) -> Construction:
        return self._after_steps(STEPS.index(step))

    def after(self, step: str) -> Construction:
        return self._after_steps(STEPS.index(step) + 1)

    def _after_steps(self, number: int) -> Construction:
        # By day the last of the steps are not wanted.
        while len(self.stages) <= number:
            done = len(self.stages)
            following = self.stages[-1].copied_to(self.folder / str(done))
            construct(following, "construct", "DM-48520", "--run", "--until", STEPS[done - 1])
            self.stages.append(following)
        return self.stages[number]


@pytest.fixture(scope="module")
def uncut(tmp_path_factory: pytest.TempPathFactory) -> Uncut:
    folder = tmp_path_factory.mktemp("uncut")
    construction = make_construction(folder / "0")
    # Science frames take as long as all verifications together.
    lines = construction.file.read_text().splitlines(keepends=True)
    construction.file.write_text("".join(line for line in lines if not line.startswith("    science:")))
    return Uncut(folder, [construction])


def cases() -> Iterator[Any]:
    for submit in ("here", "pipetask", "bps"):
        for whose in ("ours", "theirs"):
            for step in STEPS:
                is_submitted = step.startswith(("make", "verify"))
                # In this process they are one, and the rest is ours alone.
                if whose == "theirs" and (submit == "here" or not is_submitted):
                    continue
                # What nobody submits is the same, whoever would submit it.
                if submit != "here" and not is_submitted:
                    continue
                marks = [] if (submit, whose, step) in SAMPLE else [pytest.mark.slow]
                yield pytest.param(submit, whose, step, marks=marks, id=f"{submit}-{whose}-{step}")


@pytest.mark.parametrize(("submit", "whose", "step"), cases())
def test_what_was_killed_is_made_by_the_next_run(
    uncut: Uncut, tmp_path: Path, submit: str, whose: str, step: str
) -> None:
    construction = uncut.before(step).copied_to(tmp_path / "world")
    construction.declare_sites(submit, BPS if submit == "bps" else None)
    arguments = ("construct", "DM-48520", "--run", "--until", step)
    started = construction.tree.spawn(
        *arguments, **{**middleware(construction), "CALIBSTATE_STANDIN_SLEEP": "1"}
    )
    if whose == "ours":
        wait_for(lambda: is_begun(construction) or started.poll() is not None)
        started.kill()
    else:
        wait_for(lambda: submitted_by(started) or started.poll() is not None)
        for process in submitted_by(started):
            kill(process)
    started.communicate()

    # What lives on is waited for: nothing is submitted beside it.
    wait_for(lambda: construct(construction, *arguments) not in {4})
    assert construct(construction, *arguments) in {0, 2}
    whole = uncut.after(step)
    assert as_sets(construction.made()) == as_sets(whole.made())
    assert construction.certified() == whole.certified()
    assert chain_of(construction) == chain_of(whole)


def construct(construction: Construction, *arguments: str) -> int:
    """Run the command in this process, which has the butler already."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in middleware(construction).items():
            monkeypatch.setenv(name, value)
        return run(["-C", str(construction.tree.state), *arguments])


def is_begun(construction: Construction) -> bool:
    """Say whether a journal tells that a step has begun."""
    journals = (construction.tree.folder / "records").rglob("*.jsonl")
    return any('"begun"' in journal.read_text() for journal in journals)


def submitted_by(started: subprocess.Popen[str]) -> list[int]:
    """Return the processes that our command has begun, as Linux tells them."""
    children: list[int] = []
    for task in Path("/proc").glob(f"{started.pid}/task/*/children"):
        try:
            children.extend(int(word) for word in task.read_text().split())
        except OSError:
            continue
    return [child for child in children if "pipetask" in _words(child) or "bps" in _words(child)]


def _words(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def kill(process: int) -> None:
    """Kill all of the session that a process leads."""
    try:
        os.killpg(process, signal.SIGKILL)
    except ProcessLookupError:
        return


def wait_for(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + LIMIT
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)


def as_sets(made: dict[str, list[str]]) -> dict[str, set[str]]:
    # A second RUN under the name of an output may hold the same again.
    return {name: set(ids) for name, ids in made.items()}


def chain_of(construction: Construction) -> tuple[str, ...]:
    try:
        return construction.chain()
    except MissingCollectionError:
        return ()
