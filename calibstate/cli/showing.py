"""Results on the screen: in a format, with an exit code."""

from __future__ import annotations

from typing import NoReturn

import typer

from ..errors import Diagnostic
from ..model.results.base import CommandResult
from ..views.messages import Aside
from ..views.render import Format, view_of
from . import screen

__all__ = ["finish", "print_footnotes", "print_result"]


def finish(result: CommandResult, format: Format = Format.TEXT) -> NoReturn:
    """Print a result, and end the command with its exit code.

    Parameters
    ----------
    result
        What a use case returned.
    format
        How it is written.
    """
    print_result(result, format)
    print_footnotes(result)
    raise typer.Exit(result.exit_code)


def print_footnotes(result: CommandResult) -> None:
    """Print to people what is said after a result."""
    for footnote in result.footnotes:
        if isinstance(footnote, Diagnostic):
            screen.told([footnote])
        else:
            screen.tell(footnote)


def print_result(result: object, format: Format) -> None:
    """Print a result: what it says to standard output, messages to the other.

    Parameters
    ----------
    result
        Something that the table of views has.
    format
        How it is written.
    """
    view = view_of(type(result), format)
    if format is Format.JSON:
        # What makes documents is imported with the one that is asked for.
        from ..store.documents.base import plain

        document = view(result)
        if document is not None:
            screen.print_json(plain(document))
        return
    console = screen.out()
    for line in view(result):
        if isinstance(line, Diagnostic):
            screen.told([line])
        elif isinstance(line, Aside):
            screen.tell(line)
        else:
            screen.print_lines([line], console)
