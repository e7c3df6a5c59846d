"""How to reach each place, to look or to change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..model.names import RepositoryAddress
from .archive import ArchiveReader, ArchiveWriter
from .butler import ButlerReader, ButlerWriter
from .records import Journal, Locks
from .rucio import RucioReader, RucioWriter

__all__ = ["ReadPlaces", "Records", "WritePlaces"]


class ReadPlaces(Protocol):
    """Places to look at."""

    def butler(self, address: RepositoryAddress) -> ButlerReader:
        """Return a repository, opened for reading.

        Raises
        ------
        UnreachableError
            It cannot be opened from here.
        """
        ...

    def identity(self, address: RepositoryAddress) -> str:
        """Return what tells one butler from another, without opening it.

        Raises
        ------
        UnreachableError
            That cannot be told from here.
        """
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


class WritePlaces(ReadPlaces, Protocol):
    """Places to change."""

    def change_butler(self, address: RepositoryAddress) -> ButlerWriter:
        """Return a repository, opened for writing."""
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


@dataclass(frozen=True)
class Records:
    """Where the locks and the journal of a place are kept."""

    locks: Locks
    journal: Journal
