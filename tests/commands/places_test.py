"""The main job wherever the places are: SQLite or PostgreSQL, folder or S3.

What holds for one kind of place is to hold for every mixture of them; and a
place that is not there costs the others nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from lsst.daf.butler import Butler
from lsst.resources import ResourcePath

from tests import world
from tests.services.gateway import Gateway, gateway
from tests.services.moto import S3
from tests.tree import Tree

ORIGIN, COPY = "usdf/main", "summit/LSSTComCam"
INSTRUMENT = "LSSTComCam"
TOP = f"{INSTRUMENT}/calib"
LEAVES: dict[str, Any] = {
    "bias.20240101a": ("bias", world.IN_2024, world.IN_2025),
    "flat.20240101a": ("flat",),
}


@dataclass(frozen=True)
class Mixture:
    """Where each place is."""

    origin_database: str
    copy_database: str
    origin_files: str
    copy_files: str
    archive: str
    records: str

    def __str__(self) -> str:
        return "-".join(vars(self).values())


_DATABASE, _FILES = ("sqlite", "postgres"), ("folder", "s3")
_CHOICES = (_DATABASE, _DATABASE, _FILES, _FILES, _FILES, _FILES)

ALL = [Mixture(*chosen) for chosen in product(*_CHOICES)]


BY_DAY = ALL[-1]
"""Everything served; where everything is embedded most other tests work."""


def _parameters() -> list[Any]:
    return [pytest.param(m, id=str(m), marks=[] if m is BY_DAY else [pytest.mark.slow]) for m in ALL]


@dataclass(frozen=True)
class Yard:
    """Makes places of every kind, and looks at them."""

    folder: Path
    request: pytest.FixtureRequest

    @property
    def s3(self) -> S3:
        found: S3 = self.request.getfixturevalue("s3")
        return found

    def repository(self, tree: Tree, address: str, database: str, files: str) -> Butler:
        postgres = self.request.getfixturevalue("postgres") if database == "postgres" else None
        return world.make_repo(
            tree.repository(address),
            db=postgres.url if postgres else None,
            namespace=postgres.namespace() if postgres else None,
            datastore_root=f"{self.s3.bucket()}/datastore/" if files == "s3" else None,
            detectors=2,
        )

    def place(self, name: str, kind: str) -> str:
        return f"{self.s3.bucket(name)}/{name}" if kind == "s3" else f"../{name}"

    def objects(self, uri: str) -> dict[str, bytes]:
        """Return all files of a place by their paths."""
        root = ResourcePath(uri if "://" in uri else str(self.folder / uri[3:]), forceDirectory=True)
        if not root.exists() and not uri.startswith("s3://"):
            return {}
        files = (file for file in ResourcePath.findFileResources([root]))
        return {file.relative_to(root) or str(file): file.read() for file in files}


@pytest.fixture
def yard(tmp_path: Path, request: pytest.FixtureRequest) -> Yard:
    return Yard(tmp_path, request)


def declare(tree: Tree) -> None:
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    tree.site("summit", {"LSSTComCam": "copy"})
    tree.ticket("DM-1", *LEAVES)
    tree.ticket("DM-2", bare=[f"{TOP}/DM-2/dark", f"{TOP}/DM-2/unbounded"])
    tree.chain(["DM-2", "DM-1"])


def fill(origin: Butler) -> None:
    world.add_ticket(origin, INSTRUMENT, "DM-1", LEAVES)
    world.add_calibration(origin, f"{TOP}/DM-2/dark", "dark", world.SINCE_2024)
    world.add_run(origin, f"{TOP}/DM-2/unbounded", "camera")
    world.add_chain(origin, TOP, [f"{TOP}/DM-2/dark", f"{TOP}/DM-2/unbounded", f"{TOP}/DM-1"])


def make(yard: Yard, mixture: Mixture) -> Tree:
    tree = Tree(
        yard.folder,
        archive=yard.place("archive", mixture.archive),
        records=yard.place("records", mixture.records),
    )
    declare(tree)
    with yard.repository(tree, ORIGIN, mixture.origin_database, mixture.origin_files) as origin:
        fill(origin)
    yard.repository(tree, COPY, mixture.copy_database, mixture.copy_files).close()
    return tree


def held(tree: Tree, address: str) -> dict[str, Any]:
    """Return what a repository holds of the tickets, bytes included."""
    with Butler.from_config(str(tree.repository(address))) as butler:
        leaves = [f"{TOP}/DM-1/{leaf}" for leaf in LEAVES] + [f"{TOP}/DM-2/dark"]
        certified = sorted(
            (leaf, str(a.ref.id), a.ref.run, str(a.ref.dataId.required), a.timespan.nsec)
            for leaf in leaves
            for name in ("bias", "flat", "dark")
            for a in butler.registry.queryDatasetAssociations(name, leaf)
            if a.timespan
        )
        stored = {
            str(ref.id): butler.getURI(ref).read()
            for name in ("bias", "flat", "dark", "camera")
            for ref in butler.query_datasets(name, "*", find_first=False)
        }
        chains = {name: butler.collections.get_info(name).children for name in (TOP, f"{TOP}/DM-1")}
    return {"certified": certified, "stored": stored, "chains": chains}


@pytest.mark.parametrize("mixture", _parameters())
def test_the_main_job_is_the_same_everywhere(yard, mixture, capsys):
    tree = make(yard, mixture)
    codes = [tree.run(capsys, *command).code for command in (["validate"], ["drift"], ["plan"])]
    assert codes == [0, 2, 2]
    applied = tree.run(capsys, "apply", "--yes")
    assert applied.code == 0, applied.out + applied.err
    here = held(tree, ORIGIN)
    assert held(tree, COPY) == here
    assert len(here["certified"]) == 4 + 4 + 2
    assert len(here["stored"]) == 2 + 4 + 2 + 1
    archived = yard.objects(tree.archive)
    assert_complete(archived, here["stored"])
    assert tree.run(capsys, "plan").code == 0
    reviewed = tree.run(capsys, "verify", "--bytes")
    assert reviewed.code == 0, reviewed.out + reviewed.err
    again = tree.run(capsys, "apply", "--yes")
    assert (again.code, "In sync" in again.out) == (0, True)
    assert held(tree, COPY) == here
    assert yard.objects(tree.archive) == archived
    assert_no_lock_is_left(yard.objects(tree.records))


def assert_complete(archived: Mapping[str, bytes], stored: Mapping[str, bytes]) -> None:
    manifests = {
        name: yaml.safe_load(data) for name, data in archived.items() if name.endswith("manifest.json")
    }
    assert len(manifests) == 2
    told: dict[str, bytes] = {}
    for name, manifest in manifests.items():
        folder = name.removesuffix("manifest.json")
        for file in manifest["files"]:
            told |= dict.fromkeys(file["datasets"], archived[f"{folder}{file['path']}"])
    assert told == stored
    assert len(archived) == len(stored) + 2 * len(manifests)


def assert_no_lock_is_left(records: Mapping[str, bytes]) -> None:
    assert [name for name in records if name.startswith("journal")] != []
    # In a folder locks are swapped under a file of their own, which stays.
    assert {name for name in records if name.startswith("locks")} <= {"locks/.guard"}


# --- S3 fails in the middle ---

FILES_AND_TWO = (4 + 2) + 2
"""PUTs of the bundle of DM-1: its files, ``export.yaml``, the manifest."""


@pytest.fixture
def in_front_of_s3(s3: S3, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    with gateway(s3.endpoint) as opened:
        monkeypatch.setenv("S3_ENDPOINT_URL", opened.endpoint)
        yield opened


@pytest.fixture
def bucket_world(yard: Yard, in_front_of_s3: Gateway) -> Tree:
    """Return a world with archive and copy in S3."""
    tree = make(yard, Mixture("sqlite", "sqlite", "folder", "s3", "s3", "folder"))
    in_front_of_s3.puts.clear()
    return tree


def fail(opened: Gateway, part: str, number: int) -> None:
    """Refuse every PUT of a bucket from some number on."""
    counted: list[str] = []

    def refuses(key: str, _: int) -> bool:
        if not key.startswith(part):
            return False
        counted.append(key)
        return len(counted) > number

    opened.refuses = refuses


@pytest.mark.parametrize(
    "number",
    [*(pytest.param(number, marks=pytest.mark.slow) for number in (0, FILES_AND_TWO - 2)), FILES_AND_TWO - 1],
)
def test_a_bundle_in_s3_is_complete_or_absent(bucket_world, in_front_of_s3, yard, capsys, number):
    fail(in_front_of_s3, "archive", number)
    cut = bucket_world.run(capsys, "apply", "--yes", "--ticket", "DM-1")
    assert cut.code == 1
    assert "cannot be written" in cut.out
    archived = yard.objects(bucket_world.archive)
    assert not [name for name in archived if name.endswith("manifest.json")]
    assert len(archived) <= number
    assert bucket_world.run(capsys, "drift", "--ticket", "DM-1").code == 2

    in_front_of_s3.refuses = lambda key, _: False
    assert bucket_world.run(capsys, "apply", "--yes").code == 0
    assert_complete(yard.objects(bucket_world.archive), held(bucket_world, ORIGIN)["stored"])
    assert held(bucket_world, COPY) == held(bucket_world, ORIGIN)


@pytest.mark.parametrize("number", [pytest.param(0, marks=pytest.mark.slow), 4])
def test_an_import_into_s3_records_nothing_before_all_files_are_there(
    bucket_world, in_front_of_s3, capsys, number
):
    fail(in_front_of_s3, "bucket", number)
    cut = bucket_world.run(capsys, "apply", "--yes", "--ticket", "DM-1")
    assert cut.code == 1
    with Butler.from_config(str(bucket_world.repository(COPY))) as copy:
        assert not [
            t
            for t in copy.registry.queryDatasetTypes()
            if list(copy.registry.queryDatasets(t, collections=...))
        ]
        assert TOP not in copy.collections.query("*")

    in_front_of_s3.refuses = lambda key, _: False
    assert bucket_world.run(capsys, "apply", "--yes").code == 0
    assert held(bucket_world, COPY) == held(bucket_world, ORIGIN)


@pytest.mark.slow
def test_without_records_in_s3_nothing_is_written(yard, in_front_of_s3, capsys):
    tree = make(yard, Mixture("sqlite", "sqlite", "folder", "folder", "folder", "s3"))
    fail(in_front_of_s3, "records", 0)
    ran = tree.run(capsys, "apply", "--yes")
    assert ran.code == 1
    assert "Traceback" not in ran.err
    assert yard.objects(tree.archive) == {}
    in_front_of_s3.refuses = lambda key, _: False
    assert tree.run(capsys, "apply", "--yes").code == 0


# --- a place that is not there ---


@pytest.fixture
def nobody_listens() -> Iterator[int]:
    # Bound but not listening: nobody else gets the port, and it refuses.
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield int(bound.getsockname()[1])


def test_unreachable_places_cost_the_others_nothing(yard, capsys, nobody_listens):
    tree = Tree(yard.folder)
    declare(tree)
    tree.site("usdf", {"main": "origin", "embargo": "copy"})
    tree.site("bts", {"LSSTComCam": "copy"})
    tree.site("tts", {"LSSTComCam": "copy"})
    with yard.repository(tree, ORIGIN, "sqlite", "folder") as origin:
        world.clone(tree.repository(ORIGIN), tree.repository(COPY))
        world.clone(tree.repository(ORIGIN), tree.repository("usdf/embargo"))
        world.clone(tree.repository(ORIGIN), tree.repository("bts/LSSTComCam"))
        fill(origin)
    refuse(tree.repository("bts/LSSTComCam"), f"postgresql://calib:secret@127.0.0.1:{nobody_listens}/butler")

    planned = tree.run(capsys, "plan", "--format", "json")
    unseen = {d["subject"] for d in planned.json["drift"] if d["what"] == "unreachable"}
    assert (planned.code, unseen) == (1, {"bts/LSSTComCam", "tts/LSSTComCam"})
    assert {s["target"]["place"] for s in planned.json["steps"]} == {"archive", COPY, "usdf/embargo"}

    applied = tree.run(capsys, "apply", "--yes")
    assert applied.code == 1
    assert "unreachable" in applied.out
    assert "secret" not in applied.out + applied.err
    assert held(tree, COPY) == held(tree, "usdf/embargo") == held(tree, ORIGIN)
    assert tree.run(capsys, "plan", "--site", "summit", "--site", "usdf").code == 0


def test_what_was_unreachable_is_done_when_it_is_back(yard, capsys):
    tree = Tree(yard.folder)
    declare(tree)
    with yard.repository(tree, ORIGIN, "sqlite", "folder") as origin:
        world.clone(tree.repository(ORIGIN), yard.folder / "away")
        fill(origin)
    assert tree.run(capsys, "apply", "--yes").code == 1
    (yard.folder / "away").rename(tree.repository(COPY))
    assert tree.run(capsys, "apply", "--yes").code == 0
    assert held(tree, COPY) == held(tree, ORIGIN)


def test_without_the_origin_what_is_in_the_archive_is_deployed(yard, capsys):
    tree = Tree(yard.folder)
    declare(tree)
    tree.site("bts", {"LSSTComCam": "copy"})
    with yard.repository(tree, ORIGIN, "sqlite", "folder") as origin:
        for address in (COPY, "bts/LSSTComCam"):
            world.clone(tree.repository(ORIGIN), tree.repository(address))
        fill(origin)
    assert tree.run(capsys, "apply", "--yes", "--ticket", "DM-1", "--exclude", "bts").code == 0
    tree.repository(ORIGIN).rename(yard.folder / "away")

    applied = tree.run(capsys, "apply", "--yes")
    assert applied.code == 1
    assert "origin usdf/main could not be seen" in applied.out
    with Butler.from_config(str(tree.repository("bts/LSSTComCam"))) as bts:
        assert bts.collections.get_info(TOP).children == (f"{TOP}/DM-1",)


def refuse(repository: Path, database: str) -> None:
    """Have a repository ask a database that does not answer."""
    file = repository / "butler.yaml"
    said = yaml.safe_load(file.read_text())
    said["registry"]["db"] = database
    file.write_text(yaml.safe_dump(said))


# --- S3 that is not there ---


@pytest.mark.parametrize("place", ["archive", "records"])
def test_a_bucket_that_does_not_exist_is_told(yard, s3, capsys, place):
    tree = Tree(yard.folder, **{place: "s3://no-such-bucket/x"})
    declare(tree)
    with yard.repository(tree, ORIGIN, "sqlite", "folder") as origin:
        world.clone(tree.repository(ORIGIN), tree.repository(COPY))
        fill(origin)
    ran = tree.run(capsys, "apply", "--yes")
    assert ran.code == 1
    assert "no-such-bucket" in ran.out + ran.err
    assert "Traceback" not in ran.err
    with Butler.from_config(str(tree.repository(COPY))) as copy:
        assert not copy.collections.query("*")


@pytest.mark.slow  # The butler's client asks again for half a minute.
def test_a_datastore_that_does_not_answer_makes_its_repository_unreachable(
    yard, capsys, monkeypatch, nobody_listens
):
    tree = Tree(yard.folder)
    declare(tree)
    tree.site("bts", {"LSSTComCam": "copy"})
    with yard.repository(tree, ORIGIN, "sqlite", "folder") as origin:
        world.clone(tree.repository(ORIGIN), tree.repository("bts/LSSTComCam"))
        fill(origin)
    yard.repository(tree, COPY, "sqlite", "s3").close()
    assert tree.run(capsys, "apply", "--yes", "--ticket", "DM-1").code == 0

    monkeypatch.setenv("S3_ENDPOINT_URL", f"http://127.0.0.1:{nobody_listens}")
    ran = tree.run(capsys, "drift", "--files", "--format", "json")
    assert ran.code == 1
    assert {d["subject"] for d in ran.json["drift"] if d["what"] == "unreachable"} == {COPY}
    assert tree.run(capsys, "apply", "--yes").code == 1
    with Butler.from_config(str(tree.repository("bts/LSSTComCam"))) as bts:
        assert bts.collections.get_info(TOP).children == (
            f"{TOP}/DM-2/dark",
            f"{TOP}/DM-2/unbounded",
            f"{TOP}/DM-1",
        )
