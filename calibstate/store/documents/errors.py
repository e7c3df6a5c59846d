"""Why a command could not do what it was asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from ...errors import Diagnostic
from ...model.names import Noun
from .base import FORMAT, Problem, problem

__all__ = ["ErrorsDocument", "errors_document"]


class ErrorsDocument(Noun):
    """What stopped a command, printed where a program reads."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["errors"] = "errors"

    exit_code: int
    """What the command ends with."""

    problems: tuple[Problem, ...]


def errors_document(problems: Iterable[Diagnostic], exit_code: int) -> ErrorsDocument:
    """Return the document of what stopped a command.

    Parameters
    ----------
    problems
        What was told to people.
    exit_code
        What the command ends with.
    """
    return ErrorsDocument(exit_code=exit_code, problems=tuple(map(problem, problems)))
