"""Find what wins within a range."""

from __future__ import annotations

from bisect import bisect_left

from ..model.effective import Effective, Resolved
from ..model.timespans import Range

__all__ = ["within"]


def within(resolved: Resolved, dataset_type: str, data_id: str, span: Range) -> list[Effective]:
    """Return the winners of one data ID whose ranges overlap a range."""
    begin, end = span
    winners = resolved.winners
    first = bisect_left(winners, (dataset_type, data_id, begin))
    last = bisect_left(winners, (dataset_type, data_id, end), first)
    # Of those that begin before, only the one just in front can reach in.
    if first and winners[first - 1][:2] == (dataset_type, data_id) and winners[first - 1].end > begin:
        first -= 1
    return list(winners[first:last])
