"""Times of several ways to the same end, in one run.

The ways take turns, so that what else the machine does falls on all of
them; the least of the turns counts.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

__all__ = ["Cost", "Measured", "command", "measure", "metered", "report"]

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parents[2]
"""Where the formatter class of the datasets is imported from."""

Way = Callable[[int], object]
"""Is given the number of the turn."""


@dataclass(frozen=True)
class Spent:
    """What a turn took, in seconds, its children included."""

    wall: float
    user: float
    system: float

    @property
    def cpu(self) -> float:
        """What other work on the machine hardly changes."""
        return self.user + self.system


@dataclass(frozen=True)
class Measured:
    """What a measurement found."""

    question: str
    spent: Mapping[str, Sequence[Spent]]
    """Turns of each way; ours first."""


def measure(
    question: str, ways: Mapping[str, Way], turns: int, *, before: Callable[[], object] = lambda: None
) -> Measured:
    """Let each way have its turns.

    Parameters
    ----------
    question
        What all of them answer.
    ways
        By their names; the first is ours, and so are others named calibstate.
    turns
        How often.
    before
        Done before each turn of a way, and not measured.
    """
    spent: dict[str, list[Spent]] = {name: [] for name in ways}
    for turn in range(turns):
        for name, way in ways.items():
            before()
            begun = _now()
            way(turn)
            ended = _now()
            taken = Spent(ended.wall - begun.wall, ended.user - begun.user, ended.system - begun.system)
            spent[name].append(taken)
            print(f"  {name}: {taken.wall:.2f} s, CPU {taken.cpu:.2f} s", file=sys.stderr, flush=True)
    return Measured(question, spent)


def _now() -> Spent:
    here, below = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    user, system = here.ru_utime + below.ru_utime, here.ru_stime + below.ru_stime
    return Spent(time.perf_counter(), user, system)


def report(measured: Measured) -> str:
    """Return a measurement as a Markdown table.

    What others on the machine do delays, so what is compared is CPU.
    """
    columns = [
        "way",
        "wall, quickest",
        "CPU, least",
        "CPU, median",
        "user",
        "ours takes",
        "ours takes of user",
    ]
    lines = [
        f"### {measured.question}",
        "",
        f"| {' | '.join(columns)} |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    ours = next(iter(measured.spent.values()))
    our_cpu, our_user = min(turn.cpu for turn in ours), min(turn.user for turn in ours)
    for name, turns in measured.spent.items():
        cpu, user = [turn.cpu for turn in turns], min(turn.user for turn in turns)
        seconds = [min(turn.wall for turn in turns), min(cpu), median(cpu), user]
        cells = [name, *(f"{one:.3f}" for one in seconds), "", ""]
        if not name.startswith("calibstate"):
            cells[-2:] = [_ratio(our_cpu, min(cpu)), _ratio(our_user, user)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _ratio(ours: float, theirs: float) -> str:
    return f"{ours / theirs:.2f} x" if theirs else ""


def command(*words: str | Path, expect: tuple[int, ...] = (0,), **variables: str) -> str:
    """Run a program of this environment and return what it prints.

    Parameters
    ----------
    *words
        The program and its arguments.
    expect
        Codes that it may end with.
    **variables
        More of the environment.

    Raises
    ------
    RuntimeError
        It ended with another code than expected; a time would mean nothing.
    """
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(word) for word in words],
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "CI": "true", **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in expect:
        raise RuntimeError(f"{words} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


_MEGABYTE = 1000

_METER = """
import os, resource, subprocess, sys, time
began = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
wall = time.perf_counter() - began
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, wall, used.ru_maxrss)
sys.exit(code)
"""
"""Runs a command and prints its cost.  It is a small process: to the memory of
a child counts what its parent had when it began."""


@dataclass(frozen=True)
class Cost:
    """What one run took."""

    cpu: float
    wall: float
    kilobytes: int
    """Most memory that it had at a time."""

    def cells(self) -> list[str]:
        """Return them as cells of a table."""
        return [f"{self.cpu:.1f} s", f"{self.wall:.1f} s", f"{self.kilobytes / _MEGABYTE:.0f} MB"]


def metered(*arguments: str) -> Cost:
    """Run the program in a process of its own, and return its cost.

    Parameters
    ----------
    *arguments
        Of the command line.

    Raises
    ------
    RuntimeError
        It ended with another code than 0; its cost would mean nothing.
    """
    command = [sys.executable, "-P", "-m", "calibstate", *arguments]
    surroundings = {"PYTHONPATH": str(ROOT), "CI": "true"}
    ran = subprocess.run(
        [sys.executable, "-S", "-c", _METER, *command],
        env={**os.environ, **surroundings},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise RuntimeError(f"{command} ended with {ran.returncode}:\n{ran.stderr}")
    cpu, wall, kilobytes = ran.stdout.split()
    return Cost(float(cpu), float(wall), int(kilobytes))
