"""Carry out a plan: what it says, all it says, nothing else.

Before and after each step its target is looked at anew.  What happened is
yielded as it becomes known, and written to the journal before and after its
effect.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial

from ..errors import (
    CalibstateError,
    Diagnostic,
    LockedError,
    PlanIsStaleError,
    RefusedError,
    UnreachableError,
)
from ..kinds.registry import KINDS
from ..model.actions import Action, Departure, Standing
from ..model.outcomes import Outcome, Result
from ..model.plans import Plan, Step
from ..model.resources import Resource
from ..ports.places import WritePlaces
from ..ports.progress import Watch, unwatched
from ..ports.records import Fence
from ..ports.silence import SilentError
from .observe import look
from .side_by_side import in_time

__all__ = ["Barred", "execute", "refuse_stale"]


@dataclass
class Barred:
    """Places at which no step is begun in this run any more."""

    why: dict[str, str] = field(default_factory=dict)
    """By place, in a sentence."""


def execute(
    plan: Plan,
    places: WritePlaces,
    *,
    barred: Barred | None = None,
    ours: Callable[[Step], bool] = lambda step: True,
    watch: Callable[[Step], Watch] = lambda step: unwatched,
    stopping: Callable[[], bool] = lambda: False,
    shut: Callable[[str], str | None] = lambda place: None,
    check: Callable[[str], None] = lambda place: None,
) -> Iterator[Outcome]:
    """Carry out the steps of a plan, in their order.

    A step that fails stops those that need it, and nothing else.

    Parameters
    ----------
    plan
        What to do.
    places
        Where; their locks are held.
    barred
        Places at which nothing is done; it grows by those that fall silent.
    ours
        Which steps are carried out; the others are looked at only.
    watch
        Gives what is told of the progress of a step.
    stopping
        Says whether no other step is to be begun.
    shut
        Says why none is to be begun at a place at this time; asked before
        each of its steps.
    check
        Looks whether a place is still held; asked directly before each write
        that cannot be taken back.

    Yields
    ------
    Outcome
        That a step has begun, and what became of it.

    Raises
    ------
    LockedError
        A place is held no more.
    """
    done: set[str] = set()
    barred = barred or Barred()
    for step in plan.steps:
        if stopping():
            return
        if not ours(step):
            done.update([step.id] if _is_done(step, places) else [])
        elif waits_for := [needed for needed in step.after if needed not in done]:
            yield _outcome(step, Result.SKIPPED, _waits(waits_for))
        elif why := barred.why.get(step.action.target.place):
            yield _outcome(step, Result.FAILED, why)
        elif why := shut(step.action.target.place):
            yield _outcome(step, Result.REFUSED, why)
        else:
            for outcome in _take(step, places, watch(step), barred, check):
                if outcome.result is Result.DONE:
                    done.add(step.id)
                yield outcome


def refuse_stale(plan: Plan, places: WritePlaces, ours: Callable[[Step], bool] = lambda step: True) -> None:
    """Refuse a plan some step of which stands on what is not so any more.

    Parameters
    ----------
    plan
        What is about to be done.
    places
        Where; their locks are held.
    ours
        Which steps are carried out.

    Raises
    ------
    PlanIsStaleError
        With each fact that moved; nothing was written.
    """
    moved: dict[Departure, Diagnostic] = {}
    coming: set[tuple[str, str]] = set()
    for step in plan.steps:
        live = _Live.of(step.action, places)
        if ours(step) and live.is_known:
            # Several steps may stand on one fact; it is told once.
            moved = {**_moved(step, live.resource, coming), **moved}
        if not live.is_known or step.action.standing(live.resource) is not Standing.DONE:
            # What an earlier step brings is compared when it has brought it.
            coming |= step.action.brings()
    if moved:
        raise PlanIsStaleError(*moved.values())


@dataclass(frozen=True)
class _Live:
    """What the target of an action is now, as far as it could be seen."""

    resource: Resource | None = None
    is_known: bool = True

    @classmethod
    def of(cls, action: Action, places: WritePlaces) -> _Live:
        try:
            return cls(in_time(action.target.place, partial(look, action.subject(), places), places.timeout))
        except (UnreachableError, RefusedError):
            return cls(is_known=False)  # The step itself will tell.


def _moved(
    step: Step, live: Resource | None, coming: Collection[tuple[str, str]]
) -> dict[Departure, Diagnostic]:
    """Return the facts that a step stands on, that moved, and do not come."""
    action = step.action
    if action.standing(live) is not Standing.STALE:
        return {}
    return {
        departure: Diagnostic(
            "Plan is stale",
            f"Step {step.id}, {action.do} {action.target}: {action.words_for(departure)}.",
            hint="Nothing was written. Plan again, and have the new plan reviewed.",
        )
        for departure in action.departures(live)
        if (departure.place, departure.name) not in coming
    }


def _is_done(step: Step, places: WritePlaces) -> bool:
    """Say whether another site has done its step."""
    try:
        return _standing(step.action, places) is Standing.DONE
    except (UnreachableError, RefusedError):
        return False


def _take(
    step: Step, places: WritePlaces, watch: Watch, barred: Barred, check: Callable[[str], None]
) -> Iterator[Outcome]:
    place = step.action.target.place
    try:
        yield from _attempt(step, places, watch, partial(check, place))
    except KeyboardInterrupt:
        barred.why[place] = "the step in hand was left behind"
        raise
    except SilentError as error:
        barred.why[place] = f"{place} fell silent in this run; {_AGAIN}"
        yield _outcome(step, Result.FAILED, f"{error.first.detail} {_UNKNOWN}")
    except LockedError as error:
        yield _outcome(step, Result.FAILED, error.first.detail)
        raise
    except PlanIsStaleError as error:
        yield _outcome(step, Result.STALE, str(error))
    except RefusedError as error:
        yield _outcome(step, Result.REFUSED, str(error))
    except CalibstateError as error:
        yield _outcome(step, Result.FAILED, str(error))


def _attempt(step: Step, places: WritePlaces, watch: Watch, fence: Fence) -> Iterator[Outcome]:
    action = step.action
    place, kind = action.target.place, KINDS[action.target.kind]
    live = in_time(place, partial(look, action.subject(), places), places.timeout)
    standing = action.standing(live)
    if standing is Standing.DONE:
        yield _outcome(step, Result.DONE, "it was done already")
    elif standing is Standing.UNDER_WAY:
        yield _outcome(step, Result.PENDING, f"under way: {action.summary()}")
    elif standing is Standing.STALE:
        yield _outcome(step, Result.STALE, f"{action.moved(live)}; nothing was changed")
    else:
        yield _outcome(step, Result.BEGUN, action.summary())
        in_time(place, partial(kind.apply, action, places, watch, fence), places.timeout)
        live = in_time(place, partial(look, action.subject(), places), places.timeout)
        yield _became(step, live)


def _became(step: Step, live: Resource | None) -> Outcome:
    action = step.action
    standing = action.standing(live)
    if standing is Standing.DONE:
        return _outcome(step, Result.DONE, action.summary())
    if standing is Standing.UNDER_WAY:
        return _outcome(step, Result.PENDING, f"under way: {action.summary()}")
    detail = f"{action.target} is not as it should be after the step; plan again to see how"
    if standing is Standing.STALE:
        detail = f"{action.target} was written, and is not as it should be: {action.moved(live)}"
    return _outcome(step, Result.FAILED, detail)


_AGAIN = "run again when it answers"
_UNKNOWN = "What came of the step is not known; the next run looks, and goes on from there."


def _standing(action: Action, places: WritePlaces) -> Standing:
    return action.standing(
        in_time(action.target.place, partial(look, action.subject(), places), places.timeout)
    )


def _waits(needed: list[str]) -> str:
    if len(needed) == 1:
        return f"it needs step {needed[0]}, which is not done"
    return f"it needs steps {', '.join(needed)}, which are not done"


def _outcome(step: Step, result: Result, detail: str) -> Outcome:
    action = step.action
    return Outcome(
        step=step.id,
        do=action.do,
        target=str(action.target),
        result=result,
        detail=detail,
        entrants=action.entrants or None,
        leavers=action.leavers or None,
    )
