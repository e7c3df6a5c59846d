"""All that Data Preview 1 was processed with, declared and deployed.

What is declared are the files of the project; what is there afterwards is
compared with what RTN-103 prints for the Rubin France Data Facility.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from click.testing import CliRunner
from lsst.daf.butler import Butler
from lsst.daf.butler.cli.butler import cli
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from calibstate.demo.rucio.site import ORIGIN as ORIGIN_RSE
from calibstate.demo.rucio.site import Rse, RucioSite
from tests import real_files, world
from tests.commands.catalogues import add_datasets
from tests.commands.sites import ORIGIN, Sites
from tests.tree import ROOT, Tree

FRDF = "frdf/ccms1"
RSE = "IN2P3_RAW_DISK"
DEFAULTS = "LSSTComCam/DP1/defaults"
FACILITY = """\
site: frdf
title: Rubin France Data Facility
repositories:
  ccms1:
    butler: davs://ccdavrubinint.in2p3.fr:2880/pnfs/in2p3.fr/lsst/butler/ccms1
    instruments: [LSSTComCam, any]
    route:
      by: rucio
      rse: IN2P3_RAW_DISK
      prefix: davs://ccdavrubinint.in2p3.fr:2880/pnfs/in2p3.fr/lsst/instrument/ancillary
"""
"""The repository of which RTN-103 tells, as a site of its own."""

SKYMAP = ROOT / "state/skymaps/lsst_cells_v1.yaml"
PUBLISHED = real_files.FOLDER / "rtn-103.LSSTComCam_DP1_defaults.chain-tree.txt"

INSTRUMENT = "LSSTComCam"
DETECTORS = (0, 4)
BAND = re.compile(r"^flat-([ugrizy])\.")

CALIBRATIONS = {
    "bfk": "BrighterFatterKernel",
    "bias": "ExposureF",
    "crosstalk": "CrosstalkCalib",
    "cti": "IsrCalib",
    "dark": "ExposureF",
    "defects": "Defects",
    "flat": "ExposureF",
    "illuminationCorrection": "ExposureF",
    "linearizer": "Linearizer",
    "ptc": "PhotonTransferCurveDataset",
}
"""Storage class of each type of a calibration."""


@dataclass(frozen=True)
class Beside:
    """What is no calibration, as RTN-103 has it."""

    dataset_type: str
    storage_class: str
    dimensions: tuple[str, ...] = ()
    data_ids: tuple[dict[str, int | str], ...] = ({},)


BESIDE = {
    "refcats/DM-46370/the_monster_20240904": Beside(
        "the_monster_20240904", "SimpleCatalog", ("htm7",), ({"htm7": 147456}, {"htm7": 147457})
    ),
    "refcats/DM-49042/the_monster_20250219": Beside(
        "the_monster_20250219", "SimpleCatalog", ("htm7",), ({"htm7": 147456}, {"htm7": 147460})
    ),
    "pretrained_models/tac_cnn_comcam_2025-02-18": Beside("pretrainedModelPackage", "NNModelPackagePayload"),
    "LSSTComCam/calib/fgcmcal/DM-48089": Beside(
        "fgcmLookUpTable", "Catalog", ("instrument",), ({"instrument": INSTRUMENT},)
    ),
}


@dataclass(frozen=True)
class Line:
    """A line of the published chain."""

    depth: int
    name: str
    type: str

    @property
    def is_by_others(self) -> bool:
        """Say whether no file of the project says how it comes there."""
        return self.type == "TAGGED" or self.name == "skymaps"


def published() -> list[Line]:
    """Return the published chain, or skip the test where it is not here."""
    if not PUBLISHED.is_file():
        pytest.skip(f"{PUBLISHED.name} is not on this machine: not run")
    lines = []
    for line in table(PUBLISHED.read_text()):
        name, type_ = line.split()
        depth = (len(line) - len(line.lstrip())) // 2
        lines.append(Line(depth, name, type_))
    return lines


def table(text: str) -> list[str]:
    """Return the lines of a chain as ``butler query-collections`` prints."""
    lines = [line.rstrip() for line in text.splitlines()]
    return [line for line in lines if re.search(r"\b(CHAINED|CALIBRATION|RUN|TAGGED)$", line)]


def butler(*arguments: str) -> str:
    """Run the stock butler, as people do."""
    ran = CliRunner().invoke(cli, arguments)
    assert ran.exit_code == 0, ran.output
    return str(ran.output)


def make_origin(folder: Path, store: Path | None = None) -> None:
    """Make a repository of what is published, with small datasets."""
    root = str(store) if store else None
    with closing(world.make_repo(folder, datastore_root=root, detectors=9)) as origin:
        insert = origin.registry.insertDimensionData
        bands = [{"instrument": INSTRUMENT, "name": f"{b}_57", "band": b} for b in "ugrizy"]
        insert("physical_filter", *bands)
        children: dict[str, list[str]] = {}
        above: list[str] = []
        for line in published():
            _make(origin, line)
            del above[line.depth :]
            if above:
                children.setdefault(above[-1], []).append(line.name)
            above.append(line.name)
        for chain, names in children.items():
            origin.collections.redefine_chain(chain, names)
        world.add_skymap(origin, SKYMAP.stem, yaml.safe_load(SKYMAP.read_text())["hash"])


def _make(origin: Butler, line: Line) -> None:
    if line.type == "CALIBRATION":
        _certify(origin, line.name)
    elif line.name in BESIDE:
        of = BESIDE[line.name]
        add_datasets(origin, line.name, of.dataset_type, of.dimensions, of.data_ids, of.storage_class)
    elif line.name.endswith("/unbounded"):
        camera = [{"instrument": INSTRUMENT}]
        add_datasets(origin, line.name, "camera", ["instrument"], camera, "Camera", is_calibration=True)
    else:
        origin.collections.register(line.name, CollectionType[line.type])


def _certify(origin: Butler, collection: str) -> None:
    """Make a certified collection; its name says of what."""
    last = collection.rpartition("/")[2]
    # That of the curated calibrations has no type in its name.
    dataset_type = re.split(r"[-.]", last)[0] if "." in last else "crosstalk"
    dimensions = ["instrument", "detector"]
    data_ids: list[dict[str, Any]] = [{"instrument": INSTRUMENT, "detector": n} for n in DETECTORS]
    if dataset_type in {"flat", "illuminationCorrection"}:
        dimensions.append("physical_filter")
        band = BAND.match(last)
        for data_id in data_ids:
            data_id["physical_filter"] = f"{band[1] if band else 'r'}_57"
    refs = add_datasets(
        origin,
        f"{collection}/run",
        dataset_type,
        dimensions,
        data_ids,
        CALIBRATIONS[dataset_type],
        is_calibration=True,
    )
    origin.collections.register(collection, CollectionType.CALIBRATION)
    origin.registry.certify(collection, refs, world.timespan(world.SINCE_2024))


def declare(tree: Tree, **settings: Any) -> None:
    """Take all that the project declares, with two butlers that are here."""
    shutil.copytree(ROOT / "state", tree.state)
    (tree.state / "sites/frdf.yaml").write_text(FACILITY)
    for chain in ("LSSTComCam-DP1", "LSSTComCam-fgcmcal"):
        file = tree.state / f"chains/{chain}.yaml"
        file.write_text(file.read_text().replace("only: [usdf/main]", "only: [usdf/main, frdf]"))
    # Readings are of other cameras, and their stores are not here.
    shutil.rmtree(tree.state / "sources")
    tree.settings(**settings)
    _replace(tree, "usdf", "butler: /repo/main", "butler: ../../repo/usdf-main")
    _replace(tree, "frdf", r"butler: davs://\S+", "butler: ../../repo/frdf-ccms1")


def declare_copied(tree: Tree) -> None:
    """Take it, but have all copied, the files of catalogues too."""
    declare(tree)
    for site in ("frdf", "summit", "bts"):
        _replace(tree, site, r"route:\n *by: rucio\n *rse: .*\n *prefix: .*\n", "route: copy\n")
    for ticket in (tree.state / "tickets/any").iterdir():
        lines = ticket.read_text().splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith("bundles:")]
        assert len(kept) == len(lines) - 1
        ticket.write_text("".join(kept))


def _replace(tree: Tree, site: str, pattern: str, text: str) -> None:
    file = tree.state / "sites" / f"{site}.yaml"
    changed, number = re.subn(pattern, text, file.read_text())
    assert number == 1, pattern
    file.write_text(changed)


def make_facility(folder: Path) -> None:
    """Make an empty repository, in which others have begun their part."""
    Butler.makeRepo(str(folder))
    with Butler.from_config(str(folder), writeable=True) as facility:
        for line in published():
            if line.is_by_others:
                facility.collections.register(line.name, CollectionType[line.type])


@pytest.fixture
def copied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Sites]:
    """Return an origin as published, and a facility that copies from it."""
    tree = Tree(tmp_path / "world")
    declare_copied(tree)
    make_origin(tree.repository(ORIGIN))
    make_facility(tree.repository(FRDF))
    # What is proposed is everything but the sites.
    git = ("git", "-C", str(tree.state), "-c", "user.name=nobody", "-c", "user.email=nobody@example.org")
    for words in (("init", "-q"), ("add", "calibstate.yaml", "sites"), ("commit", "-q", "-m", "Begin")):
        subprocess.run([*git, *words], check=True)
    with closing(Sites(tree, capsys)) as made:
        yield made


@pytest.fixture
def carried(rucio_site: RucioSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Sites]:
    """Return the same, but as it is declared: Rucio carries to it."""
    scope = f"dp1-{uuid4().hex[:8]}"
    rucio_site.add_scope(scope)
    arrives_at = Rse.in_folder(RSE, tmp_path / RSE)
    rucio_site.add_rse(arrives_at)
    origin = rucio_site.rses[ORIGIN_RSE]
    tree = Tree(tmp_path / "world")
    declared = {
        "scope": scope,
        "origin_rse": origin.name,
        "rse_root": str(origin.folder),
        "dtn_url": origin.url,
    }
    declare(tree, rucio=declared)
    _replace(tree, "frdf", r"prefix: davs://\S+", f"prefix: {arrives_at.folder}/{scope}")
    make_origin(tree.repository(ORIGIN), rucio_site.storage(ORIGIN_RSE, scope))
    make_facility(tree.repository(FRDF))
    with closing(Sites(tree, capsys)) as made:
        yield made
        rucio_site.rses.pop(RSE)


THESE = ("--repository", ORIGIN, "--repository", FRDF)
"""The others that are declared are not here."""


def assert_as_published(sites: Sites) -> None:
    """Compare both repositories with what is printed, and with each other."""
    printed = table(PUBLISHED.read_text())
    declared = sites.run("show", FRDF).out
    assert [line.name for line in published() if line.name not in declared] == []
    found = []
    for address in (ORIGIN, FRDF):
        folder = str(sites.path(address))
        # Chain for chain, and RUN for RUN.
        assert table(butler("query-collections", "--chains=tree", folder, DEFAULTS)) == printed
        found.append(butler("query-datasets", folder, "--collections", DEFAULTS, "--limit", "0"))
    assert found[0] == found[1]
    types = {line.split()[0] for line in found[0].splitlines() if re.search(r"[0-9a-f]{8}-", line)}
    assert types == {*CALIBRATIONS, "camera", *(beside.dataset_type for beside in BESIDE.values())}
    assert sites.without_file(FRDF) == []


def assert_in_sync(sites: Sites) -> None:
    again = sites.run("plan", *THESE)
    assert again.code == 0, again.err
    assert again.out.startswith("In sync: nothing to do; looked at 2 of 13 repositories")
    assert sites.run("drift", "--files", *THESE).code == 0
    status = sites.run("status", *THESE)
    assert status.code == 0
    assert status.out.endswith("15 tickets at 2 of 13 repositories (--repository): 30 searched.\n")


def test_the_published_chain_comes_to_an_empty_facility_as_it_is(copied: Sites) -> None:
    reported = copied.run("report")
    assert reported.code == 0, reported.err
    assert "  + refcats a new chain at frdf/ccms1 and usdf/main: DM-46370, DM-49042" in reported.out
    plan = copied.run("plan", *THESE, "--format", "json").json
    assert {step["target"]["place"] for step in plan["steps"]} == {"archive", FRDF}

    done = copied.apply(*THESE)

    assert done.code == 0, done.out + done.err
    assert_as_published(copied)
    assert_in_sync(copied)


@pytest.mark.slow
def test_rucio_brings_it_and_the_archive_needs_no_file_of_a_catalogue(
    carried: Sites, rucio_site: RucioSite
) -> None:
    assert carried.apply(*THESE).code == 4
    rucio_site.drain()
    done = carried.apply(*THESE)

    assert done.code == 0, done.out + done.err
    assert_as_published(carried)
    assert_in_sync(carried)
    bundles = carried.tree.folder / "archive" / "any"
    assert {file.name for file in bundles.rglob("*") if file.is_file()} == {"export.yaml", "manifest.json"}
