"""What the stock tools do badly, or say nothing of, met by our commands.

Each test is a way in which a repository or a bundle was found to break under
the stock tools.  Other such ways are tried in ``lost_test.py`` (what was
removed), ``conflict_test.py`` (what contradicts), ``chain_test.py`` (search
orders), ``killed_test.py`` (writers that died), ``twice_test.py`` (repeated
imports), ``silent_test.py`` (what hangs) and ``bad_input_test.py`` (what
cannot be opened).
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from lsst.daf.butler import Butler, DataCoordinate, DatasetRef, DatasetType, FileDataset
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from calibstate.model.timespans import UNBOUNDED
from tests import world
from tests.calibrations import dataset_uuid
from tests.commands import stock
from tests.commands.sites import EMBARGO, INSTRUMENT, ORIGIN, SUMMIT, TOP, Sites
from tests.services.postgres import Postgres
from tests.tree import Ran

LEAF = f"{TOP}/DM-1/bias.20240101a"
RUN = f"{LEAF}.run"
SPOT: dict[str, int | str] = {"instrument": INSTRUMENT, "detector": 0}
BIAS = dataset_uuid(RUN, "bias", SPOT)


def assert_told(ran: Ran, code: int, *words: str) -> None:
    said = " ".join((ran.out + ran.err).split())
    assert ran.code == code, said
    for never in ("Traceback", "Unexpected error", "sqlalchemy", "s3cret"):
        assert never not in said
    for word in words:
        assert word in said


def the_others_answered(ran: Ran) -> bool:
    said = ran.out + ran.err
    return not any(f"{place}: it did not answer" in said for place in (EMBARGO, ORIGIN, "archive"))


def assert_others_are_whole(sites: Sites) -> None:
    assert sites.chain(EMBARGO) == sites.chain(ORIGIN)
    assert sites.certifications(EMBARGO) == sites.certifications(ORIGIN)


def held(sites: Sites, address: str) -> tuple[Any, ...]:
    """Return all that somebody could lose there."""
    return sites.certifications(address), sites.files(address), sites.without_file(address)


# --- a destination where something else has the place ---


def plant(butler: Butler, run: str, uuid: UUID, detector: int = 0) -> None:
    """Record a bias under an id of somebody's choice, with its file."""
    type_ = world.add_type(butler, "bias")
    butler.collections.register(run)
    coordinate = DataCoordinate.standardize(
        instrument=INSTRUMENT, detector=detector, dimensions=type_.dimensions
    )
    (root,) = butler.get_datastore_roots().values()
    assert root is not None
    file = root.join(f"planted/{uuid}.fits")
    file.parent().mkdir()
    file.write(b"somebody's")
    ref = DatasetRef(type_, coordinate, run=run, id=uuid)
    butler.ingest(FileDataset(f"planted/{uuid}.fits", [ref], formatter=world.STAND_IN), transfer=None)


def _same_id_of_another_data_id(butler: Butler) -> None:
    plant(butler, RUN, BIAS, detector=1)


def _same_id_in_another_run(butler: Butler) -> None:
    plant(butler, "u/somebody/run", BIAS)


def _another_id_at_the_same_spot(butler: Butler) -> None:
    plant(butler, RUN, UUID(int=1))


def _redefine(butler: Butler, storage_class: str, *, calibration: bool) -> None:
    dimensions = butler.dimensions.conform(("instrument", "detector"))
    butler.registry.registerDatasetType(
        DatasetType("bias", dimensions, storage_class, isCalibration=calibration)
    )


def _another_storage_class(butler: Butler) -> None:
    _redefine(butler, "StructuredDataDict", calibration=True)


def _no_calibration(butler: Butler) -> None:
    _redefine(butler, world.TYPES["bias"][1], calibration=False)


def _another_calibration_of_that_time(butler: Butler) -> None:
    world.add_calibration(butler, LEAF, "bias", world.SINCE_2024, run="u/somebody/run")


TAKEN: dict[Callable[[Butler], None], tuple[str, ...]] = {
    _same_id_of_another_data_id: (str(BIAS),),
    _same_id_in_another_run: (str(BIAS), "u/somebody/run"),
    _another_id_at_the_same_spot: (str(UUID(int=1)),),
    _another_storage_class: ("bias", "StructuredDataDict"),
    _no_calibration: ("bias", "isCalibration"),
    _another_calibration_of_that_time: (LEAF,),
}


@pytest.mark.parametrize(
    "spoil",
    [
        _another_id_at_the_same_spot,
        *(
            pytest.param(one, marks=pytest.mark.slow)
            for one in TAKEN
            if one is not _another_id_at_the_same_spot
        ),
    ],
    ids=lambda spoil: spoil.__name__.strip("_"),
)
def test_what_has_the_place_of_a_ticket_is_told_and_kept(
    sites: Sites, spoil: Callable[[Butler], None]
) -> None:
    """Stock: an error of the database, at times after files were deleted."""
    with sites.butler(SUMMIT) as butler:
        spoil(butler)
    before = held(sites, SUMMIT)

    ran = sites.apply()

    assert_told(ran, 3, "DM-1", *TAKEN[spoil])
    after = held(sites, SUMMIT)
    assert set(after[0]) >= set(before[0])
    assert after[1].items() >= before[1].items()
    assert f"{TOP}/DM-1" not in (sites.chain(SUMMIT) if sites.has(SUMMIT, TOP) else ())
    assert sites.leftovers() == []
    assert_others_are_whole(sites)


# --- files in the way ---


def test_an_orphan_with_the_right_bytes_is_taken_as_it_is(sites: Sites) -> None:
    """As a killed stock import leaves it."""
    shutil.copytree(sites.path(ORIGIN) / TOP, sites.path(SUMMIT) / TOP)
    files = sites.files(SUMMIT)
    assert files

    assert_told(sites.apply(), 0)

    assert sites.files(SUMMIT) == files == sites.files(ORIGIN)
    assert sites.certifications(SUMMIT) == sites.certifications(ORIGIN)


def test_an_orphan_with_other_bytes_is_told_and_never_overwritten(sites: Sites) -> None:
    """Stock: overwritten without a word."""
    path = next(path for path in sites.files(ORIGIN) if "DM-1/bias" in path)
    orphan = sites.path(SUMMIT) / path
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"somebody's only copy")

    ran = sites.apply()

    assert_told(ran, 3, path)
    assert orphan.read_bytes() == b"somebody's only copy"
    assert sites.of_ticket(SUMMIT, "DM-1") == []
    assert sites.of_ticket(SUMMIT, "DM-2") == sites.of_ticket(ORIGIN, "DM-2")
    assert_others_are_whole(sites)
    orphan.unlink()
    assert_told(sites.apply(), 0)
    assert sites.certifications(SUMMIT) == sites.certifications(ORIGIN)


# --- bundles that were spoilt in the archive ---


def _missing(file: Path) -> None:
    file.unlink()


def _cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def _altered(file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(bytes([data[0] ^ 1]) + data[1:])


def _empty(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize(
    "spoil", [_altered, *(pytest.param(one, marks=pytest.mark.slow) for one in (_missing, _cut_off, _empty))]
)
def test_a_file_of_a_bundle_that_is_not_as_sealed_keeps_its_ticket_away(
    sites: Sites, spoil: Callable[[Path], None]
) -> None:
    """Stock: collections and chains without datasets stay behind."""
    assert sites.apply("--repository", EMBARGO, "--repository", ORIGIN).code == 0
    file = sites.bundled_files("DM-1")[-1]
    right = file.read_bytes()
    spoil(file)

    ran = sites.apply()

    assert_told(ran, 3, "DM-1", file.name)
    assert sites.of_ticket(SUMMIT, "DM-1") == []
    assert not sites.has(SUMMIT, f"{TOP}/DM-1")
    assert sites.of_ticket(SUMMIT, "DM-2") == sites.of_ticket(ORIGIN, "DM-2")
    assert sites.leftovers() == sites.without_file(SUMMIT) == []
    file.write_bytes(right)
    assert_told(sites.apply(), 0)
    assert sites.certifications(SUMMIT) == sites.certifications(ORIGIN)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (r"^version: .*$", "version: 1.1.0", "version"),
        pytest.param(
            r"^universe_namespace: .*$", "universe_namespace: others", "others", marks=pytest.mark.slow
        ),
    ],
    ids=["of a newer format", "of another universe"],
)
def test_an_export_that_cannot_be_understood_keeps_its_ticket_away(
    sites: Sites, old: str, new: str, words: str
) -> None:
    assert sites.apply("--repository", EMBARGO, "--repository", ORIGIN).code == 0
    export = sites.bundle("DM-1") / "export.yaml"
    changed = re.sub(old, new, export.read_text(), flags=re.MULTILINE)
    assert changed != export.read_text()
    export.write_text(changed)
    manifest = export.with_name("manifest.json")
    said = json.loads(manifest.read_text())
    # As of before, when nothing held the export to its manifest.
    manifest.write_text(json.dumps({**said, "export": None, "reading": None}))

    assert_told(sites.apply(), 3, "DM-1", words)

    assert not sites.has(SUMMIT, LEAF)
    assert sites.of_ticket(SUMMIT, "DM-2") == sites.of_ticket(ORIGIN, "DM-2")


# --- half a ticket ---


@pytest.mark.slow
def test_collections_without_datasets_are_no_ticket_and_are_filled(sites: Sites) -> None:
    """As a stock import leaves them that was killed before its transaction."""
    leaves = [f"{TOP}/DM-1/{leaf}" for leaf in ("bias.20240101a", "flat.20240101a")]
    with sites.butler(SUMMIT) as butler:
        for leaf in leaves:
            butler.collections.register(leaf, CollectionType.CALIBRATION)
            butler.collections.register(f"{leaf}.run")
        world.add_chain(butler, f"{TOP}/DM-1", leaves)
        world.add_chain(butler, TOP, [f"{TOP}/DM-1"])

    drift = sites.run("drift", "--format", "json")

    assert drift.code == 2
    missing = {d["subject"] for d in drift.json["drift"] if d["target"]["place"] == SUMMIT}
    assert {*leaves} <= missing
    assert_told(sites.apply(), 0)
    assert sites.chain(SUMMIT) == sites.chain(ORIGIN)
    assert sites.certifications(SUMMIT) == sites.certifications(ORIGIN)


def test_datasets_that_are_recorded_and_nowhere_certified_are_certified_once(deployed: Sites) -> None:
    """As a stock import leaves them that was killed after its transaction."""
    with deployed.butler(SUMMIT) as butler:
        butler.registry.decertify(LEAF, "bias", world.timespan(UNBOUNDED))
    files = deployed.snapshot("repo/summit-LSSTComCam/LSSTComCam")

    assert_told(deployed.apply(), 0)

    rows = deployed.of_ticket(SUMMIT, "DM-1")
    assert rows == deployed.of_ticket(ORIGIN, "DM-1")
    assert len(rows) == len(set(rows))
    assert deployed.snapshot("repo/summit-LSSTComCam/LSSTComCam") == files


@pytest.mark.slow
def test_a_bare_run_that_was_removed_with_its_links_is_restored_at_its_place(sites: Sites) -> None:
    """Stock: gone from every chain without a word."""
    run = f"{TOP}/DM-9/unbounded"
    with sites.butler(ORIGIN) as butler:
        world.add_run(butler, run, "bias", formatter=world.STAND_IN)
    sites.tree.ticket("DM-9", bare=[run])
    sites.tree.chain(["DM-2", "DM-9", "DM-1"])
    assert_told(sites.apply(), 0)
    before = sites.chain(SUMMIT)
    assert before == (f"{TOP}/DM-2", run, f"{TOP}/DM-1")
    with sites.butler(SUMMIT) as butler:
        butler.removeRuns([run], unlink_from_chains=True)
    assert sites.chain(SUMMIT) == (f"{TOP}/DM-2", f"{TOP}/DM-1")

    assert_told(sites.apply(), 0)

    assert sites.chain(SUMMIT) == before
    assert sites.files(SUMMIT) == sites.files(ORIGIN)


# --- databases ---


def test_who_writes_elsewhere_in_a_database_keeps_nobody_from_looking(deployed: Sites) -> None:
    """Stock: readers pass, writers wait for 300 s."""
    stock.remove_runs(deployed.path(SUMMIT), RUN)
    with closing(sqlite3.connect(deployed.path(SUMMIT) / "gen3.sqlite3", isolation_level=None)) as somebody:
        somebody.execute("BEGIN IMMEDIATE")
        before = held(deployed, SUMMIT)
        ran, _ = deployed.run_with_limit("plan", until=lambda ran: ran.code == 2)
        assert_told(ran, 2, RUN.removesuffix(".run"))
        ran, _ = deployed.run_with_limit("apply", "--yes", until=the_others_answered)
        assert_told(ran, 1, SUMMIT)
        assert held(deployed, SUMMIT)[0] == before[0]
    assert_told(deployed.apply(), 0)
    assert deployed.certifications(SUMMIT) == deployed.certifications(ORIGIN)
    assert deployed.without_file(SUMMIT) == []


def database_of(sites: Sites, address: str, **registry: str) -> None:
    file = sites.path(address) / "butler.yaml"
    said = yaml.safe_load(file.read_text())
    said["registry"].update(registry)
    file.write_text(yaml.safe_dump(said))


def assert_only_the_summit_is_unreachable(sites: Sites, *words: str) -> None:
    assert_told(sites.apply(), 1, f"unreachable {SUMMIT}", *words)
    assert_others_are_whole(sites)


@pytest.mark.parametrize(
    ("user", "database"),
    [("unknown_role", None), pytest.param(None, "no_such_database", marks=pytest.mark.slow)],
    ids=["role", "database"],
)
def test_a_role_or_a_database_that_is_not_there_is_told(
    sites: Sites, postgres: Postgres, user: str | None, database: str | None
) -> None:
    server, _, name = postgres.url.rpartition("/")
    url = f"{server}/{database or name}"
    database_of(sites, SUMMIT, db=url.replace("//calib@", f"//{user}@") if user else url)
    assert_only_the_summit_is_unreachable(sites, database or user or "")


def test_a_database_without_the_extension_of_the_butler_is_told(sites: Sites, postgres: Postgres) -> None:
    server = postgres.url.rpartition("/")[0]
    Postgres(f"{server}/postgres").execute("CREATE DATABASE plain")
    try:
        database_of(sites, SUMMIT, db=f"{server}/plain")
        assert_only_the_summit_is_unreachable(sites, "btree_gist")
    finally:
        Postgres(f"{server}/postgres").execute("DROP DATABASE plain WITH (FORCE)")


def test_a_file_of_passwords_that_others_can_read_is_told(
    sites: Sites, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords = sites.tree.folder / "db-auth.yaml"
    passwords.write_text(f"- {{url: '{postgres.url}', username: calib, password: s3cret}}\n")
    passwords.chmod(0o644)
    monkeypatch.setenv("LSST_DB_AUTH", str(passwords))
    database_of(sites, SUMMIT, db=postgres.url.replace("//calib@", "//"))
    assert_only_the_summit_is_unreachable(sites, "db-auth.yaml has incorrect permissions")
