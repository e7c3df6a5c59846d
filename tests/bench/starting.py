"""The start of short commands, beside imports that they cannot do without."""

from __future__ import annotations

import compileall
from pathlib import Path
from typing import Any

from .measure import BIN, ROOT, Measured, command, measure

__all__ = ["start_question"]

STATE = ROOT / "state"

SITE = f"calibstate -C {STATE} drift --site s"


def start_question(folder: Path, turns: int) -> Measured:
    """Measure commands that ask no place."""
    # Who compiles is measured once at most; an installation has it done.
    compileall.compile_dir(ROOT / "calibstate", quiet=2)
    return measure(
        "The start of commands that ask no place",
        {
            "calibstate --help": lambda turn: command("calibstate", "--help"),
            "calibstate, completion of a command": lambda turn: _complete("calibstate sta"),
            "calibstate, completion of --site": lambda turn: _complete(
                f"calibstate -C {STATE} drift --site s"
            ),
            "calibstate validate, demonstration": lambda turn: command("calibstate", "-C", STATE, "validate"),
            "python -c pass": lambda turn: command(BIN / "python", "-c", "pass"),
            "python -c 'import typer'": lambda turn: command(BIN / "python", "-c", "import typer"),
            "python -c 'import typer, pydantic, yaml, rich.console'": lambda turn: command(
                BIN / "python", "-c", "import typer, pydantic, yaml, rich.console"
            ),
            "butler --help": lambda turn: command("butler", "--help"),
        },
        turns,
    )


def _complete(line: str) -> str:
    words: dict[str, Any] = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    return command("calibstate", _CALIBSTATE_COMPLETE="complete_bash", **words)
