"""The stock tools read our bundles, to the last collection.

Whoever has an archive and no calibstate can still have the calibrations.
"""

from __future__ import annotations

import io
import shutil
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from lsst.daf.butler import Butler
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from calibstate.cli.app import run
from calibstate.model.timespans import EMPTY
from tests import world
from tests.commands import stock
from tests.tree import Tree

ORIGIN, COPY = "usdf/main", "summit/LSSTComCam"
TOP = "LSSTComCam/calib"
LEAVES: dict[str, Any] = {
    "tag/bias.20240101a": ("bias", world.IN_2024, world.IN_2025),
    "tag/flat.20240101a": ("flat",),
    "tag/camera.20240101a": ("camera", world.SINCE_2024),
}
UNBOUNDED = f"{TOP}/DM-2/unbounded"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """Return a world whose tickets are in the archive; not to be changed."""
    tree = Tree(tmp_path_factory.mktemp("stock") / "made")
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    tree.site("summit", {"LSSTComCam": "copy"})
    tree.ticket("DM-1", *LEAVES)
    tree.ticket("DM-2", bare=[f"{TOP}/DM-2/dark", UNBOUNDED])
    tree.chain(["DM-2", "DM-1"])
    with world.make_repo(tree.repository(ORIGIN)) as origin:
        world.clone(tree.repository(ORIGIN), tree.repository(COPY))
        fill(origin)
    with redirect_stdout(io.StringIO()):
        assert run(["-C", str(tree.state), "apply", "--yes"]) == 0
    return tree


@pytest.fixture
def tree(made: Tree, tmp_path: Path) -> Tree:
    """Return such a world of one's own."""
    shutil.copytree(made.folder, tmp_path / "world")
    return Tree(tmp_path / "world")


def fill(origin: Butler) -> None:
    # The stock import asks the formatter of each file for its extension.
    ours: dict[str, Any] = {"formatter": world.STAND_IN}
    for leaf, (dataset_type, *ranges) in LEAVES.items():
        world.add_calibration(origin, f"{TOP}/DM-1/{leaf}", dataset_type, *ranges, **ours)
    world.add_chain(origin, f"{TOP}/DM-1", [f"{TOP}/DM-1/{leaf}" for leaf in LEAVES])
    world.add_calibration(origin, f"{TOP}/DM-2/dark", "dark", run=UNBOUNDED, detectors=[0, 1], **ours)
    # Beside what is certified: in the same RUN as a calibration of DM-1,
    # certified nowhere; and in the bare RUN, which is deployed whole.
    world.add_run(origin, f"{TOP}/DM-1/tag/bias.20240101a.run", "verifyBiasStats", **ours)
    world.add_run(origin, UNBOUNDED, "defects", **ours)
    world.add_chain(origin, TOP, [f"{TOP}/DM-2/dark", UNBOUNDED, f"{TOP}/DM-1"])


def bundle(tree: Tree, ticket: str) -> Path:
    (manifest,) = tree.folder.glob(f"archive/LSSTComCam/{ticket}/*/manifest.json")
    return manifest.parent


def imported(tree: Tree, *tickets: str) -> Path:
    """Import bundles into an empty repository as people do."""
    repository = tree.folder / "stock"
    Butler.makeRepo(str(repository))
    for ticket in tickets:
        stock.import_(repository, bundle(tree, ticket))
    return repository


def holdings(repository: Path, names: list[str]) -> dict[str, Any]:
    """Return type, documentation, children and members of collections."""
    with Butler.from_config(str(repository)) as butler:
        return {name: _holding(butler, name) for name in names}


def _holding(butler: Butler, name: str) -> tuple[Any, ...]:
    info = butler.collections.get_info(name)
    if info.type is CollectionType.CHAINED:
        return (info.type, info.children)
    rows = {
        (str(a.ref.id), a.ref.run, str(a.ref.dataId.required), a.timespan and a.timespan.nsec)
        for dataset_type in butler.registry.queryDatasetTypes()
        for a in butler.registry.queryDatasetAssociations(dataset_type, name)
    }
    return (
        info.type,
        info.doc,
        sorted(rows, key=str),
        sorted(butler.getURI(_ref(butler, r[0])).read() for r in rows),
    )


def _ref(butler: Butler, uuid: str) -> Any:
    ref = butler.get_dataset(uuid)
    assert ref is not None
    return ref


def test_a_ticket_with_collections_comes_with_its_chain(tree):
    names = [f"{TOP}/DM-1", *(f"{TOP}/DM-1/{leaf}" for leaf in LEAVES)]
    repository = imported(tree, "DM-1")
    found = holdings(repository, names)
    assert found == holdings(tree.repository(ORIGIN), names)
    assert found == holdings(tree.repository(COPY), names)
    assert found[names[0]] == (CollectionType.CHAINED, tuple(names[1:]))
    assert [len(found[name][2]) for name in names[1:]] == [8, 8, 1]


def test_a_bare_run_comes_whole(tree):
    names = [f"{TOP}/DM-2/dark", UNBOUNDED]
    found = holdings(imported(tree, "DM-2"), names)
    assert found == holdings(tree.repository(ORIGIN), names)
    # The stock export of that RUN would hold nothing at all.
    assert len(found[UNBOUNDED][2]) == 2 + world.DETECTORS


def test_what_is_certified_nowhere_is_not_in_a_bundle(tree):
    with Butler.from_config(str(imported(tree, "DM-1"))) as butler:
        assert not list(butler.registry.queryDatasetTypes("verifyBiasStats"))
        assert len(butler.query_datasets("bias", f"{TOP}/DM-1/tag/bias.20240101a.run")) == world.DETECTORS
    assert not list(bundle(tree, "DM-1").rglob("*verifyBiasStats*"))


def test_no_bundle_brings_a_chain_that_others_have(tree):
    with Butler.from_config(str(imported(tree, "DM-1", "DM-2"))) as butler:
        chains = butler.collections.query("*", collection_types=CollectionType.CHAINED)
        assert set(chains) == {f"{TOP}/DM-1"}


def test_the_stock_import_comes_first_and_ours_finds_nothing_to_do(tree, capsys):
    (tree.folder / "repo" / "summit-LSSTComCam").rename(tree.folder / "away")
    imported(tree, "DM-1", "DM-2").rename(tree.repository(COPY))
    planned = tree.run(capsys, "plan", "--format", "json").json
    assert [(s["do"], s["target"]["name"]) for s in planned["steps"]] == [("prepend-to-chain", TOP)]
    assert tree.run(capsys, "apply", "--yes").code == 0
    assert tree.run(capsys, "drift", "--files").code == 0


def test_an_empty_range_is_refused_before_there_is_a_bundle(tree, capsys):
    with Butler.from_config(str(tree.repository(ORIGIN)), writeable=True) as origin:
        world.add_calibration(origin, f"{TOP}/DM-3/ptc", "ptc", EMPTY)
    tree.ticket("DM-3", bare=[f"{TOP}/DM-3/ptc"])
    ran = tree.run(capsys, "apply", "--yes")
    assert ran.code == 3
    assert "ptc detector=0,instrument=LSSTComCam" in ran.out
    assert not list(tree.folder.glob("archive/LSSTComCam/DM-3/*"))
