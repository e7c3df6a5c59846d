"""What a step stands on of all that is declared.

A plan is for a declaration, and most of that concerns no step of it: titles,
notes, other instruments, tickets that are where they should be.  So each step
carries what is declared of its own resource, and only that is compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ..errors import Diagnostic, RefusedError, Where
from ..kinds.registry import KINDS
from ..model.actions import Action
from ..model.desired import DesiredState, Written
from ..model.fingerprints import digest_of_lines
from ..model.names import ARCHIVE, RUCIO, Address, Place
from ..model.plans import Facts, Plan
from ..model.resources import Declared
from ..model.scope import Scope
from ..model.tickets import Ticket
from .expand import expand

__all__ = ["Declarations", "refuse_redeclared"]


@dataclass(frozen=True)
class Declarations:
    """What is declared of each resource that a step can change."""

    desired: DesiredState

    def of(self, action: Action) -> Facts:
        """Return what an action stands on, in plain words.

        Without what is seen at places: that is the ground of the action
        itself.  Nothing where no file declares its target.
        """
        declared = self._by_address.get(action.target)
        if declared is None:
            return {}
        facts = {key: _plain(value) for key, value in declared.resource.declaration().items()}
        tickets = KINDS[action.target.kind].tickets(action, self.desired)
        facts |= {f"ticket {written.noun.name}": self._ticket(written) for written in tickets}
        # Where a place is may be nobody else's business, and is compared only.
        facts |= {f"address of {place}": self._address(place) for place in _places(declared)}
        return facts

    def where(self, target: Address) -> Where | None:
        """Return the line that declares a resource, if there is one."""
        declared = self._by_address.get(target)
        return declared.where if declared else None

    @cached_property
    def _by_address(self) -> Mapping[Address, Declared]:
        # Whatever part of it a plan was made for.
        return {declared.address: declared for declared in expand(self.desired, Scope())}

    def _ticket(self, written: Written[Ticket]) -> str:
        ticket = written.noun
        sealed = self.desired.seals.get(ticket.key)
        seal = sealed.noun.digest if sealed else None
        return f"{ticket.approval.status.value}, approved {ticket.approval.seal}, sealed {seal}"

    def _address(self, place: Place) -> str:
        settings = self.desired.settings.noun
        if place == ARCHIVE:
            return digest_of_lines([settings.archive])
        if place == RUCIO:
            rucio = settings.rucio
            names = (
                [rucio.scope, rucio.origin_rse, rucio.rse_root or "", rucio.dtn_url or ""] if rucio else []
            )
            return digest_of_lines(names)
        if place not in self.desired.repositories:
            return "none"
        return digest_of_lines([self.desired.repository(place)[1].butler])


def refuse_redeclared(plan: Plan, desired: DesiredState, name: str) -> None:
    """Refuse a plan, a step of which is for another declaration.

    Parameters
    ----------
    plan
        What is about to be done.
    desired
        What is declared now.
    name
        The plan file, for messages.

    Raises
    ------
    RefusedError
        With each fact that is declared otherwise.
    """
    declarations = Declarations(desired)
    changed: dict[str, Diagnostic] = {}
    for step in plan.steps:
        now = declarations.of(step.action)
        for fact in sorted(step.declared.keys() | now.keys()):
            expected, found = _told(fact, step.declared), _told(fact, now)
            if expected == found:
                continue
            target = step.action.target
            detail = (
                f"Step {step.id} of {name}, {step.action.do} {target}: {fact} was {expected} when the plan "
                f"was made, and is {found} now."
            )
            # Several steps may stand on one fact; it is told once.
            about = fact if " " in fact else f"{target} {fact}"
            changed.setdefault(
                about,
                Diagnostic(
                    "Plan is for another declaration",
                    detail,
                    declarations.where(target),
                    hint="Nothing was written. Plan again, or check out the commit that the plan names: "
                    f"{plan.basis.commit or 'none was recorded'}.",
                ),
            )
    if changed:
        raise RefusedError(*changed.values())


def _told(fact: str, facts: Facts) -> str:
    if fact not in facts:
        return "not declared"
    value = facts[fact]
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return value or "none"


def _places(declared: Declared) -> tuple[Place, ...]:
    return tuple(dict.fromkeys((declared.address.place, *declared.resource.reads())))


def _plain(value: object) -> str | tuple[str, ...] | None:
    if isinstance(value, (list, tuple)):
        return tuple(str(part) for part in value)
    return None if value is None else str(value)
