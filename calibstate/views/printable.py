"""Words as they can be shown: with nothing that a screen hides or obeys."""

from __future__ import annotations

__all__ = ["printable"]


def printable(words: str) -> str:
    """Return words with a ``?`` for all that cannot be seen."""
    shown = []
    for character in words:
        is_shown = character.isprintable() or character in "\n\t"
        shown.append(character if is_shown else "?")
    return "".join(shown)
