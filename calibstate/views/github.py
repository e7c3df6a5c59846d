"""Messages as annotations of GitHub: at file and line of a pull request.

They are commands to the runner, one a line, so what a message
holds must not be able to end its line or to begin another property.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..errors import Diagnostic, Severity
from ..model.results.proposals import Proposal
from ..model.results.trees import Formatting, Validation

__all__ = ["annotated", "annotation", "problems"]

_COMMANDS = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.NOTE: "notice",
    Severity.DETAIL: "debug",
}


def problems(result: Validation | Formatting | Proposal) -> Iterator[str]:
    """Yield what is wrong with a state tree, at its files and lines."""
    return annotated(result.problems, result.workspace)


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
