"""Messages as annotations of GitHub: at file and line of a pull request.

They are commands to the runner, one a line, so that what is told must not
be able to end its line or to begin another property.
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
        What there is to tell.
    prefix
        The folder of the state tree within the workspace, with ``/`` between
        its segments; empty: the workspace itself.
    """
    return (annotation(problem, prefix) for problem in problems)


def annotation(problem: Diagnostic, prefix: str) -> str:
    """Return one message as an annotation."""
    title = f"{problem.code} {problem.summary}" if problem.code else problem.summary
    properties = {"title": title}
    if where := problem.where:
        path = f"{prefix}/{where.file}" if prefix else where.file
        properties = {"file": path, "line": str(where.line), "col": str(where.column), **properties}
    said = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    message = problem.detail + (f"\n{problem.hint}" if problem.hint else "")
    return f"::{_COMMANDS[problem.severity]} {said}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
