"""A whole world to try, built and taken through the main job."""

from __future__ import annotations

import io
import shlex
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import demo as demo_package
from ..errors import CalibstateError, Diagnostic, ExitCode, UsageError
from ..kinds.table import own_folders
from ..store import statefile
from . import demo_construction, screen
from .app import app, run
from .demo_construction import By
from .demo_page import show_page
from .groups import grouped
from .nouns import Noun

if TYPE_CHECKING:
    from ..demo.world import Carrier, Demo

__all__ = ["build_world"]

DEFAULT = Path("calibstate-demo")

_PAUSE = 0.5
"""Seconds between two rounds of Rucio's daemons."""


@app.command()
@grouped
def demo(
    *,
    folder: Annotated[
        Path,
        Noun(
            "DIR",
            "A new folder for repositories, archive and state.",
            names=("-o", "--output"),
            has_variable=False,
        ),
    ] = DEFAULT,
    fast: Annotated[
        bool, typer.Option("--fast", envvar="CALIBSTATE_FAST", help="Leave Rucio out: everything is copied.")
    ] = False,
    only_build: Annotated[
        bool, typer.Option("--only-build", envvar="CALIBSTATE_ONLY_BUILD", help="Build it and stop there.")
    ] = False,
    serve: Annotated[
        bool, typer.Option("--serve", envvar="CALIBSTATE_SERVE", help="Keep Rucio running until Ctrl-C.")
    ] = False,
    construct: Annotated[
        bool,
        typer.Option("--construct", envvar="CALIBSTATE_CONSTRUCT", help="Make a ticket from raws."),
    ] = False,
    whole: Annotated[
        bool,
        typer.Option("--whole", envvar="CALIBSTATE_WHOLE", help="All of DMTN-222 section 7: many minutes."),
    ] = False,
    by: Annotated[
        By | None,
        typer.Option(
            "--by",
            metavar="|".join(by.value for by in By),
            envvar="CALIBSTATE_BY",
            help="What makes it; bps unless told.",
        ),
    ] = None,
) -> None:
    """Show the main job on a world of its own.

    Four real repositories with the published LSSTComCam chain, an archive,
    and a real Rucio with its daemons, are built in a new folder.  Rucio's
    server needs an environment of its own, which `make demo` makes in a
    checkout; with --fast nothing of Rucio is needed.

    With --construct it is another world: an origin with raws, and a summit.
    DM-48520 is made by the real bps, on stand-ins for the Rubin stack, and
    deployed.  Three products take a few minutes; --whole makes all ten.

    \b
    Examples:
      calibstate demo
      calibstate demo --fast
      calibstate demo --construct
      calibstate demo /tmp/world --only-build --serve
    """
    if construct:
        _check_empty(folder)
        _check_alone(fast=fast, serve=serve)
        _construct(folder, by or By.BPS, whole=whole, only_build=only_build)
    if whole or by:
        raise UsageError(
            Diagnostic("Nothing is constructed", "--whole and --by say how --construct makes its ticket.")
        )
    _check_usage(folder, fast=fast, only_build=only_build, serve=serve)
    with _carrier(folder, fast=fast) as carrier:
        screen.tell("Building four repositories with the LSSTComCam chain; the summit is two tickets behind,")
        screen.tell("the base test stand too, and somebody changed its chain by hand.")
        world = build_world(folder, carrier)
        page = None
        if not only_build:
            _show_carried(world, carrier) if carrier else _show(world)
            page = show_page(world.state, world.folder / "pages", _step, _hidden)
        if carrier and serve:
            _serve(carrier)
    if only_build and not serve:
        screen.print_lines([_next(world.folder, "drift")])
    elif not serve:
        how_to_go_on = _with_rucio if world.carrier else _by_hand
        screen.print_lines([how_to_go_on(world.folder)])
        if page:
            screen.print_lines(["", f"What is deployed where: open {page} in a browser."])
    raise typer.Exit(ExitCode.DONE)


def _construct(folder: Path, by: By, *, whole: bool, only_build: bool) -> None:
    """Show how a ticket is made from raws and deployed."""
    demo_construction.check_installed()
    screen.tell("Building an origin with raws of two detectors, and a summit; nothing is made of them yet.")
    world = demo_construction.build(folder, by, whole=whole)
    if only_build:
        from ..demo.construction.ticket import TICKET

        screen.print_lines([_next(folder, f"construct {TICKET}")])
    else:
        demo_construction.walk(world, _step)
        screen.print_lines([demo_construction.how_to_go_on(world)])
    raise typer.Exit(ExitCode.DONE)


def _check_alone(*, fast: bool, serve: bool) -> None:
    if fast or serve:
        raise UsageError(
            Diagnostic(
                "There is no Rucio",
                "--construct has a world of its own, without Rucio: --fast and --serve say nothing there.",
            )
        )


def _check_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            Diagnostic(
                "Folder is not empty",
                f"{folder} is there already, and the demonstration overwrites nothing.",
                hint="Name another folder, or remove this one.",
            )
        )


def _check_usage(folder: Path, *, fast: bool, only_build: bool, serve: bool) -> None:
    _check_empty(folder)
    if fast and serve:
        raise UsageError(
            Diagnostic("Nothing to serve", "--fast leaves Rucio out, so --serve has nothing to keep running.")
        )
    if only_build and not fast and not serve:
        raise UsageError(
            Diagnostic(
                "Rucio would be gone",
                "The Rucio of the demonstration ends with it, and nothing built could be looked at.",
                hint="Add --serve, which keeps it running, or --fast, which leaves it out.",
            )
        )


@contextmanager
def _carrier(folder: Path, *, fast: bool) -> Iterator[Carrier | None]:
    """Have a Rucio while the demonstration goes on, unless it is left out."""
    if fast:
        yield None
        return
    from ..demo.rucio.server import find_server

    find_server()  # Before anything is made.
    screen.tell("Starting Rucio: its server, a database, three storage elements, and what moves files.")
    from ..demo.rucio.site import RucioSite
    from ..demo.world import Carrier

    with RucioSite.running(folder / "rucio") as site:
        site.configure()
        yield Carrier(site)


def build_world(folder: Path, carrier: Carrier | None) -> Demo:
    """Build a world whose summit and base test stand lack two tickets.

    Parameters
    ----------
    folder
        A new folder.
    carrier
        The Rucio that carries; without it everything is copied.
    """
    # The observatory's own declaration: as installed, or beside the source.
    packaged = Path(str(files(demo_package))) / "state"
    beside = Path(__file__).parents[2] / "state"
    state = packaged if packaged.is_dir() else beside
    declared, _ = statefile.load(state, own=own_folders())
    with screen.progress("making") as watch:
        watch("tickets", 0, 1)
        from ..demo.world import build, declare_newest

        world = build(folder, declared, lambda done, total: watch("tickets", done, total), carrier)
    if carrier:
        screen.tell("Rucio carries the older tickets to both, as it will carry the newest.")
        _deploy(world, ExitCode.PENDING)
        carrier.site.drain(carrier.scope)
        _deploy(world, ExitCode.DONE)
        declare_newest(world, declared)
    return world


def _deploy(world: Demo, expected: ExitCode) -> None:
    """Do all that can be done of what is declared so far."""
    code, printed = _hidden("-C", str(world.state), "apply", "--yes")
    if code != expected:
        last = "\n".join(printed.splitlines()[-12:])
        raise CalibstateError(
            Diagnostic(
                "Demonstration was not built",
                f"Its older tickets were not deployed (code {code}); the last that was said is:\n{last}",
                hint=f"What Rucio's server says is in {world.folder / 'rucio' / 'server' / 'log'}; "
                "`calibstate demo --fast` leaves Rucio out.",
            )
        )


def _hidden(*arguments: str) -> tuple[int, str]:
    """Run a command, and return its exit code and what it printed."""
    with redirect_stdout(io.StringIO()) as printed:
        code = run(arguments)
    return code, printed.getvalue()


def _show(world: Demo) -> None:
    state, plan = str(world.state), str(world.folder / "plan.json")
    _look(state, plan)
    _step("Do exactly that.", "-C", state, "apply", plan, "--yes")
    _step("And again: nothing is left to do.", "-C", state, "plan")


def _show_carried(world: Demo, carrier: Carrier) -> None:
    state, plan = str(world.state), str(world.folder / "plan.json")
    _look(state, plan)
    _step(
        "Do what the USDF has to do: export, register, ask for it to be brought.  Ends with 4: pending.",
        *("-C", state, "apply", plan, "--site", "usdf", "--yes"),
    )
    _step(
        "What does the summit wait for?  Until here Rucio's daemons were held back.",
        *("-C", state, "drift", "--site", "summit"),
    )
    carrier.site.auto(_PAUSE)
    _step("All the rest in one go, as it arrives.", "-C", state, "apply", "--yes", "--wait", "10m")
    _step("And again: nothing is left to do.", "-C", state, "plan")


def _look(state: str, plan: str) -> None:
    _step("Is what is declared sound?", "-C", state, "validate")
    _step("Where have the repositories left it?", "-C", state, "drift")
    _step("What would have to be done? Nothing is written but the plan.", "-C", state, "plan", "-o", plan)


def _step(words: str, *arguments: str) -> None:
    """Say what comes, show the command, and run it."""
    screen.print_lines(["", f"# {words}", f"$ calibstate {shlex.join(arguments)}"])
    run(arguments)


def _serve(carrier: Carrier) -> None:
    """Keep Rucio running, and say how it is found."""
    carrier.site.auto(_PAUSE)
    screen.print_lines(["", "Rucio is running until Ctrl-C.  In another terminal it is found by:", ""])
    screen.print_lines(
        f"export {name}={shlex.quote(value)}" for name, value in carrier.site.environment().items()
    )
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        screen.tell("Stopping Rucio.")


def _next(folder: Path, command: str) -> str:
    return f"""
next:
  cd {shlex.quote(str(folder))}
  calibstate {command}"""


def _with_rucio(folder: Path) -> str:
    return f"""
Rucio has stopped; repositories, archive and storage elements stay in {folder}.

To go on by hand, with Rucio: calibstate demo DIR --serve
To go on by hand without it:  calibstate demo DIR --fast
The stock tools see the same: butler query-collections {folder}/repo/summit-LSSTComCam --chains tree"""


def _by_hand(folder: Path) -> str:
    return f"""
How to go on by hand, in {folder}:

  calibstate -C {folder}/state show summit/LSSTComCam
  Take a ticket off the chain: move its line in {folder}/state/chains/LSSTComCam.yaml
  from `entries` to `retired` with a reason, then `calibstate -C {folder}/state plan`.
  Lose a file: delete one below {folder}/repo/summit-LSSTComCam, then
  `calibstate -C {folder}/state apply --files` brings it back from the archive.
  The stock tools see the same: butler query-collections {folder}/repo/summit-LSSTComCam --chains tree"""
