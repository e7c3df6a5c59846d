"""How many columns and lines a terminal has, whatever it says of itself."""

from __future__ import annotations

import os
from collections.abc import Mapping

__all__ = ["size"]

_USUAL = (80, 25)
"""Columns and lines where none are known."""

_LEAST = (20, 5)
_MOST = (1000, 1000)
"""What we are able to lay something out for."""


def size(variables: Mapping[str, str] = os.environ) -> tuple[int, int]:
    """Return how many columns and lines there are to write to.

    Parameters
    ----------
    variables
        Of the environment; ``COLUMNS`` and ``LINES`` come before what the
        terminal says, unless they are no numbers or 0.
    """
    columns = _number(variables.get("COLUMNS"))
    lines = _number(variables.get("LINES"))
    of_terminal = _size_of_terminal()
    columns = columns or of_terminal[0] or _USUAL[0]
    lines = lines or of_terminal[1] or _USUAL[1]
    columns = min(max(columns, _LEAST[0]), _MOST[0])
    lines = min(max(lines, _LEAST[1]), _MOST[1])
    return columns, lines


def _number(text: str | None) -> int:
    """Return a number of few ASCII digits, else 0."""
    if text is None or len(text) > 9:
        return 0
    if not text.isascii() or not text.isdigit():
        return 0
    return int(text)


def _size_of_terminal() -> tuple[int, int]:
    """Return what a terminal says, if there is one and it knows."""
    for descriptor in (0, 1, 2):
        try:
            columns, lines = os.get_terminal_size(descriptor)
        except (OSError, ValueError):
            continue
        return columns, lines
    return 0, 0
