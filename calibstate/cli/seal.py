"""The command that writes down what a ticket contains."""

from __future__ import annotations

from typing import Annotated

import typer

from ..views.render import Format
from . import completing
from .app import app
from .groups import grouped
from .sessions import begin
from .showing import print_result


@app.command()
@grouped
def seal(
    context: typer.Context,
    *,
    tickets: Annotated[
        list[str],
        typer.Argument(
            metavar="TICKET…",
            autocompletion=completing.tickets,
            help="Tickets, or INSTRUMENT/TICKET.",
            show_default=False,
        ),
    ],
) -> None:
    """Write down what a ticket contains, from its origin.

    Every file is read.  The seal is what the board approves: commit it with
    the ticket, and name its digest under `approval`.

    Ends with 0 when written, 3 where the origin does not hold the ticket, or
    not what was sealed before.

    \b
    Examples:
      calibstate seal DM-48955
      calibstate seal LSSTComCam/DM-48520 LSSTComCam/DM-48955
    """
    from ..work.seal import seal

    for sealed in seal(begin(context), tickets):
        print_result(sealed, Format.TEXT)
