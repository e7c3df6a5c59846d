"""How the steps of a construction stand, as the repository shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..kinds.base import Kind
from ..kinds.chain import Chain
from ..kinds.registry import KINDS
from ..kinds.submission import Submitted, in_words
from ..model.actions import Action
from ..model.names import Address
from ..model.reasons import Weight
from ..model.resources import Resource
from ..model.results.constructions import StepSeen, StepState
from ..ports.construction import ConstructionPlaces
from .steps import ConstructionStep, Verb

__all__ = ["Standing", "look_at_step", "look_at_steps"]

_STATES = {
    Weight.AWAITED: StepState.RUNNING,
    Weight.UNREACHABLE: StepState.REFUSED,
    Weight.REFUSED: StepState.REFUSED,
    Weight.GUARDED: StepState.REFUSED,
    Weight.PLAIN: StepState.REFUSED,
}
"""State of a step that something keeps from being done."""


@dataclass(frozen=True)
class Standing:
    """A step, how it stands, and what would be done about it."""

    step: ConstructionStep
    shown: StepSeen

    action: Action | None = None
    """What does it; `None`: nothing can be done now."""

    live: Resource | None = None
    """What was shown of its resource; `None`: nothing is there."""


def look_at_steps(
    steps: Sequence[ConstructionStep],
    places: ConstructionPlaces,
    looked: frozenset[str] = frozenset(),
) -> tuple[Standing, ...]:
    """Look at all steps of a construction, and say how each stands.

    What follows on a step that is not done waits for it.

    Parameters
    ----------
    steps
        All of them, in order.
    places
        Where to look.
    looked
        Products at whose images a person has looked.
    """
    # Backwards, since what was done after a look shows that a person has
    # looked, whatever `looked` names this time.
    standings: list[Standing] = []
    is_passed = False
    for standing in reversed(_standings(steps, places)):
        step = standing.step
        shown = standing.shown
        if step.verb is Verb.LOOK:
            if is_passed or step.word in looked:
                shown = replace(shown, state=StepState.DONE)
            standing = replace(standing, shown=shown)
        elif shown.state is StepState.DONE or shown.datasets:
            is_passed = True
        standings.insert(0, standing)
    # Forwards: behind the first step that is not done all others wait, but
    # for those that are done already.
    is_waiting = False
    for number, standing in enumerate(standings):
        if standing.shown.state is StepState.DONE:
            continue
        if is_waiting:
            shown = replace(standing.shown, state=StepState.WAITS)
            standings[number] = replace(standing, shown=shown, action=None)
        is_waiting = True
    return tuple(standings)


def look_at_step(step: ConstructionStep, places: ConstructionPlaces) -> Standing:
    """Look at one step, as if all before it were done.

    Parameters
    ----------
    step
        Any but a look.
    places
        Where to look.
    """
    (standing,) = _standings([step], places)
    return standing


def _standings(
    steps: Sequence[ConstructionStep],
    places: ConstructionPlaces,
) -> Sequence[Standing]:
    """Look at each step by itself, whatever became of the others."""
    # A kind is asked once for all that is of it.
    targets: dict[str, dict[Address, Resource]] = {}
    for step in steps:
        resource = step.resource
        if resource:
            address = resource.address
            resources = targets.setdefault(address.kind, {})
            resources[address] = resource
    live: dict[Address, Resource | None] = {}
    for name, resources in targets.items():
        kind = KINDS[name]
        wanted = list(resources.values())
        live.update(kind.observe(wanted, places))
    standings = []
    for step in steps:
        resource = step.resource
        chain = Chain.of(resource)
        if resource is None:
            shown = StepSeen(step.name, step.collection, StepState.LOOK)
            standing = Standing(step, shown)
        elif chain:
            standing = _standing_of_chain(step, chain, live[chain.address], places)
        else:
            standing = _standing(step, resource, live[resource.address])
        standings.append(standing)
    return standings


def _standing(
    step: ConstructionStep,
    declared: Resource,
    live: Resource | None,
) -> Standing:
    """Return how a step stands, as its kind says."""
    kind: Kind[Any] = KINDS[declared.address.kind]
    shown = StepSeen(step.name, step.collection, StepState.DONE)
    submitted = Submitted.of(live)
    if submitted:
        output = submitted.output
        shown = replace(
            shown,
            detail=in_words(submitted),
            datasets=len(output.datasets),
            expected=len(output.expected),
            exposures=output.exposures,
            missing=output.missing,
        )
    details = [departure.detail for departure in kind.compare(declared, live)]
    if not details:
        return Standing(step, shown, live=live)
    shown = replace(
        shown,
        state=StepState.REFUSED,
        detail="; ".join(details),
    )
    reason = kind.obstacle(declared, live)
    if reason:
        shown = replace(
            shown,
            state=_STATES[reason.weight],
            reason=reason,
        )
        return Standing(step, shown, live=live)
    actions = list(kind.remedy(declared, live))
    if not actions:
        return Standing(step, shown, live=live)
    # One at a time: the step is looked at again behind it.
    shown = replace(shown, state=StepState.READY)
    return Standing(step, shown, actions[0], live)


def _standing_of_chain(
    step: ConstructionStep,
    declared: Chain,
    live: Resource | None,
    places: ConstructionPlaces,
) -> Standing:
    """Return whether the ticket collection searches what was certified.

    Its other children are nobody's affair here: a retry stands in front of
    what it takes the place of.
    """
    shown = StepSeen(step.name, step.collection, StepState.DONE)
    chain = Chain.of(live)
    children: tuple[str, ...] = ()
    if chain and chain.exists:
        children = chain.children
    certified = step.collection
    if certified in children:
        return Standing(step, shown)
    wanted = replace(declared, children=(certified, *children))
    standing = _standing(step, wanted, live)
    butler = places.butler(step.repository)
    digest = butler.digests([certified]).get(certified)
    if digest is None or standing.action is None:
        shown = replace(
            shown,
            state=StepState.WAITS,
            detail=f"{certified} is not there yet",
        )
        return Standing(step, shown)
    # What begins to be searched must hold what is seen of it now.
    entering = {certified: digest.fingerprint}
    action = standing.action.model_copy(update={"entering": entering})
    return replace(standing, action=action)
