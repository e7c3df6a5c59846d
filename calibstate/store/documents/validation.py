"""What is wrong with a state tree."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from ...errors import Diagnostic
from ...model.names import Noun
from ...model.results.trees import Formatting, Validation
from .base import FORMAT, Problem, problem

__all__ = ["FoundProblem", "ValidationDocument", "problems_document", "validation", "validation_document"]


class FoundProblem(Problem):
    """Something that a state tree gets wrong, or that its base got wrong."""

    old: bool = False
    """Whether the base that it was compared with has it too."""


class ValidationDocument(Noun):
    """What ``validate`` found."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["validation"] = "validation"

    problems: tuple[FoundProblem, ...]
    """All of them, old ones behind the others."""


def validation(problems: Iterable[Diagnostic], old: Iterable[Diagnostic] = ()) -> ValidationDocument:
    """Return the document of what is wrong with a state tree.

    Parameters
    ----------
    problems
        What is new, or all.
    old
        What the base has too.
    """
    entries = [_entry(diagnostic, old=False) for diagnostic in problems]
    entries += [_entry(diagnostic, old=True) for diagnostic in old]
    return ValidationDocument(problems=tuple(entries))


def _entry(diagnostic: Diagnostic, *, old: bool) -> FoundProblem:
    facts = problem(diagnostic)
    return FoundProblem(**dict(facts), old=old)


def validation_document(result: Validation) -> ValidationDocument:
    """Return the document of what is wrong with a state tree."""
    return validation(result.problems, result.old)


def problems_document(result: Formatting) -> ValidationDocument:
    """Return the document of what is wrong with the layout of a state tree."""
    return validation(result.problems)
