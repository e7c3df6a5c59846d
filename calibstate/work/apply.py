"""Plan, and do it: what apply does before and after a person has agreed.

`prepare` looks, recovers what a killed run left, and plans; what it returns is
shown and agreed to.  `carry_out` does what was prepared, and waits for what
Rucio carries where it is told to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine.execute import Excluded
from ..engine.expand import places_of
from ..engine.hold import Patience
from ..engine.objections import NONE, Foreseen
from ..engine.plan import NOTHING
from ..engine.recover import recover
from ..engine.windows import closed
from ..errors import Diagnostic, RefusedError, UsageError
from ..factory.past import checked_out
from ..model.guards import Allowed, Guard
from ..model.names import ARCHIVE, RUCIO, Place
from ..model.outcomes import Outcome
from ..model.plans import Plan
from ..model.results.plans import Applied, PlanMade, SoFar
from ..store import planfile
from .applying import Applying, unfit_places
from .looking import LookAt, ask_who_is_there, look_and_plan, look_at_all
from .remarks import commit_remarks, guards_met, not_seen, passing
from .savedplans import check_whole, read_appliable
from .scoping import origins_of
from .session import Session

if TYPE_CHECKING:
    from ..factory.places import Places

__all__ = ["Prepared", "carry_out", "check", "prepare"]


@dataclass(frozen=True)
class Prepared:
    """A plan that is about to be carried out."""

    session: Session
    places: Places
    plan: Plan

    patience: Patience
    """How long is waited, in all, for what others hold."""

    allowed: Allowed
    """Guards that a person passes."""

    passes: Allowed
    """Those of them that would stop the plan."""

    foreseen: Foreseen = NONE
    """What would be refused, and so is not begun."""

    is_saved: bool = False
    """Whether it was made before; then it is all that may be done."""

    remarks: tuple[Diagnostic, ...] = ()
    """What a person should know who reads the plan."""

    look_at: LookAt = look_at_all
    """What is looked at before another plan is made."""

    so_far: SoFar = field(default_factory=SoFar)
    """What became of it, while it is carried out."""

    @property
    def digest(self) -> str:
        """By which the plan is approved."""
        return planfile.digest(self.plan)

    def shown(self) -> PlanMade:
        """Return the plan as a result, to be shown."""
        scope = None if self.is_saved else self.session.looked_at
        return PlanMade(self.plan, self.digest, passes=self.passes, scope=scope)


def prepare(
    session: Session,
    file: Path | None = None,
    allowed: Allowed = NOTHING,
    lock_timeout: timedelta = timedelta(),
    look_at: LookAt = look_at_all,
) -> Prepared:
    """Return a plan that can be carried out: a new one, or a saved one.

    What a killed run left half done at a place is undone first.

    Parameters
    ----------
    session
        What is asked for.
    file
        A saved plan.
    allowed
        Guards that a person passes.
    lock_timeout
        How long is waited, in all, for what others hold.
    look_at
        Looks at what the plan is for.

    Raises
    ------
    RefusedError
        The saved plan is not what is declared now, or was edited.
    UsageError
        A part of a saved plan is asked for.
    """
    desired = session.desired
    places = session.places()
    saved = read_appliable(file, desired) if file else None
    if saved:
        check_whole(session.scope, desired)
    patience = Patience(lock_timeout, session.listener.note, session.stop, session.stop.sleep)
    # Nobody is waited for one after the other.
    ask_who_is_there(session, places)
    # After a writer of a SQLite repository was killed it cannot be read before
    # this, so it comes before the look.
    for words in recover(_open_places(session, allowed), places, patience):
        session.listener.note(words)
    foreseen = NONE
    plan = saved
    # A saved plan is held to what is live by the steps themselves.
    if plan is None:
        seen_now = look_and_plan(session, places, allowed, look_at=look_at)
        plan, foreseen = seen_now.plan, seen_now.foreseen
        session.listener.report(foreseen.notes)
    # A saved plan tells of the commit that it was made from, not of this one.
    unknown = checked_out(desired.root).unknown if saved else plan.basis.commit_unknown
    session.listener.report(commit_remarks(unknown))
    now = session.now()
    return Prepared(
        session,
        places,
        plan,
        patience,
        allowed,
        passing(plan, desired, allowed, now),
        foreseen,
        is_saved=saved is not None,
        remarks=(*not_seen(plan), *guards_met(plan, desired, allowed, now)),
        look_at=look_at,
    )


def check(prepared: Prepared, digests: Collection[str] = ()) -> Excluded:
    """Refuse a plan that nobody approved, and look where one can work.

    Parameters
    ----------
    prepared
        The plan.
    digests
        Those of plans that were approved; without any, every plan is.

    Returns
    -------
    Excluded
        Places of the plan at which one cannot work; why is told.

    Raises
    ------
    RefusedError
        It is none of them.
    UsageError
        One of the words is no digest.
    """
    # Waiting for Rucio may go on without a step.
    if not prepared.plan.steps:
        return Excluded()
    digest = prepared.digest
    for word in digests:
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", word):
            problem = f"--expect {word}: write sha256: and 64 hex digits."
            raise UsageError(Diagnostic("Not a digest", problem))
    if digests and digest not in digests:
        approved = ", ".join(sorted(digests))
        raise RefusedError(
            Diagnostic(
                "Plan is not the one that was approved",
                f"It has the digest {digest}; approved was {approved}. Nothing was written.",
                hint="Something has changed since: what is declared, this place, or what another site has "
                "done. Read this plan, and if it is right: "
                f"--expect {digest}.",
            )
        )
    return unfit_places(prepared.session, prepared.places, prepared.plan)


def carry_out(
    prepared: Prepared,
    show: Callable[[Outcome], None],
    wait: timedelta | None = None,
    excluded: Excluded | None = None,
    *,
    only_this: bool = False,
) -> Applied:
    """Carry out a plan, and those that follow from waiting.

    Parameters
    ----------
    prepared
        The plan, and what it is carried out with.
    show
        Told what becomes of each target, as soon as that is known.
    wait
        How long is waited for what Rucio carries.
    excluded
        Places at which nothing is done, as `check` returns them.
    only_this
        Whether this plan is all that may be done, as that of a file is.
    """
    applying = Applying(
        prepared.session,
        prepared.places,
        prepared.plan,
        show,
        prepared.patience,
        excluded or Excluded(),
        allowed=prepared.allowed,
        passes=prepared.passes,
        foreseen=prepared.foreseen,
        may_plan_again=not (only_this or prepared.is_saved),
        look_at=prepared.look_at,
        so_far=prepared.so_far,
    )
    return applying.run(wait)


def _open_places(session: Session, allowed: Allowed) -> list[Place]:
    """Return the places that may be changed at this time.

    The archive and Rucio are changed by the site of an origin only.
    """
    desired, scope = session.desired, session.scope
    places: list[Place] = []
    # What several sites share belongs to the site that fills it.
    if any(scope.has_repository(origin) for origin in origins_of(desired)) and not session.only_here:
        places.extend((ARCHIVE, RUCIO))
    now = session.now()
    for address in places_of(desired, scope):
        if Guard.WINDOW in allowed.guards or not closed(desired, address, now):
            places.append(address)
    return places
