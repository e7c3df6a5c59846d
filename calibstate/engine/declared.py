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
from ..model.plans import Fact, Facts, Plan
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
        resource = declared.resource
        facts: dict[str, Fact] = {}
        for key, value in resource.declaration().items():
            # As a plan file can hold it.
            if value is None:
                facts[key] = None
            elif isinstance(value, (list, tuple)):
                facts[key] = tuple(str(part) for part in value)
            else:
                facts[key] = str(value)
        kind = KINDS[action.target.kind]
        for written in kind.tickets(action, self.desired):
            ticket = written.noun
            # What was approved, and what is sealed, may have changed since.
            approval = ticket.approval
            seal: str | None = None
            sealed = self.desired.seals.get(ticket.key)
            if sealed:
                seal = sealed.noun.digest
            fact = f"ticket {ticket.name}"
            facts[fact] = f"{approval.status.value}, approved {approval.seal}, sealed {seal}"
        # Where a place is may be nobody else's business, and is compared only.
        for place in (declared.address.place, *resource.reads()):
            fact = f"address of {place}"
            facts[fact] = self._address_digest(place)
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

    def _address_digest(self, place: Place) -> str:
        """Return a digest of where a place is."""
        settings = self.desired.settings.noun
        if place == ARCHIVE:
            return digest_of_lines([settings.archive])
        if place == RUCIO:
            rucio = settings.rucio
            lines: list[str] = []
            if rucio:
                lines = [
                    rucio.scope,
                    rucio.origin_rse,
                    rucio.rse_root or "",
                    rucio.dtn_url or "",
                ]
            return digest_of_lines(lines)
        if place not in self.desired.repositories:
            return "none"
        _, repository = self.desired.repository(place)
        return digest_of_lines([repository.butler])


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
            concerned = f"Step {step.id} of {name}, {step.action.do} {target}"
            changed[about] = Diagnostic(
                "Plan is for another declaration",
                f"{concerned}: {fact} was {expected} when the plan was made, and is {actual} now.",
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
