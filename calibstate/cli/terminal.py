"""The terminal as it is: of any size, any encoding, or none.

Results must arrive on every one of them.  So no variable and no terminal is
believed that says it has no width, and a character that it does not know is
told with others.
"""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from ..ports.requests import Requests

__all__ = ["Lost", "be_readable", "outlive_readers", "speaks_unicode", "wanted"]

_READABLE = "calibstate.readable"


@dataclass
class _Wanted:
    """What the person at the terminal asks for."""

    details: bool = False

    pager: bool = True
    """Whether a long result may be shown in a pager."""

    output: Path | None = None
    """The file that the result is written to as well."""

    words: tuple[str, ...] = ()
    """The command line, without the program."""

    requests: Requests | None = None
    """Tells of each request to a place; `None`: nobody wants to know."""


wanted = _Wanted()
"""Of the command that runs."""

_INSTEAD = {
    "…": "...",
    "✓": "v",
    "✗": "m",
    "≠": "#",
    "⊘": "/",
    "○": "o",
    "●": "@",
    "‖": "=",
    "↕": "%",
    "·": ".",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "→": "->",
    "\N{LEFT SINGLE QUOTATION MARK}": "'",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
}
"""Our own marks with fewer characters; those of ``status`` stay different."""


def be_readable(*streams: TextIO | None) -> None:
    """Have each character written that a stream has, and others for the rest.

    Parameters
    ----------
    streams
        Of this process; one that is closed is left alone.
    """
    codecs.register_error(_READABLE, _readable)
    for stream in streams:
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_READABLE)


def _readable(error: UnicodeError) -> tuple[str, int]:
    """Return what is written instead of characters that an encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    words = []
    for character in error.object[error.start : error.end]:
        if "\u2800" <= character <= "\u28ff":
            words.append("*")  # They turn while something is waited for.
        else:
            escaped = character.encode("ascii", "backslashreplace").decode("ascii")
            words.append(_INSTEAD.get(character, escaped))
    return "".join(words), error.end


def speaks_unicode(stream: TextIO | None) -> bool:
    """Say whether a stream has every character."""
    return stream is None or (stream.encoding or "").lower().startswith(("utf", "cp65001"))


@dataclass
class Lost:
    """Why what is written is lost since some moment."""

    why: OSError | None = None


@contextmanager
def outlive_readers() -> Iterator[Lost]:
    """Go on where nobody reads any more, or nothing more can be written.

    Work that has begun is not stopped by who has read enough.

    Yields
    ------
    Lost
        Tells whether something could not be written.
    """
    lost = Lost()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (stream and _Outliving(stream, lost) for stream in before)
    try:
        yield lost
    finally:
        sys.stdout, sys.stderr = before


class _Outliving:
    """A stream from which nobody hears that it cannot be written to."""

    def __init__(self, stream: TextIO, lost: Lost) -> None:
        self._stream = stream
        self._lost = lost

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, as far as anybody takes it."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._lose(error)
            return len(text)

    def flush(self) -> None:
        """Have it written, as far as anybody takes it."""
        try:
            self._stream.flush()
        except OSError as error:
            self._lose(error)

    def _lose(self, error: OSError) -> None:
        self._lost.why = self._lost.why or error
        # What is buffered still, and all that follows, is taken there.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, self._stream.fileno())
        finally:
            os.close(nowhere)
