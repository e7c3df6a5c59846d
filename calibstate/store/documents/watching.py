"""A turn of a site that keeps itself, as JSON."""

from __future__ import annotations

from typing import Literal

from ...model.names import Noun
from ...model.outcomes import Outcome
from ...model.results.watching import LoopSeen, Turned
from ...model.watching import Finding, WatchState
from .base import FORMAT

__all__ = ["LoopDocument", "TurnDocument", "loop_document", "turn_document"]


class TurnDocument(Noun):
    """What a turn came to."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["turn"] = "turn"

    site: str
    stands_by: bool
    """Whether another loop keeps the site, so that nothing was done."""

    state: WatchState | None
    """How it goes on, as it is kept in the records; null: the tree does not
    validate."""

    findings: tuple[Finding, ...]
    """What the turn met."""

    outcomes: tuple[Outcome, ...]
    """What became of each step."""


class LoopDocument(Noun):
    """How a loop goes on."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["loop"] = "loop"

    site: str
    alive: bool
    """Whether its last turn was lately."""

    age: int | None
    """Seconds since its last turn; null: there was none."""

    state: WatchState | None


def loop_document(result: LoopSeen) -> LoopDocument:
    """Return how a loop goes on, as a document.

    Parameters
    ----------
    result
        What its records say.
    """
    age = int(result.age.total_seconds()) if result.state else None
    return LoopDocument(site=result.site, alive=result.is_alive, age=age, state=result.state)


def turn_document(result: Turned) -> TurnDocument:
    """Return a turn as a document.

    Parameters
    ----------
    result
        The turn.
    """
    return TurnDocument(
        site=result.site,
        stands_by=result.stands_by,
        state=result.state,
        findings=result.findings,
        outcomes=result.outcomes,
    )
