"""What time it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

__all__ = ["now", "utc_now"]


def _of_this_host() -> datetime:
    return datetime.now(UTC)


source: Callable[[], datetime] = _of_this_host
"""What is asked for the time; the tests of windows have another one."""


def now() -> datetime:
    """Return the time in UTC."""
    return source()


def utc_now() -> str:
    """Return the time in UTC, to the millisecond, with ``Z``."""
    return now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
