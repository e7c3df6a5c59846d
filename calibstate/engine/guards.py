"""Tell which steps a guard stops, unless a person has allowed them.

A guard stops a step as a whole, or keeps one part of a resource, such as a
child of a chain, from coming or going while the others do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..errors import Diagnostic, RefusedError
from ..kinds.base import Takers
from ..kinds.registry import KINDS
from ..kinds.waves import Waves
from ..model.actions import Action
from ..model.desired import DesiredState
from ..model.guards import Allowed, Guard, Hold
from ..model.plans import Step
from ..model.reasons import Reason
from ..model.resources import Resource

__all__ = ["guard_of", "guarded", "guarded_entry", "guarded_part", "refuse_guarded"]


def guarded(
    action: Action,
    desired: DesiredState,
    allowed: Allowed,
    waves: Waves | None = None,
) -> Reason | None:
    """Return what stops an action; `None`: nothing does.

    Parameters
    ----------
    action
        What would be done.
    desired
        What is declared, guards and holds included.
    allowed
        What a person passes.
    waves
        What the waves before have published.
    """
    kind = KINDS[action.target.kind]
    # Of who takes it, of what is changed, of the ticket that it is of.
    holds = [
        _hold_of_takers(kind.takers(action, desired), desired),
        kind.hold(action.target, desired),
    ]
    ticket = kind.ticket(action.target, desired)
    if ticket:
        holds.append(desired.hold_of_ticket(ticket.noun.key))
    stops = [hold.stop for hold in holds if hold]
    # A hold is what a person said of it, and so comes before all else.
    stops.extend(kind.guards(action, desired, waves or Waves(desired)))
    return _first(stops, allowed)


def guarded_entry(
    action: Action,
    desired: DesiredState,
    allowed: Allowed,
    waves: Waves,
) -> Reason | None:
    """Return what keeps a resource from coming where nothing of it is yet.

    What is there already is repaired, whatever the wave before shows.

    Parameters
    ----------
    action, desired, allowed, waves
        As for `guarded`.
    """
    kind = KINDS[action.target.kind]
    return _first(kind.guards_of_entry(action, desired, waves), allowed)


def guarded_part(
    declared: Resource,
    part: str,
    desired: DesiredState,
    allowed: Allowed,
    waves: Waves,
) -> Reason | None:
    """Return what keeps a part of a resource from coming or going.

    Parameters
    ----------
    declared
        The resource.
    part
        One that would come or go.
    desired, allowed, waves
        As for `guarded`.
    """
    kind = KINDS[declared.address.kind]
    return _first(
        kind.guards_of_part(
            declared,
            part,
            desired,
            waves,
        ),
        allowed,
    )


def refuse_guarded(
    steps: Iterable[Step],
    desired: DesiredState,
    allowed: Allowed,
    waves: Waves,
) -> None:
    """Refuse steps that a guard stops.

    A plan that was saved under an allowance is carried out under one only.

    Raises
    ------
    RefusedError
        With each of them.
    """
    refusals: list[Diagnostic] = []
    for step in steps:
        stop = guarded(step.action, desired, allowed, waves)
        if stop is None:
            continue
        refusals.append(
            Diagnostic(
                "Step is guarded",
                f"Step {step.id}, {step.action.do} {step.action.target}: {stop.detail}.",
                stop.where,
                hint=f"Nothing was written. If it is meant: --allow {guard_of(stop).value} --because REASON.",
            )
        )
    if refusals:
        raise RefusedError(*refusals)


def guard_of(stop: Reason) -> Guard:
    """Return the guard that stops a step."""
    return Guard(stop.code.value)


def _first(stops: Iterable[Reason], allowed: Allowed) -> Reason | None:
    """Return the first that stops a step, with the others that do."""
    stopping = [stop for stop in stops if guard_of(stop) not in allowed.guards]
    if not stopping:
        return None
    first, *others = stopping
    return replace(first, also=tuple(others))


def _hold_of_takers(takers: Takers, desired: DesiredState) -> Hold | None:
    """Return that nobody takes what an action brings at present, if so."""
    holds: list[Hold] = []
    for address in takers.repositories:
        hold = desired.hold_of(address)
        if hold is None:
            return None
        holds.append(hold)
    if not holds:
        return None
    # Several may be on hold for one reason, which is said once.
    reasons = sorted({hold.reason for hold in holds})
    return Hold(takers.name, "; ".join(reasons), holds[0].where)
