"""Tell how it stands with the approval of each ticket."""

from __future__ import annotations

from ..engine import approvals as engine
from ..errors import Diagnostic, UnreachableError
from ..factory.tracker import jira
from ..model.results.tickets import ApprovalsListed
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
    if not check:
        return ApprovalsListed(engine.approvals(desired, scope))
    tracker = jira(session.timeout)
    try:
        with session.counting("asking for", "tickets") as watch:
            tickets = tracker.tickets(engine.keys(desired, scope), watch)
    except UnreachableError as error:
        # What the files say is told all the same, and nothing as agreeing.
        approved = engine.approvals(desired, scope)
        return ApprovalsListed(approved, error.diagnostics, is_checked=True)
    compared = engine.compare(desired, scope, tickets)
    findings: list[Diagnostic] = []
    for comparison in compared:
        findings.extend(comparison.findings)
    approved = tuple(comparison.approved for comparison in compared)
    return ApprovalsListed(approved, tuple(findings), is_checked=True)
