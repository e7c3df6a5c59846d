"""A tint for each ticket, so that neighbours differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise

from ...model.timelines import NOTHING, Timeline

__all__ = ["tints_of"]

_TINTS = 3
"""Shades of one hue: a ticket is not told by its colour, only set off."""


def tints_of(timelines: Iterable[Timeline]) -> Mapping[str, int]:
    """Return a tint for each ticket, the same in all rows and pictures.

    Parameters
    ----------
    timelines
        What is shown together.
    """
    neighbours: dict[str, Counter[str]] = {}
    for timeline in timelines:
        for name in timeline.tickets:
            neighbours.setdefault(name, Counter())
        for row in timeline.rows:
            # Only what touches has to differ.
            for earlier, later in pairwise(row.intervals):
                if NOTHING in (earlier.ticket, later.ticket) or earlier.ticket == later.ticket:
                    continue
                first = timeline.tickets[earlier.ticket]
                second = timeline.tickets[later.ticket]
                neighbours[first][second] += 1
                neighbours[second][first] += 1
    tints: dict[str, int] = {}
    # Those with most neighbours have the least choice, and choose first.
    in_turn = sorted(neighbours, key=lambda name: (-len(neighbours[name]), name))
    for name in in_turn:
        taken = Counter({tint: 0 for tint in range(_TINTS)})
        for other, times in neighbours[name].items():
            if other in tints:
                taken[tints[other]] += times
        tints[name] = min(taken, key=lambda tint: (taken[tint], tint))
    return tints
