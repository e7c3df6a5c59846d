"""How old a sight of a place is, and whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum

from .names import Noun, RepositoryAddress
from .observations import Moment, stamp

__all__ = ["Seen", "SeenBy", "SeenPlaces"]


class SeenBy(Enum):
    """Who looked."""

    LIVE = "live"
    """This command, just now."""

    PUBLISHED = "published"
    """The site itself, which published what it saw."""

    FILE = "file"
    """Somebody who wrote it into a file that the command was given."""


class Seen(Noun):
    """When a repository was seen, and by whom."""

    at: Moment
    """When the look began, in UTC."""

    by: SeenBy

    age: int
    """Seconds from then to now; negative where a clock goes wrong."""

    stale: bool = False
    """Whether that is too old, or of the future: the repository counts as
    unreachable, and what is told of it is what was seen last."""

    why: str = ""
    """Why it was not looked at now, and why it is stale, in a sentence without
    addresses of hosts; empty where it was."""

    @classmethod
    def live(cls, began: datetime, now: datetime) -> Seen:
        """Return a look of this command.

        Parameters
        ----------
        began
            When it began, with its zone.
        now
            When it is told of, with its zone.
        """
        age = now - began
        return cls(at=stamp(began), by=SeenBy.LIVE, age=int(age.total_seconds()))

    @property
    def since(self) -> timedelta:
        """How old it is."""
        return timedelta(seconds=self.age)

    @property
    def is_live(self) -> bool:
        """Whether this command looked."""
        return self.by is SeenBy.LIVE


SeenPlaces = Mapping[RepositoryAddress, Seen]
"""By address; a repository that nobody saw is left out."""
