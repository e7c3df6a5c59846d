"""What a pull request waits for, beside parsing the files that it is about."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path

import yaml

from calibstate.cli.app import run
from calibstate.factory.past import declared_before
from calibstate.lookups.impact import impact
from calibstate.model.desired import DesiredState, Written
from calibstate.model.scope import Scope
from calibstate.store import statefile
from tests.tree import Tree

from .changing import proposed
from .measure import Measured, Way, measure

__all__ = ["impact_of_many_question", "report_question", "validate_many_question"]

MANY = 1000


def validate_many_question(folder: Path, turns: int) -> Measured:
    """Measure reading 1,000 sealed tickets, and judging them by the policy."""
    tree = proposed(folder / "many", MANY)
    ours = _command(tree, "validate")
    return measure(
        f"Validate {MANY:,} sealed tickets", {"calibstate validate": ours, **_parsing(tree)}, turns
    )


def report_question(folder: Path, turns: int) -> Measured:
    """Measure the report of one ticket in front of 1,000."""
    tree = proposed(folder / "many", MANY)
    ours = _command(tree, "report", "--base", "main", "--format", "markdown")
    ways = {"calibstate report: two trees, policy, lookups": ours, **_parsing(tree)}
    return measure(f"The report of a ticket in front of {MANY:,} others", ways, turns)


def impact_of_many_question(folder: Path, turns: int) -> Measured:
    """Measure the lookups that one ticket in front of 1,000 changes."""
    tree = proposed(folder / "many", MANY)
    ways = {"calibstate impact: two trees, lookups": _command(tree, "impact", "main")}
    after = statefile.load(tree.state)[0]
    before = declared_before(str(tree.state), "main").desired
    ways["calibstate: the lookups alone"] = lambda turn: impact(_anew(before), _anew(after), Scope())
    return measure(f"The impact of a ticket in front of {MANY:,} others", {**ways, **_parsing(tree)}, turns)


def _anew(desired: DesiredState | None) -> DesiredState:
    """Return a declaration of whose seals nothing was asked yet."""
    if desired is None:
        raise RuntimeError("nothing was declared before")
    seals = {key: Written(seal.noun.model_copy(), seal.lines) for key, seal in desired.seals.items()}
    for seal in seals.values():
        seal.noun.__dict__.pop("blocks", None)
    return replace(desired, seals=seals)


def _command(tree: Tree, *words: str) -> Way:
    def ours(turn: int) -> None:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            code = run(["-C", str(tree.state), *words])
        if code != 0:
            raise RuntimeError(f"{words[0]} ended with {code}")

    return ours


def _parsing(tree: Tree) -> dict[str, Way]:
    def parse(turn: int) -> None:
        for file in tree.state.rglob("*.yaml"):
            yaml.load(file.read_bytes(), yaml.CSafeLoader)

    return {"parse the same files with the C loader": parse}
