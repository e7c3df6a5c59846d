"""``butler register-skymap`` in its place, under its published signature.

It keeps to what lsst/pipe_tasks (``cli/cmd/commands.py``,
``script/registerSkymap.py`` at commit 5b638a4) and lsst/skymap
(``baseSkyMap.py``, ``tractBuilder.py``, ``ringsSkyMap.py`` at 91c88c0) do with
a repository: the configuration is run as Python and must have a name; the RUN
``skymaps`` and the dataset type come first, outside the transaction; in it the
record, tracts and patches, and the dataset; the same again changes nothing;
another content or another name is refused, both with the same words.

Left out: geometry.  There is one tract with one patch, and the dataset is of a
storage class that needs no stack.
"""

# Settings are called as the stack calls them.
# ruff: noqa: N815

from __future__ import annotations

import hashlib
import os
import struct
import time
from pathlib import Path

import click
import lsst.pex.config as pex_config
from lsst.daf.butler import Butler, DatasetType
from lsst.daf.butler.cli.opt import config_file_option, config_option, options_file_option, repo_argument
from lsst.daf.butler.cli.utils import ButlerCommand
from lsst.daf.butler.registry import ConflictingDefinitionError
from lsst.resources import ResourcePath
from lsst.sphgeom import ConvexPolygon, UnitVector3d

__all__ = ["PAUSE", "register_skymap"]

PAUSE = "SKYMAP_PAUSE_DIR"
"""Variable with a folder: amid its transaction the command makes the file
``begun`` in it, and waits for ``go``."""

builders = pex_config.makeRegistry("Algorithms that divide a tract into patches.")
skymaps = pex_config.makeRegistry("Ways to divide the sky.")


class LegacyConfig(pex_config.Config):
    """Patches of pixels."""

    patchInnerDimensions = pex_config.ListField(dtype=int, length=2, default=(4000, 4000), doc="Pixels.")
    patchBorder = pex_config.Field(dtype=int, default=100, doc="Pixels.")


class CellsConfig(pex_config.Config):
    """Patches of cells."""

    cellInnerDimensions = pex_config.ListField(dtype=int, length=2, default=(150, 150), doc="Pixels.")
    cellBorder = pex_config.Field(dtype=int, default=50, doc="Pixels.")
    numCellsPerPatchInner = pex_config.Field(dtype=int, default=20, doc="Cells.")
    numCellsInPatchBorder = pex_config.Field(dtype=int, default=1, doc="Cells.")


class Legacy:
    """Divides a tract into patches of pixels."""

    ConfigClass = LegacyConfig

    def __init__(self, config):
        self.size = struct.pack("<iii", *config.patchInnerDimensions, config.patchBorder)


class Cells:
    """Divides a tract into patches of cells."""

    ConfigClass = CellsConfig

    def __init__(self, config):
        cells = (config.cellBorder, config.numCellsPerPatchInner, config.numCellsInPatchBorder)
        self.size = struct.pack("<iiiii", *config.cellInnerDimensions, *cells)


builders.register("legacy", Legacy)
builders.register("cells", Cells)


class BaseConfig(pex_config.Config):
    """What all ways have."""

    tractBuilder = builders.makeField(doc="Algorithm.", default="legacy")
    tractOverlap = pex_config.Field(dtype=float, default=1.0, doc="Degrees.")
    pixelScale = pex_config.Field(dtype=float, default=0.333, doc="Arcseconds.")
    projection = pex_config.Field(dtype=str, default="STG", doc="FITS code.")
    rotation = pex_config.Field(dtype=float, default=0, doc="Degrees.")


class BaseSkyMap:
    """A division of the sky."""

    def __init__(self, config):
        self.config = config

    def sha1(self) -> bytes:
        """Return what tells it from others."""
        config = self.config
        numbers = (config.tractOverlap, config.pixelScale)
        common = struct.pack("<dd3sd", *numbers, config.projection.encode("ascii"), config.rotation)
        sha1 = hashlib.sha1(type(self).__name__.encode())
        sha1.update(config.tractBuilder.apply().size + common)
        sha1.update(self.own())
        return sha1.digest()

    def own(self) -> bytes:
        """Return what this way adds."""
        raise NotImplementedError


class RingsConfig(BaseConfig):
    """Rings of equal declination."""

    numRings = pex_config.Field(dtype=int, doc="Number of rings", check=lambda number: number > 0)
    raStart = pex_config.Field(dtype=float, default=0.0, doc="Degrees.", check=lambda ra: 0 <= ra < 360)


class RingsSkyMap(BaseSkyMap):
    """Rings of equal declination."""

    ConfigClass = RingsConfig

    def own(self) -> bytes:
        return struct.pack("<id", self.config.numRings, self.config.raStart)


class DiscreteConfig(BaseConfig):
    """Tracts at places of their own."""

    raList = pex_config.ListField(dtype=float, default=[], doc="Degrees.")
    decList = pex_config.ListField(dtype=float, default=[], doc="Degrees.")
    radiusList = pex_config.ListField(dtype=float, default=[], doc="Degrees.")


class DiscreteSkyMap(BaseSkyMap):
    """Tracts at places of their own."""

    ConfigClass = DiscreteConfig

    def own(self) -> bytes:
        config = self.config
        lists = (config.raList, config.decList, config.radiusList)
        return b"".join(struct.pack(f"<{len(config.radiusList)}d", *numbers) for numbers in lists)


skymaps.register("rings", RingsSkyMap)
skymaps.register("discrete", DiscreteSkyMap)


class MakeSkyMapConfig(pex_config.Config):
    """Configuration of the command."""

    name = pex_config.Field(dtype=str, default=None, optional=True, doc="Name in the registry.")
    skyMap = skymaps.makeField(doc="Type of skymap.", default="rings")


@click.command(cls=ButlerCommand)
@repo_argument(required=True)
@config_option()
@config_file_option(help="URI to a config file overrides file.")
@options_file_option()
def register_skymap(*, repo, config, config_file):
    """Make a SkyMap and add it to a repository."""
    made = MakeSkyMapConfig()
    if config_file:
        with ResourcePath(config_file).as_local() as local:
            made.load(local.ospath)
    made.update(**(config or {}))
    if made.name is None:
        raise ValueError("The name field must be set to the name of the specific skymap to use")
    with Butler.from_config(repo, writeable=True) as butler:
        _register(butler, made.name, made.skyMap.apply())


def _register(butler: Butler, name: str, skymap: BaseSkyMap) -> None:
    record = {"skymap": name, "hash": skymap.sha1(), "tract_max": 1, "patch_nx_max": 1, "patch_ny_max": 1}
    registry = butler.registry
    registry.registerRun("skymaps")
    dataset_type = DatasetType("skyMap", ["skymap"], "StructuredDataDict", universe=butler.dimensions)
    registry.registerDatasetType(dataset_type)
    with butler.transaction():
        try:
            inserted = registry.syncDimensionData("skymap", record)
        except ConflictingDefinitionError as error:
            raise ConflictingDefinitionError(
                f"SkyMap with hash {skymap.sha1().hex()} is already registered with a different name."
            ) from error
        if not inserted:
            return
        corners = [UnitVector3d(1, 0, 0), UnitVector3d(0, 1, 0), UnitVector3d(0, 0, 1)]
        tract = {"skymap": name, "tract": 0, "region": ConvexPolygon(corners)}
        registry.insertDimensionData("tract", tract)
        registry.insertDimensionData("patch", {**tract, "patch": 0, "cell_x": 0, "cell_y": 0})
        butler.put({"hash": skymap.sha1().hex()}, dataset_type, {"skymap": name}, run="skymaps")
        _pause()


def _pause() -> None:
    """Stand still amid the transaction, where somebody wants it."""
    if PAUSE in os.environ:
        folder = Path(os.environ[PAUSE])
        (folder / "begun").touch()
        while not (folder / "go").exists():
            time.sleep(0.05)
