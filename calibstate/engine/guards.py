"""Tell which steps a guard stops, unless a person has allowed them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..errors import Diagnostic, RefusedError
from ..kinds.chain import ChainAction
from ..kinds.rucio_rule import RuleAction
from ..model.actions import Action
from ..model.desired import DesiredState
from ..model.guards import Allowed, Guard, Guarded
from ..model.plans import Step

__all__ = ["guarded", "refuse_guarded"]


def guarded(action: Action, desired: DesiredState, allowed: Allowed) -> Guarded | None:
    """Return what stops an action; `None`: nothing does.

    Parameters
    ----------
    action
        What would be done.
    desired
        What is declared, guards and holds included.
    allowed
        What a person passes.
    """
    return next((stop for stop in _stops(action, desired) if stop.guard not in allowed.guards), None)


def refuse_guarded(steps: Iterable[Step], desired: DesiredState, allowed: Allowed) -> None:
    """Refuse steps that a guard stops.

    A plan that was saved under an allowance is carried out under one only.

    Raises
    ------
    RefusedError
        With each of them.
    """
    stops = [(step, stop) for step in steps if (stop := guarded(step.action, desired, allowed))]
    if stops:
        raise RefusedError(*(_refusal(step, stop) for step, stop in stops))


def _stops(action: Action, desired: DesiredState) -> Iterator[Guarded]:
    if stop := _hold(action, desired):
        yield stop
    if isinstance(action, ChainAction):
        most = desired.settings.noun.guards.chain_changes
        if action.displaced > most:
            yield Guarded(
                Guard.CHAIN_CHANGES,
                f"it would take out or move {action.displaced} children, more than the {most} that "
                "`guards` allows; if that is meant: --allow chain_changes --because REASON",
            )


def _hold(action: Action, desired: DesiredState) -> Guarded | None:
    """Say that nobody takes what an action brings at present, if so."""
    if isinstance(action, RuleAction):
        ticket = desired.tickets.get((action.instrument, action.ticket))
        name, takers = action.rse, desired.awaiting(ticket.noun, action.rse) if ticket else ()
    elif action.target.place in desired.repositories:
        name, takers = action.target.place, (action.target.place,)
    else:
        return None
    holds = [desired.hold_of(address) for address in takers]
    if not holds or not all(holds):
        return None
    return Guarded(Guard.HOLD, f"{name} is on hold: {'; '.join(sorted({hold for hold in holds if hold}))}")


def _refusal(step: Step, stop: Guarded) -> Diagnostic:
    return Diagnostic(
        "Step is guarded",
        f"Step {step.id}, {step.action.do} {step.action.target}: {stop.reason}.",
        hint=f"Nothing was written. If it is meant: --allow {stop.guard.value} --because REASON.",
    )
