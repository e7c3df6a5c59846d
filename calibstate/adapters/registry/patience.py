"""How long a database is waited for, by whatever connection."""

from __future__ import annotations

import math
import os
import threading
import time
from typing import Any

from ...ports.silence import allowed

__all__ = ["connecting", "milliseconds", "statement_begins", "statement_took"]

_CONNECTING = 10.0
"""Seconds in which a database that is there lets us in."""

_SHORTEST = 2.0
"""Seconds; the library of PostgreSQL takes less for this."""

_statement = threading.local()


def connecting() -> dict[str, Any]:
    """Return the settings by which PostgreSQL is waited for with an end."""
    seconds = max(allowed(), _SHORTEST)
    return {
        "connect_timeout": os.environ.get("PGCONNECT_TIMEOUT", int(min(seconds, _CONNECTING))),
        # A connection that nothing comes through any more is known by these.
        "keepalives_idle": int(seconds / 2),
        "keepalives_interval": max(int(seconds / 6), 1),
        "keepalives_count": 3,
        "tcp_user_timeout": int(seconds * 1000),
    }


def milliseconds() -> int:
    """Return the limit of one statement, and of the wait for a lock."""
    return int(allowed() * 1000)


def statement_begins() -> None:
    """Note that this thread gives a database a statement."""
    _statement.began = time.monotonic()


def statement_took() -> float:
    """Return the seconds since the last statement of this thread began."""
    began: float | None = getattr(_statement, "began", None)
    return math.inf if began is None else time.monotonic() - began
