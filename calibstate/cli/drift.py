"""The command that tells where live places have left the declaration."""

from __future__ import annotations

from typing import Annotated

import typer

from ..views.render import Format
from .app import app
from .groups import PLACE, Files, Looking, Narrowing, about, grouped, shown_as
from .options import USUAL_TIMEOUT, AllOption, TimeoutOption
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def drift(
    context: typer.Context,
    *,
    format: Annotated[Format, shown_as("results.drift.DriftFound")],
    files: Files,
    narrowing: Annotated[Narrowing, about(PLACE)],
    looking: Looking,
    everything: AllOption = False,
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Tell where live places have left the declaration.

    Live chains that nobody declared are told too, with what captures them;
    they are no drift.

    Ends with 0 in sync, 2 with drift, 4 where all of it is awaited, 1 where a
    place could not be seen.

    \b
    Examples:
      calibstate drift
      calibstate drift summit --files
      calibstate drift --ticket DM-48520 --format json
      calibstate drift --observed published
      calibstate drift --observed published --format junit
    """
    from ..work.drift import drift

    session = begin(context, narrowing, looking, files, remembers=not looking.no_cache, timeout=timeout)
    finish(drift(session, everything=everything), format)
