"""The command that tells reviewers what a change of the tree proposes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ..engine.approvals import approvals
from ..engine.changes import changes
from ..engine.policy.judge import judge
from ..errors import CalibstateError, Diagnostic, InvalidStateError, Severity, UsageError
from ..factory.past import Before, declared_before, in_workspace
from ..kinds.registry import ACTIONS
from ..kinds.table import own_folders
from ..model.approvals import Approved, SealState
from ..model.desired import DesiredState
from ..model.names import TicketKey
from ..model.scope import Scope
from ..store import planfile, statefile
from ..store.documents import changes as documents
from ..store.documents.base import plain
from ..store.documents.validation import validation
from ..views import github
from ..views import impact as impact_view
from ..views import report as views
from . import screen
from .app import ExitCode, app, first_of
from .history import proposed
from .impact import moment
from .options import ObservedUntilOption
from .tree import read_text

__all__ = ["ReportFormat"]


class ReportFormat(Enum):
    """How a report is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    GITHUB = "github"


@app.command()
def report(
    context: typer.Context,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            metavar="REV",
            envvar="CALIBSTATE_BASE",
            help="A commit, branch or tag; else the commit where the main branch was left.",
        ),
    ] = None,
    plans: Annotated[
        Path | None,
        typer.Option(
            "--plans",
            metavar="FOLDER",
            envvar="CALIBSTATE_PLANS",
            help="Saved plans, one a site: SITE.json, of `plan --site SITE -o FOLDER/SITE.json`.",
        ),
    ] = None,
    full: Annotated[
        Path | None,
        typer.Option(
            "--full",
            metavar="FILE",
            envvar="CALIBSTATE_FULL",
            help="Write all of it here, as Markdown; what is printed is cut to what GitHub takes.",
        ),
    ] = None,
    observed_until: ObservedUntilOption = None,
    format: Annotated[
        ReportFormat, typer.Option("--format", envvar="CALIBSTATE_FORMAT", help="How the result is written.")
    ] = ReportFormat.TEXT,
) -> None:
    """Tell reviewers what a change of the tree proposes, and what it does.

    What is declared otherwise than at a commit, which lookups that changes,
    what the policy says, how it stands with approvals, and the steps of
    saved plans, each with the digest by which it is applied on merge.  No
    place is looked at.  With --format markdown it is one comment; with
    github, annotations at the lines of the files.

    Ends with 0 when told, 1 where the tree has errors, 3 where something is
    refused: content that is not what was approved, or a step of a plan.

    \b
    Examples:
      calibstate report
      calibstate report --base origin/main --format markdown
      calibstate report --plans plans --format markdown --full report.md
      calibstate report --format github
    """
    until = moment(observed_until)
    told = _proposal(context.obj, base, plans, until)
    if full:
        _save(full, screen.printable(views.as_full_markdown(told)))
    match format:
        case ReportFormat.JSON:
            screen.print_json(plain(_document(told)))
        case ReportFormat.MARKDOWN:
            screen.print_lines(views.as_markdown(told).splitlines())
        case ReportFormat.GITHUB:
            screen.print_lines(
                github.annotated(told.problems, in_workspace(str(statefile.find_root(context.obj))))
            )
        case ReportFormat.TEXT:
            screen.print_lines(views.as_text(told))
    raise typer.Exit(_code(told))


def _proposal(given: Path | None, base: str | None, plans: Path | None, until: int) -> views.Proposal:
    memo: statefile.Memo = {}
    try:
        desired, remarks = statefile.load(statefile.find_root(given), memo, own_folders())
    except CalibstateError as error:
        return views.Proposal("", "", error.diagnostics, is_sound=False)
    was, troubles = _before(desired, base, memo)
    before, today = was.desired, _today()
    known = {_what(one) for one in (*was.remarks, *(judge(before, None, today) if before else ()))}
    findings = (*remarks, *judge(desired, before, today))
    found = changes(before, desired)
    return views.Proposal(
        was.words,
        was.commit,
        (*troubles, *(one for one in findings if _what(one) not in known)),
        changes=found,
        approvals=_approvals(desired, found.touched),
        impact=_impact(was, desired, until),
        plans=_plans(desired, plans) if plans else (),
    )


def _before(
    desired: DesiredState, base: str | None, memo: statefile.Memo
) -> tuple[Before, tuple[Diagnostic, ...]]:
    try:
        return declared_before(desired.root, base, memo), ()
    except InvalidStateError as error:
        # It may be this very change that mends it.
        first = error.diagnostics[0]
        detail = f"It has mistakes, so all is told as new: {first.summary} ({first.where})."
        told = Diagnostic("Base does not validate", detail, severity=Severity.WARNING)
        return Before(None, "a base that does not validate"), (told,)


def _what(told: Diagnostic) -> tuple[str, str, str, str]:
    """Return what tells a finding from others, before and after."""
    # Lines move, files do not.
    return (told.code, told.summary, told.detail, told.where.path if told.where else "")


def _today() -> date:
    return datetime.now(UTC).date()


def _impact(was: Before, after: DesiredState, until: int) -> impact_view.Report:
    # With this numpy is imported.
    from ..engine.impact import impact

    found = impact(was.desired, after, Scope())
    return impact_view.Report(found, was.words, until, commit=was.commit)


def _approvals(desired: DesiredState, touched: tuple[TicketKey, ...]) -> tuple[Approved, ...]:
    known = {key for key in touched if key in desired.tickets}
    return tuple(one for one in approvals(desired, Scope()) if (one.instrument, one.ticket) in known)


def _plans(desired: DesiredState, folder: Path) -> tuple[views.SitePlan, ...]:
    """Read the plans of sites; those of origins come first.

    Raises
    ------
    UsageError
        There are none, or one is of no declared site.
    """
    files = sorted(folder.glob("*.json")) if folder.is_dir() else []
    if not files:
        hint = "Make them: calibstate plan --site SITE -o FOLDER/SITE.json."
        raise UsageError(Diagnostic("No saved plans", f"{folder} holds no SITE.json.", hint=hint))
    found = []
    for file in files:
        if file.stem not in desired.sites:
            known = ", ".join(sorted(desired.sites))
            detail = f"{file}: nobody declared a site {file.stem}."
            raise UsageError(Diagnostic("Plan of no site", detail, hint=f"Known are: {known}."))
        plan = planfile.loads(read_text(file), ACTIONS, str(file))
        found.append(views.SitePlan(file.stem, plan, planfile.digest(plan)))
    origins = {desired.origin(i) for a in desired.repositories for i in desired.repository(a)[1].instruments}
    first = {origin.partition("/")[0] for origin in origins if origin}
    return tuple(sorted(found, key=lambda one: (one.site not in first, one.site)))


def _code(told: views.Proposal) -> ExitCode:
    contradicted = any(one.seal is SealState.DIFFERS for one in told.approvals)
    refused = contradicted or any(one.plan.refused for one in told.plans)
    return first_of(
        ExitCode.ERROR if told.number_of(Severity.ERROR) else ExitCode.DONE,
        ExitCode.REFUSED if refused else ExitCode.DONE,
    )


def _save(path: Path, content: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        problem = Diagnostic("Report cannot be saved", f"{path}: {error.strerror}.")
        raise CalibstateError(problem) from None


def _document(told: views.Proposal) -> documents.ReportDocument:
    from collections import Counter

    impact = told.impact.told.changes if told.impact else ()
    return documents.ReportDocument(
        base=told.base,
        sound=told.is_sound,
        proposed=proposed(told.changes),
        problems=validation(told.problems).problems,
        approvals=told.approvals,
        impact=dict(sorted(Counter(change.effect.value for change in impact).items())),
        plans={one.site: planfile.document(one.plan)["summary"] for one in told.plans},
        digests={one.site: one.digest for one in told.plans},
    )
