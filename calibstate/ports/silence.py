"""How long a place may be silent before it counts as unreachable.

One limit holds for the whole process, as a person gives it for one command.
Adapters ask no longer than that for a single answer; and whoever looks gives
up when nothing was heard for so long.  A place that is slow, but answers
again and again, is never cut off.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from ..errors import Diagnostic, UnreachableError

__all__ = [
    "USUAL",
    "Heard",
    "SilentError",
    "allow",
    "allowed",
    "at_work",
    "heard",
    "hearing",
    "listening",
    "silent",
]

USUAL = timedelta(seconds=60)
"""The limit, unless told."""


class SilentError(UnreachableError):
    """A place was asked and said nothing for too long."""


@dataclass
class _Limit:
    """The limit of this process."""

    seconds: float = USUAL.total_seconds()


@dataclass
class Heard:
    """When something was heard last, by all threads of one look."""

    _at: float = field(default_factory=time.monotonic)
    _busy: int = 0
    _counting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def at(self) -> float:
        """Seconds that only grow; without end while nothing can be heard."""
        return math.inf if self._busy else self._at

    def now(self) -> None:
        """Note that something was heard."""
        self._at = time.monotonic()

    def be_busy(self, by: int) -> None:
        """Count the threads that do what cannot be heard."""
        with self._counting:
            self._busy += by
        self.now()


_limit = _Limit()
_here = threading.local()


def allow(limit: timedelta | None) -> None:
    """Set the limit; `None`: the usual one."""
    _limit.seconds = (limit or USUAL).total_seconds()


def allowed() -> float:
    """Return the limit in seconds."""
    return _limit.seconds


def listening(to: Heard | None) -> None:
    """Have what this thread hears from now on kept."""
    _here.heard = to


def hearing() -> Heard | None:
    """Return what keeps what this thread hears, for others that help it."""
    return getattr(_here, "heard", None)


@contextmanager
def at_work() -> Iterator[None]:
    """Do what gives no sign while it lasts.

    An import, which is not the place's fault; or the transfer of one file,
    which has limits of its own.
    """
    found = hearing()
    if found:
        found.be_busy(1)
    try:
        yield
    finally:
        if found:
            found.be_busy(-1)


def heard() -> None:
    """Note that the place which this thread looks at gave an answer."""
    if found := hearing():
        found.now()


def silent(place: str) -> SilentError:
    """Return the error that a place said nothing for too long.

    Parameters
    ----------
    place
        What messages call it.
    """
    return SilentError(
        Diagnostic(
            "Place does not answer",
            f"{place}: it did not answer within {allowed():g} s.",
            hint="Nothing is known of what it holds. Try again later, or wait longer with --timeout.",
        )
    )
