"""The command that tells how it stands with approvals."""

from __future__ import annotations

from typing import Annotated

import typer

from ..views.render import Format
from .app import app
from .groups import TICKET, Narrowing, about, grouped, shown_as
from .options import USUAL_TIMEOUT, TimeoutOption
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def approvals(
    context: typer.Context,
    *,
    check: Annotated[
        bool, typer.Option("--check", envvar="CALIBSTATE_CHECK", help="Compare them with Jira.")
    ] = False,
    format: Annotated[Format, shown_as("results.tickets.ApprovalsListed")],
    narrowing: Annotated[Narrowing, about(TICKET)],
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Tell how it stands with the approval of each ticket.

    From the files alone; with --check what they say is compared with Jira,
    which CALIBSTATE_JIRA_URL names, and CALIBSTATE_JIRA_TOKEN opens.

    Ends with 0, with --check also with 1 where Jira says something else or
    could not be asked, and with 64 where nobody says where it is.

    \b
    Examples:
      calibstate approvals
      calibstate approvals --instrument LSSTComCam --format markdown
      calibstate approvals --check --timeout 10s
    """
    from ..work.approvals import approvals

    finish(approvals(begin(context, narrowing, timeout=timeout), check=check), format)
