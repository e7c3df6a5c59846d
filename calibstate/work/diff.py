"""Tell what is declared otherwise, in words of the field."""

from __future__ import annotations

from ..errors import CalibstateError
from ..model.desired import DesiredState
from ..model.results.trees_compared import ComparedTree, TreesCompared
from ..model.scope import Scope
from ..past.changes import changes
from ..past.scoped import narrowed
from ..views.sentences import sentences
from .revisions import declared_at, desired_at
from .scoping import check_scope
from .session import Session

__all__ = ["diff"]

_WORKING_TREE = ComparedTree("the working tree")


def diff(session: Session, before: str | None = None, after: str | None = None) -> TreesCompared:
    """Return what is declared otherwise than at a revision.

    Parameters
    ----------
    session
        It says which tree, and which part of it.
    before
        What is compared with; `None`: where the main branch was left.
    after
        What is compared; `None`: the working tree.
    """
    was = declared_at(session, before)
    if after:
        revision = declared_at(session, after)
        desired = desired_at(revision)
        tree = ComparedTree(revision.words, revision.commit)
    else:
        desired, tree = session.desired, _WORKING_TREE
    scope, all_changes = session.requested, changes(was.desired, desired)
    if scope != Scope():
        _check_either(was.desired, desired, scope)
        all_changes = narrowed(all_changes, scope, was.desired, desired)
    return TreesCompared(ComparedTree(was.words, was.commit), tree, all_changes, sentences(all_changes))


def _check_either(was: DesiredState | None, desired: DesiredState, scope: Scope) -> None:
    """Refuse to be narrowed to what neither side declares."""
    try:
        check_scope(desired, scope)
    except CalibstateError:
        if was is None:
            raise
        check_scope(was, scope)
