"""Commands that tell what was declared when, and who changed it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from ..engine.changes import changes, narrowed
from ..engine.history import history as told_in_time
from ..errors import CalibstateError, Diagnostic
from ..factory.past import Before, declared_before, declared_in_time
from ..model.changes import Changes
from ..model.desired import DesiredState
from ..model.revisions import Changed
from ..model.scope import Scope
from ..store import statefile
from ..store.documents import changes as documents
from ..store.documents.base import plain, spot
from ..store.documents.validation import validation
from ..views import changes as changes_view
from ..views import history as views
from . import screen
from .app import ExitCode, app
from .options import (
    ExcludeOption,
    Format,
    FormatOption,
    InstrumentOption,
    RepositoryOption,
    SiteOption,
    TicketOption,
    scope,
)
from .tree import check_scope, load, not_there, undeclared

__all__ = ["proposed"]

_WORKING_TREE = "the working tree"


@app.command()
def diff(
    context: typer.Context,
    before: Annotated[
        str | None,
        typer.Argument(
            metavar="[REV",
            help="A commit, branch, tag or date; else the commit where the main branch was left.",
        ),
    ] = None,
    after: Annotated[
        str | None, typer.Argument(metavar="[REV]]", help="Another one; else the working tree.")
    ] = None,
    format: FormatOption = Format.TEXT,
    site: SiteOption = None,
    repository: RepositoryOption = None,
    instrument: InstrumentOption = None,
    ticket: TicketOption = None,
    exclude: ExcludeOption = None,
) -> None:
    """Tell what is declared otherwise, in words of the field.

    Not which lines of YAML differ, but what enters, leaves or moves in which
    chain, where; and what is said otherwise of tickets, seals, repositories
    and the settings.  No place is looked at.

    A date is read as by `show --at`.

    Ends with 0 when told, whatever it is; 1 where a tree does not validate.

    \b
    Examples:
      calibstate diff
      calibstate diff HEAD
      calibstate diff v1.2 v1.3 --instrument LSSTComCam
      calibstate diff 2025-02-11 HEAD --format markdown
    """
    root = statefile.find_root(context.obj)
    memo: statefile.Memo = {}
    was = declared_before(str(root), before, memo)
    if after:
        now = declared_before(str(root), after, memo)
    else:
        now = Before(load(context, memo=memo), _WORKING_TREE)
    found = _found(was, now, scope(site, repository, instrument, ticket, exclude))
    match format:
        case Format.JSON:
            screen.print_json(plain(_difference(was, now, found)))
        case Format.MARKDOWN:
            screen.print_lines([f"**{_title(was, now)}**\n"])
            screen.print_lines(changes_view.as_markdown(changes_view.sentences(found)))
        case Format.TEXT:
            screen.print_lines([_title(was, now), *changes_view.as_text(found)])
    if not found and format is not Format.JSON:
        screen.print_lines(["  nothing is declared otherwise"])
    raise typer.Exit(ExitCode.DONE)


def _found(was: Before, now: Before, asked: Scope) -> Changes:
    if now.desired is None:
        raise not_there(now)
    if asked == Scope():
        return changes(was.desired, now.desired)
    _check_either(was.desired, now.desired, asked)
    return narrowed(changes(was.desired, now.desired), asked, was.desired, now.desired)


def _check_either(was: DesiredState | None, now: DesiredState, asked: Scope) -> None:
    """Refuse to be narrowed to what neither side declares."""
    try:
        check_scope(now, asked)
    except CalibstateError:
        if was is None:
            raise
        check_scope(was, asked)


def _title(was: Before, now: Before) -> str:
    words = f"{now.words}, compared with {was.words}"
    return words[0].upper() + words[1:]


@app.command()
def history(
    context: typer.Context,
    chain: Annotated[
        str, typer.Argument(metavar="CHAIN", help="A declared chain, such as LSSTComCam/calib.")
    ],
    ticket: Annotated[
        str | None,
        typer.Option(
            "--ticket", metavar="TICKET", envvar="CALIBSTATE_TICKET", help="Only what is about this ticket."
        ),
    ] = None,
    format: FormatOption = Format.TEXT,
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
      calibstate history LSSTComCam/calib --format json
    """
    root = statefile.find_root(context.obj)
    told = list(told_in_time(declared_in_time(str(root)), chain, ticket))
    if not any(one.changes for one in told):
        raise _unknown(context, chain, ticket)
    match format:
        case Format.JSON:
            screen.print_json(plain(_history(chain, told)))
        case Format.MARKDOWN:
            screen.print_lines(views.as_markdown(told))
        case Format.TEXT:
            screen.print_lines(views.as_text(told))
    raise typer.Exit(ExitCode.DONE)


def _unknown(context: typer.Context, chain: str, ticket: str | None) -> CalibstateError:
    desired = load(context)
    if chain not in desired.chains:
        return undeclared("chain", chain, desired.chains)
    if ticket and not any(Scope(tickets=(ticket,)).has_ticket(key) for key in desired.tickets):
        return undeclared("ticket", ticket, {name for _, name in desired.tickets})
    what = f"{ticket} in {chain}" if ticket else chain
    return CalibstateError(
        Diagnostic(
            "No history", f"No commit says anything of {what}.", hint="Commit it; `calibstate diff` tells."
        )
    )


def proposed(found: Changes) -> tuple[documents.ProposedEntry, ...]:
    """Return what is declared otherwise, in sentences."""
    said = changes_view.sentences(found)
    return tuple(
        documents.ProposedEntry(mark=one.mark, what=one.what, said=one.rest, at=spot(one.where))
        for one in said
    )


def _difference(was: Before, now: Before, found: Changes) -> documents.DiffDocument:
    return documents.DiffDocument(
        before=documents.RevisionWords(words=was.words, commit=was.commit or None),
        after=documents.RevisionWords(words=now.words, commit=now.commit or None),
        changes=proposed(found),
        chains=tuple(documents.changed_chain(chain) for chain in found.chains),
    )


def _history(chain: str, told: Iterable[Changed]) -> documents.HistoryDocument:
    return documents.HistoryDocument(
        chain=chain,
        revisions=tuple(
            documents.RevisionEntry(
                commit=one.revision.commit,
                at=one.revision.at,
                title=one.revision.title,
                authors=one.revision.authors,
                merged_by=one.revision.merged_by,
                pull_request=one.revision.pull_request,
                sound=not one.problems,
                changes=proposed(one.changes),
                chains=tuple(documents.changed_chain(chain) for chain in one.changes.chains),
                problems=validation(one.problems).problems,
            )
            for one in told
        ),
    )
