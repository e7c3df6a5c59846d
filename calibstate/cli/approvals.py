"""The command that tells how it stands with approvals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from ..engine import approvals as verbs
from ..errors import Diagnostic, Severity, UnreachableError
from ..factory.tracker import jira
from ..model.approvals import Approved
from ..model.desired import DesiredState
from ..model.scope import Scope
from ..ports.tickets import Tracker
from ..store.documents import approvals as documents
from ..store.documents.base import plain
from ..views import approvals as views
from . import screen
from .app import ExitCode, app
from .options import (
    USUAL_TIMEOUT,
    ExcludeOption,
    Format,
    FormatOption,
    InstrumentOption,
    RepositoryOption,
    SiteOption,
    TicketOption,
    TimeoutOption,
    scope,
)
from .tree import check_scope, load


@app.command()
def approvals(
    context: typer.Context,
    check: Annotated[  # noqa: FBT002
        bool, typer.Option("--check", envvar="CALIBSTATE_CHECK", help="Compare them with Jira.")
    ] = False,
    format: FormatOption = Format.TEXT,
    site: SiteOption = None,
    repository: RepositoryOption = None,
    instrument: InstrumentOption = None,
    ticket: TicketOption = None,
    exclude: ExcludeOption = None,
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
    narrowed = scope(site, repository, instrument, ticket, exclude)
    desired = load(context)
    check_scope(desired, narrowed)
    if check:
        listed, findings = _compared(desired, narrowed, jira(timeout))
    else:
        listed, findings = verbs.approvals(desired, narrowed), ()
    _show(listed, findings, format, checked=check)
    failed = any(finding.severity is Severity.ERROR for finding in findings)
    raise typer.Exit(ExitCode.ERROR if failed else ExitCode.DONE)


def _compared(
    desired: DesiredState, narrowed: Scope, tracker: Tracker
) -> tuple[Sequence[Approved], Sequence[Diagnostic]]:
    asked = verbs.keys(desired, narrowed)
    try:
        with screen.progress("asking for") as watch:
            found = tracker.tickets(asked, lambda done, total: watch("tickets", done, total))
    except UnreachableError as error:
        # What the files say is told all the same, and nothing as agreeing.
        return verbs.approvals(desired, narrowed), error.diagnostics
    compared = verbs.compare(desired, narrowed, found)
    return [one.approved for one in compared], [told for one in compared for told in one.findings]


def _show(
    listed: Sequence[Approved], findings: Sequence[Diagnostic], format: Format, *, checked: bool
) -> None:
    if format is Format.JSON:
        document = documents.ApprovalsDocument.of(listed, findings, checked=checked)
        screen.print_json(plain(document))
        return
    if format is Format.MARKDOWN:
        screen.print_lines(views.as_markdown(listed, checked=checked))
        screen.print_lines(["", f"**{views.tally(listed, checked=checked)}**", ""])
        screen.print_lines(views.findings_as_markdown(findings))
        return
    screen.told(findings)
    screen.print_lines(views.as_text(listed, checked=checked))
    screen.print_lines([views.tally(listed, checked=checked)])
