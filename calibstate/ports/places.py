"""How to reach each place, to look or to change."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from ..model.names import RepositoryAddress
from ..model.reviews import PublishedReview
from ..model.sights import Sight
from .archive import ArchiveReader, ArchiveWriter
from .butler import ButlerReader, ButlerWriter
from .commands import ButlerCommands, CommandRunner
from .packages import DataPackages
from .records import Journal, Locks
from .rucio import RucioReader, RucioWriter
from .sources import SourceStore
from .tables import Tables

__all__ = ["LockedPlaces", "ReadPlaces", "Records", "WritePlaces"]


class ReadPlaces(Tables, Protocol):
    """Places to look at."""

    timeout: timedelta
    """How long one of them may be silent before it counts as unreachable."""

    def butler(self, address: RepositoryAddress) -> ButlerReader:
        """Return a repository, opened for reading.

        Raises
        ------
        UnreachableError
            It cannot be opened from here.
        """
        ...

    def sight_instead(self, address: RepositoryAddress) -> Sight | None:
        """Return what came of the look that stands in for a repository.

        Returns
        -------
        Sight or None
            `None`: it is to be asked itself, or what stands in for it.

        Raises
        ------
        UnreachableError
            It cannot be opened from here, and nothing stands in for it.
        """
        return None

    def identity(self, address: RepositoryAddress) -> str:
        """Return what tells one butler from another, without opening it.

        Raises
        ------
        UnreachableError
            That cannot be told from here.
        """
        ...

    def published_review(self, address: RepositoryAddress) -> PublishedReview | None:
        """Return what was published of reviews there; `None`: nothing was.

        Raises
        ------
        UnreachableError
            It cannot be read from here.
        """
        ...

    def commands(self, address: RepositoryAddress) -> ButlerCommands:
        """Return the ``butler`` of a site, to see what commands it has."""
        ...

    def source(self, uri: str) -> SourceStore:
        """Return a store to which instruments write their readings.

        Parameters
        ----------
        uri
            As it is declared.
        """
        ...

    def packages(self, address: RepositoryAddress) -> DataPackages:
        """Return the packages that are set up for the ``butler`` of a site."""
        ...

    def archive(self) -> ArchiveReader:
        """Return the archive."""
        ...

    def rucio(self) -> RucioReader:
        """Return Rucio.

        Raises
        ------
        UnreachableError
            It does not answer, or does not know us.
        """
        ...


@dataclass(frozen=True)
class Records:
    """Where the locks and the journal of a place are kept."""

    locks: Locks
    journal: Journal


class LockedPlaces(Protocol):
    """Places that can be held, so that nobody else changes them."""

    timeout: timedelta
    """How long one of them may be silent before it counts as unreachable."""

    def records(self, place: str) -> Records:
        """Return where the locks and the journal of a place are kept."""
        ...

    def exclude_others(self, address: RepositoryAddress) -> AbstractContextManager[Callable[[], None]]:
        """Keep away also who keeps locks elsewhere, where the database can.

        The context gives what looks whether they still are kept away, and
        raises `LockedError` if they are not: nothing more may be written.

        Raises
        ------
        LockedError
            Somebody else keeps us away; the message says who.
        UnreachableError
            The database does not answer.
        """
        ...


class WritePlaces(ReadPlaces, LockedPlaces, Protocol):
    """Places to change."""

    def change_butler(self, address: RepositoryAddress) -> ButlerWriter:
        """Return a repository, opened for writing."""
        ...

    def run_commands(self, address: RepositoryAddress) -> CommandRunner:
        """Return the ``butler`` of a site, to run its commands."""
        ...

    def change_archive(self) -> ArchiveWriter:
        """Return the archive, to add to."""
        ...

    def change_rucio(self) -> RucioWriter:
        """Return Rucio, to add to."""
        ...

    def recover(self, address: RepositoryAddress) -> None:
        """Undo what a killed writer left half done in a repository.

        Raises
        ------
        UnreachableError
            It cannot be opened for writing.
        """
        ...
