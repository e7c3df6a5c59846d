"""Show tickets against repositories, in search order."""

from __future__ import annotations

from ..model.results.drift import DriftFound, TicketsStatus
from ..surveys.status import status as status_of
from .looking import look, look_as_last_seen
from .remarks import commit_remarks, not_declared, not_seen
from .session import Session

__all__ = ["status"]


def status(session: Session, *, everything: bool = False) -> TicketsStatus:
    """Return how it stands with all tickets that are asked for.

    Parameters
    ----------
    session
        What is asked for.
    everything
        Whether people are told of each thing that waits.
    """
    places = session.places()
    seen_now = look(session, places)
    plan = seen_now.plan
    listener = session.listener
    listener.report(commit_remarks(plan.basis.commit_unknown))
    listener.report(seen_now.view.notes)
    listener.report(places.relied_on())
    listener.report(not_seen(plan))
    listener.report(not_declared(seen_now.view.undeclared))
    drift = DriftFound(plan)
    table = status_of(seen_now.view, plan)
    then = look_as_last_seen(session, places)
    if then:
        table = table.with_last(status_of(then.view, then.plan))
    return TicketsStatus(
        table,
        drift.exit_code,
        seen_now.view.undeclared,
        session.looked_at,
        everything,
        places.seen(seen_now.view.unreachable),
    )
