"""How a construction stands, beside the queries that this needs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from calibstate.cli.app import run
from calibstate.demo.construction.world import SECTION_7
from tests.constructing import make_construction, middleware

from .measure import Measured, command, measure

__all__ = ["construct_question"]


def construct_question(folder: Path, turns: int) -> Measured:
    """Measure a look at section 7, of which all is made."""
    construction = make_construction(folder / "world", products=SECTION_7)
    state, repository = construction.tree.state, construction.world.repository
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in middleware(construction).items():
            monkeypatch.setenv(name, value)
        code = run(["-C", str(state), "construct", "DM-48520", "--run"])
        assert code == 0, "section 7 is made whole"

        def ours(turn: int) -> None:
            command("calibstate", "-C", state, "construct", "DM-48520")

        def queries(turn: int) -> None:
            command(sys.executable, "-m", "tests.bench.construction_queries", repository)

        return measure(
            "Look at the 42 steps of section 7",
            {
                "calibstate construct: all steps, and what the verifications say": ours,
                "a process that asks the butler what it needs for that": queries,
            },
            turns,
        )
