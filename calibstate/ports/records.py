"""What calibstate asks of the store of locks and journals (`records`)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from ..model.outcomes import JournalLine

__all__ = ["Journal", "Locks"]


class Locks(Protocol):
    """One writer per place."""

    def hold(self, place: str, *, why: str) -> AbstractContextManager[str | None]:
        """Hold the lock of a place while the context lasts.

        The lock is made by exclusive creation and says who holds it.  One
        whose holder is a process of this host that no longer runs is taken
        over; the context then gives a sentence that says so, else `None`.

        Raises
        ------
        LockedError
            Another run holds it; the message says who, where, since when
            and for what.
        UnreachableError
            The store does not answer; nothing may be written.
        """
        ...

    def is_abandoned(self, place: str) -> bool:
        """Say whether a process that is known to have ended holds the lock.

        Raises
        ------
        UnreachableError
            The store does not answer.
        """
        ...


class Journal(Protocol):
    """What was done, a line per event, kept at once."""

    def write(self, line: JournalLine) -> None:
        """Append a line and have it on the disk before returning."""
        ...
