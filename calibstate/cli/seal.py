"""The command that writes down what a ticket contains."""

from __future__ import annotations

from typing import Annotated

import typer

from ..views.render import Format
from . import completing
from .app import app
from .groups import grouped, shown_as
from .nouns import Noun
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def seal(
    context: typer.Context,
    *,
    tickets: Annotated[
        list[str] | None,
        Noun("TICKET", "Tickets, or INSTRUMENT/TICKET; all without a seal unless told.", completing.tickets),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Name the digest under `approval` of the ticket's file too.")
    ] = False,
    format: Annotated[Format, shown_as("results.tickets.SealsWritten")],
) -> None:
    """Write down what a ticket contains, from its origin.

    Every file is read.  The seal is what the board approves: commit it with
    the ticket.  With --write its digest is named under `approval` in the
    ticket's file too, for a ticket that is sealed already as well; `adopt`
    does that by itself.

    Without a ticket all are sealed that are adopted and have no seal.

    Ends with 0 when written, 3 where the origin does not hold a ticket, or
    not what was sealed or approved before; the others are sealed all the same.

    \b
    Examples:
      calibstate seal DM-48955
      calibstate seal LSSTComCam/DM-48520 LSSTComCam/DM-48955
      calibstate seal DM-48955 --write
      calibstate seal --format json
    """
    from ..work.seal import seal

    finish(seal(begin(context), tickets or (), write=write), format)
