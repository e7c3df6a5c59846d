"""Look at the live places that a command needs, and plan from that."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from .. import __version__
from ..engine.expand import places_of
from ..engine.knock import knock
from ..engine.objections import NONE, Foreseen, foresee
from ..engine.observe import View, observe
from ..engine.plan import NOTHING, Failed, make_plan
from ..factory.past import basis
from ..model.drift import LastSeen
from ..model.guards import Allowed
from ..model.plans import Plan
from .session import Session

if TYPE_CHECKING:
    from ..factory.places import Places

__all__ = [
    "Look",
    "LookAt",
    "ask_who_is_there",
    "last_seen",
    "look",
    "look_and_plan",
    "look_as_last_seen",
    "look_at_all",
    "planned",
]


LookAt = Callable[[Session, "Places"], View]
"""Looks at some of what is declared."""


@dataclass(frozen=True)
class Look:
    """What the places showed, and the plan that follows from it."""

    view: View
    foreseen: Foreseen
    plan: Plan


def look(session: Session, places: Places, allowed: Allowed = NOTHING, after: Collection[str] = ()) -> Look:
    """Look at all that is asked for, and plan what would end the drift.

    Parameters
    ----------
    session
        What is asked for, and who listens.
    places
        Where to look.
    allowed
        Guards that a person passes.
    after
        Sites whose own steps are taken for done.
    """
    ask_who_is_there(session, places)
    return look_and_plan(session, places, allowed, after)


def look_and_plan(
    session: Session,
    places: Places,
    allowed: Allowed = NOTHING,
    after: Collection[str] = (),
    look_at: LookAt | None = None,
) -> Look:
    """Look at all that is asked for, where it is known who is there.

    Parameters
    ----------
    session, places, allowed, after
        As for `look`.
    look_at
        What is looked at; `None`: all that the session asks for.
    """
    look_at = look_at or look_at_all
    view = look_at(session, places)
    # What others will have done by then opens their waves.
    view = replace(view, waves=replace(view.waves, after=frozenset(after)))
    plan = planned(view, allowed)
    foreseen = foresee(plan, places)
    if foreseen != NONE:
        plan = planned(view, allowed, foreseen=foreseen)
    return Look(view, foreseen, plan)


def look_as_last_seen(session: Session, places: Places) -> Look | None:
    """Look at what repositories showed that were seen too long ago.

    What they showed is no ground for anything: it is told beside what counts,
    which is that they are unreachable.

    Parameters
    ----------
    session
        What is asked for.
    places
        The places, after they were looked at.

    Returns
    -------
    Look or None
        Of these repositories only; `None`: there are none.
    """
    addresses = places.seen_too_long_ago()
    if not addresses:
        return None
    scope = replace(session.scope, sites=(), repositories=addresses)
    view = observe(session.desired, scope, places.as_last_seen())
    return Look(view, NONE, planned(view, NOTHING))


def last_seen(look_then: Look | None) -> tuple[LastSeen, ...]:
    """Return how repositories departed when they were seen last.

    Parameters
    ----------
    look_then
        As `look_as_last_seen` returns it.
    """
    if look_then is None:
        return ()
    repositories = []
    for address in places_of(look_then.view.desired, look_then.view.scope):
        drift = [drift for drift in look_then.plan.drift if drift.target.place == address]
        repositories.append(LastSeen(repository=address, drift=tuple(drift)))
    return tuple(repositories)


def ask_who_is_there(session: Session, places: Places) -> None:
    """Ask all that a command will need, side by side, before any is needed.

    Parameters
    ----------
    session
        What is asked for; its listener is told who says nothing.
    places
        The places; they remember who said nothing.
    """
    with session.listener.progress("asking") as watch:

        def show(done: int, total: int, awaited: Sequence[str]) -> None:
            silent = f"; waiting for {', '.join(awaited)}" if awaited else ""
            watch(f"places{silent}", done, total)

        knock(places.doors(places_of(session.desired, session.scope)), places.timeout, show)


def look_at_all(session: Session, places: Places) -> View:
    """Look at all that is asked for, and show how far that has come."""
    with session.listener.progress("looking at") as watch:
        # Shown before the first of them has answered.
        watch("places", 0, 1)
        with places.telling(watch):
            return observe(session.desired, session.scope, places, partial(watch, "places"))


def planned(view: View, allowed: Allowed, failed: Failed | None = None, foreseen: Foreseen = NONE) -> Plan:
    """Return the plan that follows from a look.

    Parameters
    ----------
    view
        The look.
    allowed
        Guards that a person passes.
    failed
        Why steps are not tried again.
    foreseen
        What would be refused.
    """
    return make_plan(view, basis(view.desired, view.digest, __version__), failed, allowed, foreseen)
