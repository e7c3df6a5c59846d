"""Curated calibrations: what a package of the stack holds for a camera.

They are not made of exposures: a package has them as text, and the camera's
class writes them into a repository (DMTN-222, section 5).  From the names of
the files follow dataset types, data IDs and validity ranges.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import ConfigDict, Field

from .names import CollectionName, InstrumentName, Noun, Word

__all__ = ["CURATED_TYPES", "Curated", "CuratedFile", "SeenPackage"]

CURATED_TYPES: Mapping[str, tuple[str, ...]] = {
    "bfk": ("detector",),
    "crosstalk": ("detector",),
    "defects": ("detector",),
    "linearizer": ("detector",),
    "manual_defects": ("detector",),
    "qe_curve": ("detector",),
    "transmission_atmosphere": (),
    "transmission_filter": ("physical_filter",),
    "transmission_filter_detector": ("detector", "physical_filter"),
    "transmission_optics": (),
    "transmission_sensor": ("detector",),
    "transmission_system": ("detector", "physical_filter"),
}
"""Dimensions besides the instrument of what packages hold, by dataset type.

In the order in which folders stand below that of the type (the table
``StandardCuratedCalibrationDatasetTypes`` of obs_base).
"""

_FOLDERS: Mapping[str, str] = {
    "lsst.obs.lsst.Latiss": "latiss",
    "lsst.obs.lsst.LsstCam": "lsstCam",
    "lsst.obs.lsst.LsstCamImSim": "imsim",
    "lsst.obs.lsst.LsstCamPhoSim": "phosim",
    "lsst.obs.lsst.LsstCamSim": "lsstCamSim",
    "lsst.obs.lsst.LsstComCam": "comCam",
    "lsst.obs.lsst.LsstComCamSim": "comCamSim",
    "lsst.obs.lsst.LsstTS3": "ts3",
    "lsst.obs.lsst.LsstTS8": "ts8",
    "lsst.obs.lsst.LsstUCDCam": "ucd",
}
"""Folder of the package by class, which the class itself calls its policy
name (obs_lsst)."""

_PACKAGE = "obs_lsst_data"
"""The package of these classes."""

_ClassName = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")]
_Revision = Annotated[str, Field(pattern=r"^[0-9a-f]{7,40}$")]


class Curated(Noun):
    """``curated`` of a ticket file."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_alias=True, serialize_by_alias=True)

    class_name: Annotated[_ClassName, Field(alias="class")]
    """Full name of the camera's class: ``lsst.obs.lsst.LsstComCam``."""

    label: Word
    """What stands in the names of its RUNs: the ticket."""

    collection: CollectionName
    """The CALIBRATION collection, by its full name."""

    data: Annotated[dict[Word, _Revision], Field(min_length=1, max_length=1)] | None = None
    """The package that holds the text, and its revision in Git; `None`:
    nobody says which."""

    folder: Word | None = None
    """Folder of the package that is the camera's; `None`: as it is known."""

    @property
    def package(self) -> str:
        """The package that holds the text."""
        return next(iter(self.data or {}), _PACKAGE)

    @property
    def revision(self) -> str | None:
        """Its revision; `None`: nobody says which."""
        return (self.data or {}).get(self.package)

    @property
    def camera_folder(self) -> str | None:
        """Folder of the package that is the camera's; `None`: not known."""
        return self.folder or _FOLDERS.get(self.class_name)

    def unbounded(self, instrument: InstrumentName) -> CollectionName:
        """Return the RUN of the camera, which is written first."""
        return f"{instrument}/calib/{self.label}/unbounded"

    def dated(self, instrument: InstrumentName, date: str) -> CollectionName:
        """Return the RUN of what has a date.

        Parameters
        ----------
        instrument
            Its instrument.
        date
            UTC, ``YYYYMMDDTHHMMSSZ``.
        """
        return f"{instrument}/calib/{self.label}/curated/{date}"


@dataclass(frozen=True)
class CuratedFile:
    """A calibration in the folder of a camera, as the names tell of it."""

    dataset_type: str
    """The folder's name."""

    folders: tuple[str, ...]
    """Folders below that: the detector and the filter, in lower case."""

    date: str
    """From when it is valid, UTC, ``YYYYMMDDTHHMMSSZ``."""

    begin: int
    """The same in nanoseconds of TAI."""


@dataclass(frozen=True)
class SeenPackage:
    """A package as it is set up at a site."""

    path: str
    """Its folder."""

    revision: str | None = None
    """What is checked out, as hex digits; `None`: nobody can tell."""

    is_edited: bool = False
    """Whether files of the camera are other than in that revision."""

    files: tuple[CuratedFile, ...] = ()
    """What it holds for the camera."""

    unfit: tuple[str, ...] = ()
    """Why the command would stop at some of its files, in words."""
