"""The command that shows the steps that would end the drift."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..views.render import Format
from . import completing
from .app import app
from .groups import PLACE, Files, Looking, Narrowing, Passing, about, grouped, shown_as
from .options import USUAL_TIMEOUT, AllOption, TimeoutOption
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def plan(
    context: typer.Context,
    *,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", envvar="CALIBSTATE_OUTPUT", help="Save the plan."),
    ] = None,
    after: Annotated[
        list[str] | None,
        typer.Option(
            "--after",
            metavar="SITE",
            envvar="CALIBSTATE_AFTER",
            autocompletion=completing.sites,
            help="As it will be when this site has done its own steps; with --site.",
        ),
    ] = None,
    format: Annotated[Format, shown_as("results.plans.PlanMade")],
    files: Files,
    narrowing: Annotated[Narrowing, about(PLACE)],
    looking: Looking,
    passing: Passing,
    everything: AllOption = False,
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Show the steps that would end the drift.

    They are ordered, and nothing is written but FILE.

    Ends with 0 in sync, 2 with steps, 3 with a refusal, 4 where something is
    awaited, 1 where a place could not be seen.

    \b
    Examples:
      calibstate plan
      calibstate plan --site summit -o plan.json
      calibstate plan --site summit --after usdf
      calibstate plan --observed summit.json --max-age 12h
    """
    from ..work.plan import plan

    session = begin(context, narrowing, looking, files, remembers=not looking.no_cache, timeout=timeout)
    finish(plan(session, passing.allowed(), after or (), output, everything=everything), format)
