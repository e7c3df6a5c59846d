"""The command that tells what lookups get on a night."""

from __future__ import annotations

from typing import Annotated

import typer

from ..views.render import Format
from .app import app
from .groups import PLACE, Looking, Narrowing, about, grouped, shown_as, without
from .options import USUAL_TIMEOUT, AtOption, TimeoutOption, TypeOption
from .questions import asked_while
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def effective(
    context: typer.Context,
    *,
    night: Annotated[
        str | None,
        typer.Option(
            "--night",
            metavar="today|YYYYMMDD",
            envvar="CALIBSTATE_NIGHT",
            help="An observing day, noon to noon in TAI; today unless told.",
        ),
    ] = None,
    at: AtOption = None,
    type: TypeOption = None,
    format: Annotated[Format, shown_as("results.lookups.EffectiveFound")],
    narrowing: Annotated[Narrowing, about(PLACE), without("ticket")],
    looking: Annotated[Looking, without("no_cache")],
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Tell what lookups get on a night: each type and filter, which ticket.

    First where a repository differs from most; then what wins for each
    dataset type and filter, the detectors for which something else does, the
    changes within the night, and the gaps, in which nothing is found.  A
    place that is named is shown; the others are looked at too, to compare,
    unless --only-here is given.

    Ends with 0 when that is told, also where repositories differ or nothing
    is found; 1 where a repository could not be seen, 64 for a word that
    nobody knows.

    \b
    Examples:
      calibstate effective
      calibstate effective summit/LSSTComCam --night 20241110
      calibstate effective --at now --type flat
      calibstate effective bts --night today --only-here --format markdown
    """
    from ..work.effective import effective

    session = begin(context, narrowing, looking, timeout=timeout)
    when = asked_while(night, at, session.now())
    finish(effective(session, when, type or ()), format)
