"""How many columns and lines a terminal has, whatever it says of itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["columns_of_terminal", "size"]


class _Bounds(NamedTuple):
    """What we are able to lay something out for."""

    least: int
    most: int

    usual: int
    """Where none is known."""


_COLUMNS = _Bounds(least=20, most=1000, usual=80)
_LINES = _Bounds(least=5, most=1000, usual=25)


def size(variables: Mapping[str, str] = os.environ) -> tuple[int, int]:
    """Return how many columns and lines there are to write to.

    Parameters
    ----------
    variables
        Of the environment; ``COLUMNS`` and ``LINES`` come before what the
        terminal says, unless they are no numbers or 0.
    """
    columns, lines = _size_of_terminal()
    wanted_columns = variables.get("COLUMNS", "")
    wanted_lines = variables.get("LINES", "")
    return (
        _within(_COLUMNS, _number(wanted_columns) or columns),
        _within(_LINES, _number(wanted_lines) or lines),
    )


def columns_of_terminal(variables: Mapping[str, str] = os.environ) -> int | None:
    """Return how many columns a terminal has; `None`: nobody knows.

    Parameters
    ----------
    variables
        Of the environment, as for `size`.
    """
    columns, _ = _size_of_terminal()
    wanted_columns = variables.get("COLUMNS", "")
    number = _number(wanted_columns) or columns
    if number == 0:
        return None
    return _within(_COLUMNS, number)


def _within(bounds: _Bounds, number: int) -> int:
    """Return a number as we are able to lay something out for it."""
    if number == 0:
        return bounds.usual
    return min(max(number, bounds.least), bounds.most)


def _number(text: str) -> int:
    """Return a number of few ASCII digits, else 0."""
    if len(text) > 9:
        return 0
    if not text.isascii() or not text.isdigit():
        return 0
    return int(text)


def _size_of_terminal() -> tuple[int, int]:
    """Return what a terminal says; 0, where there is none that knows."""
    # Of the three streams some may lead elsewhere, into a file or a pipe.
    for descriptor in (0, 1, 2):
        try:
            columns, lines = os.get_terminal_size(descriptor)
        except (OSError, ValueError):
            continue
        return columns, lines
    return 0, 0
