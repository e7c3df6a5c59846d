"""What calibstate asks of a repository about all that it keeps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ..model.names import RepositoryAddress
from ..model.retention import Inventory
from .places import ReadPlaces

__all__ = ["RetentionPlaces", "RetentionReader"]


class RetentionReader(Protocol):
    """A repository in which all that it keeps is looked at."""

    def inventory(self, folders: Iterable[str]) -> Inventory:
        """Return what a repository keeps of calibrations; nothing is written.

        Parameters
        ----------
        folders
            What names of RUNs begin with, without the ``/`` behind it.

        Returns
        -------
        Inventory
            All chains of the repository, the RUNs below these folders, and
            what CALIBRATION and TAGGED collections of any name hold of the
            dataset types that are in these RUNs.

        Raises
        ------
        UnreachableError
            The repository does not answer.
        """
        ...


class RetentionPlaces(ReadPlaces, Protocol):
    """Places in which all that they keep is looked at."""

    def retention(self, address: RepositoryAddress) -> RetentionReader:
        """Return a repository as it is now, never as others saw it.

        Raises
        ------
        UnreachableError
            It cannot be opened from here.
        """
        ...
