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
from ..model.outcomes import JournalLine, Outcome, Result
from ..model.plans import Plan, Step
from ..ports.places import WritePlaces
from ..ports.records import Journal
from .execute import EVERY_STEP, Excluded, Supervisor, execute, refuse_stale
from .hold import Holds, Patience
from .plan import Failed

__all__ = ["TRIES", "Run", "converge"]

TRIES = 5
"""How many plans one run makes at most."""

_WORTH_ANOTHER_PLAN = {Result.STALE, Result.SKIPPED}
"""Results after which a new plan may have steps that this one had not."""


@dataclass
class Run:
    """What a run works with."""

    places: WritePlaces
    """Where it works; each has its locks and its journal."""

    now: Callable[[], str]
    """The time in UTC, with ``Z``."""

    supervisor: Supervisor = EVERY_STEP
    """Decides what is begun, and is told how it goes."""

    patience: Patience = field(default_factory=Patience)
    """How long is waited for what others hold."""

    excluded: Excluded = field(default_factory=Excluded)
    """Places at which nothing is done."""

    _journals: dict[int, Journal] = field(default_factory=dict)
    _holds: Holds = field(init=False)

    def __post_init__(self) -> None:
        self._holds = Holds(self.places, self.supervisor.note, self.patience)

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
        first_error: UnreachableError | None = None
        for place in self.places_of(plan):
            try:
                self._holds.take(place, why)
            except UnreachableError as error:
                first_error = first_error or error
                self.excluded.why[place] = str(error)
        # What is excluded is no place of the plan any more.
        left = self.places_of(plan)
        if first_error and not left:
            raise first_error

    def check(self, place: str) -> None:
        """Look whether a place is still held, before it is changed."""
        self._holds.check(place)

    def carries_out(self, step: Step) -> bool:
        """Say whether a step is ours, and its place is not excluded."""
        place = step.action.target.place
        if place in self.excluded.why:
            return False
        return self.supervisor.is_ours(step)

    def places_of(self, plan: Plan) -> list[str]:
        """Return the places that a plan changes here."""
        places = {step.action.target.place for step in plan.steps if self.carries_out(step)}
        return sorted(places)

    def open_journals(self, plan: Plan) -> None:
        """Begin a journal in each store that keeps one of a plan's places."""
        for place in self.places_of(plan):
            journal = self.places.records(place).journal
            # Several places may be kept in one store, which has one journal.
            identity = id(journal)
            if identity in self._journals:
                continue
            self._journals[identity] = journal
            began = self.supervisor.began()
            line = self._line("run", "apply", began=began)
            journal.write(line)
            self.supervisor.journal_begun(journal.name)

    def journal(self, event: str, text: str) -> None:
        """Keep a line of what concerns all places."""
        for journal in self._journals.values():
            line = self._line(event, text)
            journal.write(line)

    def journal_outcome(self, place: str, outcome: Outcome) -> None:
        """Keep a line of what became of a step."""
        journal = self.places.records(place).journal
        # One of a place at which nothing is done may never have been begun.
        if id(journal) in self._journals:
            text = f"{outcome.do} {outcome.result.value}"
            line = self._line("outcome", text, outcome=outcome)
            journal.write(line)

    def carry_out(self, plan: Plan, why: str) -> Iterator[Outcome]:
        """Carry out one plan, and keep in the journals what becomes of it.

        Parameters
        ----------
        plan
            What to do; the places that it changes are held.
        why
            What the journals say it is for.
        """
        places = ", ".join(self.places_of(plan))
        self.journal("plan", f"{why}: {len(plan.steps)} steps at {places}")
        place_of = {step.id: step.action.target.place for step in plan.steps}
        outcomes = execute(
            plan,
            self.places,
            self.check,
            self.supervisor,
            self.excluded,
        )
        for outcome in outcomes:
            place = place_of[outcome.step]
            if outcome.result is Result.BEGUN:
                # What was lost meanwhile is not changed any more.
                self.check(place)
            self.journal_outcome(place, outcome)
            yield outcome

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
        for place in self.excluded.why:
            self._holds.leave(place)
        try:
            self.journal("end", became)
        finally:
            self._journals.clear()
            self._let_go(why)

    def _let_go(self, why: CalibstateError | None) -> None:
        """Let go of every lock; what ends the run is told first."""
        try:
            self._holds.close()
        except CalibstateError as error:
            if why is None:
                raise type(error)(*error.diagnostics) from error
            reported = why.diagnostics
            more = [problem for problem in error.diagnostics if problem not in reported]
            if not more:
                return  # It is what ends the run, and is told.
            worst = why
            if isinstance(error, LockedError):
                # A lock that was lost weighs most: somebody else works there.
                worst = error
            raise type(worst)(*reported, *more) from error

    def _line(self, event: str, text: str, **more: Any) -> JournalLine:
        return JournalLine(
            at=self.now(),
            event=event,
            text=text,
            **more,
        )


def converge(
    plan: Plan,
    run: Run,
    *,
    why: str,
    again: Callable[[Failed], Plan | None] | None = None,
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
                refuse_stale(plan, run.places, run.carries_out)
            outcomes: list[Outcome] = []
            for outcome in run.carry_out(plan, why):
                outcomes.append(outcome)
                yield outcome
            is_stopping = run.supervisor.is_stopping()
            became = "done"
            if is_stopping:
                became = "interrupted"
            results = {outcome.result for outcome in outcomes}
            # Only where the ground moved, or something waited, is more to do.
            if again is None or is_stopping or results.isdisjoint(_WORTH_ANOTHER_PLAN):
                return
            for outcome in outcomes:
                if outcome.result in {Result.REFUSED, Result.FAILED}:
                    attempt = (outcome.do, outcome.target)
                    failed[attempt] = outcome.detail
            following = again(failed)
            if following is None or not following.steps:
                return
            plan = following
    except CalibstateError as error:
        became = f"stopped: {error.first.summary}"
        why_ended = error
        raise
    finally:
        run.release(became, why_ended)
