"""Lay out the files of a state tree in the one way there is."""

from __future__ import annotations

from ..errors import Diagnostic, Severity, Where
from ..kinds.table import forms
from ..model.results.trees import Formatting
from ..store import treefile
from ..store.workspace import in_workspace
from .session import Session

__all__ = ["fmt"]


def fmt(session: Session, *, check: bool = False) -> Formatting:
    """Lay out the files of a state tree, and return which were not.

    Parameters
    ----------
    session
        It says which tree.
    check
        Write nothing.
    """
    # What keeps comments takes a while to import.
    from ..store.layout import lay_out_tree

    laid_out = lay_out_tree(session.root, forms())
    if not check:
        treefile.write(session.root, laid_out.changes)
    problems = list(laid_out.remarks)
    for change in laid_out.changes:
        where = Where(change.file, change.first_line)
        if check:
            detail = "This is the first line that would be written otherwise."
            problem = Diagnostic("Not laid out", detail, where, "`calibstate fmt` does so.")
        else:
            detail = "It was written anew from this line on."
            problem = Diagnostic("Laid out", detail, where, severity=Severity.NOTE)
        problems.append(problem)
    root = str(session.root)
    return Formatting(
        root,
        in_workspace(root),
        tuple(problems),
        files=laid_out.files,
        changed=len(laid_out.changes),
        written=not check,
    )
