"""The command that shows tickets against repositories."""

from __future__ import annotations

from typing import Annotated

import typer

from ..views.render import Format
from .app import app
from .groups import PLACE, Files, Looking, Narrowing, about, grouped, shown_as, without
from .options import USUAL_TIMEOUT, AllOption, TimeoutOption
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def status(
    context: typer.Context,
    *,
    format: Annotated[Format, shown_as("results.drift.TicketsStatus")],
    files: Annotated[Files, without("archive_bytes")],
    narrowing: Annotated[Narrowing, about(PLACE)],
    looking: Looking,
    everything: AllOption = False,
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Show tickets against repositories, in search order.

    Each cell is one word: searched at its place, missing, pending, retired
    and so on.  It is the same drift that `drift` tells, laid beside what is
    declared.

    Ends with 0 in sync, 2 with drift, 4 where all of it is awaited, 1 where a
    place could not be seen.

    \b
    Examples:
      calibstate status
      calibstate status summit/LSSTComCam usdf/main
      calibstate status --site summit --ticket DM-48520
      calibstate status --observed published --format markdown
      calibstate status --format json
    """
    from ..work.status import status

    session = begin(context, narrowing, looking, files, remembers=not looking.no_cache, timeout=timeout)
    finish(status(session, everything=everything), format)
