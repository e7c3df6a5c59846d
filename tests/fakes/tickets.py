"""A tracker in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from calibstate.errors import Diagnostic, UnreachableError
from calibstate.model.approvals import TrackedTicket
from calibstate.ports.tickets import Count, uncounted

__all__ = ["MemoryTracker"]


@dataclass
class MemoryTracker:
    """Tickets as a board keeps them."""

    filed: dict[str, TrackedTicket] = field(default_factory=dict)
    away: bool = False
    """Whether it does not answer."""

    def file(
        self,
        key: str,
        status: str = "To Do",
        resolution: str | None = None,
        resolved_on: Sequence[str] = (),
        links: Iterable[str] = (),
    ) -> None:
        """File a ticket, or another version of it.

        A link is seen from both of its ends.
        """
        self.filed[key] = TrackedTicket(key, status, resolution, frozenset(resolved_on))
        for other in links:
            self._link(key, other)
            self._link(other, key)

    def move(self, key: str, to: str) -> None:
        """Give a ticket another key; it is still found by the one it had."""
        had = self.filed[key]
        moved = TrackedTicket(to, had.status, had.resolution, had.resolved_on, had.links)
        self.filed[key] = self.filed[to] = moved

    def tickets(self, keys: Iterable[str], count: Count = uncounted) -> Mapping[str, TrackedTicket]:
        if self.away:
            raise UnreachableError(Diagnostic("Tracker does not answer", "It is away."))
        wanted = sorted(set(keys))
        count(len(wanted), len(wanted))
        return {key: self.filed[key] for key in wanted if key in self.filed}

    def _link(self, one: str, other: str) -> None:
        had = self.filed[one]
        self.filed[one] = TrackedTicket(
            had.key, had.status, had.resolution, had.resolved_on, had.links | {other}
        )
