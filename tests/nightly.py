"""Observatories whose calibration exposures are verified night by night.

What is seen here is asked of the stock butler, never of calibstate.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from astropy.time import Time
from lsst.daf.butler import Butler, DatasetType, Timespan
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from calibstate.cli.app import run
from calibstate.demo.construction.amplifiers import table_of
from calibstate.demo.construction.tasks import BY_DETECTOR, TABLE
from calibstate.demo.construction.world import RAWS, ConstructionWorld, Exposure, add_raws, drift
from calibstate.demo.world import AMPLIFIERS
from tests.constructing import INSTRUMENT, Construction, make_construction
from tests.tree import Ran

__all__ = ["CHAIN", "NIGHTS", "Nightly", "make_nightly"]

CHAIN = f"{INSTRUMENT}/calib"
NIGHTS = (20241201, 20241202, 20241203, 20241204)
"""Each has exposures; none of them has a result."""


@dataclass(frozen=True)
class Nightly:
    """A state tree, and an origin with a chain and raws of some nights."""

    construction: Construction

    @property
    def world(self) -> ConstructionWorld:
        """The origin."""
        return self.construction.world

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

    def drift(self, night: int, number: int, detector: int = 1) -> None:
        """Move the level of one amplifier in an exposure."""
        drift(self.world, night * 100000 + number, detector)

    def verify_quietly(self, night: int) -> int:
        """Verify a night, and return how that ended."""
        return run(
            ["-C", str(self.construction.tree.state), "daily", INSTRUMENT, "--day", str(night), "--run"]
        )

    def decertify(self, dataset_type: str) -> None:
        """Decertify the calibrations of a type of the first detector, and
        certify them again for another time, without a move of the chain.
        """
        with self.construction.butler(writeable=True) as butler:
            for row in list(butler.registry.queryDatasetAssociations(dataset_type, CHAIN)):
                if row.timespan is None or row.ref.dataId["detector"] != 0:
                    continue
                butler.registry.decertify(
                    row.collection, dataset_type, row.timespan, dataIds=[row.ref.dataId]
                )
                end = Time("2024-12-01T18:00:00", scale="tai")
                butler.registry.certify(row.collection, [row.ref], Timespan(None, end))

    def data_ids(self, dataset_type: str, run: str) -> list[int]:
        """Return the exposures of which a RUN has a dataset."""
        with self.construction.butler() as butler:
            refs = butler.query_datasets(dataset_type, run, explain=False, find_first=False)
            return sorted(int(ref.dataId["exposure"]) for ref in refs)

    def uuids(self, dataset_types: str) -> set[str]:
        """Return the UUIDs of all datasets of some types."""
        with self.construction.butler() as butler:
            return {str(ref.id) for ref in butler.registry.queryDatasets(dataset_types, collections=...)}

    def certify(self, dataset_type: str, name: str, level: float, each: float) -> None:
        """Certify calibrations of a level, and have the chain search them
        before all others.

        Parameters
        ----------
        dataset_type
            One with a dataset for each detector.
        name
            The collection that they are certified in.
        level
            Value of the first detector.
        each
            By how much each detector has more than the one before.
        """
        self.move_chain(name)
        with self.construction.butler(writeable=True) as butler:
            type_ = DatasetType(
                dataset_type, BY_DETECTOR, TABLE, universe=butler.dimensions, isCalibration=True
            )
            butler.collections.register(f"{name}/run")
            refs = []
            for detector in range(self.world.detectors):
                table = table_of([level + each * detector] * len(AMPLIFIERS))
                ref = butler.put(table, type_, run=f"{name}/run", instrument=INSTRUMENT, detector=detector)
                refs.append(ref)
            butler.registry.certify(name, refs, Timespan(None, None))

    def runs(self) -> list[str]:
        """Return the RUNs of all verifications."""
        with self.construction.butler() as butler:
            names = butler.collections.query(
                f"{INSTRUMENT}/calib/daily/*", collection_types=CollectionType.RUN
            )
            return sorted(names)

    def outputs(self) -> list[str]:
        """Return the outputs of all verifications, without their folder."""
        with self.construction.butler() as butler:
            names = butler.collections.query(
                f"{INSTRUMENT}/calib/daily/*", collection_types=CollectionType.CHAINED
            )
            return sorted(name.rpartition("/")[2] for name in names)

    def move_chain(self, *front: str) -> None:
        """Have the chain search more collections, before the others."""
        with self.construction.butler(writeable=True) as butler:
            for name in front:
                butler.collections.register(name, CollectionType.CALIBRATION)
            children = butler.collections.get_info(CHAIN).children
            butler.collections.redefine_chain(CHAIN, [*front, *children])

    def add(self, night: int, exposures: Sequence[Exposure]) -> None:
        """Add exposures of a night."""
        with self.construction.butler(writeable=True) as butler:
            add_raws(butler, exposures, self.world.detectors)

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
    world = nightly.world
    with Butler.from_config(str(world.repository), writeable=True) as butler:
        for night in NIGHTS:
            exposures = [Exposure(night, 1, "bias"), Exposure(night, 2, "bias"), Exposure(night, 3, "dark")]
            add_raws(butler, exposures, world.detectors)
        butler.collections.register(CHAIN, CollectionType.CHAINED)
        butler.collections.redefine_chain(CHAIN, world.start_from)
    chain = nightly.construction.tree.state / f"chains/{INSTRUMENT}.yaml"
    entries = "".join(f"  - external: {name}\n" for name in world.start_from)
    chain.write_text(f"chain: {CHAIN}\ninstrument: {INSTRUMENT}\nentries:\n{entries}")
    nightly.construction.file.unlink()
    nightly.declare()
    return nightly
