"""What was lost behind certified collections is named and brought back."""

from __future__ import annotations

import shutil

import pytest
from lsst.daf.butler import Timespan

from tests import world
from tests.commands import stock
from tests.commands.sites import EMBARGO, INSTRUMENT, ORIGIN, SUMMIT, TOP, Sites

RUN = f"{TOP}/DM-2/flat.20240101a.run"
LEAF = f"{TOP}/DM-2/flat.20240101a"


@pytest.mark.parametrize("address", [SUMMIT, pytest.param(ORIGIN, marks=pytest.mark.slow)])
def test_a_run_deleted_behind_a_certified_collection_is_restored(deployed: Sites, address: str) -> None:
    """Stock: without a word an older calibration is found instead."""
    before = deployed.certifications(address)
    newest = deployed.found(address, "flat", detector=1, physical_filter="g_01")
    stock.remove_runs(deployed.path(address), RUN)
    older = deployed.found(address, "flat", detector=1, physical_filter="g_01")
    assert older not in {newest, None}
    assert len(deployed.certifications(address)) == len(before) - 8

    drift = deployed.run("drift", "--format", "json")
    assert drift.code == 2
    (lost,) = drift.json["drift"]
    assert (lost["target"]["place"], lost["what"], lost["subject"]) == (address, "missing", LEAF)
    named = deployed.run("plan")
    assert named.code == 2
    assert deployed.apply().code == 0

    assert deployed.certifications(address) == before
    assert deployed.found(address, "flat", detector=1, physical_filter="g_01") == newest
    for place in (ORIGIN, EMBARGO, SUMMIT):
        assert deployed.files(place) == deployed.files(ORIGIN)
        assert deployed.without_file(place) == []
    assert deployed.run("drift", "--files").code == 0
    assert deployed.leftovers() == []


def test_drift_names_the_datasets_that_are_gone(deployed: Sites) -> None:
    """Every one of few, and some of many."""
    with deployed.butler(SUMMIT) as butler:
        refs = sorted(butler.registry.queryDatasets("flat", collections=RUN))
        butler.pruneDatasets(refs[:2], disassociate=True, unstore=True, purge=True)

    drift = deployed.run("drift")

    assert drift.code == 2
    for detector, filter_ in ((0, "g_01"), (0, "r_03")):
        assert f"flat detector={detector},instrument={INSTRUMENT},physical_filter={filter_}" in drift.out
    assert "detector=1" not in drift.out
    assert "2 of 8 are gone" in drift.out


def test_a_deleted_run_is_named_dataset_by_dataset(deployed: Sites) -> None:
    stock.remove_runs(deployed.path(SUMMIT), RUN)

    drift = deployed.run("drift")

    assert "it holds none of 8: flat detector=0" in drift.out
    assert f"flat detector=1,instrument={INSTRUMENT},physical_filter=g_01" in drift.out


def test_datasets_that_the_datastore_forgot_are_restored(deployed: Sites) -> None:
    with deployed.butler(SUMMIT) as butler:
        refs = sorted(butler.registry.queryDatasets("flat", collections=RUN))
        butler.pruneDatasets(refs[:2], disassociate=False, unstore=True)
    assert deployed.found(SUMMIT, "flat", detector=0, physical_filter="g_01") == str(refs[0].id)

    drift = deployed.run("drift")
    assert drift.code == 2
    named = f"flat detector=0,instrument={INSTRUMENT},physical_filter=g_01"
    assert f"the datastore has no record of 2: {named}" in drift.out
    assert deployed.apply().code == 0

    assert deployed.files(SUMMIT) == deployed.files(ORIGIN)
    assert deployed.run("drift", "--files").code == 0


def test_lost_files_are_told_with_files_and_placed_again(deployed: Sites) -> None:
    path = next(iter(deployed.files(SUMMIT)))
    (deployed.path(SUMMIT) / path).unlink()

    assert deployed.run("drift").code == 0
    drift = deployed.run("drift", "--files")
    assert drift.code == 2
    assert "the files of 1 are gone: bias detector=0" in drift.out
    assert deployed.apply("--files").code == 0

    assert deployed.files(SUMMIT) == deployed.files(ORIGIN)


def test_an_altered_file_is_told_and_never_overwritten(deployed: Sites) -> None:
    path = deployed.path(SUMMIT) / next(iter(deployed.files(SUMMIT)))
    path.write_bytes(path.read_bytes() + b"x")
    altered = deployed.files(SUMMIT)

    drift = deployed.run("drift", "--files")
    ran = deployed.apply("--files")

    assert (drift.code, ran.code) == (2, 3)
    assert "another size: bias detector=0" in drift.out
    assert deployed.files(SUMMIT) == altered


def test_certifications_that_somebody_took_away_are_added_again(deployed: Sites) -> None:
    before = deployed.certifications(SUMMIT)
    with deployed.butler(SUMMIT) as butler:
        butler.registry.decertify(LEAF, "flat", Timespan(None, None))
    assert len(deployed.certifications(SUMMIT)) == len(before) - 8

    assert deployed.apply().code == 0

    assert deployed.certifications(SUMMIT) == before


def test_ranges_that_somebody_cut_are_told_and_left_alone(deployed: Sites) -> None:
    """A certified range cannot be widened."""
    with deployed.butler(SUMMIT) as butler:
        butler.registry.decertify(LEAF, "flat", world.timespan(world.IN_2024))
    cut = deployed.certifications(SUMMIT)

    drift, ran = deployed.run("drift"), deployed.apply()

    assert (drift.code, ran.code) == (2, 3)
    assert "it holds 16 that its bundle does not" in drift.out
    assert deployed.certifications(SUMMIT) == cut


def test_a_leaf_that_somebody_removed_is_restored(deployed: Sites) -> None:
    before = deployed.certifications(SUMMIT)
    with deployed.butler(SUMMIT) as butler:
        butler.collections.redefine_chain(f"{TOP}/DM-2", [f"{TOP}/DM-2/bias.20240101a"])
        butler.registry.removeCollection(LEAF)

    assert deployed.run("drift").code == 2
    assert deployed.apply().code == 0

    assert deployed.certifications(SUMMIT) == before
    assert deployed.chain(SUMMIT, f"{TOP}/DM-2") == deployed.chain(ORIGIN, f"{TOP}/DM-2")


def test_all_of_a_ticket_that_was_removed_is_restored_and_chained(deployed: Sites) -> None:
    before = deployed.certifications(SUMMIT)
    with deployed.butler(SUMMIT) as butler:
        butler.collections.redefine_chain(TOP, [f"{TOP}/DM-1"])
        butler.registry.removeCollection(f"{TOP}/DM-2")
        for leaf in ("bias.20240101a", "flat.20240101a"):
            butler.registry.removeCollection(f"{TOP}/DM-2/{leaf}")
            butler.removeRuns([f"{TOP}/DM-2/{leaf}.run"])
    assert not [path for path in deployed.files(SUMMIT) if "DM-2" in path]

    assert deployed.apply().code == 0

    assert deployed.certifications(SUMMIT) == before
    assert deployed.files(SUMMIT) == deployed.files(ORIGIN)
    assert deployed.chain(SUMMIT) == (f"{TOP}/DM-2", f"{TOP}/DM-1")


def test_a_repository_that_was_lost_is_made_whole_from_the_archive_alone(deployed: Sites) -> None:
    """Even if the origin cannot be seen any more."""
    expected = deployed.certifications(SUMMIT), deployed.files(SUMMIT), deployed.chain(SUMMIT)
    shutil.rmtree(deployed.path(SUMMIT))
    world.make_repo(deployed.path(SUMMIT)).close()
    deployed.path(ORIGIN).rename(deployed.path(ORIGIN).with_name("away"))

    ran = deployed.apply()

    assert ran.code == 1  # The origin could not be seen.
    assert (deployed.certifications(SUMMIT), deployed.files(SUMMIT), deployed.chain(SUMMIT)) == expected
