"""Telling how far long work has come, and how fast it may go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

__all__ = ["BYTES", "FILES", "Pace", "Tally", "Watch", "unlimited", "unwatched"]

FILES = "files"
BYTES = "bytes"
"""What is counted of files; other work counts places, tickets and the like."""

Watch = Callable[[str, int, int], None]
"""Called with what is counted ("files"), how many are done, of how many.

Who counts several things at once calls it for each of them."""


def unwatched(what: str, done: int, total: int) -> None:
    """Tell nobody."""


Pace = Callable[[int], None]
"""Called with the bytes that were read; returns when more may be read."""


def unlimited(count: int) -> None:
    """Let everybody read as fast as they can."""


class Tally:
    """Counts the files and bytes of one piece of work, done by many threads.

    Parameters
    ----------
    watch
        Told of each file, and of bytes as they pass.
    sizes
        Bytes of each of the files; where one of them is not known, none are
        told.
    """

    def __init__(self, watch: Watch, sizes: Sequence[int | None]) -> None:
        self._watch = watch
        self._files = len(sizes)
        known_sizes = [size for size in sizes if size is not None]
        self._size = sum(known_sizes) if len(known_sizes) == len(sizes) else None
        self._files_done = 0
        self._bytes_done = 0
        self._counting = threading.Lock()

    def passed(self, count: int) -> None:
        """Count bytes that were read, or read and written."""
        if self._size is None:
            return
        with self._counting:
            # A file may be longer than it should be; that is refused later.
            self._bytes_done = min(self._bytes_done + count, self._size)
            self._watch(BYTES, self._bytes_done, self._size)

    def file_done(self) -> None:
        """Count a file."""
        # Told under the lock, so that nobody sees a count go back.
        with self._counting:
            self._files_done += 1
            self._watch(FILES, self._files_done, self._files)
