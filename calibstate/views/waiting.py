"""What waits for one and the same, told once instead of for each thing.

A site that is away, or an origin that has yet to export, is one fact.  What
it keeps waiting is counted and named under it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..errors import Where
from ..model.drift import Drift, What
from .messages import count, grouped

__all__ = ["Waiting", "folded"]


@dataclass(frozen=True)
class Waiting:
    """Drift at some places that waits for the same."""

    why: str
    """What it waits for."""

    drift: tuple[Drift, ...]

    @property
    def names(self) -> str:
        """How many things wait, and which: ``2 tickets of X: DM-1, DM-2``."""
        tickets: dict[str, dict[str, None]] = {}
        others: dict[str, None] = {}
        for departure in self.drift:
            if departure.ticket:
                instrument, _, ticket = departure.ticket.partition("/")
                tickets.setdefault(instrument, {})[ticket] = None
            else:
                others[departure.subject] = None
        parts = []
        for instrument, names in tickets.items():
            listed = ", ".join(names)
            if len(names) == 1:
                parts.append(f"{instrument}/{listed}")
                continue
            number = count(names, "ticket")
            parts.append(f"{number} of {instrument}: {listed}")
        if others:
            listed = ", ".join(others)
            parts.append(listed)
        return "; ".join(parts)

    @property
    def places(self) -> str:
        """Where they wait."""
        places = dict.fromkeys(departure.target.place for departure in self.drift)
        return ", ".join(places)

    @property
    def declared_at(self) -> Where | None:
        """The line that all of them wait for; `None`: each has its own."""
        lines = {departure.declared_at for departure in self.drift}
        if len(lines) > 1:
            return None
        return lines.pop()


def folded(departures: Iterable[Drift]) -> tuple[Sequence[Waiting], Sequence[Drift]]:
    """Return what waits for the same, and all other drift in its order.

    What one line tells anyway is among the others.

    Parameters
    ----------
    departures
        Drift at any places.
    """
    ordered = list(departures)
    # Drift that waits alone, or for what nobody else waits for, has no words.
    awaited = [drift for drift in ordered if drift.what is What.PENDING and drift.waits_for]
    waiting: list[Waiting] = []
    others = set(map(id, ordered))
    for why, alike in grouped(awaited, lambda drift: drift.waits_for).items():
        # In one place for one reason they stand in one line already.
        lines = {(drift.target.place, drift.target.kind, drift.detail) for drift in alike}
        if len(lines) > 1:
            waiting.append(Waiting(why, tuple(alike)))
            others.difference_update(map(id, alike))
    return waiting, [drift for drift in ordered if id(drift) in others]
