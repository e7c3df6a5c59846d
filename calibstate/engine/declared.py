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
from ..model.desired import DesiredState
from ..model.fingerprints import digest_of_lines
from ..model.names import ARCHIVE, RUCIO, Address, Place
from ..model.plans import Facts, Plan
from ..model.resources import Declared
from ..model.scope import Scope
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
        facts: dict[str, str | tuple[str, ...] | None] = {}
        for key, value in declared.resource.declaration().items():
            facts[key] = _plain(value)
        for written in KINDS[action.target.kind].tickets(action, self.desired):
            ticket = written.noun
            # What was approved, and what is sealed, may have changed since.
            approval = f"{ticket.approval.status.value}, approved {ticket.approval.seal}"
            seal: str | None = None
            sealed = self.desired.seals.get(ticket.key)
            if sealed:
                seal = sealed.noun.digest
            facts[f"ticket {ticket.name}"] = f"{approval}, sealed {seal}"
        # Where a place is may be nobody else's business, and is compared only.
        for place in (declared.address.place, *declared.resource.reads()):
            facts[f"address of {place}"] = self._address(place)
        return facts

    def where(self, target: Address) -> Where | None:
        """Return the line that declares a resource, if there is one."""
        declared = self._by_address.get(target)
        if declared is None:
            return None
        return declared.where

    @cached_property
    def _by_address(self) -> Mapping[Address, Declared]:
        # Whatever part of it a plan was made for.
        return {declared.address: declared for declared in expand(self.desired, Scope())}

    def _address(self, place: Place) -> str:
        """Return a digest of where a place is."""
        settings = self.desired.settings.noun
        if place == ARCHIVE:
            return digest_of_lines([settings.archive])
        if place == RUCIO:
            rucio = settings.rucio
            if rucio is None:
                return digest_of_lines([])
            return digest_of_lines(
                [
                    rucio.scope,
                    rucio.origin_rse,
                    rucio.rse_root or "",
                    rucio.dtn_url or "",
                ]
            )
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
    commit = plan.basis.commit or "none was recorded"
    hint = f"Nothing was written. Plan again, or check out the commit that the plan names: {commit}."
    changed: dict[str, Diagnostic] = {}
    for step in plan.steps:
        target = step.action.target
        now = declarations.of(step.action)
        for fact in sorted(step.declared.keys() | now.keys()):
            expected = _in_words(fact, step.declared)
            actual = _in_words(fact, now)
            about = f"{target} {fact}"
            if " " in fact:
                # Several steps may stand on one fact; it is told once.
                about = fact
            if expected == actual or about in changed:
                continue
            changed[about] = Diagnostic(
                "Plan is for another declaration",
                f"Step {step.id} of {name}, {step.action.do} {target}: {fact} was {expected} when the plan "
                f"was made, and is {actual} now.",
                declarations.where(target),
                hint=hint,
            )
    if changed:
        raise RefusedError(*changed.values())


def _in_words(fact: str, facts: Facts) -> str:
    """Say what a fact is, as a person declares it."""
    if fact not in facts:
        return "not declared"
    value = facts[fact]
    if isinstance(value, tuple):
        value = ", ".join(value)
    return value or "none"


def _plain(value: object) -> str | tuple[str, ...] | None:
    """Return what is declared as a plan file can hold it."""
    if value is None:
        return None
    if isinstance(value, (list, tuple)):
        return tuple(str(part) for part in value)
    return str(value)
