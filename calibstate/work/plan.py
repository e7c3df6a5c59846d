"""Show the steps that would end the drift."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from ..engine.foresee import part_of
from ..engine.plan import NOTHING
from ..errors import Diagnostic, UsageError
from ..model.guards import Allowed
from ..model.results.plans import PlanMade
from ..store import planfile
from .looking import last_seen, look, look_as_last_seen
from .remarks import commit_remarks, guards_met, not_declared, not_seen, passing
from .savedplans import save_text
from .session import Session

__all__ = ["plan"]


def plan(
    session: Session,
    allowed: Allowed = NOTHING,
    after: Collection[str] = (),
    output: Path | None = None,
    *,
    everything: bool = False,
) -> PlanMade:
    """Return the plan that follows from a look at all that is asked for.

    Parameters
    ----------
    session
        What is asked for.
    allowed
        Guards that a person passes.
    after
        Sites whose own steps are taken for done; then the plan is that of the
        sites that the session names.
    output
        Where the plan is saved.
    everything
        Whether people are told of each thing that waits.

    Raises
    ------
    CalibstateError
        The plan cannot be saved.
    UsageError
        Sites go before, and no site is named whose plan it is to be.
    """
    ours = session.requested
    # Those who go before are not asked for.
    asked_for = session
    if after:
        if not ours.sites:
            detail = "--after says who goes before a site, and no --site is given."
            raise UsageError(Diagnostic("Whose plan?", detail))
        session = replace(session, requested=replace(ours, sites=(*ours.sites, *after)))
    places = session.places()
    seen_now = look(session, places, allowed, after)
    whole = seen_now.plan
    listener = session.listener
    listener.report(commit_remarks(whole.basis.commit_unknown))
    listener.report(seen_now.view.notes)
    listener.report(places.relied_on())
    listener.report(seen_now.foreseen.notes)
    listener.report(not_seen(whole))
    listener.report(not_declared(seen_now.view.undeclared))
    # The steps of those who go before were needed to know what follows.
    plan = part_of(whole, ours, session.desired) if after else whole
    digest = planfile.digest(plan)
    if output:
        save_text(output, planfile.dumps(plan), "Plan cannot be saved")
    now = session.now()
    return PlanMade(
        plan,
        digest,
        saved_in=str(output) if output else "",
        guards=tuple(guards_met(plan, session.desired, allowed, now)),
        passes=passing(plan, session.desired, allowed, now),
        scope=asked_for.looked_at,
        everything=everything,
        ages=places.seen(seen_now.view.unreachable),
        last_seen=last_seen(look_as_last_seen(asked_for, places)),
    )
