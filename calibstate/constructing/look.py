"""How the steps of a construction stand, as the repository shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    standings = list(_standings(steps, _observed(steps, places), places))
    # What was done after a look shows that a person has looked.
    is_passed = False
    for number in reversed(range(len(steps))):
        step, shown = steps[number], standings[number].shown
        if step.verb is Verb.LOOK:
            state = StepState.LOOK
            if is_passed or step.word in looked:
                state = StepState.DONE
            standings[number] = Standing(step, replace(shown, state=state))
        elif shown.state is StepState.DONE or shown.datasets:
            is_passed = True
    is_waiting = False
    for number, standing in enumerate(standings):
        state = standing.shown.state
        if is_waiting and state is not StepState.DONE:
            shown = replace(standing.shown, state=StepState.WAITS)
            standings[number] = Standing(standing.step, shown, live=standing.live)
        is_waiting = is_waiting or state is not StepState.DONE
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
    (standing,) = _standings([step], _observed([step], places), places)
    return standing


def _observed(
    steps: Sequence[ConstructionStep], places: ConstructionPlaces
) -> Mapping[Address, Resource | None]:
    """Look at what all steps are about, kind by kind."""
    targets: dict[str, dict[Address, Resource]] = {}
    for step in steps:
        resource = step.resource
        if resource:
            targets.setdefault(resource.address.kind, {})[resource.address] = resource
    live: dict[Address, Resource | None] = {}
    for name, resources in targets.items():
        live.update(KINDS[name].observe(list(resources.values()), places))
    return live


def _standings(
    steps: Sequence[ConstructionStep],
    live: Mapping[Address, Resource | None],
    places: ConstructionPlaces,
) -> Iterator[Standing]:
    for step in steps:
        resource = step.resource
        chain = Chain.of(resource)
        if resource is None:
            yield Standing(step, StepSeen(step.name, step.collection, StepState.LOOK))
        elif chain:
            yield _standing_of_chain(step, chain, live[resource.address], places)
        else:
            yield _standing(step, resource, live[resource.address])


def _standing(step: ConstructionStep, declared: Resource, live: Resource | None) -> Standing:
    """Return how a step stands, as its kind says."""
    kind: Kind[Any] = KINDS[declared.address.kind]
    drift = list(kind.compare(declared, live))
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
    if not drift:
        return Standing(step, shown, live=live)
    detail = "; ".join(departure.detail for departure in drift)
    reason = kind.obstacle(declared, live)
    if reason:
        shown = replace(shown, state=_STATES[reason.weight], detail=detail, reason=reason)
        return Standing(step, shown, live=live)
    actions = list(kind.remedy(declared, live))
    state = StepState.READY if actions else StepState.REFUSED
    action = next(iter(actions), None)
    return Standing(step, replace(shown, state=state, detail=detail), action, live)


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
    if step.collection in children:
        return Standing(step, shown)
    standing = _standing(step, replace(declared, children=(step.collection, *children)), live)
    held = places.butler(step.repository).digests([step.collection])
    if step.collection not in held or standing.action is None:
        detail = f"{step.collection} is not there yet"
        return Standing(step, replace(shown, state=StepState.WAITS, detail=detail))
    # What begins to be searched must hold what is seen of it now.
    entering = {step.collection: held[step.collection].fingerprint}
    return replace(standing, action=standing.action.model_copy(update={"entering": entering}))
