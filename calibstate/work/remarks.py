"""What a person should know beside a plan: guards, windows, unseen places."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ..engine.windows import Closed, closed
from ..errors import Diagnostic, Severity
from ..model.desired import DesiredState
from ..model.drift import UndeclaredChain, command_for_all
from ..model.guards import Allowed, Guard
from ..model.names import Place
from ..model.plans import Plan

__all__ = ["commit_remarks", "guards_met", "not_declared", "not_seen", "passing"]


def commit_remarks(unknown: str) -> list[Diagnostic]:
    """Return that a commit is not known, where that is so.

    Parameters
    ----------
    unknown
        Why it is not known; empty where it is, or there is none.
    """
    if not unknown:
        return []
    remark = Diagnostic(
        "Commit is not known",
        unknown,
        hint="All else is as usual; a plan and a journal cannot tell what commit they were made from.",
        severity=Severity.WARNING,
    )
    return [remark]


def not_seen(plan: Plan) -> list[Diagnostic]:
    """Return what is to be known of places that nothing asked for needs."""
    remarks = []
    for unseen in plan.unseen:
        remark = Diagnostic(
            "Place could not be seen",
            f"{unseen.place}: {unseen.told_here.rstrip('.')}.",
            hint="What is told of the others is told without it; "
            "only what it alone has could not be brought.",
            severity=Severity.WARNING,
        )
        remarks.append(remark)
    return remarks


def not_declared(undeclared: Sequence[UndeclaredChain]) -> list[Diagnostic]:
    """Return that chains are live which nobody declared, in one note.

    Parameters
    ----------
    undeclared
        The chains.
    """
    if not undeclared:
        return []
    lines = []
    for chain in undeclared:
        line = f"{chain.chain} is {chain.words}: {chain.command}"
        lines.append(line)
    hint = "Nothing is done to them."
    command = command_for_all(undeclared)
    if command:
        hint += f" All at once: {command}."
    note = Diagnostic(
        "Live chains that nobody declared",
        "\n".join(lines),
        hint=hint,
        severity=Severity.NOTE,
    )
    return [note]


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
            remark = Diagnostic(
                f"Kept back by a {guard.value}",
                "\n".join(reasons),
                hint=f"If it is meant: {_key(guard)}.",
                severity=Severity.NOTE,
            )
            remarks.append(remark)
    # Windows are no part of a plan, so that it is the same by day and night.
    if Guard.WINDOW not in allowed.guards:
        remarks.extend(_windows_met(plan, desired, now))
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
    if Guard.WINDOW in allowed.guards and plan.steps and _closings(plan, desired, now):
        guards.add(Guard.WINDOW)
    if not guards:
        return Allowed()
    # In the order in which guards are told everywhere.
    ordered = tuple(guard for guard in Guard if guard in guards)
    return Allowed(guards=ordered, because=allowed.because)


def _windows_met(plan: Plan, desired: DesiredState, now: datetime) -> list[Diagnostic]:
    """Return which places of a plan are closed, and until when."""
    remarks = []
    for closing in _closings(plan, desired, now):
        remark = Diagnostic(
            "Place is closed",
            f"{closing.detail}.",
            closing.where,
            f"`apply` refuses its steps until then; if they are meant: {_key(Guard.WINDOW)}.",
            Severity.NOTE,
        )
        remarks.append(remark)
    if remarks and any(guard.guard is Guard.WAVE for guard in plan.guards):
        remark = Diagnostic(
            "Two guards at once",
            "A wave and a window keep this back, and one flag passes both.",
            hint="If it is meant: --override REASON.",
            severity=Severity.NOTE,
        )
        remarks.append(remark)
    return remarks


def _closings(plan: Plan, desired: DesiredState, now: datetime) -> list[Closed]:
    """Return why places are closed at which a plan has something to do."""
    places = {step.action.target.place for step in plan.steps}
    places.update(Place(guard.place) for guard in plan.guards)
    closings = []
    for place in sorted(places):
        closing = closed(desired, place, now)
        if closing:
            closings.append(closing)
    return closings


def _key(guard: Guard) -> str:
    return f"--allow {guard.value} --because REASON"
