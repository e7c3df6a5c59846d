"""The command that tells what is wrong with the state tree."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ..engine.policy.judge import judge
from ..errors import CalibstateError, Diagnostic, InvalidStateError, Severity
from ..kinds.table import own_folders
from ..model.desired import DesiredState
from ..store import statefile
from ..views.messages import count
from . import screen
from .app import ExitCode, app
from .options import ProblemsFormat

__all__ = ["print_problems"]


@app.command()
def validate(
    context: typer.Context,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            metavar="REV",
            envvar="CALIBSTATE_BASE",
            help="Judge changes too, against this commit, branch or tag; else they are not judged.",
        ),
    ] = None,
    fix: Annotated[  # noqa: FBT002
        bool,
        typer.Option(
            "--fix", envvar="CALIBSTATE_FIX", help="Mend first what needs no judgement; it is told."
        ),
    ] = False,
    format: Annotated[
        ProblemsFormat,
        typer.Option("--format", envvar="CALIBSTATE_FORMAT", help="How the result is written."),
    ] = ProblemsFormat.TEXT,
) -> None:
    """Tell everything that is wrong with the state tree.

    Mistakes stop every command.  What the policy finds has a code, and stops
    none: its levels and exceptions are set in calibstate.yaml.

    Ends with 1 where there are mistakes, or findings of level error.

    \b
    Examples:
      calibstate validate
      calibstate validate --base origin/main
      calibstate -C state validate --format json
      calibstate validate --base origin/main --format github
      calibstate validate --fix
    """
    root = statefile.find_root(context.obj)
    mended = _mended(root) if fix else ()
    desired, found = _judged(root, base)
    told = (*mended, *found)
    print_problems(told, format, root)
    failed = any(problem.severity is Severity.ERROR for problem in told)
    if desired and format not in {ProblemsFormat.JSON, ProblemsFormat.GITHUB}:
        screen.print_lines([_inventory(desired, sound=not failed)])
    raise typer.Exit(ExitCode.ERROR if failed else ExitCode.DONE)


def print_problems(told: Sequence[Diagnostic], format: ProblemsFormat, root: Path) -> None:
    """Print problems of a state tree.

    Parameters
    ----------
    told
        The problems.
    format
        How.
    root
        Root of the tree.
    """
    if format is ProblemsFormat.JSON:
        from ..store.documents.base import plain
        from ..store.documents.validation import validation

        screen.print_json(plain(validation(told)))
    elif format is ProblemsFormat.GITHUB:
        from ..factory.past import in_workspace
        from ..views import github

        screen.print_lines(github.annotated(told, in_workspace(str(root))))
    else:
        screen.told(told)


def _mended(root: Path) -> tuple[Diagnostic, ...]:
    # What keeps comments takes a while to import.
    from ..store import treefile
    from ..store.mending import mend

    changes, told = mend(root)
    treefile.write(root, changes)
    return told


def _judged(root: Path, base: str | None) -> tuple[DesiredState | None, tuple[Diagnostic, ...]]:
    """Return what a tree declares, and all that is to be told of it."""
    memo: statefile.Memo = {}
    try:
        desired, remarks = statefile.load(root, memo, own_folders())
    except CalibstateError as error:
        return None, error.diagnostics
    before, troubles = _before(desired, base, memo)
    findings = judge(desired, before, datetime.now(UTC).date())
    return desired, (*remarks, *troubles, *findings)


def _before(
    desired: DesiredState, base: str | None, memo: statefile.Memo
) -> tuple[DesiredState | None, tuple[Diagnostic, ...]]:
    if base is None:
        return None, ()
    # What reads commits, and can read them at a site, is a lot.
    from ..factory.past import declared_before

    try:
        return declared_before(desired.root, base, memo).desired, ()
    except InvalidStateError as error:
        # It may be this very change that mends it.
        first = error.diagnostics[0]
        detail = f"{base} has mistakes, so changes are not judged: {first.summary} ({first.where})."
        return None, (Diagnostic("Base does not validate", detail, severity=Severity.WARNING),)


def _inventory(desired: DesiredState, *, sound: bool) -> str:
    return (
        f"{desired.root}: {count(len(desired.sites), 'site')}, "
        f"{count(len(desired.repositories), 'repository')}, ".replace("repositorys", "repositories")
        + f"{count(len(desired.tickets), 'ticket')}, {count(len(desired.chains), 'chain')}: "
        + ("sound" if sound else "sound, but against the policy")
    )
