"""The command that writes down what repositories show, for other sites."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..views.render import Format
from .app import app
from .groups import PLACE, Files, Looking, Narrowing, about, grouped, shown_as, without
from .options import USUAL_TIMEOUT, PublishOption, TimeoutOption
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def observe(
    context: typer.Context,
    *,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", envvar="CALIBSTATE_OUTPUT", help="Write to a file."),
    ] = None,
    publish: PublishOption = False,
    format: Annotated[Format, shown_as("results.places_looked_at.ObservationsWritten")],
    files: Annotated[Files, without("archive_bytes")],
    narrowing: Annotated[Narrowing, about(PLACE), without("ticket")],
    looking: Annotated[Looking, without("observed", "max_age", "no_cache")],
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Write down what repositories show, for who cannot see them.

    `drift`, `plan` and `fingerprint` read it elsewhere with `--observed`.

    Ends with 0 when all is written, 1 where a repository could not be seen;
    the others are written.

    \b
    Examples:
      calibstate observe --site summit --publish
      calibstate observe --site summit --files -o summit.json
    """
    from ..work.observe import observe

    session = begin(context, narrowing, looking, files, timeout=timeout)
    finish(observe(session, output, publish=publish), format)
