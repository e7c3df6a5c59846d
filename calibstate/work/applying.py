"""Carrying out a plan, and waiting for what Rucio carries.

Waiting is looking again: between two looks nothing is held and nobody is
kept from working.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Set
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain, repeat
from typing import TYPE_CHECKING

from typing_extensions import override

from ..engine.converge import Run, converge
from ..engine.execute import Excluded, Supervisor
from ..engine.guards import refuse_guarded
from ..engine.hold import Patience
from ..engine.objections import NONE, Foreseen
from ..engine.plan import Failed
from ..engine.waves import look_at_waves
from ..engine.windows import closed
from ..errors import CalibstateError, Diagnostic, ExitCode, Severity
from ..factory.past import began
from ..kinds.rucio_rule import BoostRule
from ..model.checkups import Health
from ..model.drift import What
from ..model.guards import Allowed, Guard
from ..model.names import RUCIO
from ..model.outcomes import Began, Outcome, Result
from ..model.plans import Plan, Step
from ..model.results.plans import Applied, SoFar
from ..ports.progress import Watch
from ..store import planfile
from ..surveys.arrivals import arrivals
from ..surveys.doctor import fit_for
from ..views import text
from .listener import Listener
from .looking import LookAt, look_at_all, planned
from .session import Session

if TYPE_CHECKING:
    from ..factory.places import Places

__all__ = ["Applying", "SessionSupervisor", "StepProgress", "unfit_places"]

_PAUSES = (1, 2, 4, 8)
"""Seconds between the first looks; then `_PAUSE`."""

_PAUSE = 10


@dataclass
class Applying:
    """One run of ``apply``."""

    session: Session
    places: Places
    first: Plan
    """The plan that was shown and agreed to."""

    show: Callable[[Outcome], None]
    """Told what becomes of each target."""

    patience: Patience
    """How long is waited for what others hold."""

    excluded: Excluded
    """Places at which nothing is done in this run."""

    allowed: Allowed = field(default_factory=Allowed)
    """Guards that a person passes."""

    passes: Allowed = field(default_factory=Allowed)
    """Those of them that would stop the plan."""

    foreseen: Foreseen = NONE
    """What would be refused, and so is not begun."""

    may_plan_again: bool = True
    """Whether more may be done than is in the plan."""

    look_at: LookAt = look_at_all
    """What is looked at before another plan is made."""

    so_far: SoFar = field(default_factory=SoFar)
    """What became of each target, and the journals that tell it."""

    tried: dict[tuple[str, str], str] = field(default_factory=dict)
    """Why what was tried in this run is not tried again."""

    latest: Plan = field(init=False)
    """The plan that was made last."""

    def __post_init__(self) -> None:
        self.latest = self.first

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """What became of each target, at last."""
        return self.so_far.outcomes

    def run(self, wait: timedelta | None = None) -> Applied:
        """Carry out the plan, and those that follow from waiting.

        Parameters
        ----------
        wait
            How long is waited for what Rucio carries.
        """
        stop = self.session.stop
        ended_by = None
        # What ends a run that somebody stops is told, and no failure: what
        # was done before is told with it.
        try:
            self._converge(self.first)
            self._wait(wait or timedelta())
        except CalibstateError as error:
            if not stop():
                raise
            self.session.listener.report(error.diagnostics)
            ended_by = ExitCode(error.exit_code)
        return Applied(
            self.first,
            self.latest,
            tuple(self.outcomes.values()),
            self.passes,
            is_interrupted=stop(),
            ended_by=ended_by,
        )

    def _wait(self, limit: timedelta) -> None:
        """Look again and again, and do what can be done then."""
        stop = self.session.stop
        deadline = time.monotonic() + limit.total_seconds()
        with self.session.listener.waiting() as show:
            # Soon at first, since small files arrive at once.
            for pause in chain(_PAUSES, repeat(_PAUSE)):
                left = deadline - time.monotonic()
                if left <= 0 or not self._is_awaiting():
                    return
                stop.sleep(min(pause, left))
                if stop():
                    return
                self._look_again(show)

    def _is_awaiting(self) -> bool:
        """Say whether anything may come by waiting."""
        if any(outcome.result is Result.PENDING for outcome in self.outcomes.values()):
            return True
        pending = [drift for drift in self.latest.drift if drift.what is What.PENDING]
        return any(drift.target.place == RUCIO for drift in pending)

    def _look_again(self, show: Callable[[list[str]], None]) -> None:
        """Look again, and do what can be done now."""
        if not self.may_plan_again:
            self._converge(self.latest)
            return
        # Who was silent may have come back meanwhile.
        self.places.silences.forget()
        view = self.look_at(self.session, self.places)
        show(list(text.arrivals(arrivals(view))))
        # What waited is told by the new plan, if it still waits.
        self._forget({Result.PENDING, Result.SKIPPED})
        self.latest = planned(view, self.allowed, self.tried, self.foreseen)
        if self.latest.steps:
            self._converge(self.latest)

    def _converge(self, plan: Plan) -> None:
        """Carry out a plan, and those that follow from it at once."""
        again = self._plan_again if self.may_plan_again else None
        if again is None:
            # A guard may have come since the plan was made.
            session = self.session
            ours = [step for step in plan.steps if is_ours(session, step)]
            waves = look_at_waves(session.desired, session.scope, self.places)
            refuse_guarded(ours, session.desired, self.allowed, waves)
        self.latest = plan
        bar = StepProgress(self.session.listener)
        run = Run(
            self.places,
            self.session.utc_now,
            SessionSupervisor(self.session, self.allowed, bar, self.so_far),
            patience=self.patience,
            excluded=self.excluded,
        )
        # The journals of all places name the plan by its digest.
        why = f"plan {planfile.digest(plan)[:19]}"
        for carried_out in converge(plan, run, why=why, again=again):
            # A bar would stand in the middle of what is printed now.
            bar.stop()
            # Whoever reads it later is to know what was passed for it.
            outcome = carried_out.model_copy(update={"passed": self.passes})
            before = self.outcomes.get(outcome.target)
            self.outcomes[outcome.target] = outcome
            # What was boosted once in a run is not boosted again.
            if outcome.do == BoostRule.do and outcome.result is Result.PENDING:
                boosted = (outcome.do, outcome.target)
                self.tried[boosted] = "it was tried again in this run, and is stuck again"
            if before is None or before.result is not outcome.result:
                self.show(outcome)

    def _plan_again(self, failed: Failed) -> Plan:
        """Return the plan that follows from what is there now.

        Parameters
        ----------
        failed
            Why steps are not tried again.
        """
        view = self.look_at(self.session, self.places)
        self.latest = planned(view, self.allowed, {**self.tried, **failed}, self.foreseen)
        # Of what had moved, or waited, the new plan tells what is left;
        # somebody else may have done it.
        left = {str(step.action.target) for step in self.latest.steps}
        self._forget({Result.STALE, Result.SKIPPED}, but=left)
        return self.latest

    def _forget(self, results: Set[Result], but: Set[str] = frozenset()) -> None:
        """Forget what became of targets.

        Parameters
        ----------
        results
            Of which outcomes.
        but
            Targets of which it is kept.
        """
        for target, outcome in list(self.outcomes.items()):
            if outcome.result in results and target not in but:
                del self.outcomes[target]


def is_ours(session: Session, step: Step) -> bool:
    """Say whether a step belongs to the sites that were asked for."""
    owner = session.desired.owner(step.action.target)
    return session.scope.has_repository(owner or step.action.target.place)


def unfit_places(session: Session, places: Places, plan: Plan) -> Excluded:
    """Return the places of a plan at which one cannot work, and tell why.

    Nothing is done there; the other places go on.

    Parameters
    ----------
    session
        Its listener is told what is wrong.
    places
        Where to look.
    plan
        What is about to be done.
    """
    excluded = Excluded()
    for check in fit_for(plan, lambda step: is_ours(session, step), places):
        if check.health is Health.OK:
            continue
        if check.check in {"read", "write"}:
            excluded.why[check.place] = check.said
        problem = Diagnostic(
            "Place is not fit for work",
            f"{check.place}: {check.said.rstrip('.')}.",
            hint=check.hint,
            severity=Severity.ERROR if check.place in excluded.why else Severity.WARNING,
        )
        session.listener.report([problem])
    return excluded


class SessionSupervisor(Supervisor):
    """Decides for a session, and shows it how far steps have come."""

    def __init__(
        self, session: Session, allowed: Allowed, bar: StepProgress, so_far: SoFar | None = None
    ) -> None:
        self._session = session
        self._allowed = allowed
        self._bar = bar
        self._so_far = so_far or SoFar()

    @override
    def is_ours(self, step: Step) -> bool:
        return is_ours(self._session, step)

    @override
    def is_stopping(self) -> bool:
        return self._session.stop()

    @override
    def closed(self, place: str) -> str | None:
        if Guard.WINDOW in self._allowed.guards:
            return None
        closing = closed(self._session.desired, place, self._session.now())
        if closing is None:
            return None
        return closing.detail

    @override
    def watch(self, step: Step) -> Watch:
        return self._bar.watch(step.action.do, str(step.action.target))

    @override
    def note(self, text: str) -> None:
        self._session.listener.note(text)

    @override
    def began(self) -> Began:
        return began(self._session.desired, self._allowed)

    @override
    def journal_begun(self, name: str) -> None:
        self._so_far.runs[name] = None


class StepProgress:
    """Shows how far the step in hand has come, from its first sign of work."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._shown = ExitStack()

    def watch(self, do: str, target: str) -> Watch:
        """Return what is told of the progress of a step.

        Parameters
        ----------
        do
            What it does.
        target
            What to; a log is told of it too.
        """
        started: list[Watch] = []

        def watch(unit: str, done: int, total: int) -> None:
            if not started:
                started.append(self._shown.enter_context(self._listener.progress(do, target)))
            started[0](unit, done, total)

        return watch

    def stop(self) -> None:
        """Clear what is shown, before something else is printed."""
        self._shown.close()
