"""Problems of a state tree as text: those of one rule stand together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.text import Text

from ..errors import Diagnostic, Severity
from .messages import count, diagnostic, grouped, heading, indented, page_line

__all__ = ["Group", "groups", "messages"]

_FIRST = 3
"""Findings of one rule that are shown where not all are asked for."""


@dataclass(frozen=True)
class Group:
    """Problems that are one rule's, and weigh the same."""

    problems: tuple[Diagnostic, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """The files that they are in, each once."""
        files: dict[str, None] = {}
        for problem in self.problems:
            if problem.where:
                files[problem.where.file] = None
        return tuple(files)

    @property
    def title(self) -> str:
        """The rule in its words, and how often it finds something."""
        first = self.problems[0]
        number = count(self.problems, "finding")
        title = f"{first.summary}: {number}"
        if self.files:
            title += f" in {count(self.files, 'file')}"
        return title

    @property
    def hint(self) -> str:
        """What is to be done about each of them; empty: that differs."""
        hints = {problem.hint for problem in self.problems}
        if len(hints) > 1:
            return ""
        return hints.pop()


def groups(problems: Iterable[Diagnostic]) -> tuple[Group, ...]:
    """Return problems by what they are, in the order of the first of each.

    Mistakes that refuse the tree are each alone: every one has to be mended
    by itself.
    """

    def kind(numbered: tuple[int, Diagnostic]) -> tuple[object, ...]:
        number, problem = numbered
        if problem.severity is Severity.ERROR and not problem.code:
            return (number,)
        return (problem.code, problem.summary, problem.severity)

    together = []
    for numbered in grouped(enumerate(problems), kind).values():
        members = tuple(problem for _, problem in numbered)
        together.append(Group(members))
    return tuple(together)


def messages(problems: Iterable[Diagnostic], *, every: bool) -> Iterator[Text]:
    """Yield problems, those of one rule together.

    Parameters
    ----------
    problems
        The problems, in their order.
    every
        Whether each is shown; else of many the first ones.
    """
    for group in groups(problems):
        if len(group.problems) == 1:
            yield diagnostic(group.problems[0])
        else:
            yield _together(group, every=every)


def _together(group: Group, *, every: bool) -> Text:
    """Return problems of one rule under one head."""
    first = group.problems[0]
    # An error is told in full, however many there are.
    is_whole = every or first.severity is Severity.ERROR
    # A line that only says "1 more" takes as much room as that one.
    if len(group.problems) == _FIRST + 1:
        is_whole = True
    shown: Sequence[Diagnostic] = group.problems
    if not is_whole:
        shown = shown[:_FIRST]
    text = heading(first, group.title)
    text.append("\n")
    for problem in shown:
        text.append_text(_member(problem, with_hint=not group.hint))
    more = len(group.problems) - len(shown)
    if more:
        text.append(f"\n  … {more} more; --all shows them", "dim")
    if group.hint:
        text.append(f"\n\n  {indented(group.hint)}")
    text.append(page_line(first.code))
    text.append("\n")
    return text


def _member(problem: Diagnostic, *, with_hint: bool) -> Text:
    """Return one of several problems: where it is, and what is so there."""
    text = Text()
    if problem.where:
        text.append(f"\n  {problem.where}", "cyan")
    text.append(f"\n    {indented(problem.detail, 4)}")
    if with_hint and problem.hint:
        text.append(f"\n    {indented(problem.hint, 4)}")
    return text
