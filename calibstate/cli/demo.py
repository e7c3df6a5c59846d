"""A whole world to try, built and taken through the main job."""

from __future__ import annotations

import shlex
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from .. import demo as demo_package
from ..errors import Diagnostic, UsageError
from ..model.desired import DesiredState
from ..store import statefile
from . import screen
from .app import ExitCode, app, run

DEFAULT = Path("calibstate-demo")


@app.command()
def demo(
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="A new folder for repositories, archive and state.")
    ] = DEFAULT,
    only_build: Annotated[  # noqa: FBT002
        bool, typer.Option("--only-build", envvar="CALIBSTATE_ONLY_BUILD", help="Build it and stop there.")
    ] = False,
) -> None:
    r"""Show the main job on a world of its own.

    Four real repositories with the published LSSTComCam chain, and an
    archive, are built in a new folder.

    \b
    Examples:
      calibstate demo
      calibstate demo /tmp/world --only-build
    """
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(
            Diagnostic(
                "Folder is not empty",
                f"{folder} is there already, and the demonstration overwrites nothing.",
                hint="Name another folder, or remove this one.",
            )
        )
    _build(folder)
    if not only_build:
        _show(folder)
    raise typer.Exit(ExitCode.DONE)


def _build(folder: Path) -> None:
    screen.tell("Building four repositories with the LSSTComCam chain; the summit is two tickets behind,")
    screen.tell("the base test stand too, and somebody changed its chain by hand.")
    declared = _declaration()
    with screen.progress("making") as watch:
        watch("tickets", 0, 1)
        from ..demo.world import build

        build(folder, declared, lambda done, total: watch("tickets", done, total))


def _declaration() -> DesiredState:
    """Return the observatory's own declaration."""
    packaged = Path(str(files(demo_package))) / "state"
    beside = Path(__file__).parents[2] / "state"
    declared, _ = statefile.load(packaged if packaged.is_dir() else beside)
    return declared


def _show(folder: Path) -> None:
    state, plan = str(folder / "state"), str(folder / "plan.json")
    _step("Is what is declared sound?", "-C", state, "validate")
    _step("Where have the repositories left it?", "-C", state, "drift")
    _step("What would have to be done? Nothing is written but the plan.", "-C", state, "plan", "-o", plan)
    _step("Do exactly that.", "-C", state, "apply", plan, "--yes")
    _step("And again: nothing is left to do.", "-C", state, "plan")
    screen.print_lines([_how_to_go_on(folder)])


def _step(words: str, *arguments: str) -> None:
    """Say what comes, show the command, and run it."""
    screen.print_lines(["", f"# {words}", f"$ calibstate {shlex.join(arguments)}"])
    run(arguments)


def _how_to_go_on(folder: Path) -> str:
    return f"""
How to go on by hand, in {folder}:

  calibstate -C {folder}/state show summit/LSSTComCam
  Take a ticket off the chain: move its line in {folder}/state/chains/LSSTComCam.yaml
  from `entries` to `retired` with a reason, then `calibstate -C {folder}/state plan`.
  Lose a file: delete one below {folder}/repo/summit-LSSTComCam, then
  `calibstate -C {folder}/state apply --files` brings it back from the archive.
  The stock tools see the same: butler query-collections {folder}/repo/summit-LSSTComCam --chains tree"""
