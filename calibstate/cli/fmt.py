"""The command that lays out the files of a state tree."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import Diagnostic, Severity, Where
from ..kinds.table import forms
from ..store import statefile, treefile
from ..views.messages import count
from . import screen
from .app import ExitCode, app
from .options import ProblemsFormat
from .validate import print_problems

if TYPE_CHECKING:
    from ..store.layout import LaidOut
    from ..store.treefile import Change


@app.command()
def fmt(
    context: typer.Context,
    check: Annotated[  # noqa: FBT002
        bool,
        typer.Option(
            "--check", envvar="CALIBSTATE_CHECK", help="Write nothing; end with 1 where something differs."
        ),
    ] = False,
    format: Annotated[
        ProblemsFormat,
        typer.Option("--format", envvar="CALIBSTATE_FORMAT", help="How the result is written."),
    ] = ProblemsFormat.TEXT,
) -> None:
    """Lay out the files of the state tree in the one way there is.

    The order of keys, indentation and spaces are set right; what a file says,
    its comments and its blank lines stay.  Seals are left alone.  A file that
    cannot be read, or not be laid out without a loss, is told and left alone.

    Ends with 1 where a file cannot be read; with --check also where one would
    be written.

    \b
    Examples:
      calibstate fmt
      calibstate fmt --check
    """
    # What keeps comments takes a while to import.
    from ..store.layout import lay_out_tree

    root = statefile.find_root(context.obj)
    found = lay_out_tree(root, forms())
    if not check:
        treefile.write(root, found.changes)
    told = (*found.told, *(_told(change, check=check) for change in found.changes))
    print_problems(told, format, root)
    if format not in {ProblemsFormat.JSON, ProblemsFormat.GITHUB}:
        screen.print_lines([_tally(root, found, check=check)])
    failed = any(problem.severity is Severity.ERROR for problem in told)
    raise typer.Exit(ExitCode.ERROR if failed else ExitCode.DONE)


def _told(change: Change, *, check: bool) -> Diagnostic:
    where = Where(change.file, _first_difference(change))
    if check:
        detail = "This is the first line that would be written otherwise."
        return Diagnostic("Not laid out", detail, where, "calibstate fmt")
    return Diagnostic("Laid out", "It was written anew from this line on.", where, severity=Severity.NOTE)


def _first_difference(change: Change) -> int:
    before, after = (change.before or b"").splitlines(), change.after.splitlines()
    pairs = enumerate(zip(before, after, strict=False), start=1)
    return next((n for n, (a, b) in pairs if a != b), max(1, min(len(before), len(after))))


def _tally(root: Path, found: LaidOut, *, check: bool) -> str:
    done = "to be laid out" if check else "laid out"
    return f"{root}: {count(found.files, 'file')}, {len(found.changes)} {done}"
