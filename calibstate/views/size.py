"""How many columns and lines a terminal has, whatever it says of itself."""

from __future__ import annotations

import os
from collections.abc import Mapping

__all__ = ["size"]

_USUAL = (80, 25)
"""Columns and lines where none are known."""

_LEAST, _MOST = (20, 5), (1000, 1000)
"""What we are able to lay something out for."""


def size(variables: Mapping[str, str] = os.environ) -> tuple[int, int]:
    """Return how many columns and lines there are to write to.

    Parameters
    ----------
    variables
        Of the environment; ``COLUMNS`` and ``LINES`` come before what the
        terminal says, unless they are no numbers or 0.
    """
    told = (_number(variables.get("COLUMNS")), _number(variables.get("LINES")))
    asked = _asked()
    columns, lines = (t or a or u for t, a, u in zip(told, asked, _USUAL, strict=True))
    return (
        min(max(columns, _LEAST[0]), _MOST[0]),
        min(max(lines, _LEAST[1]), _MOST[1]),
    )


def _number(text: str | None) -> int:
    """Return a number of few ASCII digits, else 0."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 9:
        return 0
    return int(text)


def _asked() -> tuple[int, int]:
    """Return what a terminal says, if there is one and it knows."""
    for descriptor in (0, 1, 2):
        try:
            columns, lines = os.get_terminal_size(descriptor)
        except (OSError, ValueError):
            continue
        return columns, lines
    return 0, 0
