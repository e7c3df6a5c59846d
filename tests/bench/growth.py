"""How the cost of a plan grows with tickets, repositories and rows.

The largest world is that of ten years: 520 tickets at ten repositories, with
14.9 million certifications.  It takes 25 GB of disk and a quarter of an hour.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.services.postgres import running
from tests.tree import Tree

from .many import declare_many, make_many
from .measure import Cost, metered
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
    return metered("-C", str(tree.state), "plan", *options)
