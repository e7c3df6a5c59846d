"""The right bytes are not enough: they must be read as they were sealed."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from lsst.daf.butler import Butler

from calibstate.store import bundle as texts
from tests import world
from tests.commands.sites import INSTRUMENT, ORIGIN, SUMMIT, TOP, Sites

YAML_FORMATTER = "lsst.daf.butler.formatters.yaml.YamlFormatter"
PICKLE = "lsst.daf.butler.formatters.pickle.PickleFormatter"

Edit = Callable[[str], str]

EDITS: dict[str, Edit] = {
    "formatter": lambda text: text.replace(world.STAND_IN, YAML_FORMATTER),
    "pickle": lambda text: text.replace(world.STAND_IN, PICKLE),
    "detector": lambda text: text.replace("full_name: R00_S01", "full_name: R99_S99"),
    "band": lambda text: text.replace("band: g", "band: y"),
    "storage class": lambda text: text.replace(
        "storage_class: ExposureF", "storage_class: StructuredDataDict"
    ),
    "calibration": lambda text: text.replace("is_calibration: true", "is_calibration: false"),
    "run": lambda text: text.replace("bias.20240101a.run", "bias.20240101b.run"),
    "namespace": lambda text: text.replace("universe_namespace: daf_butler", "universe_namespace: other"),
}


def export_of(sites: Sites, ticket: str = "DM-2") -> Path:
    return sites.bundle(ticket) / "export.yaml"


def edit(sites: Sites, change: Edit, *, manifest: bool) -> None:
    """Edit an export; with its manifest, so that the two agree."""
    file = export_of(sites)
    before = file.read_text()
    after = change(before)
    assert after != before
    file.write_text(after)
    if manifest:
        path = file.with_name("manifest.json")
        said = json.loads(path.read_text())
        leaves = [collection["name"] for collection in said["collections"]]
        said["export"] = hashlib.sha256(after.encode()).hexdigest()
        said["reading"] = texts.reading_of(texts.read_contents(after), leaves).model_dump()
        path.write_text(json.dumps(said))


def state_of(sites: Sites) -> tuple[object, object]:
    return sites.certifications(SUMMIT), sites.files(SUMMIT)


@pytest.fixture
def sealed(sites: Sites) -> Sites:
    """Return sites with both tickets sealed and archived; only that."""
    assert sites.run("seal", "DM-1", "DM-2").code == 0
    assert sites.run("apply", "--yes", "--repository", ORIGIN).code == 0
    return sites


@pytest.mark.parametrize("what", EDITS)
@pytest.mark.matrix(3)
def test_a_bundle_that_is_read_otherwise_than_sealed_is_refused(sealed: Sites, what: str) -> None:
    edit(sealed, EDITS[what], manifest=True)
    before = state_of(sealed)

    ran = sealed.run("apply", "--yes", "--repository", SUMMIT, "--ticket", "DM-2")

    assert ran.code == 3, ran.out + ran.err
    assert "DM-2" in ran.out + ran.err
    assert state_of(sealed) == before


def test_an_export_that_its_manifest_does_not_fit_is_refused_without_any_seal(sites: Sites) -> None:
    assert sites.run("apply", "--yes", "--repository", ORIGIN).code == 0
    edit(sites, EDITS["detector"], manifest=False)

    ran = sites.run("apply", "--yes", "--repository", SUMMIT, "--ticket", "DM-2")

    assert ran.code == 3
    assert "Export was altered" in ran.out + ran.err


def test_bookkeeping_that_was_not_sealed_makes_no_new_instrument(sealed: Sites) -> None:
    shutil.rmtree(sealed.path(SUMMIT))
    Butler.makeRepo(str(sealed.path(SUMMIT)))
    edit(sealed, lambda text: text.replace("tests.stand_ins.LSSTComCam", "evil.module.Camera"), manifest=True)

    ran = sealed.run("apply", "--yes", "--repository", SUMMIT, "--ticket", "DM-2")

    assert ran.code == 3, ran.out + ran.err
    assert "not as sealed" in ran.out + ran.err
    assert not sealed.seen(SUMMIT).query_dimension_records("instrument", explain=False)


def execute(sites: Sites, address: str, statement: str) -> None:
    with closing(sqlite3.connect(sites.path(address) / "gen3.sqlite3")) as database:
        assert database.execute(statement).rowcount > 0
        database.commit()


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE file_datastore_records SET formatter = '{YAML_FORMATTER}' WHERE path LIKE '%DM-2/bias%'",
        "UPDATE detector SET full_name = 'R99_S99' WHERE id = 1",
        "UPDATE physical_filter SET band = 'y' WHERE name = 'g_01'",
    ],
)
def test_what_a_repository_reads_otherwise_does_not_pass(deployed: Sites, statement: str) -> None:
    assert deployed.run("seal", "DM-2").code == 0
    execute(deployed, SUMMIT, statement)

    ran = deployed.run("verify", "--ticket", "DM-2", "--repository", SUMMIT)

    assert ran.code == 1
    assert "reading    failed" in ran.out


def test_bookkeeping_of_a_repository_passes(deployed: Sites) -> None:
    assert deployed.run("seal", "DM-2").code == 0
    execute(deployed, SUMMIT, "UPDATE instrument SET exposure_max = 5, class_name = 'x.Y', visit_system = 1")

    ran = deployed.run("verify", "--ticket", "DM-2", "--repository", SUMMIT)

    assert ran.code == 0, ran.out


def as_before(sites: Sites) -> str:
    """Make seal and bundle of DM-2 what they were before they covered it."""
    manifest = sites.bundle("DM-2") / "manifest.json"
    said = json.loads(manifest.read_text())
    del said["export"], said["reading"]
    manifest.write_text(json.dumps(said))
    seal = sites.tree.state / "seals" / INSTRUMENT / "DM-2.yaml"
    lines = [line for line in seal.read_text().splitlines() if not line.startswith("reading:")]
    said = yaml.safe_load("\n".join(lines))
    former = "sha256:" + hashlib.sha256(f"{said['fingerprint']}\n{said['content']}\n".encode()).hexdigest()
    seal.write_text("\n".join(lines).replace(said["digest"], former) + "\n")
    return former


def test_seals_and_bundles_of_before_stay_valid_and_are_told_of(sealed: Sites) -> None:
    former = as_before(sealed)
    approval = {"status": "adopted", "note": "approved before", "seal": former}
    leaves = ["bias.20240101a", "flat.20240101a"]
    sealed.tree.ticket("DM-2", *leaves, approval=approval)

    applied = sealed.run("apply", "--yes", "--repository", SUMMIT)
    verified = sealed.run("verify", "--ticket", "DM-2", "--repository", SUMMIT)
    renewed = sealed.run("seal", "DM-2")

    assert applied.code == 0, applied.out + applied.err
    assert verified.code == 0, verified.out
    assert "calibstate seal LSSTComCam/DM-2" in verified.out
    assert renewed.code == 0
    assert former not in renewed.out
    # What was approved before is approved still.
    assert sealed.run("plan", "--repository", SUMMIT).code == 0


def test_an_export_of_before_is_held_to_a_seal_that_covers_it(sealed: Sites) -> None:
    edit(sealed, EDITS["formatter"], manifest=False)
    manifest = sealed.bundle("DM-2") / "manifest.json"
    said = json.loads(manifest.read_text())
    del said["export"], said["reading"]
    manifest.write_text(json.dumps(said))

    ran = sealed.run("apply", "--yes", "--repository", SUMMIT, "--ticket", "DM-2")

    assert ran.code == 3
    assert "other formatters" in ran.out + ran.err


def test_a_class_that_is_not_allowed_is_not_even_imported(
    sites: Sites, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "evil_module.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"{TOP}/DM-3/bias.20240101a"
    with sites.butler(ORIGIN) as butler:
        world.add_calibration(butler, name, "bias", formatter=world.STAND_IN)
    execute(
        sites,
        ORIGIN,
        "UPDATE file_datastore_records SET formatter = 'evil_module.Evil' WHERE path LIKE '%DM-3%'",
    )
    sites.tree.ticket("DM-3", "bias.20240101a")
    sites.tree.chain(["DM-3", "DM-2", "DM-1"])

    sealed = sites.run("seal", "DM-3")
    planned = sites.run("plan", "--ticket", "DM-3")
    sites.run("apply", "--yes", "--ticket", "DM-3")
    sites.run("doctor")

    assert sealed.code == 3
    assert "Formatter class is not allowed" in sealed.err
    assert planned.code == 3, planned.out
    assert "evil_module.Evil" in planned.out
    assert not (tmp_path / "ran").exists()
    assert "evil_module" not in sys.modules
