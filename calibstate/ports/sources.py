"""What calibstate asks of a store to which instruments write their readings.

The store has a folder for each observing day, ``YYYY/MM/DD``.  What a file is
about is told inside it, so files can be opened, several at a time; of each no
more is read than tells that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

__all__ = ["LabelledFile", "ListedFile", "SourceStore"]


@dataclass(frozen=True, order=True)
class ListedFile:
    """A file in the folder of a day."""

    day: int
    """The observing day of the folder, ``YYYYMMDD``: TAI less 12 hours."""

    name: str
    """Its name within the folder."""

    uri: str
    """Where it is, as a butler takes it: behind the store's own URI quoted, as
    `#`, `?` and `%` have to be."""


@dataclass(frozen=True)
class LabelledFile:
    """What a file says of itself."""

    values: Mapping[str, str]
    """Values as text, by their keys; what it does not say is left out."""

    trouble: str = ""
    """Why it cannot be read; empty: it can."""


class SourceStore(Protocol):
    """A store with a folder for each observing day."""

    uri: str
    """Its URI, without passwords, ended by ``/``."""

    def listed(self, since: int, endings: Sequence[str]) -> Sequence[ListedFile]:
        """Return the files in the folders of days, sorted.

        No file is opened.

        Parameters
        ----------
        since
            The first day, ``YYYYMMDD``.
        endings
            How the names of files end; all others are left out, and so is
            what is not in the folder of a day.

        Raises
        ------
        UnreachableError
            The store cannot be seen.
        """
        ...

    def labels(self, files: Sequence[ListedFile], keys: Sequence[str]) -> Mapping[ListedFile, LabelledFile]:
        """Return what files say of themselves, each opened once in a run.

        Of a FITS file the first header is read, and no more; a JSON file is
        read as a whole.  A file that is listed and cannot be read is told
        with its trouble, and keeps no other from being read.

        Parameters
        ----------
        files
            Files that were listed.
        keys
            Keys of the header; of a JSON file those of objects in objects
            are joined by ``.``.

        Raises
        ------
        UnreachableError
            The store cannot be seen any more.
        """
        ...

    def copied(self, files: Sequence[ListedFile]) -> AbstractContextManager[str]:
        """Return a folder with copies of files, for as long as it is needed.

        They have their own names there.

        Raises
        ------
        RefusedError
            A file cannot be read.
        UnreachableError
            The store cannot be seen any more.
        """
        ...

    def now(self) -> datetime:
        """Return the time in UTC."""
        ...
