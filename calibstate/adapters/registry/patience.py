"""How long a database is waited for, by whatever connection."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

__all__ = ["Wait", "connecting", "last_wait", "milliseconds", "seconds_to_connect", "wait_begins"]

_CONNECTING = 10.0
"""Seconds in which a database that is there lets us in."""

_SHORTEST = 2.0
"""Seconds; the library of PostgreSQL takes less for this."""

_NEARLY = 0.9
"""Share of a limit from which it was the limit that ended a wait."""


@dataclass(frozen=True)
class Wait:
    """A wait of one thread for the answer of a database."""

    began: float
    """By a clock that only grows."""

    seconds: float
    """How long it may take."""

    @property
    def took_all(self) -> bool:
        """Whether the time that it may take is over, or nearly so."""
        return time.monotonic() - self.began >= self.seconds * _NEARLY


class _Thread(threading.local):
    """What each thread waits for, or waited for last."""

    wait: Wait | None = None


_thread = _Thread()


def wait_begins(seconds: float) -> None:
    """Note that this thread asks a database, which may take some seconds."""
    _thread.wait = Wait(time.monotonic(), seconds)


def last_wait() -> Wait | None:
    """Return what this thread waited for last; `None`: nothing yet."""
    return _thread.wait


def connecting(timeout: timedelta) -> dict[str, Any]:
    """Return the settings by which PostgreSQL is waited for with an end.

    Parameters
    ----------
    timeout
        How long the server may be silent.
    """
    seconds = max(timeout.total_seconds(), _SHORTEST)
    return {
        "connect_timeout": os.environ.get("PGCONNECT_TIMEOUT", int(seconds_to_connect(timeout))),
        # A connection that nothing comes through any more is known by these.
        "keepalives_idle": int(seconds / 2),
        "keepalives_interval": max(int(seconds / 6), 1),
        "keepalives_count": 3,
        "tcp_user_timeout": int(seconds * 1000),
    }


def seconds_to_connect(timeout: timedelta) -> float:
    """Return how long PostgreSQL is waited for to let us in.

    Parameters
    ----------
    timeout
        How long the server may be silent.
    """
    seconds = os.environ.get("PGCONNECT_TIMEOUT", "")
    if seconds.isdecimal() and int(seconds) > 0:
        return max(float(seconds), _SHORTEST)
    return min(max(timeout.total_seconds(), _SHORTEST), _CONNECTING)


def milliseconds(timeout: timedelta) -> int:
    """Return the limit of one statement, and of the wait for a lock."""
    return int(timeout.total_seconds() * 1000)
