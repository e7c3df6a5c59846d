"""What a look at the places themselves found: whether one can work there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum

from .names import Noun

__all__ = ["HERE", "MOST_OFFSET", "ROOM", "Check", "Examined", "Health", "in_bytes"]

HERE = "here"
"""Stands for this host, where a place could be named."""

MOST_OFFSET = timedelta(seconds=5)
"""How far a clock may be from ours."""

ROOM = 10**9
"""Bytes that should be free."""


class Health(Enum):
    """How it is with something."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class Check(Noun):
    """One thing that was looked at."""

    place: str
    """A repository, ``archive``, ``rucio``, the address of a store of records,
    or ``here``: this host."""

    check: str
    """What was looked at: read, write, versions, git, clock, room, formatters,
    tickets, bundles or locks."""

    health: Health
    said: str
    """What was found."""

    hint: str = ""
    """What to do about it."""


@dataclass(frozen=True)
class Examined:
    """What a place tells of itself."""

    read: str
    """What answered."""

    may_write: bool | None
    """Whether it may be written; `None`: only who tries is told."""

    write: str
    """Why it may, or may not."""

    versions: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    """What of the versions a person should know."""

    offset: timedelta | None = None
    """How far its clock is ahead of ours; `None`: it has none of its own."""

    room: int | None = None
    """Bytes that are free; `None`: nobody can tell."""

    def slowed(self, why: str | None) -> Examined:
        """Return the same, with why each look takes longer than it might.

        Parameters
        ----------
        why
            The reason; `None`: no look does.
        """
        if why is None:
            return self
        return replace(self, read=f"{self.read}, and every look at it takes longer: {why}")


def in_bytes(count: int) -> str:
    """Return a number of bytes for people."""
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
