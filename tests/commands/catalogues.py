"""What belongs to no instrument: a catalogue and a model, declared and made.

A catalogue is a RUN of one file for each of its pixels, a model a RUN of one
dataset without any dimension.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lsst.daf.butler import Butler, DataCoordinate, DatasetRef, DatasetType, FileDataset
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from tests import world
from tests.calibrations import dataset_uuid
from tests.commands.sites import INSTRUMENT, ORIGIN, TOP, Sites, add_ticket
from tests.tree import Tree

DATA_FACILITY = "frdf/main"
TEST_STAND = "tts/LSSTComCam"
"""Has the instrument, and nothing that belongs to none."""

CATALOGUE = "refcats/DM-49042/the_monster_20250219"
MODEL = "pretrained_models/tac_cnn_comcam_2025-02-18"
DEFAULTS = "LSSTComCam/DP1/defaults"

PIXELS = (147456, 147457, 147460)


def make_with_catalogues(folder: Path) -> Sites:
    """Make an origin with a ticket, a catalogue and a model, and two copies.

    Parameters
    ----------
    folder
        Where the state tree and all else is made.
    """
    tree = Tree(folder)
    tree.settings()
    tree.site("usdf", {"main": "origin"}, instruments=[INSTRUMENT, "any"])
    tree.site("frdf", {"main": "copy"}, instruments=[INSTRUMENT, "any"])
    tree.site("tts", {INSTRUMENT: "copy"})
    tree.ticket("DM-1", "bias.20240101a")
    tree.chain(["DM-1"])
    tree.chain([TOP, "refcats", "pretrained_models"], DEFAULTS)
    of_none = replace(tree, instrument="any")
    of_none.ticket("DM-49042", bare=[CATALOGUE])
    of_none.ticket("tac", bare=[MODEL])
    of_none.chain(["DM-49042"], "refcats")
    of_none.chain(["tac"], "pretrained_models")
    world.make_repo(tree.repository(ORIGIN)).close()
    world.clone(tree.repository(ORIGIN), tree.repository(TEST_STAND))
    # A facility that knows no instrument yet gets its record with a bundle.
    Butler.makeRepo(str(tree.repository(DATA_FACILITY)))
    sites = Sites(tree)
    with sites.butler(ORIGIN) as butler:
        add_ticket(butler, "DM-1", {"bias.20240101a": ("bias",)})
        butler.collections.register(TOP, CollectionType.CHAINED)
        butler.collections.prepend_chain(TOP, f"{TOP}/DM-1")
        add_catalogue(butler)
        add_datasets(butler, MODEL, "pretrainedModelPackage", (), [{}])
    return sites


def add_catalogue(butler: Butler, run: str = CATALOGUE) -> None:
    """Make a catalogue of a few pixels."""
    pixels = [{"htm7": number} for number in PIXELS]
    add_datasets(butler, run, run.rpartition("/")[2], ("htm7",), pixels)


def add_datasets(
    butler: Butler,
    run: str,
    dataset_type: str,
    dimensions: Sequence[str],
    data_ids: Sequence[Mapping[str, int | str]],
    storage_class: str = "StructuredDataDict",
    *,
    is_calibration: bool = False,
) -> list[DatasetRef]:
    """Store a dataset for each data ID in a RUN, under files of their own."""
    type_ = DatasetType(
        dataset_type, butler.dimensions.conform(dimensions), storage_class, isCalibration=is_calibration
    )
    butler.registry.registerDatasetType(type_)
    butler.collections.register(run)
    (root,) = butler.get_datastore_roots().values()
    assert root is not None
    files = []
    for data_id in data_ids:
        coordinate = DataCoordinate.standardize(data_id, dimensions=type_.dimensions)
        ref = DatasetRef(type_, coordinate, run=run, id=dataset_uuid(run, dataset_type, data_id))
        path = f"{run}/{dataset_type}/{ref.id}.fits"
        file = root.join(path)
        file.parent().mkdir()
        file.write(f"{dataset_type} {data_id}\n".encode())
        files.append(FileDataset(path, [ref], formatter=world.STAND_IN))
    butler.ingest(*files, transfer=None)
    return [ref for file in files for ref in file.refs]


def datasets(sites: Sites, address: str, collection: str) -> dict[str, str]:
    """Return the data ID of each dataset of a collection, by UUID."""
    butler = sites.seen(address)
    found = {}
    for dataset_type in butler.registry.queryDatasetTypes(...):
        for ref in butler.registry.queryDatasets(dataset_type, collections=collection):
            found[str(ref.id)] = f"{dataset_type.name} {dict(ref.dataId.required)}"
    return found
