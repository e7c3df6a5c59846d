"""Tell how it stands with the approval of each ticket."""

from __future__ import annotations

from ..engine import approvals as engine
from ..errors import Diagnostic, UnreachableError
from ..factory.tracker import jira
from ..model.results.tickets import ApprovalsListed
from ..ports.tickets import Tracker
from .session import Session

__all__ = ["approvals"]


def approvals(session: Session, *, check: bool = False) -> ApprovalsListed:
    """Return the approvals as the files say them.

    Parameters
    ----------
    session
        Which tickets.
    check
        Whether they are compared with Jira, which the environment names.

    Raises
    ------
    UsageError
        Nobody says where Jira is.
    """
    desired, scope = session.desired, session.scope
    if check:
        return _compared(session, jira(session.timeout))
    return ApprovalsListed(engine.approvals(desired, scope))


def _compared(session: Session, tracker: Tracker) -> ApprovalsListed:
    desired, scope = session.desired, session.scope
    try:
        with session.listener.progress("asking for") as watch:
            tickets = tracker.tickets(
                engine.keys(desired, scope), lambda done, total: watch("tickets", done, total)
            )
    except UnreachableError as error:
        # What the files say is told all the same, and nothing as agreeing.
        return ApprovalsListed(engine.approvals(desired, scope), error.diagnostics, is_checked=True)
    compared = engine.compare(desired, scope, tickets)
    findings: list[Diagnostic] = []
    for comparison in compared:
        findings.extend(comparison.findings)
    approved = tuple(comparison.approved for comparison in compared)
    return ApprovalsListed(approved, tuple(findings), is_checked=True)
