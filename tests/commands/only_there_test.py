"""What one repository alone has, and its origin skips, nobody waits for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.sites import ORIGIN, SUMMIT, TOP, Sites, add_ticket, make_sites

LEAVES = {"flat.20240301a": ("flat",)}


@pytest.fixture
def sites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Sites:
    """Return deployed sites; the summit has a ticket of its own, captured."""
    sites = make_sites(tmp_path, tickets=("DM-1",), detectors=1)
    sites = Sites(sites.tree, capsys)
    assert sites.run("apply", "--yes").code == 0
    with sites.butler(SUMMIT) as butler:
        add_ticket(butler, "DM-9", LEAVES)
        butler.collections.prepend_chain(TOP, f"{TOP}/DM-9")
    assert sites.run("capture", "summit", "LSSTComCam").code == 0
    return sites


def declare(sites: Sites, *skipping: str) -> None:
    sites.tree.ticket("DM-9", *LEAVES, skip=dict.fromkeys(skipping, "of the summit only"))


def test_where_all_others_skip_it_everything_is_in_sync_until_it_is_lost(sites: Sites) -> None:
    for command in ("drift", "plan", "status"):
        assert sites.run(command).code == 0
    assert "DM-9" not in sites.run("drift").out

    with sites.butler(SUMMIT) as butler:
        butler.collections.redefine_chain(TOP, [f"{TOP}/DM-1"])
        butler.collections.x_remove(f"{TOP}/DM-9")
        butler.collections.x_remove(f"{TOP}/DM-9/flat.20240301a")

    drift = sites.run("drift")
    assert drift.code == 4
    assert "DM-9" in drift.out


def test_whoever_wants_it_is_told_that_nobody_exports_it(sites: Sites) -> None:
    declare(sites, ORIGIN)

    drift = sites.run("drift")

    assert drift.code == 4
    assert f"its origin {ORIGIN} skips it, and exports nothing of it" in drift.out
