"""Show tickets against repositories, in search order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ..engine.expand import places_of
from ..errors import CalibstateError, Severity
from ..model.results.drift import DriftFound, TicketsStatus
from ..model.watching import WatchState
from ..surveys.status import status as status_of
from .looking import look, look_as_last_seen
from .remarks import commit_remarks, not_declared, not_seen
from .session import Session

if TYPE_CHECKING:
    from ..factory.places import Places

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
    # What is as it should be costs no rows of an observation of others.
    session.by_sights = True
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
        tuple(_watches(session, places)),
    )


def _watches(session: Session, places: Places) -> Iterator[WatchState]:
    """Yield how the loops of sites go on."""
    sites = {address.site for address in places_of(session.desired, session.scope)}
    for site in sorted(sites):
        # Who lets nothing run has no loop that is worth a request.
        if session.desired.sites[site].noun.watch is None:
            continue
        try:
            state = places.watch(site)
        except CalibstateError as error:
            session.listener.report(replace(each, severity=Severity.NOTE) for each in error.diagnostics)
            continue
        if state:
            yield state
