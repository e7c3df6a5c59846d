"""The command that tells which ticket wins when."""

from __future__ import annotations

from typing import Annotated

import typer

from ..views.render import Format
from . import completing
from .app import app
from .groups import PLACE_OR_CHAIN, Looking, Narrowing, about, grouped, shown_as, without
from .options import USUAL_TIMEOUT, AtRevisionOption, TimeoutOption, TypeOption
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def timeline(
    context: typer.Context,
    *,
    chain: Annotated[
        list[str] | None,
        typer.Option(
            "--chain",
            metavar="CHAIN",
            envvar="CALIBSTATE_CHAIN",
            autocompletion=completing.chains,
            help="CHAIN as an option; can be repeated.",
        ),
    ] = None,
    at: AtRevisionOption = None,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            metavar="BASE",
            envvar="CALIBSTATE_BASE",
            help="Before and after: a commit, branch, tag or date; only what changes is shown.",
        ),
    ] = None,
    type: TypeOption = None,
    format: Annotated[Format, shown_as("results.timelines.TimelinesDrawn")],
    narrowing: Annotated[Narrowing, about(PLACE_OR_CHAIN), without("ticket")],
    looking: Annotated[Looking, without("no_cache")],
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Tell which ticket wins when, by dataset type and filter.

    Of declared chains the seals tell, and no butler is asked; of a place, what
    is live there.  As text each change has a column of its own, so that a loss
    of one night is as wide as that of a year; as SVG time is linear.  Where
    something else wins for some detectors, they are counted and named.

    Ends with 0 when told; 1 where a repository could not be seen.

    \b
    Examples:
      calibstate timeline
      calibstate timeline LSSTComCam/calib --type flat
      calibstate timeline --base main --format markdown
      calibstate timeline --at v1.2 -o calib.svg
      calibstate timeline summit/LSSTComCam
    """
    from ..work.timeline import timeline

    session = begin(context, narrowing, looking, timeout=timeout)
    finish(timeline(session, (*narrowing.places, *(chain or ())), at, base, type or ()), format)
