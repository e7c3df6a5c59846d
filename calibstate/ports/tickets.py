"""What calibstate asks of the tracker, in which the field keeps its tickets.

It is looked at only: calibstate neither files, links nor closes a ticket.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from ..model.approvals import TrackedTicket

__all__ = ["Count", "Tracker", "uncounted"]

Count = Callable[[int, int], None]
"""Told how many tickets have been asked for, of how many."""


def uncounted(done: int, total: int) -> None:
    """Tell nobody."""


class Tracker(Protocol):
    """The tracker, to look at."""

    def tickets(self, keys: Iterable[str], count: Count = uncounted) -> Mapping[str, TrackedTicket]:
        """Return those tickets that are there, by key.

        They are asked for many at a time.  What the account may not see is
        not there, as the tracker tells it.  One that was moved is found by the
        key that it had, and has its new one.

        Parameters
        ----------
        keys
            What they are called: ``TAXICAB-15``.
        count
            Told how far it has come.

        Raises
        ------
        UnreachableError
            It did not answer, did not let us in, or is no tracker; nothing is
            known of any ticket.
        """
        ...
