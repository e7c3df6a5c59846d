"""Commands that look at the live places: drift, plan, apply."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from .. import __version__
from ..engine.converge import Run, converge
from ..engine.expand import places_of
from ..engine.observe import View, observe
from ..engine.plan import Failed, make_plan
from ..engine.recover import recover
from ..errors import CalibstateError, Diagnostic, RefusedError, UsageError
from ..factory import Places, basis, utc_now
from ..kinds.registry import ACTIONS
from ..model.desired import DesiredState
from ..model.drift import What
from ..model.names import ARCHIVE
from ..model.outcomes import Outcome, Result
from ..model.plans import Plan, Step
from ..model.scope import Scope
from ..store import documents, planfile
from ..views import markdown, text
from . import screen
from .app import ExitCode, app, first_of
from .options import (
    ExcludeOption,
    FilesOption,
    Format,
    FormatOption,
    InstrumentOption,
    RepositoryOption,
    SiteOption,
    TicketOption,
    scope,
)
from .tree import check_scope, load, read_text, show_plan


@app.command()
def drift(
    context: typer.Context,
    format: FormatOption = Format.TEXT,
    files: FilesOption = False,  # noqa: FBT002
    site: SiteOption = None,
    repository: RepositoryOption = None,
    instrument: InstrumentOption = None,
    ticket: TicketOption = None,
    exclude: ExcludeOption = None,
) -> None:
    """Tell where live places have left the declaration.

    Ends with 0 in sync, 2 with drift, 4 where all of it is awaited, 1 where a
    place could not be seen.

    \b
    Examples:
      calibstate drift
      calibstate drift --site summit --files
      calibstate drift --ticket DM-48520 --format json
    """
    narrowed = scope(site, repository, instrument, ticket, exclude, files=files)
    plan = _plan(load(context), narrowed)
    if format is Format.JSON:
        screen.print_json(documents.plain(documents.DriftDocument.of(plan.drift)))
    elif format is Format.MARKDOWN:
        screen.print_lines(markdown.drift(plan.drift))
    else:
        screen.print_lines(text.drift(plan.drift))
        screen.print_lines([text.drift_tally(plan.drift)])
    raise typer.Exit(_drift_code(plan))


@app.command()
def plan(
    context: typer.Context,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", envvar="CALIBSTATE_OUTPUT", help="Save the plan."),
    ] = None,
    format: FormatOption = Format.TEXT,
    files: FilesOption = False,  # noqa: FBT002
    site: SiteOption = None,
    repository: RepositoryOption = None,
    instrument: InstrumentOption = None,
    ticket: TicketOption = None,
    exclude: ExcludeOption = None,
) -> None:
    """Show the steps that would end the drift.

    They are ordered, and nothing is written but FILE.

    Ends with 0 in sync, 2 with steps, 3 with a refusal, 4 where something is
    awaited, 1 where a place could not be seen.

    \b
    Examples:
      calibstate plan
      calibstate plan --site summit -o plan.json
    """
    made = _plan(load(context), scope(site, repository, instrument, ticket, exclude, files=files))
    if output:
        _save(output, planfile.dumps(made))
    show_plan(made, format)
    raise typer.Exit(first_of(_plan_code(made), ExitCode.DRIFT if made.steps else ExitCode.DONE))


@app.command()
def apply(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A saved plan; else a new one is made.")
    ] = None,
    yes: Annotated[  # noqa: FBT002
        bool, typer.Option("--yes", "-y", envvar="CALIBSTATE_YES", help="Do not ask.")
    ] = False,
    format: FormatOption = Format.TEXT,
    files: FilesOption = False,  # noqa: FBT002
    site: SiteOption = None,
    repository: RepositoryOption = None,
    instrument: InstrumentOption = None,
    ticket: TicketOption = None,
    exclude: ExcludeOption = None,
) -> None:
    """Plan, show, ask, and do it.

    Running it again goes on where it stopped, and twice does no harm.

    Ends with 0 when done, 3 where something was refused, 4 where something is
    awaited, 1 on an error or where a place could not be seen.

    \b
    Examples:
      calibstate apply
      calibstate apply --site summit
      calibstate apply plan.json --yes
    """
    narrowed = scope(site, repository, instrument, ticket, exclude, files=files)
    desired = load(context)
    check_scope(desired, narrowed)
    places = Places(desired)
    saved = _from_file(file, desired) if file else None
    for word in recover((ARCHIVE, *places_of(desired, narrowed)), places, places.records):
        screen.tell(word)
    made = saved or _plan(desired, narrowed, places)
    if format is Format.TEXT:
        show_plan(made, format)
    if not made.steps:
        raise typer.Exit(_plan_code(made))
    _ask(yes=yes)
    raise typer.Exit(_apply(made, desired, narrowed, places, format, anew=file is None))


def _plan(
    desired: DesiredState, narrowed: Scope, places: Places | None = None, failed: Failed | None = None
) -> Plan:
    check_scope(desired, narrowed)
    view = _look(desired, narrowed, places or Places(desired))
    screen.told(view.notes)
    return make_plan(view, basis(desired, view.digest, __version__), failed)


def _look(desired: DesiredState, narrowed: Scope, places: Places) -> View:
    total = len(places_of(desired, narrowed)) + 1
    looked: list[str] = []
    with screen.progress("looking at") as watch:
        watch("places", 0, total)

        def seen(place: str) -> None:
            looked.append(place)
            watch("places", len(looked), total)

        return observe(desired, narrowed, places, seen)


def _drift_code(made: Plan) -> ExitCode:
    whats = {d.what for d in made.drift}
    return first_of(
        ExitCode.ERROR if What.UNREACHABLE in whats else ExitCode.DONE,
        ExitCode.PENDING if What.PENDING in whats else ExitCode.DONE,
        ExitCode.DRIFT if whats - {What.UNREACHABLE, What.PENDING} else ExitCode.DONE,
    )


def _plan_code(made: Plan) -> ExitCode:
    """Return the code of all that a plan leaves undone."""
    return first_of(
        ExitCode.ERROR if made.has(What.UNREACHABLE) else ExitCode.DONE,
        ExitCode.REFUSED if made.refused else ExitCode.DONE,
        ExitCode.PENDING if made.has(What.PENDING) else ExitCode.DONE,
    )


def _save(path: Path, content: str) -> None:
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        problem = Diagnostic("Plan cannot be saved", f"{path}: {error.strerror}.")
        raise CalibstateError(problem) from None


def _from_file(path: Path, desired: DesiredState) -> Plan:
    made = planfile.loads(read_text(path), ACTIONS, str(path))
    if made.basis.declared != desired.digest:
        raise RefusedError(
            Diagnostic(
                "Plan is for another declaration",
                f"{path} was made from {made.basis.declared[:19]}…; "
                f"{desired.root} now declares {desired.digest[:19]}….",
                hint="Plan again, or check out the commit that the plan names: "
                f"{made.basis.commit or 'none was recorded'}.",
            )
        )
    return made


def _is_ours(step: Step, desired: DesiredState, narrowed: Scope) -> bool:
    """Say whether a step belongs to the sites that were asked for."""
    place = step.action.target.place
    if place not in desired.repositories:
        instrument = step.action.target.name.partition("/")[0]
        place = desired.origin(instrument) or place
    return narrowed.has_repository(place)


def _ask(*, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty() or os.environ.get("CI"):
        raise UsageError(
            Diagnostic(
                "Nobody to ask",
                "There is no terminal, so nobody can agree to the plan.",
                hint="Give --yes, or apply a reviewed plan: calibstate apply FILE --yes.",
            )
        )
    typer.confirm("Apply this plan?", abort=True, err=True)


def _apply(
    made: Plan, desired: DesiredState, narrowed: Scope, places: Places, form: Format, *, anew: bool
) -> ExitCode:
    bar = screen.StepProgress()
    run = Run(
        places,
        places.records,
        utc_now,
        screen.tell,
        ours=lambda step: _is_ours(step, desired, narrowed),
        watch=lambda step: bar.watch(step.action.do),
    )
    latest = [made]
    became: dict[str, Outcome] = {}

    def again(failed: Failed) -> Plan | None:
        latest.append(_plan(desired, narrowed, places, failed))
        return latest[-1]

    for outcome in converge(made, run, why=_why(made), again=again if anew else lambda failed: None):
        bar.stop()
        became[outcome.target] = outcome
        _print(outcome, form)
    if form is Format.TEXT:
        screen.print_lines([text.outcomes_tally(became.values())])
    return first_of(_plan_code(latest[-1]), *(_outcome_code(outcome) for outcome in became.values()))


def _why(made: Plan) -> str:
    return f"plan {planfile.digest(made)[:19]}"


def _print(outcome: Outcome, form: Format) -> None:
    if form is Format.JSON:
        sys.stdout.write(outcome.model_dump_json() + "\n")
        sys.stdout.flush()
    elif outcome.result is Result.BEGUN:
        return
    elif form is Format.MARKDOWN:
        screen.print_lines([markdown.outcome(outcome)])
    else:
        screen.print_lines([text.outcome(outcome)])


def _outcome_code(outcome: Outcome) -> ExitCode:
    match outcome.result:
        case Result.DONE:
            return ExitCode.DONE
        case Result.STALE | Result.REFUSED:
            return ExitCode.REFUSED
        case Result.SKIPPED:
            return ExitCode.PENDING
        case Result.BEGUN | Result.FAILED:
            return ExitCode.ERROR
