"""A loop of turns, each a process of its own.

What a turn grows, leaks or breaks ends with it: the loop only starts turns,
bounds them, and waits.  `watch --once` is the turn, for cron as for the loop.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from ..errors import ExitCode
from ..work.watch import longest_pause
from . import screen
from .stopping import Stopping

__all__ = ["Bounds", "Loop"]

_WELL = frozenset({ExitCode.DONE, ExitCode.DRIFT, ExitCode.REFUSED, ExitCode.PENDING})
"""How a turn ends in which nothing went wrong."""

_LOOK = 0.2
"""Seconds between two looks at a turn that is under way."""

_GRACE = timedelta(minutes=10)
"""How long a turn that is to end may finish its step."""


@dataclass(frozen=True)
class Bounds:
    """What a turn may take."""

    time: timedelta
    memory: int
    """Bytes."""

    grace: timedelta = _GRACE
    """How long it may finish its step when it has taken more."""


@dataclass
class Loop:
    """Turns, one after the other.

    Parameters
    ----------
    arguments
        The command line of a turn, without the program.
    pause
        Returns the time from one turn to the next.
    bounds
        What a turn may take.
    stopping
        Whether somebody wants the loop to end.
    """

    arguments: Sequence[str]
    pause: Callable[[], timedelta]
    bounds: Bounds
    stopping: Stopping

    program: Sequence[str] = (sys.executable, "-P", "-m", "calibstate")
    """What the arguments are given to; no folder that we are in holds it."""

    failures: int = field(default=0, init=False)
    """Turns in a row that went wrong."""

    def run(self) -> int:
        """Turn until somebody wants it to end; return the exit code."""
        with self.stopping.listening():
            while not self.stopping():
                began = time.monotonic()
                code = self.turn()
                if code == ExitCode.USAGE:
                    # It means nothing the next time either.
                    return code
                self.failures += 1
                # How the site stands is no failure of the loop.
                if code in _WELL:
                    self.failures = 0
                self.stopping.sleep(self.left(began))
        return ExitCode.DONE

    def left(self, began: float) -> float:
        """Return the seconds until the next turn.

        Parameters
        ----------
        began
            When the last one began, by the monotonic clock.
        """
        pause = longest_pause(self.pause(), self.failures)
        # By a clock that nobody sets.
        return max(0.0, pause.total_seconds() - (time.monotonic() - began))

    def turn(self) -> int:
        """Run a turn within its bounds, and return its exit code."""
        words = [*self.program, *self.arguments]
        # In a session of its own, so that a terminal asks the loop alone.
        with subprocess.Popen(words, start_new_session=True, stdin=subprocess.DEVNULL) as turn:
            began = time.monotonic()
            ends_since: float | None = None
            try:
                while turn.poll() is None:
                    time.sleep(_LOOK)
                    ends_since = self.bound(turn, began, ends_since)
            except KeyboardInterrupt:
                # Who is in a hurry ends the turn at once, too.
                _signal(turn, signal.SIGTERM)
                raise
            return turn.returncode

    def bound(
        self,
        turn: subprocess.Popen[bytes],
        began: float,
        ends_since: float | None,
    ) -> float | None:
        """Ask a turn to end where it has to, and kill it where it does not.

        Parameters
        ----------
        turn
            The turn.
        began
            When it began, by the monotonic clock.
        ends_since
            When it was asked to end; `None`: it was not.

        Returns
        -------
        float or None
            When it was asked to end, by now.
        """
        now = time.monotonic()
        if ends_since is None:
            why = self._why_end(turn.pid, now - began)
            if why is None:
                return None
            screen.tell(why)
            _signal(turn, signal.SIGTERM)
            return now
        if now - ends_since > self.bounds.grace.total_seconds():
            screen.tell("The turn does not end, and is killed; the next one takes it up.")
            _signal(turn, signal.SIGKILL)
        return ends_since

    def _why_end(self, pid: int, seconds: float) -> str | None:
        """Say why a turn is to end now, if it is."""
        if self.stopping():
            return "The turn that is under way ends between two steps."
        if seconds > self.bounds.time.total_seconds():
            return "The turn takes too long, and is to end between two steps."
        if _resident(pid) > self.bounds.memory:
            return "The turn takes too much memory, and is to end between two steps."
        return None


def _signal(turn: subprocess.Popen[bytes], number: int) -> None:
    # It may have ended meanwhile.
    with suppress(ProcessLookupError):
        turn.send_signal(number)


def _resident(pid: int) -> int:
    """Return the bytes of memory that a process takes."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
