"""All checks, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain as chained

from ...errors import Diagnostic, Severity
from . import chains, files, nesting, settings, sites, tickets
from .tree import Tree

__all__ = ["MAX_ERRORS", "crosscheck"]

MAX_ERRORS = 1000
"""Disagreements that are told."""

_ALL = (
    *files.CHECKS,
    *settings.CHECKS,
    *sites.CHECKS,
    *tickets.CHECKS,
    *chains.CHECKS,
    *nesting.CHECKS,
)


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
    for told in chained.from_iterable(check(tree) for check in _ALL):
        yield told
        errors += told.severity is Severity.ERROR
        if errors == MAX_ERRORS:
            # Looking for the nearest word to each of a hundred thousand
            # would take an hour.
            yield Diagnostic("Too many mistakes", "The rest was not looked at.", told.where)
            return
