"""The command that declares a ticket as its origin has it."""

from __future__ import annotations

from typing import Annotated

import typer

from ..views.render import Format
from . import completing
from .app import app
from .groups import grouped, shown_as
from .nouns import Noun
from .options import (
    USUAL_TIMEOUT,
    BranchOption,
    CommitOption,
    DryRunOption,
    ObservedUntilOption,
    TimeoutOption,
    end_of_observing,
)
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def propose(
    context: typer.Context,
    *,
    ticket: Annotated[str, Noun("TICKET", "The construction ticket, or INSTRUMENT/TICKET.")],
    sources: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="COLLECTION",
            help="A chain whose children it holds, or a collection of it; else INSTRUMENT/calib/TICKET.",
        ),
    ] = None,
    instrument: Annotated[
        str | None,
        typer.Option(
            "--instrument",
            metavar="INSTRUMENT",
            envvar="CALIBSTATE_INSTRUMENT",
            autocompletion=completing.instruments,
            help="Whose it is, where several instruments may be meant.",
        ),
    ] = None,
    summary: Annotated[
        str | None, typer.Option("--summary", metavar="TEXT", help="What it brings, in a line.")
    ] = None,
    taxicab: Annotated[
        str | None,
        typer.Option("--taxicab", metavar="TAXICAB-n", help="The board's ticket, if there is one already."),
    ] = None,
    no_seal: Annotated[
        bool,
        typer.Option("--no-seal", help="Do not read the files to seal it."),
    ] = False,
    commit: CommitOption = False,
    branch: BranchOption = None,
    dry_run: DryRunOption = False,
    observed_until: ObservedUntilOption = None,
    format: Annotated[Format, shown_as("results.proposing.TicketProposed")],
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Declare a ticket as its origin has it, and seal it.

    Its collections are the children of INSTRUMENT/calib/TICKET, else what is
    certified below that name.  The ticket's file is written, with the status
    `proposed`, and its seal, for which every file is read.  Which lookups
    would change once it is adopted is shown.  Nothing is deployed before that:
    `adopt` writes the decision, and the entry of the chain.

    Of a ticket that is declared already only what lacks is written; twice does
    no harm.  --commit commits these files alone, on the new branch
    propose-TICKET that is then checked out.

    Ends with 0, with 1 where the origin cannot be seen, with 3 where the
    ticket is declared with other collections or cannot be deployed, and with
    64 where there are no such collections.

    \b
    Examples:
      calibstate propose DM-48955 --dry-run
      calibstate propose DM-48955 --summary "Illumination corrections"
      calibstate propose DM-48955 --from LSSTComCam/calib/DM-48955 --commit
    """
    from ..work.propose import Wanted, propose

    session, until = begin(context, timeout=timeout), end_of_observing(observed_until)
    wanted = Wanted(ticket, tuple(sources or ()), instrument, summary, taxicab, seal=not no_seal)
    finish(propose(session, wanted, until, write=not dry_run, commit=commit, branch=branch), format)
