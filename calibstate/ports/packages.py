"""What calibstate asks of packages of a stack that hold data."""

from __future__ import annotations

from typing import Protocol

from ..model.curated import SeenPackage

__all__ = ["DataPackages"]


class DataPackages(Protocol):
    """The packages that are set up for the ``butler`` of a site."""

    def look(self, name: str, folder: str) -> SeenPackage | None:
        """Look at what a package holds for a camera; `None`: it is not set up.

        Parameters
        ----------
        name
            The package, such as ``obs_lsst_data``.
        folder
            Its folder of the camera, such as ``comCam``.

        Raises
        ------
        UnreachableError
            It cannot be read.
        """
        ...
