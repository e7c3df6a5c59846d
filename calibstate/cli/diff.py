"""The command that tells what is declared otherwise."""

from __future__ import annotations

from typing import Annotated

import typer

from ..views.render import Format
from .app import app
from .groups import Narrowing, grouped, shown_as
from .nouns import BaseNoun, Noun
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def diff(
    context: typer.Context,
    *,
    base: BaseNoun = None,
    revision: Annotated[
        str | None, Noun("REV", "Another one; else the working tree.", names=("--to",))
    ] = None,
    format: Annotated[Format, shown_as("results.trees_compared.TreesCompared")],
    narrowing: Narrowing,
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
    from ..work.diff import diff

    finish(diff(begin(context, narrowing), base, revision), format)
