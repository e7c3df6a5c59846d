"""The terminal: results to standard output, all else to standard error.

Colour and progress only on a terminal; ``NO_COLOR`` and ``CI`` are honoured.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from ..errors import Diagnostic, Severity, without_secrets
from ..ports.progress import Watch
from ..views.counts import Counts
from ..views.messages import diagnostic
from ..views.printable import is_hidden, printable
from ..views.size import columns_of_terminal, size
from ..views.wrapping import wrapped
from . import terminal

__all__ = [
    "err",
    "flush",
    "out",
    "print_json",
    "print_json_text",
    "print_lines",
    "progress",
    "tell",
    "told",
    "waiting",
]


_OBEYED = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
"""What JSON may hold and a terminal may obey, hide or be unable to show."""


_LINE_EVERY = 60.0
"""Seconds after which a log is told again how far long work has come."""

_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")


def _console(*, stderr: bool) -> Console:
    plain = bool(os.environ.get("NO_COLOR") or os.environ.get("CI"))
    width, height = size()
    # We wrap lines ourselves, and on terminals only: names stay whole.
    return Console(
        stderr=stderr,
        no_color=plain or None,
        highlight=False,
        soft_wrap=True,
        width=width,
        height=height,
    )


def out() -> Console:
    """Return where results go."""
    return _console(stderr=False)


def err() -> Console:
    """Return where all else goes."""
    return _console(stderr=True)


def print_lines(
    lines: Iterable[Text | str], console: Console | None = None, *, is_prose: bool = True
) -> None:
    """Print a result line by line.

    Parameters
    ----------
    lines
        The result.
    console
        Where to; where results go unless told.
    is_prose
        Whether it is for people; else no line is broken.
    """
    console = console or out()
    for line in lines:
        text = _harmless(line)
        if is_prose:
            text = _fitted(text, console)
        console.print(text, markup=False)


def print_json(document: Any) -> None:
    """Print a JSON document."""
    print_json_text(json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False))


def print_json_text(document: str) -> None:
    """Print JSON that is text already."""
    if sys.stdout is None:
        # It was closed before we came, so that nobody reads it.
        return
    if not terminal.speaks_unicode(sys.stdout):
        document = _BEYOND_ASCII.sub(_escaped, document)
    # As escapes they say the same, and a terminal does not obey them.
    sys.stdout.write(_OBEYED.sub(_escaped, document) + "\n")


def flush() -> None:
    """Have what was printed so far arrive, if anybody reads."""
    if sys.stdout is not None:
        sys.stdout.flush()


def _escaped(match: re.Match[str]) -> str:
    """Return a character as JSON escapes it."""
    return json.dumps(match[0])[1:-1]


def tell(words: str) -> None:
    """Say something that is no result."""
    console = err()
    text = _harmless(without_secrets(words))
    console.print(_fitted(text, console), markup=False, style="dim")


def told(problems: Iterable[Diagnostic]) -> None:
    """Print messages for people."""
    console = err()
    for problem in problems:
        if problem.severity is Severity.DETAIL and not terminal.wanted.details:
            continue
        text = _harmless(diagnostic(problem))
        console.print(_fitted(text, console), markup=False)


def _fitted(text: Text, console: Console) -> Text:
    """Return text as it fits a terminal; a file takes lines of any length."""
    columns = columns_of_terminal()
    if columns is None or not console.file.isatty():
        return text
    return wrapped(text, columns)


def _harmless(line: Text | str) -> Text:
    """Return what a terminal shows and does not obey.

    Names, reasons and journals are written by others.
    """
    shown = line.copy() if isinstance(line, Text) else Text(line)
    # Each by itself: what is shown of it is longer, and styles are kept where
    # they stand.
    cuts: list[int] = []
    for position, character in enumerate(shown.plain):
        if is_hidden(character):
            cuts += [position, position + 1]
    if not cuts:
        return shown
    parts = shown.divide(cuts)
    for part in parts:
        part.plain = printable(part.plain)
    return shown.blank_copy().join(parts)


@contextmanager
def progress(what: str, of: str = "", clock: Callable[[], float] = time.monotonic) -> Iterator[Watch]:
    """Show how far long work has come: on a terminal, or a line a minute.

    Parameters
    ----------
    what
        The work.
    of
        What it is done to, for which a terminal has no room.
    clock
        Seconds that only grow.
    """
    console = err()
    counts = Counts(clock)
    if not _is_watched(console):
        yield _in_lines(f"{what} {of}".rstrip(), counts, clock)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=10),
        TextColumn("{task.fields[counts]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        # The counts are put into words as often as they are shown.
        task = bar.add_task(what, total=None, counts=counts)

        def watch(unit: str, done: int, total: int) -> None:
            counts.take(unit, done, total)
            completed, of_all = counts.foremost
            bar.update(task, completed=completed, total=of_all)

        yield watch


def _in_lines(what: str, counts: Counts, clock: Callable[[], float]) -> Watch:
    """Return what tells of long work in a log, and of short work nothing."""
    told_at = clock()

    def watch(unit: str, done: int, total: int) -> None:
        nonlocal told_at
        counts.take(unit, done, total)
        if clock() - told_at >= _LINE_EVERY:
            told_at = clock()
            tell(f"{what}: {counts}")

    return watch


@contextmanager
def waiting() -> Iterator[Callable[[list[str]], None]]:
    """Show what is waited for: in place, or where it changes a line."""
    console = err()
    printed: list[list[str]] = []
    with ExitStack() as stack:
        shown = stack.enter_context(console.status("")) if _is_watched(console) else None

        def show(lines: list[str]) -> None:
            if shown:
                shown.update(_harmless("\n".join(lines)))
            elif lines not in printed[-1:]:
                printed.append(lines)
                for line in lines:
                    tell(line)

        yield show


def _is_watched(console: Console) -> bool:
    # Lines that tell of requests would run through a bar.
    return console.is_terminal and not os.environ.get("CI") and not terminal.wanted.requests
