"""Telling how far long work has come."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Watch", "unwatched"]

Watch = Callable[[str, int, int], None]
"""Called with what is counted ("files"), how many are done, of how many."""


def unwatched(what: str, done: int, total: int) -> None:
    """Tell nobody."""
