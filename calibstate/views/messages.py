"""Messages as text for a terminal, and what all views count with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sized
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from rich.text import Text

from ..errors import Diagnostic, Severity, Where
from .documentation import page_of

__all__ = [
    "Aside",
    "Message",
    "at_line",
    "below",
    "count",
    "counted",
    "diagnostic",
    "grouped",
    "heading",
    "indented",
    "left_out",
    "page_line",
]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

SEVERITY_STYLES = {
    Severity.ERROR: "bold red",
    Severity.WARNING: "bold yellow",
    Severity.NOTE: "bold blue",
    Severity.DETAIL: "dim",
}


_PLURALS = {"repository": "repositories"}
"""Those that want more than an ``s``."""


class Aside(str):
    """A line of a view that is no part of the result, but said beside it."""


@dataclass(frozen=True)
class Message:
    """A message that a view has laid out; it is said beside the result."""

    text: Text


def count(number: int | Sized, noun: str) -> str:
    """Return a number with its noun: ``1 step``, ``2 steps``.

    Parameters
    ----------
    number
        How many, or what they are.
    noun
        What they are called, of which there is one.
    """
    if isinstance(number, Sized):
        number = len(number)
    if number == 1:
        return f"1 {noun}"
    nouns = _PLURALS.get(noun, f"{noun}s")
    return f"{number} {nouns}"


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


def grouped(values: Iterable[V], key: Callable[[V], K]) -> dict[K, list[V]]:
    """Return values by what they have in common, each in its order."""
    groups: dict[K, list[V]] = {}
    for value in values:
        group = groups.setdefault(key(value), [])
        group.append(value)
    return groups


def left_out(values: Sized, most: int) -> Iterator[str]:
    """Yield how many there are beyond those that are shown, if there are."""
    more = len(values) - most
    if more > 0:
        yield f"… and {more} more; --format json has all"


def below(words: str, style: str = "", by: int = 2) -> Text:
    """Return a line that is set in under its heading."""
    line = Text(words, style)
    line.pad_left(by)
    return line


def at_line(where: Where | None) -> str:
    """Return a place in a file as an aside: `` (FILE:LINE)``; else nothing."""
    if where is None:
        return ""
    return f" ({where.in_line})"


def heading(problem: Diagnostic, title: str) -> Text:
    """Return the head of a message: how much it weighs, its code, a title."""
    text = Text()
    severity = problem.severity
    label = severity.value
    code = problem.code
    if code:
        label += f"[{code}]"
    text.append(f"{label}: ", SEVERITY_STYLES[severity])
    text.append(title, "bold")
    return text


def diagnostic(problem: Diagnostic) -> Text:
    """Return a message: what, where, why, and what to do next."""
    text = heading(problem, problem.summary)
    where = problem.where
    if where:
        text.append(f"\n  {where}", "cyan")
    # In this order: what, where, why it matters, what to do.
    detail = indented(problem.detail)
    text.append(f"\n\n  {detail}")
    if problem.hint:
        hint = indented(problem.hint)
        text.append(f"\n\n  {hint}")
    text.append(page_line(problem.code))
    text.append("\n")
    return text


def page_line(code: str) -> str:
    """Return the line that names the page of a rule; empty without a code."""
    if not code:
        return ""
    return f"\n  See {page_of(code)}"


def indented(prose: str, by: int = 2) -> str:
    """Return prose whose lines but the first begin further right."""
    first, *others = prose.split("\n")
    lines = [first]
    for line in others:
        # An empty line stays one.
        lines.append(" " * by + line if line else "")
    return "\n".join(lines)
