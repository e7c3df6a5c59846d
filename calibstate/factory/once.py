"""What is opened when it is first asked for, and kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Once"]

T = TypeVar("T")


class Once(Generic[T]):
    """Something that is opened once.

    Parameters
    ----------
    make
        Opens it.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._keeping = threading.Lock()
        self.opened: T | None = None
        """What was opened; `None`: nothing yet."""

    def get(self) -> T:
        """Return it, opened now if it has not been before."""
        if self.opened is not None:
            return self.opened
        # Nobody waits for another thread's attempt, which may hang.  Where
        # several succeed, all are given the first one.
        fresh = self._make()
        with self._keeping:
            if self.opened is None:
                self.opened = fresh
            return self.opened

    def forget(self) -> None:
        """Open it anew when it is asked for again."""
        self.opened = None
