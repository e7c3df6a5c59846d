"""A ticket that is made from raws, and deployed, in a world of its own."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Diagnostic, RefusedError
from . import screen

if TYPE_CHECKING:
    from ..demo.construction.tree import ConstructionDemo

__all__ = ["By", "build", "check_installed", "how_to_go_on", "walk"]


class By(Enum):
    """What runs the templates of a construction."""

    BPS = "bps"
    PIPETASK = "pipetask"
    HERE = "here"


_NEEDED = ("lsst.ctrl.mpexec", "lsst.ctrl.bps", "lsst.ctrl.bps.parsl", "parsl")
"""Packages of the extra `construct`."""

Step = Callable[..., None]
"""Says what comes, shows a command, and runs it."""


def check_installed() -> None:
    """Refuse to begin where nothing could be made.

    Raises
    ------
    RefusedError
        The extra `construct` is not installed.
    """
    missing = []
    for package in _NEEDED:
        # What holds it may not be there either.
        try:
            spec = importlib.util.find_spec(package)
        except ModuleNotFoundError:
            spec = None
        if spec is None:
            missing.append(package)
    if missing:
        raise RefusedError(
            Diagnostic(
                "Calibrations cannot be made here",
                f"{', '.join(missing)} is not installed.",
                hint="Install it with `pip install 'calibstate[construct]'`; "
                "`calibstate demo` alone needs nothing of it.",
            )
        )


def build(folder: Path, by: By, *, whole: bool) -> ConstructionDemo:
    """Build an origin with raws, a summit, and the tree that declares both.

    Parameters
    ----------
    folder
        A new folder.
    by
        What runs the templates.
    whole
        All of DMTN-222 section 7, and not three products of it.
    """
    with screen.progress("making") as watch:
        watch("worlds", 0, 1)
        from ..demo.construction.tree import build_construction
        from ..demo.construction.world import SECTION_7, SMALL

        return build_construction(folder, SECTION_7 if whole else SMALL, by.value)


def walk(demo: ConstructionDemo, step: Step) -> None:
    """Make the ticket, adopt it, and deploy it to the summit."""
    from ..demo.construction.ticket import LOOK_AT, TICKET
    from ..demo.construction.tree import declare_adopted

    state, plan = str(demo.state), str(demo.folder / "plan.json")
    construct = ("-C", state, "construct", TICKET)
    step("What is declared, and what does the repository show of it?", *construct)
    step("Make the first.  It ends with 4: somebody has to look at its images.", *construct, "--run")
    looked = [word for product in LOOK_AT for word in ("--looked", product)]
    step(
        "Say that all images were looked at, those to come too: it goes on to the end.",
        *construct,
        "--run",
        *looked,
    )
    step("All is made.  Write it into the ticket's file, for a person to commit.", *construct, "--write")
    step("Seal what was made, so that nobody can change what is approved.", "-C", state, "seal", TICKET)
    declare_adopted(demo.state)
    step(
        "The board has adopted it, and somebody has put it into the chain.  What has to be done?",
        *("-C", state, "plan", "-o", plan),
    )
    step("Do exactly that.", "-C", state, "apply", plan, "--yes")
    step("Is it at the summit as it was made?", "-C", state, "verify", "--site", "summit")


def how_to_go_on(demo: ConstructionDemo) -> str:
    """Return what somebody may try in the world that is left."""
    from ..demo.construction.ticket import TICKET

    state = demo.state
    return f"""
How to go on by hand, in {demo.folder}:

  calibstate -C {state} construct {TICKET} --record {TICKET}.md
  calibstate -C {state} construct {TICKET} --format shell
  The file that says how it is made: {demo.ticket_file}
  The stock tools see the same: butler query-collections {demo.world.repository} --chains tree"""
