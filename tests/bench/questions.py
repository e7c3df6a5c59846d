"""The questions that are measured, and the ways to answer each."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
from pathlib import Path

import yaml

from calibstate.store import statefile
from tests.tree import Tree

from .many import make_many
from .measure import BIN, Measured, command, measure
from .worlds import DATASETS, INSTRUMENT, copy_repository, declare, make_origin, ticket_names

__all__ = ["plan_many_question", "plan_question", "validate_question"]

SHELL = r"""
set -euo pipefail
# Which tickets does each repository search, in which order, and which datasets
# are in them?  Compared with the first; certifications are not even looked at.
for repository in "$@"; do
    butler query-collections --chains tree "$repository" 'LSSTCam/calib' > "$TMP/tree"
    butler query-datasets "$repository" --collections 'LSSTCam/calib' \
        --limit 0 '*' | sort > "$TMP/datasets"
    cat "$TMP/tree" "$TMP/datasets" | sha256sum
done | sort -u | wc -l
"""

_COLD = ("plan", "--no-cache")
"""A plan that remembers nothing of the last look."""


def validate_question(folder: Path, turns: int, tickets: int = 500) -> Measured:
    """Measure reading a large state tree."""
    tree = Tree(folder / "validate", INSTRUMENT)
    declare(tree, ticket_names(tickets), {"usdf/main": "origin", "summit/LSSTCam": "copy"})
    files = sorted(tree.state.rglob("*.yaml"))

    def parse(turn: int) -> None:
        for file in files:
            yaml.load(file.read_text(), yaml.CSafeLoader)

    return measure(
        f"Validate {tickets} tickets",
        {
            "calibstate validate, without the start of Python": lambda turn: statefile.load(tree.state),
            "calibstate validate": lambda turn: command("calibstate", "-C", tree.state, "validate"),
            "parse the same files with the C loader": parse,
        },
        turns,
    )


def plan_question(folder: Path, turns: int, tickets: int = 10) -> Measured:
    """Measure a plan that finds nothing to do."""
    tree = Tree(folder / "plan", INSTRUMENT)
    routes = {"usdf/main": "origin", "usdf/embargo": "copy", "summit/LSSTCam": "copy", "bts/LSSTCam": "copy"}
    declare(tree, ticket_names(tickets), routes)
    origin, *others = [tree.repository(address) for address in routes]
    make_origin(origin, ticket_names(tickets))
    for other in others:
        copy_repository(origin, other)
    # What a ticket holds is known from its bundle, so there have to be some.
    command("calibstate", "-C", tree.state, "apply", "--yes")
    command("calibstate", "-C", tree.state, "plan")
    script = folder / "look.sh"
    script.write_text(SHELL)
    repositories = [origin, *others]
    return measure(
        f"A plan of four repositories with {tickets} tickets of {DATASETS:,} datasets, in sync",
        {
            "calibstate plan --no-cache": lambda turn: command("calibstate", "-C", tree.state, *_COLD),
            "calibstate plan, after another": lambda turn: command("calibstate", "-C", tree.state, "plan"),
            "butler commands in a shell script": lambda turn: _shell(script, folder, repositories),
            "the same rows by plain SQL": lambda turn: _rows(repositories, tickets * DATASETS),
        },
        turns,
    )


def plan_many_question(folder: Path, turns: int, tickets: int = 26) -> Measured:
    """Measure the same of many tickets, which are copies of one."""
    tree = make_many(folder / "many", tickets, 4)
    repositories = [tree.repository(f"site{number}/main") for number in range(4)]
    command("calibstate", "-C", tree.state, "plan")
    return measure(
        f"A plan of four repositories with {tickets} tickets of {DATASETS:,} datasets, in sync",
        {
            "calibstate plan --no-cache": lambda turn: command("calibstate", "-C", tree.state, *_COLD),
            "calibstate plan, after another": lambda turn: command("calibstate", "-C", tree.state, "plan"),
            "the same rows by plain SQL": lambda turn: _rows(repositories, tickets * DATASETS),
        },
        turns,
    )


def _shell(script: Path, folder: Path, repositories: list[Path]) -> None:
    path = f"{BIN}:/usr/local/bin:/usr/bin:/bin"
    environment = {"PATH": path, "TMP": str(folder), "HOME": str(folder), "NO_COLOR": "1"}
    words = ["bash", str(script), *(str(r) for r in repositories)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    if done.stdout.strip() != "1":
        raise RuntimeError(f"the repositories should be alike; the script says {done.stdout}")


def _rows(repositories: list[Path], expected: int) -> None:
    """Read chains and certifications from the tables, and digest them."""
    digests = set()
    for repository in repositories:
        connection = sqlite3.connect(f"file:{repository}/gen3.sqlite3?mode=ro", uri=True)
        named = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'dataset_calibs_%'"
        tables = [name for (name,) in connection.execute(named)]
        rows = [row for table in tables for row in connection.execute(f"SELECT * FROM {table}")]
        if len(rows) != expected:
            raise RuntimeError(f"{repository} has {len(rows)} certifications, not {expected}")
        chains = connection.execute("SELECT * FROM collection_chain ORDER BY parent, position").fetchall()
        lines = sorted(map(repr, rows)) + list(map(repr, chains))
        digests.add(hashlib.sha256("\n".join(lines).encode()).hexdigest())
        connection.close()
    if len(digests) != 1:
        raise RuntimeError("the repositories should be alike")
