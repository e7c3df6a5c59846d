"""What a person should know beside a plan: guards, windows, unseen places."""

from __future__ import annotations

from datetime import datetime

from ..engine.windows import Closed, closed
from ..errors import Diagnostic, Severity
from ..model.desired import DesiredState
from ..model.guards import Allowed, Guard
from ..model.plans import Plan

__all__ = ["commit_remarks", "guards_met", "not_seen", "passing"]


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


def not_seen(plan: Plan) -> list[Diagnostic]:
    """Return what is to be known of places that nothing asked for needs."""
    hint = "What is told of the others is told without it; only what it alone has could not be brought."
    remarks = []
    for unseen in plan.unseen:
        detail = f"{unseen.place}: {unseen.detail.rstrip('.')}."
        remarks.append(Diagnostic("Place could not be seen", detail, None, hint, Severity.WARNING))
    return remarks


def closings(plan: Plan, desired: DesiredState, now: datetime) -> list[Closed]:
    """Return why places are closed at which a plan has something to do."""
    places = {step.action.target.place for step in plan.steps}
    places.update(guard.place for guard in plan.guards)
    found = (closed(desired, place, now) for place in sorted(places))
    return [closing for closing in found if closing]


def guards_met(plan: Plan, desired: DesiredState, allowed: Allowed, now: datetime) -> list[Diagnostic]:
    """Return every guard that keeps something from being done, with its key.

    Parameters
    ----------
    plan
        The plan.
    desired
        What is declared, windows included.
    allowed
        What a person passes; it keeps nothing back.
    now
        The moment, with its time zone.
    """
    remarks = []
    for guard in Guard:
        reasons = [f"{met.place}: {met.reason}." for met in plan.guards if met.guard is guard]
        if reasons:
            summary, hint = f"Kept back by a {guard.value}", f"If it is meant: {_key(guard)}."
            remarks.append(Diagnostic(summary, "\n".join(reasons), None, hint, Severity.NOTE))
    if Guard.WINDOW in allowed.guards:
        return remarks
    windows = closings(plan, desired, now)
    hint = f"`apply` refuses its steps until then; if they are meant: {_key(Guard.WINDOW)}."
    for closing in windows:
        detail = f"{closing.told}."
        remarks.append(Diagnostic("Place is closed", detail, closing.where, hint, Severity.NOTE))
    if windows and any(guard.guard is Guard.WAVE for guard in plan.guards):
        detail = "A wave and a window keep this back, and one flag passes both."
        hint = "If it is meant: --override REASON."
        remarks.append(Diagnostic("Two guards at once", detail, None, hint, Severity.NOTE))
    return remarks


def passing(plan: Plan, desired: DesiredState, allowed: Allowed, now: datetime) -> Allowed:
    """Return which of the guards that a person passes would stop a plan.

    Parameters
    ----------
    plan
        The plan.
    desired
        What is declared, windows included.
    allowed
        What a person passes.
    now
        The moment, with its time zone.
    """
    guards = set(plan.passed.guards) & set(allowed.guards)
    if Guard.WINDOW in allowed.guards and plan.steps and closings(plan, desired, now):
        guards.add(Guard.WINDOW)
    ordered = tuple(guard for guard in Guard if guard in guards)
    return Allowed(guards=ordered, because=allowed.because if ordered else "")


def _key(guard: Guard) -> str:
    return f"--allow {guard.value} --because REASON"
