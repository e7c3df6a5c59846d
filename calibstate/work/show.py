"""Show the desired chains, or a saved plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..engine.expand import expand
from ..kinds.chain import Chain
from ..kinds.registry import KINDS
from ..model.desired import DesiredState
from ..model.results.declared import DeclaredChain, DeclaredChains, DeclaredResource
from ..model.results.plans import SavedPlan
from ..model.scope import Scope
from .revisions import declared_at, desired_at
from .scoping import check_scope
from .session import Session

__all__ = ["show"]


def show(
    session: Session, words: Sequence[str] = (), plan: Path | None = None, at: str | None = None
) -> DeclaredChains | SavedPlan:
    """Return the chains as they are declared, or a plan as it was saved.

    Parameters
    ----------
    session
        It says which tree, and which part of it.
    words
        What people named: places, which the session knows already, or one
        file that holds a plan.
    plan
        The file that holds a plan.
    at
        A revision or a date; `None`: now.

    Raises
    ------
    UsageError
        Something that was asked for is not declared.
    """
    if at is None and len(words) == 1 and Path(words[0]).is_file():
        plan = Path(words[0])
    if plan:
        # What holds plans to what is declared is a lot.
        from .savedplans import read_plan

        return SavedPlan(read_plan(plan))
    scope = session.requested
    if at:
        revision = declared_at(session, at)
        declared = _declared(desired_at(revision), scope)
        return replace(declared, revision=revision.words, commit=revision.commit)
    return _declared(session.desired, scope)


def _declared(desired: DesiredState, scope: Scope) -> DeclaredChains:
    check_scope(desired, scope)
    chains: list[DeclaredChain] = []
    resources: list[DeclaredResource] = []
    for declared in expand(desired, scope):
        resource, address = declared.resource, declared.resource.address
        for chain in Chain.among([resource]):
            chains.append(DeclaredChain(address.place, address.name, chain.children, chain.unwanted))
        sentence = KINDS[address.kind].sentence(resource)
        if sentence:
            resources.append(
                DeclaredResource(address.place, address.kind, address.name, sentence, resource.declaration())
            )
    return DeclaredChains(tuple(chains), tuple(resources))
