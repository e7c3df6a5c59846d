"""Tell which steps a guard stops, unless a person has allowed them.

A guard stops a step as a whole, or keeps one child of a chain from coming or
going while the chain is written with the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..errors import Diagnostic, RefusedError
from ..kinds.chain import ChainAction
from ..kinds.rucio_rule import RuleAction
from ..model.actions import Action
from ..model.desired import DesiredState
from ..model.guards import Allowed, Guard, Guarded, Hold
from ..model.names import Address, CollectionName
from ..model.plans import Step

__all__ = ["guarded", "guarded_child", "refuse_guarded"]


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
    return _first(_stops(action, desired), allowed)


def guarded_child(
    chain: Address, child: CollectionName, desired: DesiredState, allowed: Allowed
) -> Guarded | None:
    """Return what keeps a child from entering a chain, or leaving it.

    Parameters
    ----------
    chain
        The chain.
    child
        One that would come or go.
    desired, allowed
        As for `guarded`.
    """
    return _first(_stops_of_child(child, desired), allowed)


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


def _first(stops: Iterable[Guarded], allowed: Allowed) -> Guarded | None:
    return next((stop for stop in stops if stop.guard not in allowed.guards), None)


def _stops(action: Action, desired: DesiredState) -> Iterator[Guarded]:
    yield from _holds(action, desired)
    if isinstance(action, ChainAction):
        for child in action.turnover:
            yield from _stops_of_child(child, desired)
        most = desired.settings.noun.guards.chain_changes
        if action.displaced > most:
            yield Guarded(
                Guard.CHAIN_CHANGES,
                f"it would take out or move {action.displaced} children, more than the {most} that "
                "`guards` allows; if that is meant: --allow chain_changes --because REASON",
            )


def _stops_of_child(child: CollectionName, desired: DesiredState) -> Iterator[Guarded]:
    ticket = desired.ticket_with(child)
    if ticket and (hold := desired.hold_of_ticket(ticket.noun.key)):
        yield _held(hold)


def _holds(action: Action, desired: DesiredState) -> Iterator[Guarded]:
    """Yield the holds that concern an action as a whole.

    Those of who takes what it brings, of what it changes, and of what it
    gives another place.
    """
    if stop := _takers_hold(action, desired):
        yield stop
    if hold := desired.hold_of_chain(action.target.name) if isinstance(action, ChainAction) else None:
        yield _held(hold)
    ticket = desired.ticket_at(action.target)
    if hold := desired.hold_of_ticket(ticket.noun.key) if ticket else None:
        yield _held(hold)
    for child in sorted(action.overtaken) if isinstance(action, ChainAction) else ():
        for stop in _stops_of_child(child, desired):
            yield Guarded(stop.guard, f"it would give {child} another place, and {stop.reason}", stop.where)


def _takers_hold(action: Action, desired: DesiredState) -> Guarded | None:
    """Say that nobody takes what an action brings at present, if so."""
    if isinstance(action, RuleAction):
        ticket = desired.tickets.get((action.instrument, action.ticket))
        name, takers = action.rse, desired.awaiting(ticket.noun, action.rse) if ticket else ()
    elif action.target.place in desired.repositories:
        name, takers = action.target.place, (action.target.place,)
    else:
        return None
    holds = [hold for address in takers if (hold := desired.hold_of(address))]
    if not holds or len(holds) < len(takers):
        return None
    return _held(Hold(name, "; ".join(sorted({hold.reason for hold in holds})), holds[0].where))


def _held(hold: Hold) -> Guarded:
    return Guarded(Guard.HOLD, f"{hold.what} is on hold: {hold.reason}", hold.where)


def _refusal(step: Step, stop: Guarded) -> Diagnostic:
    return Diagnostic(
        "Step is guarded",
        f"Step {step.id}, {step.action.do} {step.action.target}: {stop.reason}.",
        stop.where,
        hint=f"Nothing was written. If it is meant: --allow {stop.guard.value} --because REASON.",
    )
