"""Tell how it stands with the approval of each ticket."""

from __future__ import annotations

from ..errors import Diagnostic, UnreachableError
from ..factory.traced import traced
from ..factory.tracker import jira
from ..model.results.tickets import ApprovalsListed
from ..surveys import approvals as survey
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
        return ApprovalsListed(survey.approvals(desired, scope))
    tracker = traced(jira(session.timeout), "Jira", session.requests)
    try:
        with session.counting("asking for", "tickets") as watch:
            tickets = tracker.tickets(survey.keys(desired, scope), watch)
    except UnreachableError as error:
        # What the files say is told all the same, and nothing as agreeing.
        approved = survey.approvals(desired, scope)
        return ApprovalsListed(approved, error.diagnostics, is_checked=True)
    compared = survey.compare(desired, scope, tickets)
    findings: list[Diagnostic] = []
    for comparison in compared:
        findings.extend(comparison.findings)
    approved = tuple(comparison.approved for comparison in compared)
    return ApprovalsListed(approved, tuple(findings), is_checked=True)
