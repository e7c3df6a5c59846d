"""A site's part of a plan, as it will stand once other sites have done theirs.

What a site is going to do is known before others have done what it needs: a
step carries the fingerprint that it expects, whoever exports it first.  So
the plan that people approve today is the one that the site makes then, byte
for byte, if nothing else has moved.
"""

from __future__ import annotations

from dataclasses import replace

from ..model.desired import DesiredState
from ..model.drift import Drift, What
from ..model.names import Address
from ..model.plans import Plan, Step
from ..model.scope import Scope

__all__ = ["part_of"]


def part_of(plan: Plan, ours: Scope, desired: DesiredState) -> Plan:
    """Return our part of a plan for several sites.

    Parameters
    ----------
    plan
        The plan for our sites and those that go before.
    ours
        What is narrowed to our sites.
    desired
        The state that it was made for; it says whose a step is.
    """

    def is_ours(target: Address) -> bool:
        return ours.has_repository(desired.owner(target) or target.place)

    # Steps are numbered again, as they will be once the others are done.
    ids: dict[str, str] = {}
    for step in plan.steps:
        if is_ours(step.action.target):
            ids[step.id] = str(len(ids) + 1)
    steps: list[Step] = []
    for step in plan.steps:
        if step.id not in ids:
            continue
        # What others do is done then, and nothing of ours waits for it.
        after = tuple(ids[needed] for needed in step.after if needed in ids)
        renumbered = replace(step, id=ids[step.id], after=after)
        steps.append(renumbered)
    drift: list[Drift] = []
    for departure in plan.drift:
        # Others' unreachable places may be why a step of ours is not there.
        if departure.what is What.UNREACHABLE or is_ours(departure.target):
            drift.append(departure)
    refused = [refusal for refusal in plan.refused if is_ours(refusal.target)]
    return replace(
        plan,
        steps=tuple(steps),
        drift=tuple(drift),
        refused=tuple(refused),
    )
