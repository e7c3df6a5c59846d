"""The command that writes down what the board has decided."""

from __future__ import annotations

from typing import Annotated

import typer

from ..views.render import Format
from . import completing
from .app import app
from .groups import grouped, shown_as
from .nouns import Noun
from .options import BranchOption, CommitOption, DryRunOption, ObservedUntilOption, end_of_observing
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def adopt(
    context: typer.Context,
    *,
    ticket: Annotated[str, Noun("TICKET", "The ticket, or INSTRUMENT/TICKET.", completing.tickets)],
    taxicab: Annotated[
        str, Noun("TAXICAB-n", "The board's ticket, by which it was adopted.", names=("--taxicab",))
    ],
    report: Annotated[
        str | None, typer.Option("--report", metavar="URL", help="Where the verification report is.")
    ] = None,
    date: Annotated[
        str | None,
        typer.Option(
            "--date", metavar="DATE", help="The day of the decision, YYYY-MM-DD; today unless told."
        ),
    ] = None,
    deployment: Annotated[
        str | None, typer.Option("--deployment", metavar="DM-n", help="The ticket of the distribution.")
    ] = None,
    note: Annotated[
        str | None, typer.Option("--note", metavar="TEXT", help="What there is to remark on it.")
    ] = None,
    chain: Annotated[
        str | None,
        typer.Option(
            "--chain",
            metavar="NAME",
            autocompletion=completing.chains,
            help="The chain that is to list it; INSTRUMENT/calib unless told.",
        ),
    ] = None,
    before: Annotated[
        str | None,
        typer.Option(
            "--before", metavar="ENTRY", help="The entry that it is put in front of; all of them unless told."
        ),
    ] = None,
    commit: CommitOption = False,
    branch: BranchOption = None,
    dry_run: DryRunOption = False,
    observed_until: ObservedUntilOption = None,
    format: Annotated[Format, shown_as("results.proposing.TicketAdopted")],
) -> None:
    """Write down that a ticket was adopted, and list it.

    The status, the board's ticket, the day and the digest of the seal in the
    tree go into the ticket's file; an entry goes in front of the chain.  All
    else in the files stays, comments too.  Which lookups change is shown.  No
    place is looked at or written.

    --commit commits these files alone: on the branch propose-TICKET where that
    is checked out, else on the new branch adopt-TICKET.

    Ends with 0, and with 3 where the ticket is not sealed, was rejected, or
    has another ticket of the board.

    \b
    Examples:
      calibstate adopt DM-48955 TAXICAB-30 --dry-run
      calibstate adopt DM-48955 TAXICAB-30 --report https://example.org/r
      calibstate adopt DM-48955 TAXICAB-30 --date 2025-03-04 --commit
    """
    from ..work.adopt import Wanted, adopt

    session, until = begin(context), end_of_observing(observed_until)
    wanted = Wanted(ticket, taxicab, report, date, deployment, note, chain, before)
    finish(adopt(session, wanted, until, write=not dry_run, commit=commit, branch=branch), format)
