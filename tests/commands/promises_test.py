"""What the commands promise about what they write, and about plans."""

from __future__ import annotations

import json
import os
import re
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml

from calibstate.adapters.butler import DafButlerWriter
from tests import world
from tests.commands import cut, stock
from tests.commands.impact_test import git
from tests.commands.sites import EMBARGO, LEAVES, ORIGIN, SUMMIT, TOP, Sites

NEW, OLD = f"{TOP}/DM-2", f"{TOP}/DM-1"
LOOKS = [
    ("validate",),
    ("show",),
    ("drift",),
    ("drift", "--files"),
    ("plan",),
    ("plan", "--files", "--format", "json"),
    ("status", "--format", "markdown"),
    ("approvals",),
]
LOOKS_AT_GIT = [
    ("validate", "--base", "main"),
    ("impact", "main"),
    ("report", "--base", "main", "--format", "markdown"),
    ("diff", "main"),
    ("history", TOP),
    ("show", "--at", "main"),
    ("rollback", "DM-2", "--dry-run"),
    ("plan",),
]


def troubled(sites: Sites) -> Sites:
    """Return sites with something of everything to tell."""
    sites.add_own(SUMMIT)
    stock.collection_chain(sites.path(SUMMIT), TOP, "u/somebody/bias", OLD)
    stock.remove_runs(sites.path(EMBARGO), f"{OLD}/flat.20240101a.run")
    sites.make_ticket("DM-3")
    sites.tree.ticket("DM-4", *LEAVES)
    sites.tree.chain(["DM-4", "DM-3", "DM-2", "DM-1", {"external": "skymaps"}])
    (sites.bundle("DM-2") / "export.yaml").unlink()
    with sites.butler(EMBARGO) as butler:
        butler.registry.certify(
            f"{NEW}/flat.20240101a",
            world.add_run(butler, "u/somebody/dark", "dark"),
            world.timespan(world.IN_2025),
        )
    sites.tree.site("bts", {"LSSTComCam": "copy"})
    return sites


# Looking writes nothing


@pytest.mark.parametrize("arguments", LOOKS, ids=" ".join)
def test_looking_writes_nothing(sites: Sites, arguments: tuple[str, ...]) -> None:
    before = sites.snapshot()
    assert sites.run(*arguments).code in {0, 2}
    assert sites.snapshot() == before


def test_looking_at_troubles_writes_nothing(deployed: Sites) -> None:
    troubled(deployed)
    before = deployed.snapshot()
    for arguments in LOOKS:
        deployed.run(*arguments)
        assert deployed.snapshot() == before, arguments


def test_looking_at_what_git_holds_writes_nothing(deployed: Sites) -> None:
    state = deployed.tree.state
    git(state, "init", "-q", "-b", "main")
    git(state, "add", "-A")
    git(state, "commit", "-q", "-m", "as it was")
    deployed.tree.chain(["DM-2"], retired={"DM-1": "replaced by DM-2"})
    # Git has other times in its index than the files have now, and would
    # like to write that down.
    for file in state.rglob("*.yaml"):
        os.utime(file, (1_700_000_000, 1_700_000_000))
    before = deployed.snapshot()
    for arguments in LOOKS_AT_GIT:
        assert deployed.run(*arguments).code in {0, 2}, arguments
        assert deployed.snapshot() == before, arguments


def test_a_plan_writes_its_file_and_nothing_else(sites: Sites) -> None:
    before = sites.snapshot()
    assert sites.run("plan", "-o", str(sites.tree.folder / "plan.json")).code == 2
    after = sites.snapshot()
    assert after.pop("plan.json")
    assert after == before


# Plans


@pytest.mark.slow
def test_the_same_facts_give_the_same_plan_byte_for_byte(sites: Sites, tmp_path: Path) -> None:
    plans: list[bytes] = []
    for one in (sites, sites, sites.copied_to(tmp_path / "elsewhere" / "deep" / "sites", sites.capsys)):
        file = tmp_path / f"plan-{len(plans)}.json"
        assert one.run("plan", "-o", str(file)).code == 2
        plans.append(file.read_bytes())
    assert plans[0] == plans[1] == plans[2]


def test_how_the_declaration_is_written_makes_no_other_plan(sites: Sites) -> None:
    before = sites.run("plan", "--format", "json").json
    for file in sites.tree.state.rglob("*.yaml"):
        said = yaml.safe_load(file.read_text())
        file.write_text(
            "# said otherwise\n\n" + yaml.safe_dump(said, sort_keys=True, default_flow_style=True)
        )
    (sites.tree.state / "chains" / "LSSTComCam-calib.yaml").rename(sites.tree.state / "chains" / "other.yaml")

    after = sites.run("plan", "--format", "json").json

    assert (after["steps"], after["digest"]) == (before["steps"], before["digest"])


def test_other_facts_give_another_plan(sites: Sites) -> None:
    before = sites.run("plan", "--format", "json").json["digest"]
    with sites.butler(SUMMIT) as butler:
        world.add_chain(butler, TOP, [])
    assert sites.run("plan", "--format", "json").json["digest"] != before


@pytest.mark.parametrize("world_", ["new", "troubled"])
@pytest.mark.matrix(1)
def test_a_plan_says_nothing_of_the_machine_and_the_hour(
    request: pytest.FixtureRequest, world_: str, tmp_path: Path
) -> None:
    sites = request.getfixturevalue("sites" if world_ == "new" else "deployed")
    if world_ == "troubled":
        troubled(sites)
    file = tmp_path / "plan.json"
    sites.run("plan", "--files", "-o", str(file))
    text = file.read_text()

    assert socket.gethostname() not in text
    assert str(sites.tree.folder) not in text
    assert not re.search(r'"/|file:|[" ]/(tmp|home|root|work|usr|var)/', text)
    # What is left are the ends of validity ranges.
    assert set(re.findall(r"\d{4}-\d\d-\d\dT[\d:.]+Z?", text)) <= {
        "2024-01-01T00:00:00",
        "2025-01-01T00:00:00",
        "2026-01-01T00:00:00",
    }


def test_a_plan_of_another_declaration_is_refused(sites: Sites) -> None:
    plan = str(sites.tree.folder / "plan.json")
    sites.run("plan", "-o", plan)
    sites.tree.chain(["DM-1", "DM-2"])
    before = sites.snapshot("repo")

    ran = sites.apply(plan)

    assert ran.code == 3
    assert "another declaration" in ran.err
    assert sites.snapshot("repo") == before


def test_a_plan_that_was_edited_is_refused(sites: Sites) -> None:
    path = sites.tree.folder / "plan.json"
    sites.run("plan", "-o", str(path))
    path.write_text(path.read_text().replace("DM-2/flat", "DM-2/flut"))
    before = sites.snapshot("repo")

    assert sites.apply(str(path)).code in {1, 3, 64}
    assert sites.snapshot("repo") == before


# The ground of a step


def test_an_origin_that_changes_after_the_plan_is_not_exported(sites: Sites) -> None:
    plan = str(sites.tree.folder / "plan.json")
    sites.run("plan", "-o", plan)
    with sites.butler(ORIGIN) as butler:
        refs = world.add_run(butler, "u/somebody/run", "dark")
        butler.registry.certify(f"{OLD}/bias.20240101a", refs, world.timespan(world.IN_2025))

    ran = sites.apply(plan)

    assert ran.code == 3
    assert f"LSSTComCam/DM-1 in {ORIGIN}: expected content sha256:" in ran.err
    assert not list((sites.tree.folder / "archive").rglob("manifest.json"))
    assert sites.of_ticket(SUMMIT, "DM-1") == []


def test_a_collection_that_changes_after_the_plan_is_not_searched(deployed: Sites) -> None:
    deployed.change_chain(SUMMIT, lambda live: [OLD])
    plan = str(deployed.tree.folder / "plan.json")
    assert deployed.run("plan", "-o", plan).code == 2
    with deployed.butler(SUMMIT) as butler:
        butler.registry.decertify(f"{NEW}/flat.20240101a", "flat", world.timespan(world.IN_2025))

    ran = deployed.apply(plan)

    assert ran.code == 3
    assert f"{NEW}/flat.20240101a in {SUMMIT}: expected content sha256:" in ran.err
    assert deployed.chain(SUMMIT) == (OLD,)


def test_a_ticket_whose_file_is_gone_is_not_searched_before_it_is_back(deployed: Sites) -> None:
    deployed.change_chain(SUMMIT, lambda live: [OLD])
    plan = str(deployed.tree.folder / "plan.json")
    assert deployed.run("plan", "-o", plan).code == 2
    lost = next(path for path in deployed.files(SUMMIT) if "DM-2" in path)
    (deployed.path(SUMMIT) / lost).unlink()

    ran = deployed.apply(plan)
    assert ran.code == 3
    assert "1 have no file" in ran.err
    assert deployed.chain(SUMMIT) == (OLD,)

    assert deployed.apply().code == 0
    assert deployed.files(SUMMIT) == deployed.files(ORIGIN)
    assert deployed.chain(SUMMIT) == (NEW, OLD)


def test_what_vanishes_during_an_import_is_not_searched(
    sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = DafButlerWriter.import_bundle

    def import_bundle(writer: Any, manifest: Any, *arguments: Any, **more: Any) -> Any:
        count = whole(writer, manifest, *arguments, **more)
        if manifest.ticket == "DM-1":
            (Path(writer._repository.uri) / manifest.files[0].path).unlink()
        return count

    monkeypatch.setattr(DafButlerWriter, "import_bundle", import_bundle)
    ran = sites.apply()
    monkeypatch.undo()

    assert ran.code == 1
    assert sites.chain(SUMMIT) == sites.chain(EMBARGO) == (NEW,)
    assert sites.apply().code == 0
    assert sites.files(SUMMIT) == sites.files(ORIGIN)
    assert sites.chain(SUMMIT) == (NEW, OLD)


def test_two_addresses_of_one_butler_are_refused_before_any_look(sites: Sites) -> None:
    link = sites.path("summit/other")
    link.symlink_to(sites.path(SUMMIT))
    sites.tree.site("summit", {"LSSTComCam": "copy", "other": "copy"})
    before = sites.snapshot("repo")

    for command in (["drift"], ["plan"], ["apply", "--yes"]):
        ran = sites.run(*command)
        assert ran.code == 3
        assert "Two addresses open one butler" in ran.err
    assert sites.snapshot("repo") == before


# What is kept of a run


def test_the_journal_has_every_step_before_and_after_it_was_done(sites: Sites) -> None:
    assert sites.apply().code == 0

    lines = [json.loads(line) for line in _journal(sites)]
    results = [line["outcome"]["result"] for line in lines if line["event"] == "outcome"]
    assert results.count("begun") == results.count("done") == 12
    others = [line["event"] for line in lines if line["event"] != "outcome"]
    assert others == ["run", "plan", "end"]
    assert (lines[0]["event"], lines[-1]["event"]) == ("run", "end")


def test_outcomes_are_one_json_object_a_line(sites: Sites) -> None:
    ran = sites.apply("--format", "json")

    *outcomes, summary = [json.loads(line) for line in ran.out.splitlines()]
    assert {o["kind"] for o in outcomes} == {"outcome"}
    assert summary["kind"] == "apply-summary"
    assert [o["result"] for o in outcomes] == ["begun", "done"] * 12


# A plan from a file, cut off


@pytest.mark.parametrize(
    "moment", [("after os.link of .fits", 6), pytest.param(("after INSERT", 20), marks=pytest.mark.slow)]
)
def test_a_saved_plan_that_was_cut_off_can_be_applied_again(
    sites: Sites, tmp_path: Path, moment: cut.Moment
) -> None:
    plan = str(tmp_path / "plan.json")
    assert sites.run("plan", "-o", plan).code == 2
    killed = cut.run(
        tmp_path / "killed",
        cut.calibstate,
        *(sites.tree.state, "apply", plan, "--yes"),
        killed_at=moment,
    )
    assert killed.code < 0

    again = sites.apply(plan)

    assert again.code == 0, again.out
    for address in (EMBARGO, SUMMIT):
        assert sites.certifications(address) == sites.certifications(ORIGIN)
        assert sites.files(address) == sites.files(ORIGIN)
        assert sites.chain(address) == (NEW, OLD)
    assert sites.leftovers() == sites.locks() == []


def _journal(sites: Sites) -> list[str]:
    files = sorted((sites.tree.folder / "records" / "journal").glob("*.jsonl"))
    return [line for file in files for line in file.read_text().splitlines()]
