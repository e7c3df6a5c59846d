"""What a repository showed, small: all that a page and a history need of it.

An observation holds every row of every collection; of a camera of ten years
that is hundreds of megabytes.  A sight holds what came of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from .names import Noun, RepositoryAddress
from .observations import Moment, Name
from .timelinedocument import TimelineEntry

__all__ = ["Ingested", "Sight", "SightOfChain", "SightOfTicket"]


class SightOfChain(Noun):
    """A declared chain, as it was found live."""

    children: tuple[Name, ...]
    """In search order, as the repository lists them."""

    searched: tuple[Name, ...]
    """What is searched through it: the chain flattened, in search order."""

    selected: tuple[Name, ...] = ()
    """Those of ``searched`` that decide a lookup anywhere, in that order."""

    effective: str
    """The effective fingerprint."""

    timeline: TimelineEntry
    """Which ticket wins when."""


class Ingested(Noun):
    """When the datasets of a ticket arrived, as the butler recorded it."""

    first: Moment
    last: Moment


class SightOfTicket(Noun):
    """A ticket, as far as it was found."""

    fingerprint: str
    """Over those of its collections that are there, by name; equal ones hold
    the same."""

    collections: int
    """How many of its collections are there."""

    of_collections: int
    """How many are declared."""

    ingested: Ingested | None = None
    """`None`: nothing is there, or the repository does not tell."""


class Sight(Noun):
    """What one repository showed, small."""

    format_version: Literal["1.0"] = "1.0"
    kind: Literal["sight"] = "sight"

    address: RepositoryAddress
    at: Moment
    """When the look began, in UTC."""

    version: Name
    """Version of calibstate."""

    declared: Name
    """Digest of the declared state that it was made with."""

    butler: Name
    """Digest of how its butler was declared."""

    chains: Mapping[Name, SightOfChain | None]
    """Declared chains of the repository, by name; `None`: absent."""

    tickets: Mapping[Name, SightOfTicket] = {}
    """Declared tickets of the repository, as ``INSTRUMENT/TICKET``."""

    @property
    def moment(self) -> datetime:
        """When the look began."""
        return datetime.fromisoformat(self.at)
