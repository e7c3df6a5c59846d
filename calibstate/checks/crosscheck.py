"""Compare the files of a state tree: each with its name and all others."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import Diagnostic, Severity
from . import mistakes
from .rule import Rule, rules_in
from .tree import Tree

__all__ = ["MAX_ERRORS", "crosscheck"]

MAX_ERRORS = 1000
"""Disagreements that are told."""

MISTAKES: tuple[Rule[Tree], ...] = rules_in(mistakes)
"""The rules that a tree must keep, by title."""


def crosscheck(tree: Tree) -> Iterator[Diagnostic]:
    """Tell everything in which the files of a tree do not agree.

    Parameters
    ----------
    tree
        What the files say.

    Yields
    ------
    Diagnostic
        Errors, warnings and notes, in no order; of errors no more than
        anybody would read.
    """
    errors = 0
    for diagnostic in _all_mistakes(tree):
        yield diagnostic
        if diagnostic.severity is not Severity.ERROR:
            continue
        errors += 1
        if errors == MAX_ERRORS:
            # Looking for the nearest word to each of a hundred thousand
            # would take an hour.
            yield Diagnostic("Too many mistakes", "The rest was not looked at.", diagnostic.where)
            return


def _all_mistakes(tree: Tree) -> Iterator[Diagnostic]:
    for rule in MISTAKES:
        for finding in rule.judge(tree):
            yield rule.diagnostic(finding, finding.level or rule.level)
    # A kind that has files of its own says itself what is wrong with them.
    for form, files in tree.own.items():
        for written in files:
            yield from form.check(written, tree.desired)
