"""Wall-clock times of several ways to the same end, in one run.

The ways take turns, so that what else the machine does falls on all of
them; the quickest of the turns counts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Measured", "command", "measure", "report"]

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parents[2]
"""Where the formatter class of the datasets is imported from."""

Way = Callable[[int], object]
"""Is given the number of the turn."""


@dataclass(frozen=True)
class Measured:
    """What a measurement found."""

    question: str
    seconds: Mapping[str, float]
    """Quickest turn of each way; ours first."""


def measure(question: str, ways: Mapping[str, Way], turns: int) -> Measured:
    """Let each way have its turns.

    Parameters
    ----------
    question
        What all of them answer.
    ways
        By their names; the first is ours, and so are others named calibstate.
    turns
        How often.
    """
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(turns):
        for name, way in ways.items():
            begun = time.perf_counter()
            way(turn)
            taken[name].append(time.perf_counter() - begun)
            print(f"  {name}: {taken[name][-1]:.2f} s", file=sys.stderr, flush=True)
    return Measured(question, {name: min(times) for name, times in taken.items()})


def report(measured: Measured) -> str:
    """Return a measurement as a Markdown table."""
    ours = next(iter(measured.seconds.values()))
    lines = [f"### {measured.question}", "", "| way | seconds | ours takes |", "|---|---:|---:|"]
    for name, seconds in measured.seconds.items():
        ratio = "" if name.startswith("calibstate") else f"{ours / seconds:.2f} x"
        lines.append(f"| {name} | {seconds:.2f} | {ratio} |")
    return "\n".join(lines) + "\n"


def command(*words: str | Path, expect: tuple[int, ...] = (0,)) -> str:
    """Run a program of this environment and return what it prints.

    Raises
    ------
    RuntimeError
        It ended with another code than expected; a time would mean nothing.
    """
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(word) for word in words],
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "CI": "true"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in expect:
        raise RuntimeError(f"{words} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
