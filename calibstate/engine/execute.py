"""Carry out a plan: what it says, all it says, nothing else.

Before and after each step its target is looked at anew.  What happened is
yielded as it becomes known, and written to the journal before and after its
effect.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
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
from ..model.outcomes import Began, Outcome, Result
from ..model.plans import Plan, Step
from ..model.resources import Resource
from ..ports.places import WritePlaces
from ..ports.progress import Watch, unwatched
from ..ports.records import Fence
from ..ports.silence import SilentError
from .observe import look
from .side_by_side import in_time

__all__ = ["EVERY_STEP", "Excluded", "Supervisor", "execute", "refuse_stale"]


@dataclass
class Excluded:
    """Places at which no step is begun in this run any more."""

    why: dict[str, str] = field(default_factory=dict)
    """By place, in a sentence."""


class Supervisor:
    """Decides what of a plan is begun, and is told how it goes.

    As it is, it lets every step be begun, and listens to nothing; a run that
    answers to somebody has one of its own.
    """

    def is_ours(self, step: Step) -> bool:
        """Say whether a step is carried out; else it is looked at only."""
        return True

    def is_stopping(self) -> bool:
        """Say whether no other step is to be begun."""
        return False

    def closed(self, place: str) -> str | None:
        """Say why no step is to be begun at a place at this time.

        It is asked before each of the steps there.
        """
        return None

    def watch(self, step: Step) -> Watch:
        """Return what is told of the progress of a step."""
        return unwatched

    def note(self, text: str) -> None:
        """Hear what a person should know, such as a lock taken over."""

    def began(self) -> Began | None:
        """Say who runs, for the journal."""
        return None

    def journal_begun(self, name: str) -> None:
        """Hear by which name the journal of a store tells of the run."""


EVERY_STEP = Supervisor()
"""Lets every step be begun."""


def execute(
    plan: Plan,
    places: WritePlaces,
    check: Callable[[str], None],
    supervisor: Supervisor = EVERY_STEP,
    excluded: Excluded | None = None,
) -> Iterator[Outcome]:
    """Carry out the steps of a plan, in their order.

    A step that fails stops those that need it, and nothing else.

    Parameters
    ----------
    plan
        What to do.
    places
        Where; their locks are held.
    check
        Looks whether a place is still held; asked directly before each write
        that cannot be taken back.
    supervisor
        Decides what is begun.
    excluded
        Places at which nothing is done; it grows by those that fall silent.

    Yields
    ------
    Outcome
        That a step has begun, and what became of it.

    Raises
    ------
    LockedError
        A place is held no more.
    """
    excluded = excluded or Excluded()
    done: set[str] = set()
    for step in plan.steps:
        if supervisor.is_stopping():
            return
        if not supervisor.is_ours(step):
            # What others have done may be what a step of ours needs.
            with suppress(UnreachableError, RefusedError):
                live = _live(step.action, places)
                if step.action.standing(live) is Standing.DONE:
                    done.add(step.id)
            continue
        not_begun = _not_begun(step, done, supervisor, excluded)
        if not_begun:
            yield not_begun
            continue
        watch = supervisor.watch(step)
        for outcome in _take(step, places, watch, excluded, check):
            if outcome.result is Result.DONE:
                done.add(step.id)
            yield outcome


def refuse_stale(
    plan: Plan,
    places: WritePlaces,
    ours: Callable[[Step], bool],
) -> None:
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
        action = step.action
        try:
            live = _live(action, places)
        except (UnreachableError, RefusedError):
            # The step itself will tell.
            coming |= action.brings()
            continue
        standing = action.standing(live)
        moved_here: dict[Departure, Diagnostic] = {}
        if standing is Standing.STALE and ours(step):
            for departure in action.departures(live):
                # What an earlier step brings is compared when it is there.
                if (departure.place, departure.name) in coming:
                    continue
                moved_here[departure] = Diagnostic(
                    "Plan is stale",
                    f"Step {step.id}, {action.do} {action.target}: {action.words_for(departure)}.",
                    hint="Nothing was written. Plan again, and have the new plan reviewed.",
                )
        # Several steps may stand on one fact; it is told once.
        moved = {**moved_here, **moved}
        if standing is not Standing.DONE:
            coming |= action.brings()
    if moved:
        raise PlanIsStaleError(*moved.values())


def _live(action: Action, places: WritePlaces) -> Resource | None:
    """Look at what an action changes, in time; `None`: it is absent."""
    place = action.target.place
    return in_time(place, partial(look, action.subject(), places), places.timeout)


def _not_begun(
    step: Step,
    done: Collection[str],
    supervisor: Supervisor,
    excluded: Excluded,
) -> Outcome | None:
    """Return the outcome of a step that is not begun; `None`: it is."""
    place = step.action.target.place
    lacking = [needed for needed in step.after if needed not in done]
    if len(lacking) == 1:
        detail = f"it needs step {lacking[0]}, which is not done"
        return _outcome(step, Result.SKIPPED, detail)
    if lacking:
        detail = f"it needs steps {', '.join(lacking)}, which are not done"
        return _outcome(step, Result.SKIPPED, detail)
    if place in excluded.why:
        return _outcome(step, Result.FAILED, excluded.why[place])
    # The windows are asked last: they look at the clock.
    closed = supervisor.closed(place)
    if closed:
        return _outcome(step, Result.REFUSED, closed)
    return None


def _take(
    step: Step,
    places: WritePlaces,
    watch: Watch,
    excluded: Excluded,
    check: Callable[[str], None],
) -> Iterator[Outcome]:
    """Carry out a step, and make an outcome of whatever goes wrong."""
    place = step.action.target.place
    try:
        yield from _attempt(step, places, watch, partial(check, place))
    except KeyboardInterrupt:
        excluded.why[place] = "the step in hand was left behind"
        raise
    except SilentError as error:
        # The step may still go on, so nothing else is begun there.
        excluded.why[place] = f"{place} fell silent in this run; {_AGAIN}"
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


def _attempt(
    step: Step,
    places: WritePlaces,
    watch: Watch,
    fence: Fence,
) -> Iterator[Outcome]:
    """Look at the target of a step, change it, and look again."""
    action = step.action
    place = action.target.place
    live = _live(action, places)
    standing = action.standing(live)
    under_way = _outcome(step, Result.PENDING, f"under way: {action.summary()}")
    if standing is Standing.DONE:
        yield _outcome(step, Result.DONE, "it was done already")
        return
    if standing is Standing.UNDER_WAY:
        yield under_way
        return
    if standing is Standing.STALE:
        detail = f"{action.moved(live)}; nothing was changed"
        yield _outcome(step, Result.STALE, detail)
        return
    # Whoever keeps the journal writes this before anything is changed.
    yield _outcome(step, Result.BEGUN, action.summary())
    kind = KINDS[action.target.kind]
    change = partial(kind.apply, action, places, watch, fence)
    in_time(place, change, places.timeout)
    # Whatever the place answered, what is there now says what became of it.
    live = _live(action, places)
    standing = action.standing(live)
    if standing is Standing.DONE:
        yield _outcome(step, Result.DONE, action.summary())
    elif standing is Standing.UNDER_WAY:
        yield under_way
    elif standing is Standing.STALE:
        moved = action.moved(live)
        detail = f"{action.target} was written, and is not as it should be: {moved}"
        yield _outcome(step, Result.FAILED, detail)
    else:
        detail = f"{action.target} is not as it should be after the step; plan again to see how"
        yield _outcome(step, Result.FAILED, detail)


_AGAIN = "run again when it answers"
_UNKNOWN = "What came of the step is not known; the next run looks, and goes on from there."


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
