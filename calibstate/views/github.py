"""Messages as annotations of GitHub: at file and line of a pull request.

They are commands to the runner, one a line, so what a message
holds must not be able to end its line or to begin another property.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ..errors import Diagnostic, Severity
from ..model.results.proposals import Proposal
from ..model.results.trees import Formatting, Validation
from .documentation import page_of
from .findings import Group, groups

__all__ = ["annotated", "annotation", "problems", "validation"]

_COMMANDS = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.NOTE: "notice",
    Severity.DETAIL: "debug",
}


_SHOWN = 10
"""Annotations of one severity that GitHub shows of a step; more are only in
its log."""

_LINES = 10
"""Lines that an annotation of many findings names."""


def problems(result: Formatting | Proposal) -> Iterator[str]:
    """Yield what is wrong with a state tree, at its files and lines."""
    return annotated(result.problems, result.workspace)


def validation(result: Validation) -> Iterator[str]:
    """Yield what is wrong with a state tree, so that each rule is seen.

    Of more than GitHub shows, those of one rule are one annotation.
    """
    shown = result.shown
    if not result.every:
        shown = _folded(shown)
    return annotated(shown, result.workspace)


def _folded(problems: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return problems, of one rule a single one where there are too many."""
    numbers = Counter(problem.severity for problem in problems)
    folded: list[Diagnostic] = []
    for group in groups(problems):
        severity = group.problems[0].severity
        # An error is told in full; what GitHub does not show is in the log.
        if severity is Severity.ERROR or numbers[severity] <= _SHOWN:
            folded.extend(group.problems)
        else:
            folded.append(_as_one(group))
    return tuple(folded)


def _as_one(group: Group) -> Diagnostic:
    """Return the first problem of a rule, with the lines of the others."""
    first, *others = group.problems
    if not others:
        return first
    lines = []
    for other in others[:_LINES]:
        if other.where:
            lines.append(other.where.in_line)
    more = len(others) - len(lines)
    if more:
        lines.append(f"{more} more, which --all shows")
    detail = f"{first.detail}\nAlso at {', '.join(lines)}."
    return replace(first, summary=group.title, detail=detail)


def annotated(problems: Iterable[Diagnostic], prefix: str) -> Iterator[str]:
    """Yield messages as annotations.

    Parameters
    ----------
    problems
        The messages.
    prefix
        The folder of the state tree within the workspace, with ``/`` between
        its segments; empty: the workspace itself.
    """
    for problem in problems:
        yield annotation(problem, prefix)


def annotation(problem: Diagnostic, prefix: str) -> str:
    """Return one message as an annotation."""
    properties = []
    where = problem.where
    if where:
        # GitHub counts from the root of the workspace, we from the tree's.
        file = where.file
        if prefix:
            file = f"{prefix}/{file}"
        line = str(where.line)
        column = str(where.column)
        properties += [
            _property("file", file),
            _property("line", line),
            _property("col", column),
        ]
    # The code of a rule stands first, by which its page is found.
    title = problem.summary
    code = problem.code
    if code:
        title = f"{code} {title}"
    properties.append(_property("title", title))
    message = problem.detail
    hint = problem.hint
    if hint:
        message += f"\n{hint}"
    if code:
        message += f"\nSee {page_of(code)}"
    command = _COMMANDS[problem.severity]
    head = ",".join(properties)
    body = _escaped(message)
    return f"::{command} {head}::{body}"


def _property(key: str, value: str) -> str:
    """Return a property, whose value cannot begin another one."""
    value = _escaped(value)
    value = value.replace(":", "%3A")
    value = value.replace(",", "%2C")
    return f"{key}={value}"


def _escaped(text: str) -> str:
    """Return text that cannot end the line of its command."""
    text = text.replace("%", "%25")
    text = text.replace("\r", "%0D")
    return text.replace("\n", "%0A")
