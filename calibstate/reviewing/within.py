"""Find what wins within a range."""

from __future__ import annotations

from bisect import bisect_left

from ..model.contents import Row
from ..model.effective import Effective, Resolved
from ..model.timespans import Range

__all__ = ["within", "within_range_of"]


def within_range_of(resolved: Resolved, row: Row | Effective) -> list[Effective]:
    """Return the winners of a row's data ID within the row's range."""
    span = (row.begin, row.end)
    return within(resolved, row.dataset_type, row.data_id, span)


def within(
    resolved: Resolved,
    dataset_type: str,
    data_id: str,
    span: Range,
) -> list[Effective]:
    """Return the winners of one data ID whose ranges overlap a range."""
    begin, end = span
    winners = resolved.winners
    key = (dataset_type, data_id)
    first = bisect_left(winners, (*key, begin))
    last = bisect_left(winners, (*key, end), first)
    if first:
        # Of those that begin before, only the one just in front can reach in:
        # winners of one data ID do not overlap.
        before = winners[first - 1]
        if before[:2] == key and before.end > begin:
            first -= 1
    return list(winners[first:last])
