"""Telling how far long work has come, and how fast it may go."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Pace", "Watch", "unlimited", "unwatched"]

Watch = Callable[[str, int, int], None]
"""Called with what is counted ("files"), how many are done, of how many."""


def unwatched(what: str, done: int, total: int) -> None:
    """Tell nobody."""


Pace = Callable[[int], None]
"""Called with the bytes that were read; returns when more may be read."""


def unlimited(count: int) -> None:
    """Let everybody read as fast as they can."""
