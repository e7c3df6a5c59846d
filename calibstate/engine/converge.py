"""Apply: carry out plans under the locks of their places.

When only the ground of a step moved, or a step failed that others waited
for, a new plan is made, at most `TRIES` times; what failed once is not tried
again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..errors import CalibstateError, LockedError, UnreachableError
from ..model.outcomes import Began, JournalLine, Outcome, Result
from ..model.plans import Plan, Step
from ..ports.places import Records, WritePlaces
from ..ports.progress import Watch, unwatched
from ..ports.records import Journal
from .execute import Barred, execute, refuse_stale
from .hold import Holds, Patience
from .plan import Failed

__all__ = ["TRIES", "Run", "converge"]

TRIES = 5
"""How many plans one run makes at most."""


@dataclass
class Run:
    """What a run works with."""

    places: WritePlaces
    """Where it works."""

    records: Callable[[str], Records]
    """Locks and journal of a place."""

    now: Callable[[], str]
    """The time in UTC, with ``Z``."""

    tell: Callable[[str], None] = lambda text: None
    """Told what a person should know, such as a lock that was taken over."""

    ours: Callable[[Step], bool] = lambda step: True
    """Which steps are carried out; the others are looked at only."""

    watch: Callable[[Step], Watch] = lambda step: unwatched
    """Gives what is told of the progress of a step."""

    began: Callable[[], Began | None] = lambda: None
    """Says who runs, for the journal."""

    stopping: Callable[[], bool] = lambda: False
    """Says whether no other step is to be begun."""

    shut: Callable[[str], str | None] = lambda place: None
    """Says why no step is to be begun at a place at this time."""

    patience: Patience = field(default_factory=Patience)
    """How long is waited for what others hold."""

    barred: Barred = field(default_factory=Barred)
    """Places at which nothing is done."""

    _journals: dict[int, Journal] = field(default_factory=dict)
    _holds: Holds = field(init=False)

    def __post_init__(self) -> None:
        self._holds = Holds(self.places, self.tell, self.patience)

    def hold(self, plan: Plan, why: str) -> None:
        """Hold the locks of all places that a plan changes.

        One that cannot be held is of no concern to the others.

        Raises
        ------
        LockedError
            Somebody else works on one of them.
        UnreachableError
            None of them can be held.
        """
        unreached = None
        for place in self.places_of(plan):
            try:
                self._holds.take(place, why)
            except UnreachableError as error:
                unreached = unreached or error
                self.barred.why[place] = str(error)
        if unreached and not self.places_of(plan):
            raise unreached

    def check(self, place: str) -> None:
        """Look whether a place is still held, before it is changed."""
        self._holds.check(place)

    def is_barred(self, step: Step) -> bool:
        """Say whether nothing is done at the place of a step."""
        return step.action.target.place in self.barred.why

    def places_of(self, plan: Plan) -> list[str]:
        """Return the places that a plan changes here."""
        steps = (step for step in plan.steps if self.ours(step) and not self.is_barred(step))
        return sorted({step.action.target.place for step in steps})

    def open_journals(self, plan: Plan) -> None:
        """Begin a journal in each store that keeps one of a plan's places."""
        for place in self.places_of(plan):
            journal = self.records(place).journal
            if id(journal) not in self._journals:
                self._journals[id(journal)] = journal
                journal.write(self._line("run", "apply", began=self.began()))

    def journal(self, event: str, text: str) -> None:
        """Keep a line of what concerns all places."""
        for journal in self._journals.values():
            journal.write(self._line(event, text))

    def journal_outcome(self, place: str, outcome: Outcome) -> None:
        """Keep a line of what became of a step."""
        journal = self.records(place).journal
        # One of a place at which nothing is done may never have been begun.
        if id(journal) in self._journals:
            text = f"{outcome.do} {outcome.result.value}"
            journal.write(self._line("outcome", text, outcome=outcome))

    def release(self, became: str, why: CalibstateError | None = None) -> None:
        """Let go of every lock, but where nothing answers any more.

        Parameters
        ----------
        became
            What became of the run, for the journal.
        why
            What ends it, if it is cut short.

        Raises
        ------
        LockedError
            One was broken meanwhile; it tells what ends the run too.
        CalibstateError
            One cannot be given back.
        """
        for place in self.barred.why:
            self._holds.leave(place)
        try:
            self.journal("end", became)
        finally:
            self._journals.clear()
            self._let_go(why)

    def _let_go(self, why: CalibstateError | None) -> None:
        try:
            self._holds.close()
        except CalibstateError as error:
            already = why.diagnostics if why else ()
            more = [problem for problem in error.diagnostics if problem not in already]
            if not more:
                return  # It is what ends the run, and is told.
            # A lock that was lost weighs most: somebody else works there.
            worst = why if why and not isinstance(error, LockedError) else error
            raise type(worst)(*already, *more) from error

    def _line(self, event: str, text: str, **more: Any) -> JournalLine:
        return JournalLine(at=self.now(), event=event, text=text, **more)


def converge(
    plan: Plan, run: Run, *, why: str, again: Callable[[Failed], Plan | None] | None = None
) -> Iterator[Outcome]:
    """Carry out a plan and, where it is allowed, those that follow from it.

    Parameters
    ----------
    plan
        The plan that a person saw.
    run
        Where and how.
    why
        What the locks and the journal say it is for.
    again
        Makes a new plan from a new look, without what failed.  `None` where
        the plan is from a file: nothing else may be done, and nothing of it
        where anything that it stands on has moved.

    Yields
    ------
    Outcome
        That a step has begun, and what became of it.

    Raises
    ------
    PlanIsStaleError
        The plan is from a file, and stands on what is not so any more.
    """
    failed: dict[tuple[str, str], str] = {}
    became = "cut short"
    why_ended: CalibstateError | None = None
    try:
        for _ in range(TRIES):
            run.hold(plan, why)
            run.open_journals(plan)
            if again is None:
                refuse_stale(plan, run.places, lambda step: run.ours(step) and not run.is_barred(step))
            outcomes = []
            for outcome in _carry_out(plan, run, why):
                outcomes.append(outcome)
                yield outcome
            became = "interrupted" if run.stopping() else "done"
            if again is None or run.stopping() or not _worth_another_plan(outcomes):
                return
            failed |= {_what(o): o.detail for o in outcomes if o.result in {Result.REFUSED, Result.FAILED}}
            following = again(failed)
            if following is None or not following.steps:
                return
            plan = following
    except CalibstateError as error:
        became, why_ended = f"stopped: {error.first.summary}", error
        raise
    finally:
        run.release(became, why_ended)


def _carry_out(plan: Plan, run: Run, why: str) -> Iterator[Outcome]:
    place_of = {step.id: step.action.target.place for step in plan.steps}
    run.journal("plan", f"{why}: {len(plan.steps)} steps at {', '.join(run.places_of(plan))}")
    carried_out = execute(
        plan,
        run.places,
        barred=run.barred,
        ours=run.ours,
        watch=run.watch,
        stopping=run.stopping,
        shut=run.shut,
        check=run.check,
    )
    for outcome in carried_out:
        if outcome.result is Result.BEGUN:
            run.check(place_of[outcome.step])
        run.journal_outcome(place_of[outcome.step], outcome)
        yield outcome


def _worth_another_plan(outcomes: list[Outcome]) -> bool:
    results = {outcome.result for outcome in outcomes}
    return Result.STALE in results or Result.SKIPPED in results


def _what(outcome: Outcome) -> tuple[str, str]:
    return (outcome.do, outcome.target)
