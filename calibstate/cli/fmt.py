"""The command that lays out the files of a state tree."""

from __future__ import annotations

from typing import Annotated

import typer

from ..views.render import Format
from .app import app
from .groups import grouped, shown_as
from .options import CheckOption
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def fmt(
    context: typer.Context,
    *,
    check: CheckOption = False,
    format: Annotated[Format, shown_as("results.trees.Formatting")],
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
    from ..work.fmt import fmt

    finish(fmt(begin(context), check=check), format)
