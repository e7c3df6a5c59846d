"""Requests to places, told while they are made: ``-v`` and ``--log-file``.

Each is one line: when, which place, what, how long, and what became of it.
"""

from __future__ import annotations

import re
import shlex
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from .. import __version__
from ..errors import Diagnostic, UsageError, without_secrets
from ..ports.requests import ANSWERED, Request
from . import screen

__all__ = ["EACH_REQUEST", "RequestLog"]

PLACES = 1
"""How much ``-v`` tells: which places are waiting, and what fails."""

_OF_A_MOMENT = 11
"""Bytes of a moment that are a date."""

_LOGGED = re.compile(rb"$|[0-9]{4}-[0-9]{2}-[0-9]{2}T")
"""How a log begins, unless it is empty."""

EACH_REQUEST = 2
"""How much ``-vv`` tells."""


class RequestLog:
    """Tells of requests, on standard error and in a file.

    Parameters
    ----------
    verbosity
        How much is shown on standard error.
    file
        Where each request is appended; `None`: nowhere.

    Raises
    ------
    UsageError
        The file cannot be written.
    """

    def __init__(self, verbosity: int = 0, file: Path | None = None) -> None:
        self._verbosity = verbosity
        self._writing = threading.Lock()
        self._waiting: dict[int, _Asked] = {}
        self._file = _opened(file) if file else None

    def begin(self, request: Request) -> _Asked:
        """Note that a place is waiting."""
        waiting = _Asked(self, request)
        with self._writing:
            self._waiting[id(waiting)] = waiting
        return waiting

    def end(self, waiting: _Asked, outcome: str) -> None:
        """Tell of a request that was answered.

        Parameters
        ----------
        waiting
            The request.
        outcome
            What became of it.
        """
        request = waiting.request
        line = _line(request.at, request.place, request.words, f"{waiting.seconds:.3f} s", outcome)
        # Places are asked side by side; a line is one all the same.
        with self._writing:
            self._waiting.pop(id(waiting), None)
            self._write(line)
            if self._verbosity >= self._needed(request, outcome):
                screen.tell(line)

    def _needed(self, request: Request, outcome: str) -> int:
        """Return the verbosity at which a request is shown."""
        if request.is_opening or not outcome.startswith(ANSWERED):
            return PLACES
        return EACH_REQUEST

    def began(self, words: Sequence[str]) -> None:
        """Note in the file which command begins.

        Parameters
        ----------
        words
            Its arguments.
        """
        # Of several runs in one file each is found by its beginning.
        command = shlex.join(["calibstate", *words])
        self._write(_line(datetime.now(UTC), f"calibstate {__version__}", command))

    def ended(self, code: int) -> None:
        """Tell of what was never answered, and close the file.

        Parameters
        ----------
        code
            What the command ends with.
        """
        # Who hangs is left behind, and would never be told of.
        for waiting in list(self._waiting.values()):
            waiting.answered("no answer")
        self._write(_line(datetime.now(UTC), f"calibstate {__version__}", f"ended with {code}"))
        if self._file:
            self._file.close()
        self._file = None

    def _write(self, line: str) -> None:
        """Append a line; a disk that is full keeps nobody from working."""
        if self._file is None:
            return
        try:
            self._file.write(f"{line}\n")
            self._file.flush()
        except OSError as error:
            self._file = None
            screen.tell(f"The log file is not written any more: {error.strerror}.")


class _Asked:
    """A request that waits for its answer."""

    def __init__(self, log: RequestLog, request: Request) -> None:
        self.request = request
        self._log = log
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it has waited."""
        return time.monotonic() - self._began

    def answered(self, outcome: str = ANSWERED) -> None:
        """Note what became of it."""
        self._log.end(self, outcome)


def _opened(file: Path) -> TextIO:
    """Open a file to append to it."""
    from ..work.namedfiles import refuse_of_a_tree

    refuse_of_a_tree(file)
    if file.is_file() and not _LOGGED.match(file.read_bytes()[:_OF_A_MOMENT]):
        detail = f"{file} is there, and is no log: nothing is appended to it."
        hint = "Name another one with --log-file."
        raise UsageError(Diagnostic("Log file is another file", detail, hint=hint))
    try:
        return file.open("a", encoding="utf-8", errors="backslashreplace")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            Diagnostic(
                "Log file cannot be written",
                f"{file}: {why}.",
                hint="Name another one with --log-file, or leave it out.",
            )
        ) from None


def _line(at: datetime, *columns: str) -> str:
    """Return a line of the log, of which no name can make two."""
    moment = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = without_secrets("  ".join((moment, *columns)))
    return "".join(character if character.isprintable() else "?" for character in line)
