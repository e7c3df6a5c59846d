"""A site's part of a plan, as it will stand once other sites have done theirs.

What a site is going to do is known before others have done what it needs: a
step carries the fingerprint that it expects, whoever exports it first.  So
the plan that people approve today is the one that the site makes then, byte
for byte, if nothing else has moved.
"""

from __future__ import annotations

from dataclasses import replace

from ..model.desired import DesiredState
from ..model.drift import What
from ..model.names import Address
from ..model.plans import Plan
from ..model.scope import Scope

__all__ = ["part_of"]


def part_of(made: Plan, ours: Scope, desired: DesiredState) -> Plan:
    """Return our part of a plan for several sites.

    Parameters
    ----------
    made
        The plan for our sites and those that go before.
    ours
        What is narrowed to our sites.
    desired
        The state that it was made for; it says whose a step is.
    """

    def is_ours(target: Address) -> bool:
        return ours.has_repository(desired.owner(target) or target.place)

    mine = [step for step in made.steps if is_ours(step.action.target)]
    ids = {step.id: str(number) for number, step in enumerate(mine, 1)}
    return replace(
        made,
        steps=tuple(
            replace(step, id=ids[step.id], after=tuple(ids[other] for other in step.after if other in ids))
            for step in mine
        ),
        # Others' unreachable places may be why a step of ours is not there.
        drift=tuple(d for d in made.drift if d.what is What.UNREACHABLE or is_ours(d.target)),
        refused=tuple(refusal for refusal in made.refused if is_ours(refusal.target)),
    )
