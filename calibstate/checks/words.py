"""What several mistakes say alike."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import Where
from ..model.names import nearest

__all__ = ["did_you_mean", "line"]


def did_you_mean(word: str, vocabulary: Iterable[str]) -> str:
    """Return a hint at the word nearest to one; it may be empty."""
    near = nearest(word, vocabulary)
    if not near:
        return ""
    return f"Did you mean `{near}`?"


def line(where: Where) -> str:
    """Return a place in a file as people write it."""
    return where.in_line
