"""A kind in one file and a line of the table is seen by every command."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.commands.sites import EMBARGO, INSTRUMENT, ORIGIN, SUMMIT, TOP, Sites
from tests.kinds.alias_kind import AliasKind, add_to_table

BEST = "aliases/best"


@pytest.fixture
def with_aliases(monkeypatch: pytest.MonkeyPatch) -> None:
    add_to_table(monkeypatch)


@pytest.fixture
def aliased(deployed: Sites, with_aliases: None) -> Sites:
    """Return deployed sites whose tree declares an alias, not yet made."""
    declare(deployed, f"{TOP}/DM-1")
    return deployed


def declare(sites: Sites, of: str, instrument: str = INSTRUMENT) -> None:
    text = f"alias: best\ninstrument: {instrument}\nof: {of}\n"
    write(sites, "best", text)


def write(sites: Sites, name: str, text: str) -> None:
    path = sites.tree.state / "aliases" / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def test_validate_reads_its_files(aliased: Sites) -> None:
    assert aliased.run("validate").code == 0
    declare(aliased, "not//a name")
    refused = aliased.run("validate")
    assert refused.code == 1
    assert "aliases/best.yaml:3" in refused.out + refused.err
    assert "empty segment" in refused.out + refused.err


def test_validate_tells_what_the_kind_itself_finds(aliased: Sites) -> None:
    declare(aliased, TOP, instrument="Elsewhere")
    refused = aliased.run("validate")
    assert refused.code == 1
    assert "No repository has Elsewhere." in refused.out + refused.err


def test_validate_refuses_a_file_under_another_name(aliased: Sites) -> None:
    write(aliased, "worst", f"alias: last\ninstrument: {INSTRUMENT}\nof: {TOP}\n")
    refused = aliased.run("validate")
    assert refused.code == 1
    assert "aliases/last.yaml" in refused.out + refused.err


def test_a_tree_without_the_kind_says_that_nothing_in_its_folder_is_read(deployed: Sites) -> None:
    declare(deployed, TOP)
    assert "aliases" in deployed.run("validate").err


def test_show_lists_it(aliased: Sites) -> None:
    assert f"alias {BEST} stands for {TOP}/DM-1" in aliased.run("show", SUMMIT).out
    shown = aliased.run("show", "--format", "json").json
    assert shown["resources"][SUMMIT] == {"alias": {BEST: {"children": [f"{TOP}/DM-1"]}}}


def test_drift_plan_and_apply_bring_it_to_each_repository(aliased: Sites) -> None:
    drift = aliased.run("drift")
    assert drift.code == 2
    assert f"missing     {BEST}" in drift.out

    plan = aliased.run("plan")
    assert plan.code == 2
    assert f"point-alias       {BEST}" in plan.out

    assert aliased.apply().code == 0
    for repository in (ORIGIN, EMBARGO, SUMMIT):
        assert aliased.chain(repository, BEST) == (f"{TOP}/DM-1",)
    assert aliased.run("plan").code == 0


def test_a_saved_plan_of_it_is_shown_and_applied(aliased: Sites) -> None:
    file = aliased.tree.folder / "plan.json"
    aliased.run("plan", "--site", "summit", "-o", str(file))
    assert "point-alias" in aliased.run("show", str(file)).out
    assert aliased.apply(str(file)).code == 0
    assert aliased.chain(SUMMIT, BEST) == (f"{TOP}/DM-1",)


def test_a_plan_of_it_is_stale_once_somebody_points_it_elsewhere(aliased: Sites) -> None:
    aliased.apply()
    declare(aliased, f"{TOP}/DM-2")
    file = aliased.tree.folder / "plan.json"
    aliased.run("plan", "--site", "summit", "-o", str(file))
    aliased.change_chain(SUMMIT, lambda live: [TOP], BEST)
    assert aliased.apply(str(file)).code == 3
    assert aliased.chain(SUMMIT, BEST) == (TOP,)


def test_status_has_a_row_for_it(aliased: Sites) -> None:
    status = aliased.run("status", "--format", "json").json
    (row,) = [row for table in status["tables"] for row in table["rows"] if row["name"] == BEST]
    assert row["subject"] == "resource"
    assert {cell["state"] for cell in row["cells"]} == {"missing"}
    assert BEST in aliased.run("status").out


def test_status_loses_no_drift_of_a_kind_that_has_no_rows(
    aliased: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AliasKind, "rows", lambda *arguments: iter(()))
    status = aliased.run("status", "--format", "json").json
    assert {drift["subject"] for drift in status["beside"]} == {BEST}


def test_diff_and_report_tell_what_is_declared_otherwise(aliased: Sites) -> None:
    aliased.commit()
    declare(aliased, f"{TOP}/DM-2")
    diff = aliased.run("diff", "HEAD")
    assert f"~ {BEST.rpartition('/')[2]}" in diff.out
    assert f"{TOP}/DM-2" in diff.out
    assert f"{TOP}/DM-2" in aliased.run("report", "--base", "HEAD").out


def test_diff_tells_that_it_is_new_and_that_it_is_gone(deployed: Sites, with_aliases: None) -> None:
    deployed.commit()
    declare(deployed, TOP)
    assert "+ best a new alias" in deployed.run("diff", "HEAD").out
    deployed.commit()
    (deployed.tree.state / "aliases/best.yaml").unlink()
    assert "- best is declared no more" in deployed.run("diff", "HEAD").out


def test_log_tells_what_was_done(aliased: Sites) -> None:
    aliased.apply()
    assert "point-alias" in aliased.run("log", "--format", "json").out


def test_observe_lets_others_see_it(aliased: Sites) -> None:
    aliased.apply()
    file = aliased.tree.folder / "seen.json"
    aliased.run("observe", "-o", str(file))
    shutil.rmtree(aliased.tree.repository(SUMMIT))
    assert aliased.run("drift", "--site", "summit", "--observed", str(file)).code == 0
    declare(aliased, f"{TOP}/DM-2")
    drift = aliased.run("drift", "--site", "summit", "--observed", str(file))
    assert f"misordered  {BEST}" in drift.out


def test_schema_writes_its_form(aliased: Sites) -> None:
    folder = aliased.tree.folder / "schemas"
    aliased.run("schema", str(folder))
    schema = json.loads((folder / "alias.json").read_text())
    assert set(schema["required"]) == {"alias", "instrument", "of"}


def test_fmt_lays_out_its_files(aliased: Sites) -> None:
    write(aliased, "best", f"of: {TOP}\ninstrument: {INSTRUMENT}\nalias: best\n")
    assert aliased.run("fmt").code == 0
    first = (aliased.tree.state / "aliases/best.yaml").read_text().splitlines()[0]
    assert first == "alias: best"


def test_what_is_declared_has_another_digest_with_it(aliased: Sites) -> None:
    with_alias = aliased.run("plan", "--format", "json").json["basis"]
    (aliased.tree.state / "aliases/best.yaml").unlink()
    assert aliased.run("plan", "--format", "json").json["basis"] != with_alias
