"""Carrying out a plan, and waiting for what Rucio carries.

Waiting is looking again: between two looks nothing is held and nobody is
kept from working.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import chain, repeat

from .. import __version__
from ..engine.arrivals import arrivals
from ..engine.converge import Run, converge
from ..engine.doctor import fit_for
from ..engine.execute import Barred
from ..engine.guards import refuse_guarded
from ..engine.hold import Patience
from ..engine.objections import NONE, Foreseen, foresee
from ..engine.observe import View
from ..engine.plan import Failed, make_plan
from ..engine.waves import look_at_waves
from ..engine.windows import Closed, closed
from ..errors import CalibstateError, Diagnostic, Severity
from ..factory.clock import now, utc_now
from ..factory.past import basis, began
from ..factory.places import Places
from ..kinds.rucio_rule import BoostRule
from ..model.checkups import Health
from ..model.desired import DesiredState
from ..model.drift import What
from ..model.guards import Allowed, Guard
from ..model.names import RUCIO
from ..model.outcomes import Outcome, Result
from ..model.plans import Plan, Step
from ..model.scope import Scope
from ..store import planfile
from ..views import text
from . import screen, terminal
from .app import ExitCode, first_of
from .options import Format
from .stopping import Stopping

__all__ = [
    "Applying",
    "commit_remarks",
    "foreseen_in",
    "guards_met",
    "not_seen",
    "passing",
    "plan_code",
    "planned",
]

_PAUSES = (1, 2, 4, 8)
"""Seconds between the first looks; then `_PAUSE`."""

_PAUSE = 10


def planned(view: View, allowed: Allowed, failed: Failed | None = None, foreseen: Foreseen = NONE) -> Plan:
    """Return the plan that follows from a look."""
    return make_plan(view, basis(view.desired, view.digest, __version__), failed, allowed, foreseen)


def foreseen_in(view: View, allowed: Allowed, places: Places) -> Foreseen:
    """Return what would be refused of the plan that follows from a look."""
    return foresee(planned(view, allowed), places)


def plan_code(made: Plan) -> ExitCode:
    """Return the code of all that a plan leaves undone."""
    return first_of(
        ExitCode.ERROR if made.has(What.UNREACHABLE) else ExitCode.DONE,
        ExitCode.REFUSED if made.refused else ExitCode.DONE,
        ExitCode.PENDING if made.has(What.PENDING) else ExitCode.DONE,
    )


def commit_remarks(unknown: str) -> list[Diagnostic]:
    """Return that a commit is not known, where that is so.

    Parameters
    ----------
    unknown
        Why it is not known; empty where it is, or there is none.
    """
    if not unknown:
        return []
    hint = "All else is as usual; a plan and a journal cannot tell what commit they were made from."
    return [Diagnostic("Commit is not known", unknown, None, hint, Severity.WARNING)]


def not_seen(made: Plan) -> list[Diagnostic]:
    """Return what is to be known of places that nothing asked for needs."""
    hint = "What is told of the others is told without it; only what it alone has could not be brought."
    return [
        Diagnostic(
            "Place could not be seen", f"{one.place}: {one.detail.rstrip('.')}.", None, hint, Severity.WARNING
        )
        for one in made.unseen
    ]


def closings(made: Plan, desired: DesiredState) -> list[Closed]:
    """Return why places are closed at which a plan has something to do."""
    places = {step.action.target.place for step in made.steps} | {met.place for met in made.guards}
    return [one for place in sorted(places) if (one := closed(desired, place, now()))]


def guards_met(made: Plan, desired: DesiredState, allowed: Allowed) -> list[Diagnostic]:
    """Return every guard that keeps something from being done, with its key.

    Parameters
    ----------
    made
        The plan.
    desired
        What is declared, windows included.
    allowed
        What a person passes; it keeps nothing back.
    """
    told = []
    for guard in Guard:
        reasons = [f"{met.place}: {met.reason}." for met in made.guards if met.guard is guard]
        if reasons:
            detail, hint = "\n".join(reasons), f"If it is meant: {_key(guard)}."
            told.append(Diagnostic(f"Kept back by a {guard.value}", detail, None, hint, Severity.NOTE))
    shut = closings(made, desired) if Guard.WINDOW not in allowed.guards else []
    hint = f"`apply` refuses its steps until then; if they are meant: {_key(Guard.WINDOW)}."
    told += [Diagnostic("Place is closed", f"{one.told}.", one.where, hint, Severity.NOTE) for one in shut]
    if shut and any(met.guard is Guard.WAVE for met in made.guards):
        detail = "A wave and a window keep this back, and one flag passes both."
        hint = "If it is meant: --override REASON."
        told.append(Diagnostic("Two guards at once", detail, None, hint, Severity.NOTE))
    return told


def passing(made: Plan, desired: DesiredState, allowed: Allowed) -> Allowed:
    """Return which of the guards that a person passes would stop a plan.

    Parameters
    ----------
    made
        The plan.
    desired
        What is declared, windows included.
    allowed
        What a person passes.
    """
    guards = set(made.passed.guards) & set(allowed.guards)
    if Guard.WINDOW in allowed.guards and made.steps and closings(made, desired):
        guards.add(Guard.WINDOW)
    ordered = tuple(guard for guard in Guard if guard in guards)
    return Allowed(guards=ordered, because=allowed.because if ordered else "")


def _key(guard: Guard) -> str:
    return f"--allow {guard.value} --because REASON"


@dataclass
class Applying:
    """One run of ``apply``."""

    desired: DesiredState
    narrowed: Scope
    places: Places
    form: Format
    look: Callable[[], View] | None
    """Looks anew; `None` for a saved plan, which is all that may be done."""

    allowed: Allowed = field(default_factory=Allowed)
    """Guards that a person passes."""

    passed: Allowed = field(default_factory=Allowed)
    """Those of them that would stop the plan."""

    became: dict[str, Outcome] = field(default_factory=dict)
    """What became of each target, at last."""

    tried: dict[tuple[str, str], str] = field(default_factory=dict)
    """Why what was tried in this run is not tried again."""

    stopping: Stopping = field(default_factory=Stopping)
    """Whether somebody wants it to stop."""

    patience: Patience = field(default_factory=Patience)
    """How long is waited for what others hold."""

    barred: Barred = field(default_factory=Barred)
    """Places at which nothing is done in this run."""

    foreseen: Foreseen = NONE
    """What would be refused, and so is not begun."""

    def look_first(self, made: Plan) -> None:
        """Look whether one can work where a plan is about to.

        Nothing is done where one cannot; the other places go on.
        """
        for check in fit_for(made, self._is_ours, self.places):
            if check.health is Health.OK:
                continue
            if check.check in {"read", "write"}:
                self.barred.why[check.place] = check.said
            severity = Severity.ERROR if check.place in self.barred.why else Severity.WARNING
            detail = f"{check.place}: {check.said.rstrip('.')}."
            screen.told([Diagnostic("Place is not fit for work", detail, None, check.hint, severity)])

    def run(self, made: Plan, wait: timedelta | None = None) -> ExitCode:
        """Carry out a plan, and those that follow from waiting."""
        # Nothing is begun for a reader who has left before.
        if sys.stdout is not None:
            sys.stdout.flush()
        with self.stopping.listening(), terminal.outlive_readers() as lost:
            try:
                code = self._run(made, wait)
            except CalibstateError as error:
                if not self.stopping():
                    raise
                screen.told(error.diagnostics)
                code = ExitCode(error.exit_code)
        if lost.why and not isinstance(lost.why, BrokenPipeError):
            detail = f"{lost.why.strerror}. What was done is told by `calibstate log`."
            screen.told([Diagnostic("Output cannot be written", detail, hint="Make room for it.")])
            code = first_of(code, ExitCode.ERROR)
        if self.stopping():
            screen.tell(
                "Interrupted. What was done stands, and the step in hand was finished; "
                "run the same command again to go on."
            )
            return first_of(code, ExitCode.ERROR)
        return code

    def _run(self, made: Plan, wait: timedelta | None) -> ExitCode:
        latest = self._converge(made)
        deadline = time.monotonic() + (wait.total_seconds() if wait else 0)
        with screen.waiting() as show:
            for pause in chain(_PAUSES, repeat(_PAUSE)):
                left = deadline - time.monotonic()
                if left <= 0 or not self._is_awaiting(latest):
                    break
                self.stopping.sleep(min(pause, left))
                if self.stopping():
                    break
                latest = self._again(latest, show)
        if self.form is Format.TEXT:
            # What the first plan left undone was shown with it.
            anew = (latest.drift, latest.refused) != (made.drift, made.refused)
            screen.print_lines(text.stays(latest) if anew else ())
            screen.print_lines([text.outcomes_tally(self.became.values())] if self.became else ())
            screen.print_lines(text.guards_passed(self.passed))
        return first_of(plan_code(latest), *(_code(outcome) for outcome in self.became.values()))

    def _is_awaiting(self, latest: Plan) -> bool:
        """Say whether anything may come by waiting."""
        under_way = any(o.result is Result.PENDING for o in self.became.values())
        return under_way or any(d.what is What.PENDING and d.target.place == RUCIO for d in latest.drift)

    def _again(self, latest: Plan, show: Callable[[list[str]], None]) -> Plan:
        """Look again, and do what can be done now."""
        if self.look is None:
            return self._converge(latest)
        # Who was silent may have come back meanwhile.
        self.places.silences.forget()
        view = self.look()
        show(list(text.arrivals(arrivals(view))))
        # What waited is told by the new plan, if it still waits.
        waited = {Result.PENDING, Result.SKIPPED}
        self.became = {target: o for target, o in self.became.items() if o.result not in waited}
        made = planned(view, self.allowed, self.tried, self.foreseen)
        return self._converge(made) if made.steps else made

    def _converge(self, made: Plan) -> Plan:
        """Carry out a plan; return the last one that was made."""
        if self.look is None:
            ours = (step for step in made.steps if self._is_ours(step))
            waves = look_at_waves(self.desired, self.narrowed, self.places)
            refuse_guarded(ours, self.desired, self.allowed, waves)
        bar = screen.StepProgress()
        run = Run(
            self.places,
            self.places.records,
            utc_now,
            screen.tell,
            ours=self._is_ours,
            watch=lambda step: bar.watch(step.action.do, str(step.action.target)),
            began=lambda: began(self.desired, self.allowed),
            stopping=self.stopping,
            patience=self.patience,
            barred=self.barred,
            shut=self._shut,
        )
        latest = [made]

        def anew(look: Callable[[], View], failed: Failed) -> Plan:
            latest.append(planned(look(), self.allowed, {**self.tried, **failed}, self.foreseen))
            # Of what had moved, or waited, the new plan tells what is left;
            # somebody else may have done it.
            moved = {Result.STALE, Result.SKIPPED}
            left = {str(step.action.target) for step in latest[-1].steps}
            self.became = {t: o for t, o in self.became.items() if o.result not in moved or t in left}
            return latest[-1]

        again = partial(anew, self.look) if self.look else None
        for outcome in converge(made, run, why=f"plan {planfile.digest(made)[:19]}", again=again):
            bar.stop()
            self._tell(outcome)
        return latest[-1]

    def _shut(self, place: str) -> str | None:
        """Say why no step is begun at a place at this time."""
        if Guard.WINDOW in self.allowed.guards:
            return None
        found = closed(self.desired, place, now())
        return found.told if found else None

    def _is_ours(self, step: Step) -> bool:
        """Say whether a step belongs to the sites that were asked for."""
        owner = self.desired.owner(step.action.target)
        return self.narrowed.has_repository(owner or step.action.target.place)

    def _tell(self, outcome: Outcome) -> None:
        before = self.became.get(outcome.target)
        self.became[outcome.target] = outcome
        if outcome.do == BoostRule.do and outcome.result is Result.PENDING:
            self.tried[outcome.do, outcome.target] = "it was tried again in this run, and is stuck again"
        if before is None or before.result is not outcome.result:
            _print(outcome, self.passed, self.form)


def _print(outcome: Outcome, passed: Allowed, form: Format) -> None:
    if form is Format.JSON:
        screen.print_json_text(outcome.model_copy(update={"passed": passed}).model_dump_json())
        sys.stdout.flush()
    elif outcome.result is Result.BEGUN:
        return
    elif form is Format.MARKDOWN:
        from ..views import markdown

        screen.print_lines([markdown.outcome(outcome)])
    else:
        screen.print_lines([text.outcome(outcome)])


def _code(outcome: Outcome) -> ExitCode:
    match outcome.result:
        case Result.DONE:
            return ExitCode.DONE
        case Result.STALE | Result.REFUSED:
            return ExitCode.REFUSED
        case Result.SKIPPED | Result.PENDING:
            return ExitCode.PENDING
        case Result.BEGUN | Result.FAILED:
            return ExitCode.ERROR
