"""Messages as text for a terminal, and what all views count with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import Enum

from rich.text import Text

from ..errors import Diagnostic, Severity, Where

__all__ = ["Aside", "at_line", "count", "counted", "diagnostic", "indented"]

SEVERITY_STYLES = {
    Severity.ERROR: "bold red",
    Severity.WARNING: "bold yellow",
    Severity.NOTE: "bold blue",
    Severity.DETAIL: "dim",
}


class Aside(str):
    """A line of a view that is no part of the result, but said beside it."""


def count(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 step``, ``2 steps``."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun}s"


def counted(values: Iterable[Enum], order: Iterable[Enum]) -> list[str]:
    """Return how many there are of each value: ``2 missing``, ``1 extra``.

    Parameters
    ----------
    values
        What is counted.
    order
        The values that are named, if there are any of them.
    """
    numbers = Counter(values)
    words = []
    for value in order:
        number = numbers[value]
        if number:
            words.append(f"{number} {value.value}")
    return words


def at_line(where: Where | None) -> str:
    """Return a place in a file as an aside: `` (FILE:LINE)``; else nothing."""
    if where is None:
        return ""
    file = where.file
    line = where.line
    return f" ({file}:{line})"


def diagnostic(problem: Diagnostic) -> Text:
    """Return a message: what, where, why, and what to do next."""
    text = Text()
    severity = problem.severity
    label = severity.value
    code = problem.code
    if code:
        label += f"[{code}]"
    text.append(f"{label}: ", SEVERITY_STYLES[severity])
    text.append(problem.summary, "bold")
    where = problem.where
    if where:
        text.append(f"\n  {where}", "cyan")
    # In this order: what, where, why it matters, what to do.
    detail = indented(problem.detail)
    text.append(f"\n\n  {detail}")
    if problem.hint:
        hint = indented(problem.hint)
        text.append(f"\n\n  {hint}")
    text.append("\n")
    return text


def indented(prose: str, by: int = 2) -> str:
    """Return prose whose lines but the first begin further right."""
    line_end = "\n" + " " * by
    return prose.replace("\n", line_end)
