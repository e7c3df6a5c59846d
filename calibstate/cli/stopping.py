"""Stopping between two steps: a first signal asks, a second one insists.

The step in hand is finished, so that nothing is left half done; whoever
cannot wait for it sends the signal again, which loses nothing either.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

__all__ = ["Stopping"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What asks to stop: a person, the system, a terminal that goes away."""

_FINISHED_FIRST = "the step in hand is finished first"


class _Woken(BaseException):
    """Somebody wants the run to stop while it sleeps."""


class Stopping:
    """Whether somebody wants the run to stop.

    Parameters
    ----------
    what_follows
        What becomes of the step in hand, for whoever has asked.
    """

    def __init__(self, what_follows: str = _FINISHED_FIRST) -> None:
        words = f"\nStopping: {what_follows}. Once more stops at once, and loses nothing.\n"
        self._words = words.encode()
        self._asked = False
        self._sleeping = False

    def __call__(self) -> bool:
        """Say whether no other step is to be begun."""
        return self._asked

    def sleep(self, seconds: float) -> None:
        """Wait, unless somebody wants the run to stop."""
        try:
            self._sleeping = True
            if not self._asked:
                time.sleep(seconds)
            self._sleeping = False
        except _Woken:
            self._sleeping = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take signals for wishes while the context lasts."""
        if threading.current_thread() is not threading.main_thread():
            yield  # Only the main thread is told of signals.
            return
        # What is ignored stays so: nohup has a run outlive its terminal.
        heard = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, self._handle) for number in heard}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        # Whoever was writing may have been interrupted at it, so that only
        # the system's own call is safe here.
        with suppress(OSError):
            os.write(2, self._words)  # There may be nobody left to read it.
        if self._sleeping:
            raise _Woken  # Sleep goes on after a signal, but for this.
