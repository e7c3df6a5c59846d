"""The command that looks whether one can work with the places."""

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
def doctor(
    context: typer.Context,
    *,
    format: Annotated[Format, shown_as("results.places_looked_at.Checkup")],
    narrowing: Annotated[Narrowing, about(PLACE), without("ticket")],
    looking: Annotated[Looking, without("observed", "max_age", "no_cache")],
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Tell whether one can work with the places from here.

    Each is asked whether it can be read, and could be written, for its
    versions, its clock, its free space, and who holds it.  Nothing is
    written anywhere.

    Ends with 0 where nothing failed, 1 where something did.

    \b
    Examples:
      calibstate doctor
      calibstate doctor summit --timeout 10s
      calibstate doctor --format json
    """
    from ..work.doctor import doctor

    finish(doctor(begin(context, narrowing, looking, timeout=timeout)), format)
