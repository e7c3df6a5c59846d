"""How to reach each place, to look or to change."""

from __future__ import annotations

from typing import Protocol

from ..model.names import RepositoryAddress
from .archive import ArchiveReader, ArchiveWriter
from .butler import ButlerReader, ButlerWriter

__all__ = ["ReadPlaces", "WritePlaces"]


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

    def archive(self) -> ArchiveReader:
        """Return the archive."""
        ...


class WritePlaces(ReadPlaces, Protocol):
    """Places to change."""

    def change_butler(self, address: RepositoryAddress) -> ButlerWriter:
        """Return a repository, opened for writing."""
        ...

    def change_archive(self) -> ArchiveWriter:
        """Return the archive, to add to."""
        ...
