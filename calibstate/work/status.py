"""Show tickets against repositories, in search order."""

from __future__ import annotations

from ..model.results.drift import DriftFound, TicketsStatus
from ..surveys.status import status as status_of
from .looking import look
from .remarks import commit_remarks, not_seen
from .session import Session

__all__ = ["status"]


def status(session: Session) -> TicketsStatus:
    """Return how it stands with all tickets that are asked for."""
    places = session.places()
    seen_now = look(session, places)
    plan = seen_now.plan
    session.listener.report(commit_remarks(plan.basis.commit_unknown))
    session.listener.report([*seen_now.view.notes, *places.relied_on(), *not_seen(plan)])
    return TicketsStatus(status_of(seen_now.view, plan), DriftFound(plan).exit_code)
