"""When tickets came to places, as journals tell it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ...model.desired import DesiredState
from ...model.names import Place, TicketKey
from ...model.outcomes import Outcome, Result
from ...model.runs import PastRun

__all__ = ["Came", "Coming", "arrivals"]


@dataclass(frozen=True)
class Came:
    """When something was done, and by which run."""

    at: str
    """UTC, with ``Z``."""

    run: str
    who: str


@dataclass(frozen=True)
class Coming:
    """How a ticket came to a place."""

    there: Came | None = None
    """Since when it is there; in the archive: since when it is archived."""

    searched: Came | None = None
    """Since when a chain searches it."""


def arrivals(desired: DesiredState, runs: tuple[PastRun, ...]) -> Mapping[tuple[Place, TicketKey], Coming]:
    """Return how tickets came to places, as far as journals tell.

    Parameters
    ----------
    desired
        What is declared.
    runs
        The newest first.
    """
    # Chains list the collection of a ticket, and bare ones by their leaves.
    keys: dict[str, TicketKey] = {}
    for key, written in desired.tickets.items():
        for name in (*written.noun.leaves, *written.noun.children):
            keys[name] = key
    comings: dict[tuple[Place, TicketKey], Coming] = {}
    # From the oldest on: what was done last counts.
    for run in reversed(runs):
        who = ""
        if run.began:
            who = run.began.who
        for line in run.lines:
            outcome = line.outcome
            if outcome is None or outcome.result is not Result.DONE:
                continue
            came = Came(
                line.at,
                run.id,
                who,
            )
            place = outcome.address.place
            for key in _among(
                outcome.entrants,
                outcome,
                keys,
            ):
                coming = comings.get((place, key), Coming())
                comings[place, key] = replace(coming, searched=came)
            for key in _among(
                outcome.leavers,
                outcome,
                keys,
            ):
                coming = comings.get((place, key), Coming())
                comings[place, key] = replace(coming, searched=None)
            arrived = _arriving(outcome, desired)
            if arrived:
                coming = comings.get((place, arrived), Coming())
                comings[place, arrived] = replace(coming, there=came)
    return comings


def _among(
    names: tuple[str, ...] | None,
    outcome: Outcome,
    keys: Mapping[str, TicketKey],
) -> Iterator[TicketKey]:
    """Yield the tickets that children of a chain belong to."""
    # What enters the chain of a ticket itself is not searched by that.
    if outcome.address.name in keys:
        return
    for name in names or ():
        if name in keys:
            yield keys[name]


def _arriving(outcome: Outcome, desired: DesiredState) -> TicketKey | None:
    """Return the ticket that a step has brought, if it brought one."""
    # A step about a whole ticket has its name for a target, whatever its kind.
    instrument, _, ticket = outcome.address.name.partition("/")
    key = TicketKey(instrument, ticket)
    if key in desired.tickets and outcome.entrants is None and outcome.leavers is None:
        return key
    return None
