"""Look once at places that several captures ask about.

Captures of one tree build on each other, and each asks the same repositories
nearly the same.  What was answered is kept, and only what is new is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from ..model.bundles import Manifest
from ..model.contents import Holding
from ..model.names import RepositoryAddress, TicketKey
from ..ports.butler import SeenCollection

__all__ = ["BundlesToLookAt", "CollectionsToLookAt", "LookedAtOnce", "PlacesToLookAt"]


class CollectionsToLookAt(Protocol):
    """What a capture asks a repository; every butler reader answers it."""

    def collections(self, names: Iterable[str]) -> Mapping[str, SeenCollection]:
        """Return those of ``names`` that exist."""
        ...

    def holdings(self, names: Iterable[str], *, calibrations_only: bool = False) -> Mapping[str, Holding]:
        """Return what collections hold, all read together."""
        ...


class BundlesToLookAt(Protocol):
    """What a capture asks the archive."""

    def bundles(self, tickets: Iterable[TicketKey]) -> Mapping[TicketKey, tuple[Manifest, ...]]:
        """Return the complete bundles of each ticket, newest first."""
        ...


class PlacesToLookAt(Protocol):
    """The places that a capture looks at."""

    @property
    def timeout(self) -> timedelta:
        """How long one of them may be silent."""
        ...

    def butler(self, address: RepositoryAddress) -> CollectionsToLookAt:
        """Return a repository, opened for reading.

        Raises
        ------
        UnreachableError
            It cannot be opened from here.
        """
        ...

    def archive(self) -> BundlesToLookAt:
        """Return the archive."""
        ...


@dataclass
class _ButlerOnce:
    """A repository that is asked for nothing twice."""

    butler: CollectionsToLookAt

    _collections: dict[str, SeenCollection | None] = field(default_factory=dict)
    """What was answered, by name; `None`: it does not exist."""

    _holdings: dict[str, Holding | None] = field(default_factory=dict)
    _calibrations: dict[str, Holding | None] = field(default_factory=dict)
    """Of calibrations only."""

    def collections(self, names: Iterable[str]) -> Mapping[str, SeenCollection]:
        """Return those of ``names`` that exist, as they were at first."""
        wanted = list(dict.fromkeys(names))
        new = [name for name in wanted if name not in self._collections]
        if new:
            answer = self.butler.collections(new)
            # What does not exist is remembered, too.
            for name in new:
                self._collections[name] = answer.get(name)
        existing: dict[str, SeenCollection] = {}
        for name in wanted:
            collection = self._collections[name]
            if collection:
                existing[name] = collection
        return existing

    def holdings(self, names: Iterable[str], *, calibrations_only: bool = False) -> Mapping[str, Holding]:
        """Return what collections held at first."""
        wanted = list(dict.fromkeys(names))
        # Calibrations are a part of what a RUN holds: two answers.
        memory = self._holdings
        if calibrations_only:
            memory = self._calibrations
        new = [name for name in wanted if name not in memory]
        if new:
            answer = self.butler.holdings(
                new,
                calibrations_only=calibrations_only,
            )
            for name in new:
                memory[name] = answer.get(name)
        holdings: dict[str, Holding] = {}
        for name in wanted:
            holding = memory[name]
            if holding:
                holdings[name] = holding
        return holdings


@dataclass
class _ArchiveOnce:
    """The archive, asked for the bundles of no ticket twice."""

    places: PlacesToLookAt
    _bundles: dict[TicketKey, tuple[Manifest, ...]] = field(default_factory=dict)
    """What was answered, by ticket; empty: it has none."""

    def bundles(self, tickets: Iterable[TicketKey]) -> Mapping[TicketKey, tuple[Manifest, ...]]:
        """Return the bundles that each ticket had at first, newest first."""
        wanted = list(tickets)
        new = [key for key in wanted if key not in self._bundles]
        if new:
            answer = self.places.archive().bundles(new)
            for key in new:
                self._bundles[key] = answer.get(key, ())
        complete: dict[TicketKey, tuple[Manifest, ...]] = {}
        for key in wanted:
            bundles = self._bundles[key]
            if bundles:
                complete[key] = bundles
        return complete


class LookedAtOnce:
    """Places that are asked for nothing twice.

    What is sealed is not taken from here: a seal tells of the files as they
    are when they are read.

    Parameters
    ----------
    places
        The places themselves.
    """

    def __init__(self, places: PlacesToLookAt) -> None:
        self._places = places
        self._butlers: dict[RepositoryAddress, _ButlerOnce] = {}
        self._archive = _ArchiveOnce(places)

    @property
    def timeout(self) -> timedelta:
        """How long one of them may be silent."""
        return self._places.timeout

    def butler(self, address: RepositoryAddress) -> CollectionsToLookAt:
        """Return a repository that keeps what it answers.

        Raises
        ------
        UnreachableError
            It cannot be opened from here.
        """
        # One that is away now is asked again, and says so again.
        butler = self._places.butler(address)
        return self._butlers.setdefault(address, _ButlerOnce(butler))

    def archive(self) -> BundlesToLookAt:
        """Return the archive, which keeps what it answers."""
        return self._archive
