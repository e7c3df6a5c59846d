"""The command that prepares to take a ticket out everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

from ..views.render import Format
from . import completing
from .app import app
from .groups import grouped, shown_as
from .nouns import Noun
from .options import CommitOption, DryRunOption, ObservedUntilOption, end_of_observing
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def rollback(
    context: typer.Context,
    *,
    ticket: Annotated[
        str,
        Noun("TICKET", "Or INSTRUMENT/TICKET; or one collection of a bare ticket.", completing.tickets),
    ],
    because: Annotated[
        str,
        typer.Option("--because", metavar="REASON", help="Why; it is kept."),
    ] = "rolled back",
    commit: CommitOption = False,
    dry_run: DryRunOption = False,
    observed_until: ObservedUntilOption = None,
    format: Annotated[Format, shown_as("results.proposals.RolledBack")],
) -> None:
    """Prepare the change that takes a ticket out everywhere.

    In every chain that lists it, the ticket is moved from `entries` to
    `retired`, with the reason; all else in the files stays, comments too.
    Which lookups that changes is shown, and what is still searched where until
    it is applied.  No place is looked at or written, and no data is deleted.

    --commit commits these files alone, on the new branch rollback-TICKET that
    is then checked out; it is refused (3) where they have other uncommitted
    changes.

    \b
    Examples:
      calibstate rollback DM-48520 --dry-run
      calibstate rollback DM-48520 --because "striped at the edge"
      calibstate rollback LSSTComCam/DM-48520 --because "striped" --commit
    """
    from ..work.rollback import rollback

    session, until = begin(context), end_of_observing(observed_until)
    finish(rollback(session, ticket, because, until, write=not dry_run, commit=commit), format)
