"""Tell which steps a guard stops, unless a person has allowed them.

A guard stops a step as a whole, or keeps one child of a chain from coming or
going while the chain is written with the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ..errors import Diagnostic, RefusedError
from ..kinds.chain import Chain, ChainAction
from ..kinds.collection import ImportBundle
from ..kinds.rucio_rule import RuleAction
from ..model.actions import Action
from ..model.desired import DesiredState
from ..model.guards import Allowed, Guard, Guarded, Hold
from ..model.names import Address, CollectionName
from ..model.plans import Step
from .waves import Waves

__all__ = ["guarded", "guarded_child", "guarded_import", "refuse_guarded"]


def guarded(
    action: Action, desired: DesiredState, allowed: Allowed, waves: Waves | None = None
) -> Guarded | None:
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
    return _first(_stops(action, desired, waves or Waves(desired)), allowed)


def guarded_import(action: Action, desired: DesiredState, allowed: Allowed, waves: Waves) -> Guarded | None:
    """Return what keeps a ticket from coming where nothing of it is yet.

    What is there already is mended, whatever the wave before shows.

    Parameters
    ----------
    action, desired, allowed, waves
        As for `guarded`.
    """
    ticket = desired.ticket_at(action.target)
    if not isinstance(action, ImportBundle) or ticket is None:
        return None
    why = waves.import_waits(action.target.place, ticket.noun, action.collections)
    return _first(_waiting(why), allowed)


def guarded_child(
    chain: Chain,
    child: CollectionName,
    desired: DesiredState,
    allowed: Allowed,
    waves: Waves,
) -> Guarded | None:
    """Return what keeps a child from entering a chain, or leaving it.

    Parameters
    ----------
    chain
        The chain, as declared.
    child
        One that would come or go.
    desired, allowed, waves
        As for `guarded`.
    """
    content = None if child in chain.unwanted else chain.content.get(child, {})
    return _first(_stops_of_child(chain.address, child, content, desired, waves), allowed)


def refuse_guarded(steps: Iterable[Step], desired: DesiredState, allowed: Allowed, waves: Waves) -> None:
    """Refuse steps that a guard stops.

    A plan that was saved under an allowance is carried out under one only.

    Raises
    ------
    RefusedError
        With each of them.
    """
    stops = [(step, stop) for step in steps if (stop := guarded(step.action, desired, allowed, waves))]
    if stops:
        raise RefusedError(*(_refusal(step, stop) for step, stop in stops))


def _first(stops: Iterable[Guarded], allowed: Allowed) -> Guarded | None:
    """Return the first that stops a step, with the others that do."""
    stopping = [stop for stop in stops if stop.guard not in allowed.guards]
    return replace(stopping[0], also=tuple(stopping[1:])) if stopping else None


def _stops(action: Action, desired: DesiredState, waves: Waves) -> Iterator[Guarded]:
    yield from _holds(action, desired)
    if isinstance(action, ChainAction):
        yield from _stops_of_children(action, desired, waves)
        most = desired.settings.noun.guards.chain_changes
        if action.displaced > most:
            yield Guarded(
                Guard.CHAIN_CHANGES,
                f"it would take out or move {action.displaced} children, more than the {most} that "
                "`guards` allows; if that is meant: --allow chain_changes --because REASON",
            )


def _stops_of_children(action: ChainAction, desired: DesiredState, waves: Waves) -> Iterator[Guarded]:
    """Yield what keeps children from coming, going or moving."""
    chain = action.target
    for child in action.entrants:
        yield from _stops_of_child(chain, child, _content(action, child, desired), desired, waves)
    for child in action.leavers:
        yield from _stops_of_child(chain, child, None, desired, waves)
    for child in sorted(action.overtaken):
        if hold := _hold_of_child(child, desired):
            reason = f"it would give {child} another place, and {hold.reason}"
            yield Guarded(hold.guard, reason, hold.where)
    if action.overtaken:
        yield from _waiting(waves.order_waits(chain, action.children_after))


def _stops_of_child(
    chain: Address,
    child: CollectionName,
    content: Mapping[str, str] | None,
    desired: DesiredState,
    waves: Waves,
) -> Iterator[Guarded]:
    """Yield what keeps a child from coming; without content, from going."""
    if hold := _hold_of_child(child, desired):
        yield hold
    if content is None:
        yield from _waiting(waves.exit_waits(chain, child))
    elif chain.name in desired.chains:
        yield from _waiting(waves.entry_waits(chain, child, content))


def _content(action: ChainAction, child: CollectionName, desired: DesiredState) -> Mapping[str, str]:
    """Return the fingerprints that a child's collections must have."""
    ticket = desired.ticket_with(child)
    leaves = ticket.noun.leaves if ticket and ticket.noun.collection else (child,)
    return {leaf: fingerprint for leaf, fingerprint in action.entering.items() if leaf in leaves}


def _waiting(why: str | None) -> Iterator[Guarded]:
    if why:
        yield Guarded(Guard.WAVE, why)


def _holds(action: Action, desired: DesiredState) -> Iterator[Guarded]:
    """Yield the holds that concern an action as a whole.

    Those of who takes what it brings, and of what it changes.
    """
    if stop := _takers_hold(action, desired):
        yield stop
    if hold := desired.hold_of_chain(action.target.name) if isinstance(action, ChainAction) else None:
        yield _held(hold)
    ticket = desired.ticket_at(action.target)
    if hold := desired.hold_of_ticket(ticket.noun.key) if ticket else None:
        yield _held(hold)


def _hold_of_child(child: CollectionName, desired: DesiredState) -> Guarded | None:
    ticket = desired.ticket_with(child)
    hold = desired.hold_of_ticket(ticket.noun.key) if ticket else None
    return _held(hold) if hold else None


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
