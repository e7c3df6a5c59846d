"""The command that tells what nobody needs any more."""

from __future__ import annotations

from typing import Annotated

import typer

from ..views.render import Format
from .app import app
from .groups import PLACE, Looking, Narrowing, about, grouped, shown_as, without
from .options import USUAL_TIMEOUT, TimeoutOption
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def retention(
    context: typer.Context,
    *,
    format: Annotated[Format, shown_as("results.retention.RetentionTold")],
    narrowing: Annotated[Narrowing, about(PLACE), without("ticket")],
    looking: Annotated[Looking, without("no_cache", "only_here")],
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Tell what repositories keep, and what of it nobody needs any more.

    Nothing is deleted.  What repositories keep of calibrations is told by
    class, from A, what a chain selects, to G, RUNs of which nothing was
    certified: how much it is, what would be lost, what keeps it, and which
    command a person would use.  A place that is named is told of; all
    declared repositories are looked at, since what one selects is in use.

    Ends with 0 when that is told, 1 where a place could not be seen: then
    nothing is offered.

    \b
    Examples:
      calibstate retention
      calibstate retention usdf/main --format markdown
      calibstate retention --observed published
      calibstate retention --format json
    """
    from ..work.retention import retention

    finish(retention(begin(context, narrowing, looking, timeout=timeout)), format)
