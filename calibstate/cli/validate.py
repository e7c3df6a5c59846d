"""The command that tells what is wrong with the state tree."""

from __future__ import annotations

from typing import Annotated

import typer

from ..views.render import Format
from .app import app
from .groups import grouped, shown_as
from .nouns import Noun
from .options import AllOption
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def validate(
    context: typer.Context,
    *,
    base: Annotated[
        str | None,
        Noun("BASE", "Judge changes too, against this commit, branch, tag or date; tell only what is new."),
    ] = None,
    every: AllOption = False,
    fix: Annotated[
        bool,
        typer.Option(
            "--fix", envvar="CALIBSTATE_FIX", help="Mend first what needs no judgement; it is told."
        ),
    ] = False,
    format: Annotated[Format, shown_as("results.trees.Validation")],
) -> None:
    """Tell everything that is wrong with the state tree.

    Mistakes stop every command.  What the policy finds has a code, and stops
    none: its levels and exceptions are set in calibstate.yaml.  Findings of
    one rule stand together.

    Ends with 1 where there are mistakes, or findings of level error; with
    --base only new ones count.

    \b
    Examples:
      calibstate validate
      calibstate validate origin/main
      calibstate validate --all
      calibstate -C state validate --format json
      calibstate validate --base origin/main --format github
      calibstate validate --fix
    """
    from ..work.validate import validate

    finish(validate(begin(context), base, fix=fix, every=every), format)
