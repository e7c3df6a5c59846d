"""What a state tree declares, now or at a revision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import CalibstateError, Diagnostic, InvalidStateError, Severity
from ..model.desired import DesiredState
from .session import Session

if TYPE_CHECKING:
    from ..factory.past import Before

__all__ = ["declared_at", "declared_at_base", "desired_at"]


def declared_at(session: Session, revision: str | None) -> Before:
    """Return what the state tree of a session said at a revision.

    Parameters
    ----------
    session
        It says which tree.
    revision
        What Git calls it, or a date; `None`: where the main branch was left.

    Raises
    ------
    InvalidStateError
        It did not validate then.
    UsageError
        There is no such revision.
    """
    # What reads commits is a lot.
    from ..factory.past import declared_before

    return declared_before(str(session.root), revision, session.memo)


def declared_at_base(
    session: Session, base: str | None, consequence: str
) -> tuple[Before | None, tuple[Diagnostic, ...]]:
    """Return what was declared at a base, or that it had mistakes.

    Parameters
    ----------
    session
        It says which tree.
    base
        A commit, branch or tag; `None`: where the main branch was left.
    consequence
        What follows from mistakes, in the words before the first of them.
    """
    try:
        return declared_at(session, base), ()
    except InvalidStateError as error:
        # It may be this very change that repairs it.
        first = error.diagnostics[0]
        detail = f"{consequence}: {first.summary} ({first.where})."
        return None, (Diagnostic("Base does not validate", detail, severity=Severity.WARNING),)


def desired_at(before: Before) -> DesiredState:
    """Return all that was declared at a revision.

    Raises
    ------
    CalibstateError
        There was no state tree.
    """
    if before.desired is None:
        raise CalibstateError(
            Diagnostic(
                "No state tree then",
                f"At {before.words} there was no state tree in this folder.",
                hint="Name a later commit or date; `git log --follow` tells where the folder was before.",
            )
        )
    return before.desired
