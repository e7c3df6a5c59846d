"""What calibstate asks of the store of locks and journals (`records`)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from ..model.outcomes import JournalLine

__all__ = ["Fence", "Journal", "Locks", "unfenced"]

Fence = Callable[[], None]
"""Looks whether a place that is to be changed is still held.

It is asked directly before each write that cannot be taken back, and raises
`~calibstate.errors.LockedError` where somebody else may work there by now,
`~calibstate.errors.UnreachableError` where that cannot be known.
"""


def unfenced() -> None:
    """Look at no lock: nobody else is there."""


class Locks(Protocol):
    """One writer per place."""

    def hold(self, place: str, *, why: str) -> AbstractContextManager[str | None]:
        """Hold the lock of a place while the context lasts.

        The lock is made by exclusive creation and says who holds it.  One
        whose holder is a process of this host that no longer runs is taken
        over; the context then gives a sentence that says so, else `None`.

        While it is held it is renewed, so that others see a sign of life.

        Raises
        ------
        LockedError
            Another run holds it; the message says who, where, since when
            and for what.  When the context is left: it was broken meanwhile.
        CalibstateError
            When the context is left: it is still there, and cannot be given
            back.
        UnreachableError
            The store does not answer; nothing may be written.
        """
        ...

    def check(self, place: str) -> None:
        """Look whether a lock that is held here still is.

        Raises
        ------
        LockedError
            It was broken; somebody else may work there by now, so nothing
            more may be written.
        UnreachableError
            The store does not answer; nothing may be written.
        """
        ...

    def unlock(self, place: str, id: str | None, about_to: Callable[[str], None]) -> bool:
        """Break the lock of a place; say whether there was one.

        Parameters
        ----------
        place
            The place.
        id
            Id of the lock, so that no other one is broken; one that cannot
            be read is called by what the message of it says.  `None`: who
            holds it is asked only.
        about_to
            Told which lock is about to be broken.

        Raises
        ------
        LockedError
            Another one is there, or its holder lives on this host; the
            message says who, and what to do.
        UnreachableError
            The store does not answer.
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

    @property
    def name(self) -> str:
        """By which ``log`` finds it, once it has a line."""
        ...

    def write(self, line: JournalLine) -> None:
        """Append a line and have it on the disk before returning."""
        ...
