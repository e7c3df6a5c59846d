"""Results on the screen: in a format, with an exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NoReturn

import typer

from ..errors import Diagnostic, UsageError
from ..model.names import with_code_points
from ..model.results.base import CommandResult
from ..views.messages import Aside, Message
from ..views.printable import printable
from ..views.render import Format, format_of_suffix, view_of
from . import screen, terminal
from .pager import paged

__all__ = ["finish", "print_footnotes", "print_result", "write_result"]


def finish(result: CommandResult, format: Format = Format.TEXT) -> NoReturn:
    """Print a result, and end the command with its exit code.

    Parameters
    ----------
    result
        What a use case returned.
    format
        How it is written.
    """
    # First, so that it is there also where nobody reads what is printed.
    if terminal.wanted.output:
        write_result(result, terminal.wanted.output, format)
    with paged():
        print_result(result, format)
    print_footnotes(result)
    raise typer.Exit(result.exit_code)


def write_result(result: object, file: Path, format: Format = Format.MARKDOWN) -> None:
    """Write a result into a file.

    Parameters
    ----------
    result
        Something that the table of views has.
    file
        Where to; folders that it is in are made.
    format
        How it is written, where the suffix of the file does not say it.

    Raises
    ------
    UsageError
        The file cannot be written.
    """
    format = format_of_suffix(file) or format
    shown = view_of(type(result), format)(result)
    if format is Format.JSON:
        from ..store.documents.base import plain

        text = json.dumps(plain(shown), sort_keys=True, indent=1, ensure_ascii=False)
    else:
        lines: list[str] = []
        for line in shown:
            # What is said beside a result is no part of it.
            if isinstance(line, Diagnostic | Aside):
                continue
            words = line.text if isinstance(line, Message) else line
            lines.append(printable(str(words)))
        text = "\n".join(lines)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        name = with_code_points(str(file))
        raise UsageError(Diagnostic("File cannot be written", f"{name}: {error.strerror}.")) from None
    screen.tell(f"{file} was written.")


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
        elif isinstance(line, Message):
            screen.print_lines([line.text], screen.err(), is_prose=True)
        else:
            screen.print_lines([line], console, is_prose=format is Format.TEXT)
