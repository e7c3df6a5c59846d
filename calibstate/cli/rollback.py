"""The command that prepares to take a ticket out everywhere."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..engine.changes import changes
from ..engine.rollback import remaining
from ..engine.rollback import rollback as rolled_back
from ..errors import Diagnostic, UsageError
from ..factory.past import check_committable, commit_on_branch
from ..model.scope import Scope
from ..store import treefile
from ..store.documents import changes as documents
from ..store.documents.base import plain
from ..views import impact as impact_view
from ..views import rollback as views
from . import screen
from .app import ExitCode, app
from .history import proposed
from .impact import moment
from .options import Format, FormatOption
from .tree import load

if TYPE_CHECKING:
    from ..model.desired import DesiredState
    from ..model.rollbacks import Rollback
    from ..store.treefile import Change


@app.command()
def rollback(
    context: typer.Context,
    ticket: Annotated[
        str,
        typer.Argument(
            metavar="TICKET", help="TICKET or INSTRUMENT/TICKET; or one collection of a bare ticket."
        ),
    ],
    because: Annotated[
        str,
        typer.Option("--because", metavar="REASON", help="Why; it is kept."),
    ] = "rolled back",
    commit: Annotated[  # noqa: FBT002
        bool,
        typer.Option(
            "--commit", envvar="CALIBSTATE_COMMIT", help="Commit it too, on the new branch rollback-TICKET."
        ),
    ] = False,
    dry_run: Annotated[  # noqa: FBT002
        bool, typer.Option("--dry-run", envvar="CALIBSTATE_DRY_RUN", help="Show it only; write nothing.")
    ] = False,
    observed_until: Annotated[
        str | None,
        typer.Option(
            "--observed-until",
            metavar="DATE",
            envvar="CALIBSTATE_OBSERVED_UNTIL",
            help="The last observing day of the past, or a moment in TAI; now unless told.",
        ),
    ] = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Prepare the change that takes a ticket out everywhere.

    In every chain that lists it, the ticket is moved from `entries` to
    `retired`, with the reason; all else in the files stays, comments too.
    Which lookups that changes is shown, and what is still searched where until
    it is applied.  No place is looked at or written, and no data is deleted.

    --commit commits these files alone, on a new branch that is then checked
    out; it is refused (3) where they have other uncommitted changes.

    \b
    Examples:
      calibstate rollback DM-48520 --dry-run
      calibstate rollback DM-48520 --because "striped at the edge"
      calibstate rollback LSSTComCam/DM-48520 --because "striped" --commit
    """
    before = load(context)
    until = moment(observed_until)
    what = rolled_back(before, ticket)
    reason = " ".join(because.split())
    if not reason:
        raise UsageError(Diagnostic("No reason", "--because is empty.", hint="Say why, in a few words."))
    # What keeps comments takes a while to import.
    from ..store.retiring import retire

    changed = retire(before, what.words, reason)
    after, _ = treefile.checked(before, changed)
    after = replace(after, root=before.root)
    told = _told(before, after, what, reason, changed, until)
    if not dry_run:
        told = _carried_out(told, before.root, changed, commit=commit)
    _print(told, format)
    raise typer.Exit(ExitCode.DONE)


def _told(
    before: DesiredState,
    after: DesiredState,
    what: Rollback,
    reason: str,
    changed: tuple[Change, ...],
    until: int,
) -> views.RolledBack:
    # With this numpy is imported.
    from ..engine.impact import impact

    report = impact_view.Report(
        impact(before, after, Scope()), "the working tree", until, of=f"the rollback of {what.name}"
    )
    files = tuple(change.file for change in changed)
    found = changes(before, after)
    return views.RolledBack(what, reason, found, report, tuple(remaining(before, after)), files)


def _carried_out(
    told: views.RolledBack, root: str, changed: tuple[Change, ...], *, commit: bool
) -> views.RolledBack:
    branch = f"rollback-{told.what.name.replace('/', '-')}"
    if commit:
        check_committable(root, told.files, branch)
    treefile.write(Path(root), changed)
    if not commit:
        return replace(told, written=True)
    made = commit_on_branch(root, told.files, branch, _message(told))
    return replace(told, written=True, branch=branch, commit=made)


def _message(told: views.RolledBack) -> str:
    lines = [f"Retired in {chain}: {', '.join(words)}." for chain, words in told.what.words.items()]
    lines.append(f"Lookups: {impact_view.verdict(told.impact)}.")
    return "\n".join([f"Roll back {told.what.name}", "", f"{told.reason}", "", *lines])


def _print(told: views.RolledBack, format: Format) -> None:
    match format:
        case Format.JSON:
            screen.print_json(plain(_document(told)))
        case Format.MARKDOWN:
            screen.print_lines(views.as_markdown(told))
        case Format.TEXT:
            screen.print_lines(views.as_text(told))


def _document(told: views.RolledBack) -> documents.RollbackDocument:
    impact = told.impact.told
    unknown = {one.ticket or one.collection for c in impact.chains for one in c.unknown if one.moved}
    return documents.RollbackDocument(
        ticket=told.what.name,
        instrument=told.what.instrument,
        reason=told.reason,
        retired=told.what.words,
        changes=proposed(told.changes),
        impact=dict(sorted(Counter(change.effect.value for change in impact.changes).items())),
        unknown=tuple(sorted(unknown)),
        remaining=tuple(
            documents.RemainingEntry(
                repository=one.repository, chain=one.chain, children=one.children, hold=one.hold
            )
            for one in told.remaining
        ),
        files=told.files,
        written=told.written,
        branch=told.branch or None,
        commit=told.commit or None,
    )
