"""What a change does, from seals alone, beside parsing what it is told by."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml

from calibstate.cli.demo import build_world
from calibstate.factory.past import declared_before
from calibstate.lookups.impact import impact
from calibstate.model.impacts import Impact
from calibstate.model.scope import Scope
from calibstate.model.timespans import UNBOUNDED
from calibstate.store import statefile
from tests.sealing import Certified, certified, seal, since
from tests.tree import Tree

from .measure import Measured, command, measure

__all__ = ["impact_many_question", "impact_question", "proposed"]

MANY = 500
DETECTORS = 189
FILTERS = ("u_24", "g_6", "r_57", "i_39", "z_20", "y_10")


def impact_question(folder: Path, turns: int) -> Measured:
    """Measure a ticket that leaves the published LSSTComCam chain."""
    build_world(folder / "world", None)
    tree = Tree(folder / "world")
    file = tree.state / "chains" / "LSSTComCam.yaml"
    tickets = [line.strip(" -\n") for line in file.read_text().splitlines() if line.startswith("  - ")]
    command("calibstate", "-C", tree.state, "seal", *tickets)
    _commit(tree)
    text = file.read_text().replace("  - DM-48520\n", "")
    file.write_text(f"{text}retired:\n  DM-48520: for a measurement\n")
    return _measured("The impact of a ticket that leaves the chain of `state/`", tree, turns)


def impact_many_question(folder: Path, turns: int) -> Measured:
    """Measure a new ticket on 500 others of a camera of 189 detectors."""
    tree = proposed(folder / "many", MANY)
    return _measured(f"The impact of a ticket in front of {MANY} others", tree, turns)


def proposed(folder: Path, number: int) -> Tree:
    """Make a tree of many sealed tickets in Git, and a new one in front."""
    tree = Tree(folder, "LSSTCam")
    tree.settings()
    tree.site("usdf", {"main": "origin", "embargo": "copy"})
    tree.site("summit", {"LSSTCam": "copy"})
    names = [f"DM-{one}" for one in range(60001, 60001 + number)]
    for one, name in enumerate(names):
        seal(tree, name, {f"made/{what[0]}.20240101a": [what] for what in _made(one)})
    tree.chain(names[::-1])
    _commit(tree)
    seal(tree, "DM-70000", {"made/flat.20240101a": [_flats(number)]})
    tree.chain(["DM-70000", *names[::-1]])
    return tree


def _made(number: int) -> list[Certified]:
    """Return what the nth ticket holds: flats, biases or darks."""
    day = since(f"{2001 + number // 336}-{1 + number // 28 % 12:02}-{1 + number % 28:02}")
    if number == 0:
        return [certified("bias", UNBOUNDED, range(DETECTORS), instrument="LSSTCam")]
    if number % 3 == 0:
        return [_flats(number)]
    return [certified(("bias", "dark")[number % 2], day, range(DETECTORS), instrument="LSSTCam")]


def _flats(number: int) -> Certified:
    day = since(f"{2001 + number // 336}-{1 + number // 28 % 12:02}-{1 + number % 28:02}")
    return certified("flat", day, range(DETECTORS), FILTERS, instrument="LSSTCam")


def _commit(tree: Tree) -> None:
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "as it was"]):
        subprocess.run(["git", *who, *words], cwd=tree.state, check=True, capture_output=True)


def _measured(question: str, tree: Tree, turns: int) -> Measured:
    def compare() -> Impact:
        after, _ = statefile.load(tree.state)
        return impact(declared_before(str(tree.state), "main").desired, after, Scope())

    def ours(turn: int) -> None:
        if not compare().changes:
            raise RuntimeError("nothing changes")

    def parse(turn: int) -> None:
        for file in tree.state.rglob("*.yaml"):
            yaml.load(file.read_bytes(), yaml.CSafeLoader)

    rows = sum(
        len(h.rows) for s in statefile.load(tree.state)[0].seals.values() for h in s.noun.holdings.values()
    )
    return measure(
        f"{question} ({rows:,} certifications)",
        {
            "calibstate: read both trees, resolve both, compare": ours,
            "parse the files of one tree with the C loader": parse,
        },
        turns,
    )
