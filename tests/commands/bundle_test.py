"""A damaged bundle: it stops its own ticket before anything is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands import stock
from tests.commands.sites import EMBARGO, ORIGIN, SUMMIT, TOP, Sites


@pytest.fixture
def archived(sites: Sites) -> Sites:
    """Return sites whose tickets are in the archive and nowhere else."""
    assert sites.apply("--repository", ORIGIN).code == 0
    return sites


def lose(file: Path) -> None:
    file.unlink()


def alter(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def shorten(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


@pytest.mark.parametrize("damage", [lose, alter, pytest.param(shorten, marks=pytest.mark.slow)])
def test_a_damaged_bundle_stops_its_ticket_and_no_other(archived: Sites, damage: object) -> None:
    assert callable(damage)
    file = archived.bundled_files("DM-1")[5]
    intact = file.read_bytes()
    damage(file)

    ran = archived.apply()

    assert ran.code == 3
    assert file.name in ran.out
    assert "missing" in ran.out if damage is lose else "altered" in ran.out
    for address in (EMBARGO, SUMMIT):
        assert archived.of_ticket(address, "DM-1") == []
        assert not [path for path in archived.files(address) if "DM-1" in path]
        assert not archived.has(address, f"{TOP}/DM-1")
        assert not archived.has(address, f"{TOP}/DM-1/bias.20240101a.run")
        assert archived.of_ticket(address, "DM-2") == archived.of_ticket(ORIGIN, "DM-2")
        assert archived.chain(address) == (f"{TOP}/DM-2",)
    assert archived.leftovers() == []

    file.write_bytes(intact)
    again = archived.apply()

    assert again.code == 0
    for address in (EMBARGO, SUMMIT):
        assert archived.certifications(address) == archived.certifications(ORIGIN)
        assert archived.files(address) == archived.files(ORIGIN)
        assert archived.chain(address) == (f"{TOP}/DM-2", f"{TOP}/DM-1")
    assert archived.run("drift", "--files").code == 0


def test_a_damaged_bundle_writes_nothing_to_a_repository_that_needs_it_alone(archived: Sites) -> None:
    lose(archived.bundled_files("DM-2")[0])
    assert archived.apply("--ticket", "DM-1").code == 0
    before = archived.snapshot("repo", "archive")

    assert archived.apply().code == 3

    assert archived.snapshot("repo", "archive") == before


def test_a_stock_import_with_a_file_missing_leaves_half_a_ticket(archived: Sites) -> None:
    bundle = archived.bundle("DM-1")
    lose(archived.bundled_files("DM-1")[5])

    with pytest.raises(FileNotFoundError):
        stock.import_(archived.path(SUMMIT), bundle)

    assert archived.chain(SUMMIT, f"{TOP}/DM-1") == archived.chain(ORIGIN, f"{TOP}/DM-1")
    assert archived.of_ticket(SUMMIT, "DM-1") == []


def test_a_stock_import_takes_an_altered_file_for_the_calibration(archived: Sites) -> None:
    file = archived.bundled_files("DM-1")[5]
    alter(file)

    stock.import_(archived.path(SUMMIT), archived.bundle("DM-1"))

    name = str(file.relative_to(archived.bundle("DM-1")))
    assert archived.files(SUMMIT)[name] != archived.files(ORIGIN)[name]


@pytest.mark.slow
def test_a_bundle_without_its_export_is_damaged(archived: Sites) -> None:
    export = archived.bundle("DM-1") / "export.yaml"
    text = export.read_text()
    export.unlink()

    ran = archived.apply()

    assert ran.code == 3
    assert "Bundle is damaged" in ran.out
    assert archived.chain(SUMMIT) == (f"{TOP}/DM-2",)

    export.write_text(text)
    assert archived.apply().code == 0
    assert archived.chain(SUMMIT) == (f"{TOP}/DM-2", f"{TOP}/DM-1")


@pytest.mark.slow
def test_a_bundle_without_its_export_stops_no_other_ticket_where_its_own_was_changed(deployed: Sites) -> None:
    """What its collection should hold cannot be told then."""
    with deployed.butler(SUMMIT) as butler:
        butler.removeRuns([f"{TOP}/DM-1/flat.20240101a.run"])
    deployed.make_ticket("DM-3")
    deployed.tree.chain(["DM-3", "DM-2", "DM-1"])
    (deployed.bundle("DM-1") / "export.yaml").unlink()

    assert deployed.run("drift").code == 2
    ran = deployed.apply()

    assert ran.code == 3
    assert "export.yaml is missing" in ran.out
    for address in (SUMMIT, EMBARGO):
        assert deployed.chain(address) == (f"{TOP}/DM-3", f"{TOP}/DM-2", f"{TOP}/DM-1")


def test_a_bundle_moved_away_is_made_anew_from_the_origin(archived: Sites) -> None:
    bundle = archived.bundle("DM-1")
    lose(archived.bundled_files("DM-1")[5])
    bundle.rename(bundle.with_name(f".{bundle.name}"))

    assert archived.apply().code == 0

    assert archived.files(SUMMIT) == archived.files(ORIGIN)


def test_a_fault_among_files_of_a_manifest_is_told_to_who_needs_them(archived: Sites) -> None:
    manifest = archived.bundle("DM-1") / "manifest.json"
    intact = manifest.read_text()
    spoiled = json.loads(intact)
    spoiled["files"][3]["path"] = "../../climbs.fits"
    manifest.write_text(json.dumps(spoiled, indent=1, sort_keys=True) + "\n")
    why = "the path '../../climbs.fits': it would climb out of the bundle"

    for looks in (("drift", "--files"), ("verify", "--archive"), ("verify",)):
        ran = archived.run(*looks)
        assert ran.code != 0, looks
        assert why in ran.out + ran.err, looks

    ran = archived.apply()
    assert ran.code == 3
    assert why in ran.out + ran.err
    assert archived.chain(SUMMIT) == (f"{TOP}/DM-2",)
    assert not archived.has(SUMMIT, f"{TOP}/DM-1/bias")

    manifest.write_text(intact)
    assert archived.apply().code == 0


@pytest.mark.slow
def test_an_unreadable_manifest_stops_its_ticket_and_no_other(archived: Sites) -> None:
    manifest = archived.bundle("DM-1") / "manifest.json"
    intact = manifest.read_text()
    manifest.write_text(intact[: len(intact) // 2])

    ran = archived.apply()

    assert ran.code == 3
    assert "manifest" in ran.out + ran.err
    assert archived.chain(SUMMIT) == (f"{TOP}/DM-2",)

    manifest.write_text(intact)
    assert archived.apply().code == 0
    assert archived.chain(SUMMIT) == (f"{TOP}/DM-2", f"{TOP}/DM-1")
