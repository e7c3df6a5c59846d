"""Commands that look at the live places: drift, plan, apply."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from enum import Enum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, TextIO

import typer

from ..engine.declared import refuse_redeclared
from ..engine.expand import places_of
from ..engine.foresee import part_of
from ..engine.hold import Patience
from ..engine.objections import NONE
from ..engine.observe import View, observe
from ..engine.plan import NOTHING
from ..engine.recover import recover
from ..engine.windows import closed
from ..errors import CalibstateError, Diagnostic, RefusedError, UsageError
from ..factory.clock import now
from ..factory.past import checked_out
from ..factory.places import Places
from ..kinds.registry import ACTIONS, KINDS
from ..model.actions import Action
from ..model.desired import DesiredState
from ..model.drift import What
from ..model.guards import Allowed, Guard
from ..model.names import ARCHIVE, RUCIO
from ..model.plans import Plan
from ..model.scope import Scope
from ..store import planfile
from ..views import text
from . import completing, screen
from .app import ExitCode, app, first_of
from .applying import (
    Applying,
    commit_remarks,
    foreseen_in,
    guards_met,
    not_seen,
    passing,
    plan_code,
    planned,
)
from .asking import ask_who_is_there
from .observe import places_to_look_at
from .options import (
    USUAL_TIMEOUT,
    AllowOption,
    ArchiveBytesOption,
    BecauseOption,
    ExcludeOption,
    FilesOption,
    Format,
    FormatOption,
    InstrumentOption,
    LockTimeoutOption,
    MaxAgeOption,
    NoCacheOption,
    ObservedOption,
    OnlyHereOption,
    OverrideOption,
    RepositoryOption,
    SiteOption,
    TicketOption,
    TimeoutOption,
    WaitOption,
    allowed,
    scope,
)
from .stopping import Stopping
from .tree import check_scope, load, own, read_text, show_plan

__all__ = ["drift_code", "look_at_all"]


class DriftFormat(Enum):
    """How drift is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    JUNIT = "junit"


@app.command()
def drift(
    context: typer.Context,
    format: Annotated[
        DriftFormat, typer.Option("--format", envvar="CALIBSTATE_FORMAT", help="How the result is written.")
    ] = DriftFormat.TEXT,
    files: FilesOption = False,  # noqa: FBT002
    archive_bytes: ArchiveBytesOption = False,  # noqa: FBT002
    site: SiteOption = None,
    repository: RepositoryOption = None,
    instrument: InstrumentOption = None,
    ticket: TicketOption = None,
    exclude: ExcludeOption = None,
    observed: ObservedOption = None,
    max_age: MaxAgeOption = None,
    only_here: OnlyHereOption = False,  # noqa: FBT002
    no_cache: NoCacheOption = False,  # noqa: FBT002
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Tell where live places have left the declaration.

    Ends with 0 in sync, 2 with drift, 4 where all of it is awaited, 1 where a
    place could not be seen.

    \b
    Examples:
      calibstate drift
      calibstate drift --site summit --files
      calibstate drift --ticket DM-48520 --format json
      calibstate drift --observed published
      calibstate drift --observed published --format junit
    """
    narrowed = scope(site, repository, instrument, ticket, exclude, files=files, archive_bytes=archive_bytes)
    desired = load(context)
    check_scope(desired, narrowed)
    narrowed, only = own(desired, narrowed, only_here=only_here)
    places = places_to_look_at(desired, observed, max_age, timeout, only=only, remembers=not no_cache)
    plan = _plan(desired, narrowed, places)
    match format:
        case DriftFormat.JSON:
            from ..store.documents.base import plain
            from ..store.documents.plans import DriftDocument

            screen.print_json(plain(DriftDocument.of(plan)))
        case DriftFormat.MARKDOWN:
            from ..views import markdown

            screen.print_lines(markdown.drift(plan.drift))
        case DriftFormat.JUNIT:
            from ..views import junit

            unseen = {one.place for one in plan.unseen}
            looked_at = [p for p in (ARCHIVE, *places_of(desired, narrowed)) if p not in unseen]
            screen.print_lines(junit.drift(plan.drift, looked_at).splitlines())
        case DriftFormat.TEXT:
            screen.print_lines(text.drift(plan.drift))
            screen.print_lines([text.drift_tally(plan.drift)])
    raise typer.Exit(drift_code(plan))


@app.command()
def plan(
    context: typer.Context,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", envvar="CALIBSTATE_OUTPUT", help="Save the plan."),
    ] = None,
    after: Annotated[
        list[str] | None,
        typer.Option(
            "--after",
            metavar="SITE",
            envvar="CALIBSTATE_AFTER",
            autocompletion=completing.sites,
            help="As it will be when this site has done its own steps; with --site.",
        ),
    ] = None,
    format: FormatOption = Format.TEXT,
    files: FilesOption = False,  # noqa: FBT002
    archive_bytes: ArchiveBytesOption = False,  # noqa: FBT002
    site: SiteOption = None,
    repository: RepositoryOption = None,
    instrument: InstrumentOption = None,
    ticket: TicketOption = None,
    exclude: ExcludeOption = None,
    observed: ObservedOption = None,
    max_age: MaxAgeOption = None,
    only_here: OnlyHereOption = False,  # noqa: FBT002
    no_cache: NoCacheOption = False,  # noqa: FBT002
    allow: AllowOption = None,
    because: BecauseOption = None,
    override: OverrideOption = None,
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Show the steps that would end the drift.

    They are ordered, and nothing is written but FILE.

    Ends with 0 in sync, 2 with steps, 3 with a refusal, 4 where something is
    awaited, 1 where a place could not be seen.

    \b
    Examples:
      calibstate plan
      calibstate plan --site summit -o plan.json
      calibstate plan --site summit --after usdf
      calibstate plan --observed summit.json --max-age 12h
    """
    if after and not site:
        problem = Diagnostic("Whose plan?", "--after says who goes before a site, and no --site is given.")
        raise UsageError(problem)
    ours = scope(site, repository, instrument, ticket, exclude, files=files, archive_bytes=archive_bytes)
    with_others = scope(
        [*(site or ()), *(after or ())],
        repository,
        instrument,
        ticket,
        exclude,
        files=files,
        archive_bytes=archive_bytes,
    )
    desired = load(context)
    passed = allowed(allow, because, override)
    check_scope(desired, with_others)
    with_others, only = own(desired, with_others, only_here=only_here)
    places = places_to_look_at(
        desired, observed, max_age, timeout, to_act=True, only=only, remembers=not no_cache
    )
    made = _plan(desired, with_others, places, passed, after or ())
    made = part_of(made, ours, desired) if after else made
    if output:
        _save(output, planfile.dumps(made))
        screen.tell(f"{output}: {planfile.digest(made)}")
    show_plan(made, format)
    screen.told(guards_met(made, desired, passed))
    for line in text.guards_passed(passing(made, desired, passed)):
        screen.tell(line)
    raise typer.Exit(first_of(plan_code(made), ExitCode.DRIFT if made.steps else ExitCode.DONE))


@app.command()
def apply(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A saved plan; else a new one is made.")
    ] = None,
    yes: Annotated[  # noqa: FBT002
        bool, typer.Option("--yes", "-y", envvar="CALIBSTATE_YES", help="Do not ask.")
    ] = False,
    expect: Annotated[
        list[str] | None,
        typer.Option(
            "--expect",
            metavar="DIGEST",
            envvar="CALIBSTATE_EXPECT",
            help="Refuse a plan of any other digest, as `report` shows it; can be repeated.",
        ),
    ] = None,
    wait: WaitOption = None,
    lock_timeout: LockTimeoutOption = None,
    format: FormatOption = Format.TEXT,
    files: FilesOption = False,  # noqa: FBT002
    archive_bytes: ArchiveBytesOption = False,  # noqa: FBT002
    site: SiteOption = None,
    repository: RepositoryOption = None,
    instrument: InstrumentOption = None,
    ticket: TicketOption = None,
    exclude: ExcludeOption = None,
    only_here: OnlyHereOption = False,  # noqa: FBT002
    allow: AllowOption = None,
    because: BecauseOption = None,
    override: OverrideOption = None,
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Plan, show, ask, and do it.

    Running it again goes on where it stopped, and twice does no harm.  What
    Rucio carries arrives by and by: run it again then, or have it wait.

    Ends with 0 when done, 3 where something was refused, 4 where something is
    awaited, 1 on an error or where a place could not be seen.

    \b
    Examples:
      calibstate apply
      calibstate apply --site summit
      calibstate apply --yes --wait 30m
      calibstate apply plan.json --yes --lock-timeout 10m
      calibstate apply --site summit --yes --expect sha256:0f5c...
      calibstate apply --allow hold --because "the night is lost without it"
    """
    narrowed = scope(site, repository, instrument, ticket, exclude, files=files, archive_bytes=archive_bytes)
    passed = allowed(allow, because, override)
    desired = load(context)
    check_scope(desired, narrowed)
    narrowed, only = own(desired, narrowed, only_here=only_here)
    places = Places(desired, only=only, timeout=timeout)
    saved = _from_file(file, desired) if file else None
    if file:
        _check_whole(narrowed, desired)
    stopping = Stopping()
    patience = Patience(lock_timeout or timedelta(), screen.tell, stopping, stopping.sleep)
    ask_who_is_there(desired, narrowed, places)
    may_change = _open(desired, narrowed, passed, only_here=only_here)
    for word in recover(may_change, places, patience):
        screen.tell(word)
    foreseen = NONE
    made = saved
    if made is None:
        view = look_at_all(desired, narrowed, places)
        foreseen = foreseen_in(view, passed, places)
        screen.told(foreseen.notes)
        made = planned(view, passed, foreseen=foreseen)
    # A saved plan tells of the commit that it was made from, not of this one.
    unknown = checked_out(desired.root).unknown if saved else made.basis.commit_unknown
    screen.told(commit_remarks(unknown))
    if format is Format.TEXT:
        show_plan(made, format)
    screen.told([*not_seen(made), *guards_met(made, desired, passed)])
    if not made.steps and not wait:
        raise typer.Exit(plan_code(made))
    # What was approved is this plan, and none that might follow from it.
    look = None if saved or expect else lambda: look_at_all(desired, narrowed, places)
    passes = passing(made, desired, passed)
    applying = Applying(
        desired,
        narrowed,
        places,
        format,
        look,
        passed,
        passes,
        stopping=stopping,
        patience=patience,
        foreseen=foreseen,
    )
    for line in text.guards_passed(passes):
        screen.tell(line)
    if made.steps:
        _expect(made, expect or ())
        applying.look_first(made)
        if not yes:
            _ask(made, passes, format)
    raise typer.Exit(applying.run(made, wait))


def _open(desired: DesiredState, narrowed: Scope, passed: Allowed, *, only_here: bool) -> list[str]:
    """Return the places that may be changed at this time.

    The archive and Rucio are changed by the site of an origin only.
    """
    asked = places_of(desired, narrowed)
    origins = {desired.origin(i) for a in desired.repositories for i in desired.repository(a)[1].instruments}
    is_origin = any(origin and narrowed.has_repository(origin) for origin in origins)
    shared = [ARCHIVE, RUCIO] if is_origin and not only_here else []
    return [*shared, *(a for a in asked if Guard.WINDOW in passed.guards or not closed(desired, a, now()))]


def _plan(
    desired: DesiredState,
    narrowed: Scope,
    places: Places,
    passed: Allowed = NOTHING,
    after: Collection[str] = (),
) -> Plan:
    ask_who_is_there(desired, narrowed, places)
    view = look_at_all(desired, narrowed, places)
    view = replace(view, waves=replace(view.waves, after=frozenset(after)))
    foreseen = foreseen_in(view, passed, places)
    made = planned(view, passed, foreseen=foreseen)
    screen.told(commit_remarks(made.basis.commit_unknown))
    screen.told([*view.notes, *places.relied_on(), *foreseen.notes, *not_seen(made)])
    return made


def look_at_all(desired: DesiredState, narrowed: Scope, places: Places) -> View:
    """Look at all that is asked for, and show how far that has come."""
    with screen.progress("looking at") as watch:
        watch("places", 0, 1)
        return observe(desired, narrowed, places, lambda done, total: watch("places", done, total))


def drift_code(made: Plan) -> ExitCode:
    """Return the code of the drift that a plan found."""
    whats = {d.what for d in made.drift}
    return first_of(
        ExitCode.ERROR if What.UNREACHABLE in whats else ExitCode.DONE,
        ExitCode.PENDING if What.PENDING in whats else ExitCode.DONE,
        ExitCode.DRIFT if whats - {What.UNREACHABLE, What.PENDING} else ExitCode.DONE,
    )


def _save(path: Path, content: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        problem = Diagnostic("Plan cannot be saved", f"{path}: {error.strerror}.")
        raise CalibstateError(problem) from None


def _from_file(path: Path, desired: DesiredState) -> Plan:
    made = planfile.loads(read_text(path), ACTIONS, str(path))
    if strange := next((step for step in made.steps if not _can_be(step.action, desired)), None):
        raise RefusedError(
            Diagnostic(
                "Plan file was edited",
                f"Step {strange.id} of {path} is to {strange.action.do} at {strange.action.target}, "
                "which no plan for this declaration does.",
                hint="Make the plan again with `calibstate plan -o FILE`.",
            )
        )
    refuse_redeclared(made, desired, str(path))
    return made


def _check_whole(narrowed: Scope, desired: DesiredState) -> None:
    """Refuse to leave out a part of a saved plan, but for whole places."""
    of_tickets = [
        pattern
        for pattern in narrowed.exclude
        if any(fnmatchcase(name, pattern) for key in desired.tickets for name in (key[1], "/".join(key)))
    ]
    if narrowed.tickets or narrowed.instruments or of_tickets:
        raise UsageError(
            Diagnostic(
                "Part of a saved plan",
                "A saved plan is applied as it was reviewed; only sites and repositories can be left out.",
                hint="Make a plan of that part with `calibstate plan -o FILE`, and apply it.",
            )
        )


def _can_be(action: Action, desired: DesiredState) -> bool:
    """Say whether an action is of its target's kind, at a place of ours."""
    target = action.target
    kind = KINDS.get(target.kind)
    if kind is None or type(action) not in kind.actions:
        return False
    return target.place == kind.place if kind.place else target.place in desired.repositories


def _expect(made: Plan, digests: Collection[str]) -> None:
    """Refuse a plan that nobody approved."""
    found = planfile.digest(made)
    if wrong := [one for one in digests if not re.fullmatch(r"sha256:[0-9a-f]{64}", one)]:
        raise UsageError(Diagnostic("Not a digest", f"--expect {wrong[0]}: write sha256: and 64 hex digits."))
    if digests and found not in digests:
        raise RefusedError(
            Diagnostic(
                "Plan is not the one that was approved",
                f"It has the digest {found}; approved was {', '.join(sorted(digests))}. Nothing was written.",
                hint="Something has changed since: what is declared, this place, or what another site has "
                "done. Read this plan, and if it is right: "
                f"--expect {found}.",
            )
        )


def _ask(made: Plan, passes: Allowed, format: Format) -> None:
    """Ask whether a plan is to be applied, where the plan can be read.

    Raises
    ------
    UsageError
        There is no terminal that shows the plan and takes an answer.
    """
    shown = format is Format.TEXT and _is_terminal(sys.stdout)
    has_errors = _is_terminal(sys.stderr)
    if not _is_terminal(sys.stdin) or os.environ.get("CI") or not (shown or has_errors):
        raise UsageError(
            Diagnostic(
                "Nobody to ask",
                "There is no terminal, so nobody can agree to the plan.",
                hint="Give --yes, or apply a reviewed plan: calibstate apply FILE --yes.",
            )
        )
    if not shown:
        # What was printed went to a file, or is for a program.
        screen.print_lines(text.plan(made), screen.err())
    past = " and ".join(guard.value for guard in passes.guards)
    question = f"Apply this plan, past {past} ({passes.because})?" if past else "Apply this plan?"
    typer.confirm(screen.printable(question), abort=True, err=has_errors)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()
