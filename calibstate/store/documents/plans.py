"""A plan, and drift."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field

from ...model.drift import Drift, LastSeen, UndeclaredChain, Unseen
from ...model.guards import Allowed, GuardMet
from ...model.looked_at import LookedAt
from ...model.names import Address, Noun, RepositoryAddress
from ...model.plans import Basis, Plan, Refusal
from ...model.results.drift import DriftFound
from ...model.seen import Seen
from .base import FORMAT, without_folders

__all__ = [
    "DriftDocument",
    "PlanDocument",
    "StepEntry",
    "drift_document",
    "drift_entries",
    "drift_with_next_steps",
    "summary",
]


class StepEntry(Noun):
    """A step of a plan."""

    id: str
    """Its name within the plan."""

    do: str
    """Name of the action."""

    target: Address
    """What it changes."""

    because: str
    """The drift that it answers."""

    after: tuple[str, ...]
    """Steps that must be done before."""

    with_: Mapping[str, Any] = Field(alias="with")
    """The ground that it stands on, and what it brings about."""

    declared: Mapping[str, str | tuple[str, ...] | None]
    """What files say that it stands on, by what it is about; of addresses
    their digests."""


class PlanDocument(Noun):
    """A plan."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["plan"] = "plan"

    basis: Basis
    """What it was reasoned from; for people."""

    summary: Mapping[str, int]
    """Steps, refusals, and drift by what it is."""

    steps: tuple[StepEntry, ...]
    """In the order in which they are carried out."""

    drift: tuple[Drift, ...]
    """What was found, mended by the steps or not."""

    refused: tuple[Refusal, ...]
    """What is not touched as things stand."""

    unseen: tuple[Unseen, ...] = ()
    """Places that could not be seen, and that nothing asked for needs."""

    guards: tuple[GuardMet, ...] = ()
    """Guards that keep steps from being in it."""

    passed: Allowed = Allowed()
    """Guards that a person passes for steps of it, and why."""

    scope: LookedAt | None = None
    """What was asked for, of all that is declared; not of a saved plan."""

    seen: Mapping[RepositoryAddress, Seen] = {}
    """When each repository was seen, and by whom, by address; not of a saved
    plan."""

    last_seen: tuple[LastSeen, ...] = ()
    """What those showed last that were seen too long ago; nothing follows from
    it.  Not of a saved plan."""

    digest: str
    """Over the form, and the steps with their ground and what is declared of
    them."""


class DriftDocument(Noun):
    """Drift."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["drift"] = "drift"

    summary: Mapping[str, int]
    """Drift by what it is."""

    drift: tuple[Drift, ...]
    """In the order in which a ticket travels."""

    unseen: tuple[Unseen, ...] = ()
    """Places that could not be seen, and that nothing asked for needs."""

    undeclared: tuple[UndeclaredChain, ...] = ()
    """Chains that are live and that nobody declared there."""

    scope: LookedAt | None = None
    """What was asked for, of all that is declared."""

    seen: Mapping[RepositoryAddress, Seen] = {}
    """When each repository was seen, and by whom, by address."""

    last_seen: tuple[LastSeen, ...] = ()
    """What those showed last that were seen too long ago; nothing follows from
    it."""


def drift_entries(departures: Iterable[Drift]) -> tuple[Drift, ...]:
    """Return drift as documents have it: without folders of one machine.

    Parameters
    ----------
    departures
        The drift.
    """
    entries = []
    for departure in departures:
        update = {
            "detail": without_folders(departure.detail),
            "detail_here": "",
            "hint": without_folders(departure.hint),
            "waits_for": without_folders(departure.waits_for),
        }
        entries.append(departure.model_copy(update=update))
    return tuple(entries)


def drift_with_next_steps(departures: Iterable[Drift]) -> tuple[Drift, ...]:
    """Return drift as documents have it that tell what to do about it.

    Parameters
    ----------
    departures
        The drift.
    """
    # A program is told what a person would look up.
    told_what_to_do = [drift.model_copy(update={"hint": drift.next_step}) for drift in departures]
    return drift_entries(told_what_to_do)


def drift_document(result: DriftFound) -> DriftDocument:
    """Return the document of the drift that was found."""
    plan = result.plan
    return DriftDocument(
        summary=counted(plan.drift),
        drift=drift_with_next_steps(plan.drift),
        unseen=plan.unseen,
        undeclared=result.undeclared,
        scope=result.scope,
        seen=result.ages,
        last_seen=result.last_seen,
    )


def summary(plan: Plan) -> dict[str, int]:
    """Return what a plan comes to: steps, refusals, drift of each sort."""
    return {
        "steps": len(plan.steps),
        "refused": len(plan.refused),
        **counted(plan.drift),
    }


def counted(drifts: Iterable[Drift]) -> dict[str, int]:
    """Return how much drift there is of each sort."""
    tally = Counter(drift.what.value for drift in drifts)
    return dict(sorted(tally.items()))
