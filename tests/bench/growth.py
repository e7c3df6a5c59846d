"""How the cost of a plan grows with tickets, repositories and rows.

The largest world is that of ten years: 520 tickets at ten repositories, with
14.9 million certifications.  It takes 25 GB of disk and a quarter of an hour.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.services.postgres import running
from tests.tree import Tree

from .many import declare_many, make_many
from .measure import ROOT
from .worlds import DATASETS

__all__ = ["growth", "ten_years", "ten_years_in_postgres"]

STEPS = ((26, (4,)), (52, (4,)), (104, (1, 2, 4, 10)), (208, (4,)))
"""Numbers of tickets, and of repositories with them."""

TEN_YEARS = (520, (4, 10))

_COLUMNS = (
    "tickets",
    "repositories",
    "certifications",
    "nothing remembered: CPU",
    "wall",
    "memory",
    "remembered: CPU",
    "wall",
    "memory",
)

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


def growth(folder: Path, turns: int) -> Iterator[str]:
    """Yield a table of what a plan costs, up to 208 tickets."""
    yield from _table(STEPS, folder, turns)


def ten_years(folder: Path, turns: int) -> Iterator[str]:
    """Yield the same of ten years of tickets."""
    yield from _table([TEN_YEARS], folder, turns)


def ten_years_in_postgres(folder: Path, turns: int) -> Iterator[str]:
    """Yield what a plan of ten years costs with PostgreSQL.

    The server's own time is not in it.
    """
    tickets, (*_, most) = TEN_YEARS
    yield from _head([*_COLUMNS[:3], "CPU", "wall, with the server's work", "memory"])
    with running() as server:
        tree = make_many(folder / "many", tickets, most, server.another())
        for repositories in (1, most):
            _declare(tree, tickets, repositories)
            yield _row(tickets, repositories, [_least(tree, turns)])


def _table(steps: Sequence[tuple[int, Sequence[int]]], folder: Path, turns: int) -> Iterator[str]:
    yield from _head(_COLUMNS)
    for tickets, numbers in steps:
        world = folder / "many"
        tree = make_many(world, tickets, max(numbers))
        for repositories in numbers:
            _declare(tree, tickets, repositories)
            cold = _least(tree, turns, "--no-cache")
            plan(tree)
            yield _row(tickets, repositories, [cold, _least(tree, turns)])
        shutil.rmtree(world)


def _head(columns: Sequence[str]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---:|' * len(columns)}"


def _row(tickets: int, repositories: int, costs: Sequence[Cost]) -> str:
    numbers = [f"{tickets}", f"{repositories}", f"{tickets * repositories * DATASETS:,}"]
    return f"| {' | '.join([*numbers, *(cell for cost in costs for cell in cost.cells())])} |"


def _declare(tree: Tree, tickets: int, repositories: int) -> None:
    """Declare some of the repositories that there are."""
    shutil.rmtree(tree.state)
    declare_many(tree.folder, tickets, repositories)


def _least(tree: Tree, turns: int, *options: str) -> Cost:
    """Return the cost of that of some runs which took the least CPU."""
    return min((plan(tree, *options) for _ in range(turns)), key=lambda cost: cost.cpu)


def plan(tree: Tree, *options: str) -> Cost:
    """Plan where all is in sync, in a process of its own.

    Parameters
    ----------
    tree
        What is declared.
    *options
        More of the command line.

    Raises
    ------
    RuntimeError
        It ended with another code than 0; its cost would mean nothing.
    """
    command = [sys.executable, "-P", "-m", "calibstate", "-C", str(tree.state), "plan", *options]
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
