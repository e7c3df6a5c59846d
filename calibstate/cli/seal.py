"""The command that writes down what a ticket contains."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..engine.seal import make_seal
from ..errors import Diagnostic, UsageError
from ..factory.clock import utc_now
from ..factory.places import Places
from ..model.desired import DesiredState
from ..model.scope import Scope
from ..model.tickets import Ticket
from ..store import sealfile
from ..views.messages import count
from . import completing, screen
from .app import ExitCode, app
from .tree import check_scope, load


@app.command()
def seal(
    context: typer.Context,
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
    desired = load(context)
    places = Places(desired)
    for ticket in _asked(desired, tickets):
        with screen.progress("reading") as watch:
            warnings: list[Diagnostic] = []
            made = make_seal(ticket, desired, places, utc_now(), watch, warn=warnings.append)
        screen.told(warnings)
        path = sealfile.write(Path(desired.root), made)
        screen.print_lines(
            [
                f"{path.relative_to(desired.root)}: {count(made.files, 'file')}, {made.bytes} bytes",
                f"  digest {made.digest}",
            ]
        )
    raise typer.Exit(ExitCode.DONE)


def _asked(desired: DesiredState, words: list[str]) -> list[Ticket]:
    """Return the tickets that the command line names.

    Raises
    ------
    UsageError
        One is not declared, or is one of several instruments.
    """
    narrowed = Scope(tickets=tuple(words))
    check_scope(desired, narrowed)
    found = [written.noun for key, written in sorted(desired.tickets.items()) if narrowed.has_ticket(key)]
    for word in words:
        several = [ticket.name for ticket in found if ticket.ticket == word]
        if len(several) > 1:
            raise UsageError(
                Diagnostic(
                    "Ticket of several instruments",
                    f"{word} is declared for {', '.join(several)}.",
                    hint=f"Name one: calibstate seal {several[0]}.",
                )
            )
    return found
