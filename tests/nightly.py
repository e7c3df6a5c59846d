"""Observatories whose calibration exposures are verified night by night.

What is seen here is asked of the stock butler, never of calibstate.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import yaml
from astropy.table import Table
from astropy.time import Time
from lsst.daf.butler import Butler, DatasetType, Timespan
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from calibstate.cli.app import run
from calibstate.demo.construction.amplifiers import table_of
from calibstate.demo.construction.tasks import BY_DETECTOR, TABLE
from calibstate.demo.construction.world import RAWS, Exposure, add_raws, drift
from calibstate.demo.world import AMPLIFIERS
from tests.constructing import INSTRUMENT, Construction, make_construction
from tests.tree import Ran

__all__ = ["CHAIN", "NIGHTS", "Nightly", "Origin", "make_nightly"]

CHAIN = f"{INSTRUMENT}/calib"
NIGHTS = (20241201, 20241202, 20241203, 20241204)
"""Each has exposures; none of them has a result."""


@dataclass(frozen=True)
class Origin:
    """A repository in which exposures are verified."""

    repository: Path

    @contextmanager
    def butler(self, *, writeable: bool = False) -> Iterator[Butler]:
        """Open it."""
        with Butler.from_config(str(self.repository), writeable=writeable) as butler:
            yield butler

    def add(self, exposures: Sequence[Exposure], detectors: int = 2) -> None:
        """Add exposures."""
        with self.butler(writeable=True) as butler:
            add_raws(butler, exposures, detectors)

    def add_raw(self, exposure: int, detector: int) -> None:
        """Add the raw of one more detector of an exposure, like the first."""
        with self.butler(writeable=True) as butler:
            data_id = {"instrument": INSTRUMENT, "exposure": exposure}
            image = butler.get("raw", {**data_id, "detector": 0}, collections=RAWS)
            # Its hot pixel stands in another column.
            image = np.roll(image + detector, detector, axis=1)
            butler.put(image, "raw", {**data_id, "detector": detector}, run=RAWS)

    def drift(self, exposure: int, detector: int = 1) -> None:
        """Move the level of one amplifier in an exposure."""
        world: Any = SimpleNamespace(repository=self.repository, instrument=INSTRUMENT, raws=RAWS)
        drift(world, exposure, detector)

    def make_chain(self, children: Sequence[str]) -> None:
        """Make the chain."""
        with self.butler(writeable=True) as butler:
            butler.collections.register(CHAIN, CollectionType.CHAINED)
            butler.collections.redefine_chain(CHAIN, children)

    def move_chain(self, *front: str) -> None:
        """Have the chain search more collections, before the others."""
        with self.butler(writeable=True) as butler:
            for name in front:
                butler.collections.register(name, CollectionType.CALIBRATION)
            children = butler.collections.get_info(CHAIN).children
            butler.collections.redefine_chain(CHAIN, [*front, *children])

    def certify(self, dataset_type: str, name: str, levels: Sequence[float], **off: float) -> None:
        """Certify calibrations, and have the chain search them first.

        Parameters
        ----------
        dataset_type
            One with a dataset for each detector.
        name
            The collection that they are certified in.
        levels
            Value of each detector.
        off
            By how much amplifiers of the last detector are off it.
        """
        tables = [table_of([level] * len(AMPLIFIERS)) for level in levels]
        last = [levels[-1] + off.get(amplifier, 0) for amplifier in AMPLIFIERS]
        self.certify_tables(dataset_type, name, [*tables[:-1], table_of(last)])

    def certify_tables(
        self, dataset_type: str, name: str, tables: Sequence[Table], since: str | None = None
    ) -> None:
        """Certify a table of each detector, and have it searched first.

        Parameters
        ----------
        dataset_type, name
            As for `certify`.
        tables
            What is certified.
        since
            TAI from which on it is valid; `None`: always.
        """
        self.move_chain(name)
        with self.butler(writeable=True) as butler:
            type_ = DatasetType(
                dataset_type, BY_DETECTOR, TABLE, universe=butler.dimensions, isCalibration=True
            )
            butler.registry.registerDatasetType(type_)
            butler.collections.register(f"{name}/run")
            refs = []
            for detector, table in enumerate(tables):
                data_id = {"instrument": INSTRUMENT, "detector": detector}
                refs.append(butler.put(table, type_, data_id, run=f"{name}/run"))
            begin = None if since is None else Time(since, scale="tai")
            butler.registry.certify(name, refs, Timespan(begin, None))

    def decertify(self, dataset_type: str) -> None:
        """Certify the calibrations of the first detector for another time,
        without a move of the chain.
        """
        with self.butler(writeable=True) as butler:
            for row in list(butler.registry.queryDatasetAssociations(dataset_type, CHAIN)):
                if row.timespan is None or row.ref.dataId["detector"] != 0:
                    continue
                data_ids = [row.ref.dataId]
                butler.registry.decertify(row.collection, dataset_type, row.timespan, dataIds=data_ids)
                end = Time("2024-12-01T18:00:00", scale="tai")
                butler.registry.certify(row.collection, [row.ref], Timespan(None, end))

    def recertify(self, dataset_type: str, levels: Sequence[float]) -> None:
        """Certify other calibrations in the collection of those that are
        there, without a move of the chain.
        """
        with self.butler(writeable=True) as butler:
            type_ = butler.get_dataset_type(dataset_type)
            rows = list(butler.registry.queryDatasetAssociations(dataset_type, CHAIN))
            for detector, level in enumerate(levels):
                (row,) = [
                    row for row in rows if row.timespan is not None and row.ref.dataId["detector"] == detector
                ]
                data_ids = [row.ref.dataId]
                whole = Timespan(None, None)
                butler.registry.decertify(row.collection, dataset_type, whole, dataIds=data_ids)
                run = f"{row.collection}/other"
                butler.collections.register(run)
                table = table_of([level] * len(AMPLIFIERS))
                ref = butler.put(table, type_, row.ref.dataId, run=run)
                butler.registry.certify(row.collection, [ref], whole)

    def data_ids(self, dataset_type: str, run: str) -> list[int]:
        """Return the exposures of which a RUN has a dataset."""
        with self.butler() as butler:
            refs = butler.query_datasets(dataset_type, run, explain=False, find_first=False)
            return sorted(int(ref.dataId["exposure"]) for ref in refs)

    def uuids(self, dataset_types: str) -> set[str]:
        """Return the UUIDs of all datasets of some types."""
        with self.butler() as butler:
            return {str(ref.id) for ref in butler.registry.queryDatasets(dataset_types, collections=...)}

    def runs(self) -> list[str]:
        """Return the RUNs of all verifications."""
        with self.butler() as butler:
            below = f"{INSTRUMENT}/calib/daily/*"
            return sorted(butler.collections.query(below, collection_types=CollectionType.RUN))

    def outputs(self) -> list[str]:
        """Return the outputs of all verifications, without their folder."""
        with self.butler() as butler:
            below = f"{INSTRUMENT}/calib/daily/*"
            names = butler.collections.query(below, collection_types=CollectionType.CHAINED)
            return sorted(name.rpartition("/")[2] for name in names)


@dataclass(frozen=True)
class Nightly:
    """A state tree, and an origin with a chain and raws of some nights."""

    construction: Construction

    @property
    def origin(self) -> Origin:
        """The origin."""
        return Origin(self.construction.world.repository)

    @property
    def file(self) -> Path:
        """The file that says how exposures are verified."""
        return self.construction.tree.state / f"daily/{INSTRUMENT}.yaml"

    def declare(self, **changes: Any) -> None:
        """Declare how exposures are verified."""
        declared = {
            "instrument": INSTRUMENT,
            "chain": CHAIN,
            "raws": RAWS,
            "since": "2024-12-01",
            "verify": {"bias": "verifyBias", "dark": "verifyDark"},
            "alarms": {"MEAN": 1},
            **changes,
        }
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_text(yaml.safe_dump(declared, sort_keys=False))

    def daily(self, night: int, *options: str) -> Ran:
        """Run the command in this process, as JSON."""
        return self.construction.run("daily", INSTRUMENT, "--day", str(night), "--format", "json", *options)

    def text(self, night: int, *options: str) -> Ran:
        """Run the command in this process, as text."""
        return self.construction.run("daily", INSTRUMENT, "--day", str(night), *options)

    def verify_quietly(self, night: int) -> int:
        """Verify a night, and return how that ended."""
        words = ["daily", INSTRUMENT, "--day", str(night), "--run"]
        return run(["-C", str(self.construction.tree.state), *words])

    def record(self, night: int) -> Any:
        """Return what is kept of a night."""
        return json.loads(self.record_file(night).read_text())

    def record_file(self, night: int) -> Path:
        """Return the file of a night."""
        return self.construction.tree.folder / f"records/daily/{INSTRUMENT}/{night}.json"

    def copied_to(self, folder: Path, capsys: Any = None) -> Nightly:
        """Return a copy of everything, in a folder that is made by this."""
        return Nightly(self.construction.copied_to(folder, capsys))


def make_nightly(folder: Path, capsys: Any = None) -> Nightly:
    """Build an origin with two biases and a dark each night.

    Parameters
    ----------
    folder
        Made by this.
    capsys
        What captures the output of commands.
    """
    # What a flat is made with is there already: biases, darks and defects.
    nightly = Nightly(make_construction(folder, capsys, products=("flat_g",)))
    world = nightly.construction.world
    for night in NIGHTS:
        kinds = ("bias", "bias", "dark")
        nightly.origin.add([Exposure(night, number, kind) for number, kind in enumerate(kinds, 1)])
    nightly.origin.make_chain(world.start_from)
    chain = nightly.construction.tree.state / f"chains/{INSTRUMENT}.yaml"
    entries = "".join(f"  - external: {name}\n" for name in world.start_from)
    chain.write_text(f"chain: {CHAIN}\ninstrument: {INSTRUMENT}\nentries:\n{entries}")
    nightly.construction.file.unlink()
    nightly.declare()
    return nightly
