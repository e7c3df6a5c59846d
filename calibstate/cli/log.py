"""The command that tells what was done, from the journals."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from ..errors import CalibstateError, Diagnostic, UsageError
from ..factory.places import Places
from ..kinds.chain import ChainKind
from ..model.desired import DesiredState
from ..model.history import PastRun
from ..model.outcomes import Outcome
from ..model.scope import Scope
from ..model.tickets import Ticket
from ..store.documents import log as documents
from ..store.documents.base import plain
from ..views import log as views
from . import screen
from .app import ExitCode, app
from .options import (
    USUAL_TIMEOUT,
    Format,
    FormatOption,
    RepositoryOption,
    TicketOption,
    TimeoutOption,
    duration,
    scope,
)
from .tree import check_scope, load

_MOST = 20


@app.command()
def log(
    context: typer.Context,
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="One run, event by event.")] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="DATE|DURATION", envvar="CALIBSTATE_SINCE", help="From 2026-11-01 on, or 7d."
        ),
    ] = None,
    most: Annotated[
        int, typer.Option("--most", metavar="NUMBER", min=1, envvar="CALIBSTATE_MOST", help="How many runs.")
    ] = _MOST,
    format: FormatOption = Format.TEXT,
    repository: RepositoryOption = None,
    ticket: TicketOption = None,
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Tell what was done, by whom, when, and from which commit.

    The newest run comes first.  A run that was cut off is told with what it
    had begun.  Journals are history: what is so is told by `drift`.

    Ends with 0 when told, 1 where a store of records could not be read.

    \b
    Examples:
      calibstate log
      calibstate log --ticket DM-48955 --since 30d
      calibstate log 20261123T014325Z-0a1b2c3d
    """
    desired, narrowed = load(context), scope(None, repository, None, ticket, None)
    check_scope(desired, narrowed)
    places = Places(desired, timeout=timeout)
    if run:
        found = places.past_run(run)
        if found is None:
            raise UsageError(
                Diagnostic("No such run", f"No journal is called {run}.", hint="`calibstate log` lists them.")
            )
        _print([found], format, whole=True)
        raise typer.Exit(ExitCode.DONE)
    runs, unseen = _runs(places, _since(since))
    told = [one for one in runs if _concerns(one, narrowed, desired)]
    _print(told[:most], format, whole=False)
    if len(told) > most:
        screen.tell(f"{len(told) - most} older runs are not shown; --most {len(told)} shows all")
    for error in unseen:
        screen.told(error.diagnostics)
    raise typer.Exit(ExitCode.ERROR if unseen else ExitCode.DONE)


def _runs(places: Places, since: str) -> tuple[list[PastRun], list[CalibstateError]]:
    """Return the runs of all stores, the newest first."""
    runs: list[PastRun] = []
    unseen: list[CalibstateError] = []
    for store in places.stores_of_records():
        try:
            runs += places.past_runs(store, since)
        except CalibstateError as error:
            unseen.append(error)
    return sorted(runs, key=lambda one: one.id, reverse=True), unseen


def _concerns(run: PastRun, narrowed: Scope, desired: DesiredState) -> bool:
    if not narrowed.tickets and not narrowed.repositories:
        return True
    tickets = [written.noun for key, written in desired.tickets.items() if narrowed.has_ticket(key)]
    return any(
        (not narrowed.tickets or any(_concerns_ticket(outcome, ticket) for ticket in tickets))
        and (not narrowed.repositories or narrowed.has_repository(outcome.address.place))
        for outcome in run.outcomes
    )


def _concerns_ticket(outcome: Outcome, ticket: Ticket) -> bool:
    """Say whether a step was about a ticket, also in a chain."""
    target = outcome.address
    if target.kind == ChainKind.name:
        touched = {target.name, *(outcome.entrants or ()), *(outcome.leavers or ())}
        return not touched.isdisjoint({*ticket.children, *ticket.leaves})
    # Of a rule in Rucio the storage element follows.
    return target.name == ticket.name or target.name.startswith(f"{ticket.name}/")


def _since(text: str | None) -> str:
    """Return where to begin, in the form of the names of journals."""
    if text is None:
        return ""
    try:
        if re.fullmatch(r"[0-9]+[smhd]", text):
            moment = datetime.now(UTC) - timedelta(seconds=duration(text).total_seconds())
        else:
            moment = datetime.fromisoformat(text)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        raise UsageError(
            Diagnostic(
                "Not a date",
                f"--since {text}: neither a day nor a duration.",
                hint="Write 2026-11-01, or 7d.",
            )
        ) from None
    # The names of years before 1000 would be shorter.
    return f"{moment.year:04}{moment:%m%dT%H%M%SZ}"


def _print(runs: list[PastRun], format: Format, *, whole: bool) -> None:
    if format is Format.JSON:
        screen.print_json(plain(_document(runs)))
    elif format is Format.MARKDOWN:
        screen.print_lines(views.as_markdown(runs))
    else:
        screen.print_lines(views.run_as_text(runs[0]) if whole else views.as_text(runs))


def _document(runs: list[PastRun]) -> documents.LogDocument:
    return documents.LogDocument(
        runs=tuple(
            documents.RunEntry(
                id=run.id,
                ending=run.ending.value,
                lines=run.lines,
                unreadable=run.unreadable,
                tally=run.tally,
            )
            for run in runs
        )
    )
