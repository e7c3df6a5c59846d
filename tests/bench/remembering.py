"""Who changed a chain, beside ``git log`` of the same files."""

from __future__ import annotations

import io
import subprocess
from contextlib import redirect_stdout
from pathlib import Path

from calibstate.cli.app import run
from tests.past import CHAINS, make_past

from .measure import Measured, measure

__all__ = ["history_question"]

COMMITS = 500


def history_question(folder: Path, turns: int) -> Measured:
    """Measure the history of a chain over 500 commits."""
    made = make_past(folder / "made", COMMITS)

    def ours(turn: int) -> None:
        with redirect_stdout(io.StringIO()):
            code = run(["-C", str(made.state), "history", CHAINS[0]])
        if code != 0:
            raise RuntimeError(f"history ended with {code}")

    def log(*words: str) -> None:
        git = ["git", "log", "--first-parent", "-m", *words, "HEAD", "--", "state/chains", "state/tickets"]
        subprocess.run(git, cwd=made.folder, check=True, capture_output=True)

    return measure(
        f"Who changed a chain in {COMMITS} commits",
        {
            "calibstate history: every tree read, checked and compared": ours,
            "git log -p: the lines that differ": lambda turn: log("-p"),
            "git log --raw: the files that differ": lambda turn: log("--raw"),
        },
        turns,
    )
