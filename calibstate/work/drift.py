"""Tell where live places have left the declaration."""

from __future__ import annotations

from ..engine.expand import places_of
from ..model.names import ARCHIVE
from ..model.results.drift import DriftFound
from .looking import last_seen, look, look_as_last_seen
from .remarks import commit_remarks, not_seen
from .session import Session

__all__ = ["drift"]


def drift(session: Session, *, everything: bool = False) -> DriftFound:
    """Return the drift of all that is asked for.

    Parameters
    ----------
    session
        What is asked for.
    everything
        Whether people are told of each thing that waits.
    """
    # What is as it should be costs no rows of an observation of others.
    session.by_sights = True
    places = session.places()
    seen_now = look(session, places)
    plan = seen_now.plan
    listener = session.listener
    listener.report(commit_remarks(plan.basis.commit_unknown))
    listener.report(seen_now.view.notes)
    listener.report(places.relied_on())
    listener.report(seen_now.foreseen.notes)
    listener.report(not_seen(plan))
    unseen = {place.place for place in plan.unseen}
    ages = places.seen(seen_now.view.unreachable)
    places_asked = (ARCHIVE, *places_of(session.desired, session.scope))
    looked_at = [place for place in places_asked if place not in unseen]
    return DriftFound(
        plan,
        tuple(looked_at),
        seen_now.view.undeclared,
        session.looked_at,
        everything,
        ages,
        last_seen(look_as_last_seen(session, places)),
    )
