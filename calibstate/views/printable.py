"""Words as they can be shown: with nothing that a screen hides or obeys."""

from __future__ import annotations

__all__ = ["printable"]


def printable(words: str) -> str:
    """Return words with a ``?`` for all that cannot be seen."""
    return "".join(c if c.isprintable() or c in "\n\t" else "?" for c in words)
