"""Tell where live places have left the declaration."""

from __future__ import annotations

from ..engine.expand import places_of
from ..model.names import ARCHIVE
from ..model.results.drift import DriftFound
from .looking import look
from .remarks import commit_remarks, not_seen
from .session import Session

__all__ = ["drift"]


def drift(session: Session) -> DriftFound:
    """Return the drift of all that is asked for."""
    places = session.places()
    seen_now = look(session, places)
    plan = seen_now.plan
    session.listener.report(commit_remarks(plan.basis.commit_unknown))
    session.listener.report(
        [*seen_now.view.notes, *places.relied_on(), *seen_now.foreseen.notes, *not_seen(plan)]
    )
    unseen = {place.place for place in plan.unseen}
    places_asked = (ARCHIVE, *places_of(session.desired, session.scope))
    return DriftFound(plan, tuple(place for place in places_asked if place not in unseen))
