"""The command that breaks a lock."""

from __future__ import annotations

from typing import Annotated

import typer

from ..views.render import Format
from . import completing
from .app import app
from .groups import grouped, shown_as
from .nouns import Noun
from .options import USUAL_TIMEOUT, TimeoutOption
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def unlock(
    context: typer.Context,
    *,
    place: Annotated[str, Noun("PLACE", "SITE/REPOSITORY, archive or rucio.", completing.places)],
    id: Annotated[
        str | None,
        typer.Option(
            "--id", metavar="ID", envvar="CALIBSTATE_ID", help="Id of the lock, as who was refused was told."
        ),
    ] = None,
    format: Annotated[Format, shown_as("results.places_looked_at.LockBroken")],
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Break the lock of a run that is surely no more.

    A lock whose holder was on this host is taken over by the next run, so
    this is for those of other hosts.  First make sure that the run there has
    ended: two that write at once are what locks are for.  Without --id, and
    with that of another lock, nothing is broken, and who holds it is told.

    Ends with 0 when it is broken, or when there is none, 3 where another one
    is there or its holder lives on this host, 1 where the records cannot be
    reached.

    \b
    Examples:
      calibstate unlock summit/LSSTComCam
      calibstate unlock summit/LSSTComCam --id 0b7e9b4c5f6d4e4f8a1d2c3b4a596877
    """
    from ..work.unlock import unlock

    finish(unlock(begin(context, timeout=timeout), place, id), format)
