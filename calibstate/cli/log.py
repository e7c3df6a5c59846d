"""The command that tells what was done, from the journals."""

from __future__ import annotations

from typing import Annotated

import typer

from ..views.render import Format
from .app import app
from .groups import Narrowing, grouped, shown_as, without
from .nouns import Noun
from .options import USUAL_TIMEOUT, LimitOption, TimeoutOption, beginning_of_journals
from .sessions import begin
from .showing import finish

_USUAL_LIMIT = 20


@app.command()
@grouped
def log(
    context: typer.Context,
    *,
    run: Annotated[str | None, Noun("RUN", "One run, event by event.")] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="DATE|DURATION", envvar="CALIBSTATE_SINCE", help="From 2026-11-01 on, or 7d."
        ),
    ] = None,
    limit: LimitOption = None,
    format: Annotated[Format, shown_as("results.runs.RunsListed")],
    narrowing: Annotated[Narrowing, without("exclude")],
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Tell what was done, by whom, when, and from which commit.

    The newest run comes first; 20 are told unless --limit says otherwise.  A
    run that was cut off is told with what it had begun.  Journals are history:
    what is so is told by `drift`.

    Ends with 0 when told, 1 where a store of records could not be read.

    \b
    Examples:
      calibstate log
      calibstate log --ticket DM-48955 --since 30d
      calibstate log 20261123T014325Z-0a1b2c3d
    """
    from ..work.log import log

    finish(
        log(
            begin(context, narrowing, timeout=timeout),
            run,
            beginning_of_journals(since),
            limit or _USUAL_LIMIT,
        ),
        format,
    )
