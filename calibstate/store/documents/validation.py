"""What is wrong with a state tree."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from ...errors import Diagnostic
from ...model.names import Noun
from ...model.results.trees import Formatting, Validation
from .base import FORMAT, Problem, problem

__all__ = ["ValidationDocument", "problems_document", "validation"]


class ValidationDocument(Noun):
    """What ``validate`` found."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["validation"] = "validation"

    problems: tuple[Problem, ...]


def validation(problems: Iterable[Diagnostic]) -> ValidationDocument:
    """Return the document of what is wrong with a state tree."""
    return ValidationDocument(problems=tuple(map(problem, problems)))


def problems_document(result: Validation | Formatting) -> ValidationDocument:
    """Return the document of what is wrong with a state tree or its layout."""
    return validation(result.problems)
