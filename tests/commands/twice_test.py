"""Doing it twice: the stock import loses files, ours has nothing to do."""

from __future__ import annotations

import pytest

from tests.commands import stock
from tests.commands.sites import EMBARGO, INSTRUMENT, ORIGIN, SUMMIT, TOP, Sites

COPIES = (EMBARGO, SUMMIT)


def test_a_second_stock_import_loses_every_file(sites: Sites) -> None:
    export = sites.tree.folder / "export"
    stock.export_calibs(sites.path(ORIGIN), export, f"{TOP}/DM-1")
    stock.import_(sites.path(EMBARGO), export)
    assert len(sites.files(EMBARGO)) == 12

    with pytest.raises(Exception, match="UNIQUE constraint failed"):
        stock.import_(sites.path(EMBARGO), export)

    assert sites.files(EMBARGO) == {}
    assert len(sites.without_file(EMBARGO)) == 12


@pytest.mark.slow
def test_what_is_applied_is_what_the_origin_holds(sites: Sites) -> None:
    ran = sites.apply()

    assert ran.code == 0
    for address in COPIES:
        assert sites.certifications(address) == sites.certifications(ORIGIN)
        assert sites.files(address) == sites.files(ORIGIN)
        assert sites.without_file(address) == []
        assert sites.chain(address) == (f"{TOP}/DM-2", f"{TOP}/DM-1")
        for ticket in ("DM-1", "DM-2"):
            assert sites.chain(address, f"{TOP}/{ticket}") == sites.chain(ORIGIN, f"{TOP}/{ticket}")
    assert sites.leftovers() == []
    assert sites.locks() == []


def test_a_second_apply_writes_nothing(sites: Sites) -> None:
    assert sites.apply().code == 0
    before = sites.snapshot()

    again = sites.apply()

    assert again.code == 0
    assert "nothing to do" in again.out
    assert sites.snapshot() == before
    assert sites.files(EMBARGO) == sites.files(ORIGIN)


@pytest.mark.slow
def test_a_plan_that_was_applied_already_writes_nothing_to_a_place(sites: Sites) -> None:
    plan = str(sites.tree.folder / "plan.json")
    assert sites.run("plan", "-o", plan).code == 2
    assert sites.apply(plan).code == 0
    before = sites.snapshot("repo", "archive")

    again = sites.apply(plan)

    assert again.code == 0
    assert sites.snapshot("repo", "archive") == before


def test_after_an_apply_there_is_no_drift_and_nothing_to_plan(deployed: Sites) -> None:
    assert deployed.run("drift", "--files").code == 0
    plan = deployed.run("plan", "--format", "json")
    assert (plan.code, plan.json["steps"], plan.json["drift"]) == (0, [], [])


def test_a_second_apply_is_safe_where_the_stock_import_was_the_first(sites: Sites) -> None:
    export = sites.tree.folder / "export"
    stock.export_calibs(sites.path(ORIGIN), export, f"{TOP}/DM-1")
    stock.import_(sites.path(EMBARGO), export)

    assert sites.apply("--repository", EMBARGO, "--repository", ORIGIN).code == 0

    assert sites.certifications(EMBARGO) == sites.certifications(ORIGIN)
    assert sites.files(EMBARGO) == sites.files(ORIGIN)


def test_apply_mends_what_a_second_stock_import_has_lost(sites: Sites) -> None:
    assert sites.apply().code == 0
    with pytest.raises(Exception, match="UNIQUE constraint failed"):
        stock.import_(sites.path(EMBARGO), sites.bundle("DM-1"))
    assert len(sites.without_file(EMBARGO)) == 12

    drift = sites.run("drift", "--files")
    assert drift.code == 2
    assert f"the files of 8 are gone: flat detector=0,instrument={INSTRUMENT}" in drift.out
    assert sites.apply("--files").code == 0

    assert sites.files(EMBARGO) == sites.files(ORIGIN)
    assert sites.without_file(EMBARGO) == []
    assert sites.run("drift", "--files").code == 0


def test_the_stock_import_reads_a_bundle(sites: Sites) -> None:
    """Into an empty repository it brings the same collections."""
    assert sites.apply("--repository", ORIGIN).code == 0
    for ticket in ("DM-1", "DM-2"):
        stock.import_(sites.path(SUMMIT), sites.bundle(ticket))

    assert sites.certifications(SUMMIT) == sites.certifications(ORIGIN)
    assert sites.chain(SUMMIT, f"{TOP}/DM-1") == sites.chain(ORIGIN, f"{TOP}/DM-1")
    assert not sites.has(SUMMIT, TOP)
