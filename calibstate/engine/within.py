"""Find what wins within a range."""

from __future__ import annotations

from bisect import bisect_left
from itertools import takewhile

from ..model.effective import Effective, Resolved
from ..model.timespans import Range

__all__ = ["within"]


def within(resolved: Resolved, dataset_type: str, data_id: str, span: Range) -> list[Effective]:
    """Return the winners of one data ID whose ranges overlap a range."""
    begin, end = span
    first = bisect_left(resolved.winners, (dataset_type, data_id, begin))
    before = resolved.winners[first - 1 : first] if first else ()
    behind = takewhile(
        lambda winner: winner[:2] == (dataset_type, data_id) and winner.begin < end,
        resolved.winners[first:],
    )
    overlapping = (w for w in before if w[:2] == (dataset_type, data_id) and w.end > begin)
    return [*overlapping, *behind]
