"""Long results on a terminal, through the pager of whoever reads them.

What fits the screen is printed, and so is everything that is no terminal's.
The pager is run when the command has done its work: it ends as it would have
without, whenever its reader has read enough.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from typing_extensions import override

from ..views.size import size
from . import terminal

__all__ = ["is_long", "paged"]

_USUAL = "less"

_OPTIONS_OF_LESS = "FRX"
"""Leave at once what fits the screen, show colours, and clear nothing."""

_ORDER_TO_A_TERMINAL = re.compile(r"\x1b\[[0-9;]*m|\x1b\]8;.*?\x1b\\")


@contextmanager
def paged() -> Iterator[None]:
    """Show through a pager what is printed meanwhile, if it is long."""
    stdout = sys.stdout
    words = _pager(stdout)
    if not words:
        yield
        return
    held = _Held(stdout)
    sys.stdout = held
    try:
        yield
    finally:
        sys.stdout = stdout
        text = held.getvalue()
        if not is_long(text) or not _was_shown(text, words, stdout):
            stdout.write(text)


class _Held(io.StringIO):
    """What is printed, written as for the stream that it will go to."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    @property
    @override
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    @override
    def isatty(self) -> bool:
        return True


def _pager(stream: TextIO | None) -> Sequence[str]:
    """Return the words of the pager; none where a person needs none."""
    if stream is None or stream.closed or not stream.isatty():
        return ()
    if os.environ.get("CI") or os.environ.get("TERM") == "dumb":
        return ()
    if not terminal.wanted.pager or terminal.wanted.output:
        return ()
    named = _USUAL
    # The second counts where both are set.
    for variable in ("PAGER", "CALIBSTATE_PAGER"):
        named = os.environ.get(variable, named)
    try:
        words = shlex.split(named)
    except ValueError:
        return ()
    if words == ["cat"]:
        return ()
    return words


def is_long(text: str) -> bool:
    """Say whether a text has more lines than a terminal shows at once.

    Parameters
    ----------
    text
        With its colours.
    """
    columns, lines = size()
    rows = 0
    for line in _ORDER_TO_A_TERMINAL.sub("", text).splitlines():
        # A line that is too long goes on in the next row.
        rows += max(1, -(-len(line) // columns))
    return rows >= lines


def _was_shown(text: str, words: Sequence[str], stream: TextIO) -> bool:
    """Show a text in a pager, and say whether there was one."""
    environment = {"LESS": _OPTIONS_OF_LESS, **os.environ}
    content = text.encode(stream.encoding or "utf-8", stream.errors or "replace")
    # It is the pager that a Ctrl-C is meant for, as in a long search.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        stream.flush()
        # Of one that was closed early, `communicate` tells nothing.
        with subprocess.Popen(words, stdin=subprocess.PIPE, env=environment) as pager:
            pager.communicate(content)
    except OSError:
        return False
    finally:
        signal.signal(signal.SIGINT, before)
    return True
