"""What a repository is asked about all that it keeps, and what it tells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from lsst.daf.butler import Butler
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]
from lsst.resources import ResourcePath

from calibstate.adapters.butler.retention import open_retention_reader
from calibstate.model.names import RepositoryAddress
from calibstate.model.retention import Inventory
from tests import world
from tests.calibrations import INSTRUMENT
from tests.services.moto import S3

TOP = f"{INSTRUMENT}/calib"
COLLECTION = f"{TOP}/DM-1/bias"
RUN = f"{COLLECTION}.run"


def look(folder: Path) -> Inventory:
    return open_retention_reader(RepositoryAddress("usdf/main"), str(folder)).inventory([TOP])


def add_bytes(file: ResourcePath) -> None:
    file.parent().mkdir()
    file.write(b"x" * 100)


def test_litter_in_an_object_store_has_its_size_and_its_time(tmp_path: Path, s3: S3) -> None:
    root = f"{s3.bucket('datastore')}/data"
    with world.make_repo(tmp_path / "repo", datastore_root=root) as butler:
        world.add_calibration(butler, COLLECTION, "bias")
    add_bytes(ResourcePath(root, forceDirectory=True).join(f"{RUN}/bias/cut-off.fits"))

    kept = look(tmp_path / "repo")

    (file,) = kept.litter
    assert (file.run, file.bytes) == (RUN, 100)
    assert file.uri == f"{root}/{RUN}/bias/cut-off.fits"
    assert file.changed
    assert abs(datetime.now(UTC) - file.changed) < timedelta(days=1)
    assert kept.files
    assert len(kept.files) == world.DETECTORS


def test_litter_is_of_the_innermost_run(tmp_path: Path) -> None:
    inner = f"{RUN}/inner"
    with world.make_repo(tmp_path / "repo") as butler:
        world.add_run(butler, RUN, "bias")
        world.add_run(butler, inner, "bias")
        # Not below a RUN whose name only begins the same.
        world.add_run(butler, f"{RUN}1", "bias")
    root = ResourcePath(str(tmp_path / "repo"), forceDirectory=True)
    for run in (RUN, inner, f"{RUN}1"):
        add_bytes(root.join(f"{run}/bias/cut-off.fits"))

    assert sorted(file.run for file in look(tmp_path / "repo").litter) == sorted([RUN, inner, f"{RUN}1"])


def test_only_what_is_of_types_in_the_runs_is_read_elsewhere(tmp_path: Path) -> None:
    with world.make_repo(tmp_path / "repo") as butler:
        world.add_calibration(butler, COLLECTION, "bias")
        tag(butler, "u/somebody/flats", world.add_run(butler, "u/somebody/run", "flat"))
        tag(butler, "u/somebody/biases", butler.query_datasets("bias", collections=RUN))
        world.add_chain(butler, "u/somebody/chain", [COLLECTION])

    kept = look(tmp_path / "repo")

    assert kept.chains == {"u/somebody/chain": (COLLECTION,)}
    assert "u/somebody/run" not in kept.holdings
    assert not kept.holdings["u/somebody/flats"].rows
    assert len(kept.holdings["u/somebody/biases"].rows) == world.DETECTORS


def tag(butler: Butler, name: str, refs: object) -> None:
    butler.collections.register(name, CollectionType.TAGGED)
    butler.registry.associate(name, refs)  # type: ignore[arg-type]


def test_a_repository_without_calibrations_keeps_none(tmp_path: Path) -> None:
    world.make_repo(tmp_path / "repo").close()

    kept = look(tmp_path / "repo")

    assert (kept.holdings, kept.files, kept.litter) == ({}, {}, ())
