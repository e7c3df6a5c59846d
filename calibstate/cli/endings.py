"""How a command ends that could not do what it was asked.

People are told on standard error.  Who asked for documents gets one too, on
standard output, in a line of its own: some commands have written lines before.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Sequence
from itertools import zip_longest

from ..errors import Diagnostic, ExitCode
from ..store.documents.errors import errors_document
from ..views.render import Format
from . import screen

__all__ = ["end", "forsake_stdout", "interrupted", "left_alone", "unexpected"]


def end(exit_code: int, problems: Sequence[Diagnostic], words: Sequence[str]) -> int:
    """Tell what stopped a command, and return what it ends with.

    Parameters
    ----------
    exit_code
        What it ends with.
    problems
        What stopped it.
    words
        Its command line, which may be one that nobody understood.
    """
    screen.told(problems)
    if _format_of(words) == Format.JSON.value:
        _print_document(exit_code, problems)
    return exit_code


def left_alone() -> int:
    """Tell that a person has said no, and return what the command ends with.

    That is no error for a program to read.
    """
    screen.tell("Not done: nothing was changed.")
    return ExitCode.ERROR


def interrupted(words: Sequence[str]) -> int:
    """Tell that somebody stopped a command, and return what it ends with."""
    problem = Diagnostic("Interrupted", "What was done stands; run the same command again to go on.")
    # For who has stopped it himself, a line is enough.
    screen.tell(f"{problem.summary}. {problem.detail}")
    if _format_of(words) == Format.JSON.value:
        _print_document(ExitCode.ERROR, [problem])
    return ExitCode.ERROR


def unexpected(error: Exception) -> Diagnostic:
    """Return what is said of an error that nobody foresaw."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC and error.filename is None:
        return Diagnostic("Output cannot be written", f"{error.strerror}.", hint="Make room for it.")
    return Diagnostic(
        "Unexpected error",
        f"{type(error).__name__}: {error}. This is a defect of calibstate; what was done stands.",
        hint="Report it with the output of the same command under CALIBSTATE_TRACEBACK=1.",
    )


def forsake_stdout() -> None:
    """Have what is still written go nowhere: its reader has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_document(exit_code: int, problems: Sequence[Diagnostic]) -> None:
    document = errors_document(problems, exit_code).model_dump(mode="json")
    try:
        screen.print_json_text(json.dumps(document, sort_keys=True, ensure_ascii=False))
        screen.flush()
    except OSError:
        # Nobody reads it, and people have been told.
        forsake_stdout()


def _format_of(words: Sequence[str]) -> str:
    """Return the format that a command line asks for, as far as one can tell.

    It may be the very line that the parser refused, so it is read by itself.
    """
    format = os.environ.get("CALIBSTATE_FORMAT", "")
    # Behind the last word, and where there is none, nothing follows.
    for word, following in zip_longest(words, words[1:], fillvalue=""):
        if word == "--":
            break
        if word == "--format":
            format = following
        elif word.startswith("--format="):
            format = word.removeprefix("--format=")
    return format
