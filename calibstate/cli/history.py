"""The command that tells who changed a chain, and when."""

from __future__ import annotations

from typing import Annotated

import typer

from ..views.render import Format
from . import completing
from .app import app
from .groups import grouped, shown_as
from .nouns import Noun
from .options import LimitOption
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def history(
    context: typer.Context,
    *,
    chain: Annotated[str, Noun("CHAIN", "A declared chain, such as LSSTComCam/calib.", completing.chains)],
    ticket: Annotated[
        str | None,
        typer.Option(
            "--ticket", metavar="TICKET", envvar="CALIBSTATE_TICKET", help="Only what is about this ticket."
        ),
    ] = None,
    limit: LimitOption = None,
    format: Annotated[Format, shown_as("results.trees_compared.ChainHistory")],
) -> None:
    """Tell who changed a chain, when, and in which pull request.

    Along the first-parent line of HEAD, the newest first: what a pull request
    brought is told once, as of when it was merged, with the authors of its
    commits.  Told are the order of the chain, what is retired, and the
    tickets that it lists (approval, skip, collections).

    A commit at which the tree did not validate is named and passed over; what
    it changed is told of the next sound one.  The working tree is not looked
    at: `calibstate diff HEAD` tells of it.

    \b
    Examples:
      calibstate history LSSTComCam/calib
      calibstate history LSSTComCam/calib --ticket DM-48520
      calibstate history LSSTComCam/calib -n 3 --format json
    """
    from ..work.history import history

    finish(history(begin(context), chain, ticket, limit), format)
