"""Stands for ``butler write-curated-calibrations`` of obs_base.

Its signature is the published one.  What it writes, in which order, what it
does on repetition and where a cut leaves it follow obs_base 00893bd
(``cli/cmd/commands.py``, ``_instrument.py``, ``_read_curated_calibs.py``):

* the camera goes first, by itself: CALIBRATION, RUN, dataset, certified;
* then type by type: the dataset type, the RUNs, and in one transaction all
  datasets with their certifications;
* a package that is not set up is passed over without a word.

Datasets hold the text of the package, since no classes of the stack are here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from astropy.table import Table
from astropy.time import Time
from lsst.daf.butler import Butler, CollectionType, DataCoordinate, DatasetType, Timespan
from lsst.daf.butler.cli.opt import options_file_option, repo_argument
from lsst.daf.butler.cli.utils import ButlerCommand, MWArgumentDecorator
from lsst.pipe.base import Instrument
from lsst.pipe.base.cli.opt import instrument_argument
from lsst.resources import ResourcePath

from calibstate.demo.construction.instrument import LsstComCam

__all__ = ["CLASS", "ComCam", "write_curated_calibrations"]

CLASS = "tests.stand_ins.commands.curated.ComCam"
"""Full name of the camera's class."""

PAUSE = "CURATED_PAUSE_DIR"
"""Variable that names a folder with two pipes.  Into ``reached`` it writes its
process once the camera is certified, and it goes on when ``go`` is closed."""

_STORAGE = "StructuredDataDict"

_TYPES = {
    "crosstalk": ("instrument", "detector"),
    "transmission_filter": ("instrument", "physical_filter"),
    "transmission_optics": ("instrument",),
}
"""Those of the table of obs_base that the packages of the tests have."""

_SUFFIXES = r"(\.ecsv|\.yaml|\.json)$"


class ComCam(LsstComCam):
    """A camera with a folder in a data package."""

    policyName = "comCam"  # noqa: N815
    obsDataPackage = "obs_lsst_data"  # noqa: N815


@dataclass(frozen=True)
class _Text:
    """A file of a package."""

    content: str
    meta: dict[str, Any]
    begin: Time
    end: Time | None


labels_argument = MWArgumentDecorator(
    "labels_arg",
    metavar="LBL",
    nargs=-1,
    help="LBL: One or more extra strings to include in the collection name (see --label).",
)


@click.command(short_help="Add an instrument's curated calibrations.", cls=ButlerCommand)
@repo_argument(required=True)
@instrument_argument(required=True)
@labels_argument()
@click.option("--collection", required=False)
@click.option("--label", "labels", multiple=True)
@click.option("--prefix", required=False)
@options_file_option()
def write_curated_calibrations(
    *,
    repo: str,
    instrument: str,
    collection: str | None,
    labels: Sequence[str],
    labels_arg: Sequence[str],
    prefix: str | None,
) -> None:
    """Add an instrument's curated calibrations to the data repository."""
    labels = [*labels_arg, *labels]
    with Butler.from_config(repo, writeable=True) as butler:
        camera = Instrument.from_string(instrument, butler.registry, collection_prefix=prefix)
        if collection is None and not labels:
            raise ValueError("At least one label or --collection must be provided.")
        collection = collection or camera.makeCalibrationCollectionName(*labels)
        _write_camera(butler, camera, collection, labels)
        for name in _TYPES:
            _write_type(butler, camera, collection, labels, name)


def _write_camera(butler: Butler, camera: Any, collection: str, labels: Sequence[str]) -> None:
    butler.registry.registerCollection(collection, CollectionType.CALIBRATION)
    run = camera.makeUnboundedCalibrationRunName(*labels)
    butler.registry.registerRun(run)
    dataset_type = _registered(butler, "camera", ("instrument",))
    content = {"camera": camera.getName()}
    ref = butler.put(content, dataset_type, {"instrument": camera.getName()}, run=run)
    butler.registry.certify(collection, [ref], Timespan(None, None))
    _pause()


def _pause() -> None:
    """Wait for a test, if one asks for that."""
    pause = os.environ.get(PAUSE)
    if pause:
        # It stays open, so that who reads it sees the end of this process.
        reached = os.open(Path(pause, "reached"), os.O_WRONLY)
        os.write(reached, f"{os.getpid()}\n".encode())
        Path(pause, "go").read_text()


def _write_type(butler: Butler, camera: Any, collection: str, labels: Sequence[str], name: str) -> None:
    root = ResourcePath(f"eups://{camera.obsDataPackage}/", forceDirectory=True)
    folder = root.join(camera.policyName).join(name, forceDirectory=True)
    if not folder.exists():
        return
    dataset_type = _registered(butler, name, _TYPES[name])
    texts = [text for below in _search_paths(folder, name, camera, butler) for text in _texts(below)]
    runs = {}
    for text in texts:
        run = camera.makeCuratedCalibrationRunName(text.meta["CALIBDATE"], *labels)
        butler.registry.registerRun(run)
        runs[id(text)] = run
    with butler.transaction():
        for text in texts:
            values = {"instrument": camera.getName()}
            values |= {"detector": text.meta["DETECTOR"]} if "DETECTOR" in text.meta else {}
            values |= {"physical_filter": text.meta["FILTER"]} if "FILTER" in text.meta else {}
            data_id = DataCoordinate.standardize(values, universe=butler.dimensions)
            ref = butler.put({"text": text.content}, dataset_type, data_id, run=runs[id(text)])
            butler.registry.certify(collection, [ref], Timespan(text.begin, text.end))


def _registered(butler: Butler, name: str, dimensions: Sequence[str]) -> DatasetType:
    dataset_type = DatasetType(name, dimensions, _STORAGE, universe=butler.dimensions, isCalibration=True)
    butler.registry.registerDatasetType(dataset_type)
    return dataset_type


def _search_paths(folder: ResourcePath, name: str, camera: Any, butler: Butler) -> list[ResourcePath]:
    """Return the folders of a type, each of which has its own dates."""
    if len(_TYPES[name]) == 1:
        return [folder]
    _, folders, _ = next(folder.walk())
    names = {"detector": "full_name", "physical_filter": "name"}
    dimension = _TYPES[name][-1]
    records = butler.query_dimension_records(dimension, instrument=camera.getName())
    known = {str(getattr(record, names[dimension])).lower() for record in records}
    for below in folders or [""]:
        if below not in known:
            raise RuntimeError(f"{dimension.capitalize()} {below} not known to supplied camera.")
    return [folder.join(below, forceDirectory=True) for below in folders]


def _texts(folder: ResourcePath) -> Iterator[_Text]:
    """Yield the files of a folder: each is valid until the next one is."""
    files = {}
    for path in ResourcePath.findFileResources([folder], file_filter=_SUFFIXES):
        assert isinstance(path, ResourcePath)
        files[datetime.fromisoformat(path.updatedExtension("").basename())] = path
    begins = sorted(files)
    times = [Time(begin, format="datetime", scale="utc") for begin in begins]
    for index, begin in enumerate(begins):
        with files[begin].as_local() as local:
            content = Path(local.ospath).read_text()
        table = Table.read(content, format="ascii.ecsv")
        end = times[index + 1] if index + 1 < len(times) else None
        yield _Text(content, dict(table.meta), times[index], end)
