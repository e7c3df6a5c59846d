"""Holdings of which a digest is known, with rows that are fetched later."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from ...model.contents import HeldDigest, Holding, Row, RowsOnDemand

__all__ = ["holdings_on_demand"]

_NEIGHBOURS = 32
"""Collections whose rows are fetched together: where one differs, those of
the same ticket often do."""

Fetch = Callable[[Sequence[str]], Mapping[str, Holding]]


def holdings_on_demand(
    digests: Mapping[str, HeldDigest],
    fetch: Fetch,
) -> dict[str, Holding]:
    """Return what collections hold, with rows that are fetched on demand.

    Parameters
    ----------
    digests
        What is known of them, by name; those of one ticket beside each other.
    fetch
        Returns holdings with their rows, by name.
    """
    names = list(digests)
    held: dict[str, Holding] = {}
    for first in range(0, len(names), _NEIGHBOURS):
        group = names[first : first + _NEIGHBOURS]
        neighbours = _Neighbours(group, fetch)
        for name in group:
            digest = digests[name]
            rows = RowsOnDemand(
                collection=name,
                count=digest.count,
                fingerprint=digest.fingerprint,
                fetch=partial(neighbours.rows, name),
            )
            held[name] = Holding(
                collection=name,
                type=digest.type,
                rows=rows,
                unrecorded=digest.unrecorded,
            )
    return held


class _Neighbours:
    """Collections whose rows are fetched together, and given away once."""

    def __init__(self, names: Sequence[str], fetch: Fetch) -> None:
        self._names = names
        self._fetch = fetch
        self._waiting: dict[str, Sequence[Row]] = {}

    def rows(self, name: str) -> Sequence[Row]:
        if name not in self._waiting:
            held = self._fetch(self._names)
            # One that is gone meanwhile has no rows, which its digest tells.
            self._waiting = dict.fromkeys(self._names, ())
            for near, holding in held.items():
                self._waiting[near] = holding.rows
        return self._waiting.pop(name)
