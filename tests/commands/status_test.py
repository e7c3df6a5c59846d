"""Tickets against repositories: on real ones, in every format."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from calibstate.model.names import Place
from calibstate.model.status import Cell, Column, Row, State, Status, Subject, Table
from calibstate.views.status import as_text
from tests.commands.sites import EMBARGO, ORIGIN, SUMMIT, Sites
from tests.golden import Golden
from tests.tree import ROOT


@pytest.fixture(scope="module")
def various_once(sites_deployed_once: Sites, tmp_path_factory: pytest.TempPathFactory) -> Sites:
    """Return sites where somebody has left little as declared."""
    made = sites_deployed_once.copied_to(tmp_path_factory.mktemp("various") / "sites")
    made.make_ticket("DM-3", skip={"summit": "the camera left the summit"})
    made.make_ticket("DM-4", status="proposed")
    made.make_ticket("DM-5")
    tree = made.tree
    tree.chain(["DM-5", "DM-3", "DM-2", {"external": "refcats"}], retired={"DM-1": "striped at the edge"})
    extra = made.add_own(EMBARGO)
    made.change_chain(EMBARGO, lambda children: [extra, *children])
    made.change_chain(SUMMIT, lambda children: children[1:])
    made.change_chain(ORIGIN, lambda children: children[:1])
    tree.site("summit", {"LSSTComCam": "copy"}, hold="the camera is being opened")
    made.close()
    return made


@pytest.fixture
def various(various_once: Sites, capsys: pytest.CaptureFixture[str]) -> Sites:
    """Return the same sites, of which nothing here changes anything."""
    return replace(various_once, capsys=capsys)


def masked(sites: Sites, printed: str) -> str:
    now = r'"age": 0,\n\1"at": "2026-11-26T08:17:02Z"'
    printed = re.sub(r'"age": \d+,\n(\s*)"at": "[^"]+"', now, printed)
    return printed.replace(str(sites.tree.folder), "…")


def test_what_stands_where_is_told_in_every_format(
    various: Sites, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    for width in ("80", "50"):
        monkeypatch.setenv("COLUMNS", width)
        ran = various.run("status")
        assert ran.code == 2
        golden(f"status/various-{width}.txt", masked(various, ran.out))
    golden("status/various.md", masked(various, various.run("status", "--format", "markdown").out))
    golden("status/various.json", masked(various, various.run("status", "--format", "json").out))


def test_what_is_in_sync_ends_with_0(deployed: Sites) -> None:
    ran = deployed.run("status")

    assert ran.code == 0
    assert ran.out.endswith("2 tickets at 3 repositories: 6 searched.\n")


def test_a_status_keeps_its_schema_and_says_what_drift_says(various: Sites) -> None:
    schema = json.loads((ROOT / "schemas" / "status.json").read_text())

    status = various.run("status", "--format", "json").json
    drift = various.run("drift", "--format", "json").json["drift"]

    jsonschema.validate(status, schema)
    cells = [cell for table in status["tables"] for row in table["rows"] for cell in row["cells"]]
    told = [*status["beside"], *(one for cell in cells for one in cell["drift"])]
    assert drift
    assert {json.dumps(one, sort_keys=True) for one in told} == {json.dumps(d, sort_keys=True) for d in drift}


def test_a_status_is_narrowed_by_what_stands_behind_it_too(various: Sites) -> None:
    by_word = various.run("status", SUMMIT, "--ticket", "DM-2", "--format", "json").json
    by_option = various.run("status", "--repository", SUMMIT, "--ticket", "DM-2", "--format", "json").json

    (table,) = by_word["tables"]
    assert by_word["scope"].pop("narrowed_by") == [SUMMIT, "--ticket"]
    assert by_option["scope"].pop("narrowed_by") == ["--repository", "--ticket"]
    assert by_word.pop("seen").keys() == by_option.pop("seen").keys()
    assert by_word == by_option
    assert [column["repository"] for column in table["columns"]] == [SUMMIT]
    assert [row["name"] for row in table["rows"] if row["subject"] == "ticket"] == ["DM-2"]
    assert various.run("status", "summit/LSSTCam").code == 64


def test_a_place_that_is_gone_is_unreachable_and_ends_with_1(deployed: Sites) -> None:
    shutil.rmtree(deployed.path(SUMMIT))

    ran = deployed.run("status", "--format", "json")

    assert ran.code == 1
    rows = {row["name"]: row["cells"] for row in ran.json["tables"][0]["rows"]}
    assert {cell["repository"]: cell["state"] for cell in rows["DM-1"]} == {
        ORIGIN: "searched",
        EMBARGO: "searched",
        SUMMIT: "unreachable",
    }


def test_what_was_observed_counts_for_a_place_that_cannot_be_seen(deployed: Sites, tmp_path: Path) -> None:
    file = str(tmp_path / "summit.json")
    assert deployed.run("observe", "--site", "summit", "-o", file).code == 0
    shutil.rmtree(deployed.path(SUMMIT))

    ran = deployed.run("status", SUMMIT, "--observed", file, "--format", "json")

    assert ran.json["summary"] == {"searched": 2}


def test_a_site_whose_origin_has_to_go_first_ends_with_4(sites: Sites) -> None:
    ran = sites.run("status", "--site", "summit")

    assert ran.code == 4
    assert "calibstate apply --site usdf" in ran.out
    assert "2 pending" in ran.out


def _wide(repositories: int, name: str = "DM-48520") -> Status:
    addresses = [f"site{number:02}/LSSTComCam" for number in range(repositories)]
    cells = tuple(Cell(repository=Place(address), state=State.SEARCHED) for address in addresses)
    rows = (Row(name=name, subject=Subject.TICKET, cells=cells),)
    columns = tuple(Column(repository=Place(address)) for address in addresses)
    return Status(tables=(Table(instrument="LSSTComCam", columns=columns, rows=rows),))


@pytest.mark.parametrize("repositories", [1, 3, 4, 9, 10, 40, 120])
@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_of_a_table_is_wider_than_the_terminal(repositories: int, width: int) -> None:
    printed = "\n".join(line.plain for line in as_text(_wide(repositories), width))
    table = printed.partition("\n\n")[0]

    assert max(map(len, table.splitlines())) <= width
    assert table.count("✓") + table.count(" searched") == repositories
    assert all(f"site{number:02}/LSSTComCam" in table for number in range(repositories))


def test_a_long_name_stands_above_its_cells() -> None:
    name = "LSSTComCam/calib/DM-49977/DP1.0/preloaded_SsObjects.20250409"
    lines = [line.plain for line in as_text(_wide(4, name), 40)]

    above = lines.index(f"  {name}")
    assert lines[above + 1].split() == ["✓"] * 4
