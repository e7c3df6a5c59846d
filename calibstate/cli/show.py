"""The command that shows what is desired, or a saved plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..views.render import Format
from .app import app
from .groups import PLACE_OR_PLAN, Narrowing, about, grouped, shown_as
from .options import AtRevisionOption, refuse_together
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def show(
    context: typer.Context,
    *,
    plan: Annotated[
        Path | None,
        typer.Option("--plan", metavar="PLAN", help="PLAN as an option."),
    ] = None,
    at: AtRevisionOption = None,
    live: Annotated[
        bool,
        typer.Option(
            "--live",
            envvar="CALIBSTATE_LIVE",
            help="What sites were seen to search, by what they published; with --at on a date.",
        ),
    ] = False,
    format: Annotated[Format, shown_as("results.declared.DeclaredChains")],
    narrowing: Annotated[Narrowing, about(PLACE_OR_PLAN)],
) -> None:
    """Show the desired chains, or a saved plan.

    With --at as they were declared then.  A date means what the main branch,
    the first-parent line of HEAD, said at that moment: what counts is when a
    commit was made there, or merged (the committer's date), not when it was
    written.  A day is an observing day and means its end, noon of the next
    day in TAI.  When it was carried out at a site is told by `calibstate log`.

    With --live no place is asked: what a site searches, or searched on a
    date, is what it published with `calibstate observe --publish`.  Ends with
    1 where a site published nothing.

    \b
    Examples:
      calibstate show
      calibstate show summit/LSSTComCam
      calibstate show summit usdf/main
      calibstate show --at 2025-02-11 summit/LSSTComCam
      calibstate show --at v1.2
      calibstate show --live --at 2025-02-11 summit/LSSTComCam
      calibstate show plan.json
    """
    if plan and at:
        refuse_together(["--plan", "--at"])
    if plan and live:
        refuse_together(["--plan", "--live"])
    if live:
        from ..work.live import show_live

        finish(show_live(begin(context, narrowing), at), format)
        return
    from ..work.show import show

    finish(show(begin(context, narrowing), narrowing.places, plan, at), format)
