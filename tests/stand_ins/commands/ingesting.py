"""The commands of obs_lsst for readings, in their place.

Their signatures are published (obs_lsst, ``cli/cmd/commands.py``), and so is
what they do with each file (``_ingestAuxCalibs.py``).  A test holds these to
that: what is passed over in silence, what fails after all others are in, and
that nothing comes twice.  What needs the stack is not kept: files are stored
as they are, and not as the calibration classes of ip_isr write them.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from lsst.daf.butler import Butler, CollectionType, DatasetIdGenEnum, DatasetRef, DatasetType, FileDataset
from lsst.daf.butler.cli.opt import (
    config_file_option,
    config_option,
    locations_argument,
    options_file_option,
    regex_option,
    repo_argument,
    run_option,
    transfer_option,
)
from lsst.daf.butler.cli.utils import ButlerCommand
from lsst.pipe.base.cli.opt import instrument_argument
from lsst.resources import ResourcePath

from calibstate.adapters.fitsheader import HeaderError, read_header
from tests.stand_ins.formatters import OpaqueFormatter

__all__ = ["ingest_photodiode", "ingest_shuttermotion"]

_LOG = logging.getLogger("lsst.ingest")

_PHOTODIODE = r"Photodiode_Readings.*txt$|_photodiode.ecsv$|Electrometer.*fits$|EM.*fits$"
_OPEN = r".*shutterMotionProfileOpen.json$"
_CLOSE = r".*shutterMotionProfileClose.json$"

_Where = tuple[str, Mapping[str, Any]]
"""A condition for an exposure, and what stands in it."""


def _options(regex: str | None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the options that both commands have."""
    options = [
        repo_argument(required=True),
        instrument_argument(required=True),
        locations_argument(required=True),
        regex_option(default=regex),
        config_option(metavar="TEXT=TEXT", multiple=True),
        config_file_option(type=click.Path(exists=True, writable=False, file_okay=True, dir_okay=False)),
        run_option(required=False),
        transfer_option(default="copy"),
        click.option("--track-file-attrs/--no-track-file-attrs", default=True),
        options_file_option(),
    ]

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


@click.command(cls=ButlerCommand, short_help="Ingest photodiode data.")
@_options(_PHOTODIODE)
def ingest_photodiode(**options: Any) -> None:
    """Ingest photodiode data from a directory into the butler registry."""
    with _Task(options, fails_without_exposure=True) as task:
        task.run("photodiode", "photodiode", options["regex"], _by_group)


@click.command(cls=ButlerCommand, short_help="Ingest shutter motion profile data.")
@_options(None)
def ingest_shuttermotion(**options: Any) -> None:
    """Ingest shutter motion data from a directory into the butler registry."""
    with _Task(options, fails_without_exposure=False) as task:
        # What is given as a pattern is that of openings and of closings.
        task.run("shutterMotionProfileOpen", "shutterMotion", options["regex"] or _OPEN, _by_obs_id)
        task.run("shutterMotionProfileClose", "shutterMotion", options["regex"] or _CLOSE, _by_obs_id)


def _by_group(uri: ResourcePath) -> _Where | None:
    data = uri.read()
    try:
        header = read_header(lambda begin, size: data[begin : begin + size])
    except HeaderError:
        _LOG.warning("Skipping input file %s of unknown type.", uri)
        return None
    if "BROKEN" in header:
        # In its place for a table that astropy cannot read.
        _LOG.warning("Skipping input file %s of unknown type.", uri)
        return None
    group = header.get("GROUPID")
    if group is None or group.count("#") != 1 or "" in group.split("#"):
        _LOG.warning("Skipping input file %s with malformed group %s.", uri, group)
        return None
    return "exposure.group=groupId", {"groupId": group}


def _by_obs_id(uri: ResourcePath) -> _Where | None:
    try:
        document = json.loads(uri.read())
        assert document["fileType"] == "shutterMotionProfile"
        document["motionProfile"]["encodeSamples"]
    except (AssertionError, KeyError, TypeError, ValueError):
        _LOG.warning("Skipping input file %s of unknown type.", uri)
        return None
    if document.get("obsId") is None:
        _LOG.warning("Skipping input file %s with malformed obsId None.", uri)
        return None
    return "exposure.obs_id=obsId", {"obsId": document["obsId"]}


@dataclass
class _Task:
    """Ingests files one by one, as IsrCalibIngestTask does."""

    options: Mapping[str, Any]
    fails_without_exposure: bool
    has_waited: bool = False

    def __enter__(self) -> _Task:
        if self.options["transfer"] != "copy":
            raise ValueError(f"Transfer must be 'copy' for this data: {self.options['transfer']}")
        self.butler = Butler.from_config(self.options["repo"], writeable=True)
        return self

    def __exit__(self, *trouble: object) -> None:
        self.butler.close()

    def _wait_if_told(self) -> None:
        """Stop after a file, where a test says so, until it lets us go on."""
        folder = os.environ.get("DAF_BUTLER_STOPS_IN")
        if folder is None or self.has_waited:
            return
        self.has_waited = True
        # It stays open, so that who reads it sees our end.
        arrived = os.open(Path(folder, "arrived"), os.O_WRONLY)
        os.write(arrived, f"{os.getpid()}\n".encode())
        Path(folder, "go").read_bytes()

    def run(self, name: str, label: str, regex: str, read: Callable[[ResourcePath], _Where | None]) -> None:
        instrument = self.options["instrument"]
        dataset_type = DatasetType(
            name, self.butler.dimensions.conform(["instrument", "exposure"]), "IsrCalib"
        )
        self.butler.registry.registerDatasetType(dataset_type)
        run = self.options["output_run"] or f"{instrument}/calib/{label}"
        self.butler.registry.registerCollection(run, CollectionType.RUN)
        lacking = several = 0
        files: Iterable[ResourcePath] = ResourcePath.findFileResources(self.options["locations"], regex)
        for uri in files:
            where = read(uri)
            if where is None:
                continue
            condition, bind = where
            records = list(
                self.butler.registry.queryDimensionRecords(
                    "exposure", instrument=instrument, where=condition, bind=bind
                )
            )
            if len(records) == 1:
                self._ingest(uri, dataset_type, run, records[0].id)
            elif records:
                several += 1
            else:
                lacking += 1
        if lacking and self.fails_without_exposure:
            raise RuntimeError(f"Failed to ingest {lacking} entries due to missing exposure information.")
        if several:
            raise RuntimeError(f"Failed to ingest {several} entries due to missing exposure information.")

    def _ingest(self, uri: ResourcePath, dataset_type: DatasetType, run: str, exposure: int) -> None:
        data_id = self.butler.registry.expandDataId(instrument=self.options["instrument"], exposure=exposure)
        if self.butler.registry.findDataset(dataset_type, data_id, collections=[run]):
            return
        ref = DatasetRef(dataset_type, data_id, run=run, id_generation_mode=DatasetIdGenEnum.DATAID_TYPE_RUN)
        # What is ingested is never the file itself, which says less.
        with ResourcePath.temporary_uri(suffix=".fits") as temporary:
            temporary.write(uri.read())
            dataset = FileDataset(path=temporary, refs=[ref], formatter=OpaqueFormatter)
            self.butler.ingest(
                dataset, transfer="copy", record_validation_info=self.options["track_file_attrs"]
            )
        self._wait_if_told()
