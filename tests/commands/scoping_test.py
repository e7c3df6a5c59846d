"""Which part of the declaration a command is about, and what it ends with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from tests import world
from tests.commands import stock
from tests.commands.sites import EMBARGO, INSTRUMENT, LEAVES, ORIGIN, SUMMIT, TOP, Sites

NEW, OLD = f"{TOP}/DM-2", f"{TOP}/DM-1"


def targets(sites: Sites, *arguments: str) -> set[str]:
    """Return the places and names of what a plan changes."""
    steps = sites.run("plan", "--format", "json", *arguments).json["steps"]
    return {f"{step['target']['place']} {step['target']['name']}" for step in steps}


def drift_of(sites: Sites, *arguments: str) -> set[tuple[str, str, str]]:
    found = sites.run("drift", "--format", "json", *arguments).json["drift"]
    return {(d["target"]["place"], d["what"], d["subject"]) for d in found}


# --site, --repository


def test_a_site_whose_bundles_are_not_there_waits_for_the_origin(sites: Sites) -> None:
    before = sites.snapshot("repo", "archive")
    assert not before.keys() - {name for name in before if name.startswith("repo")}

    plan = sites.run("plan", "--site", "summit")
    ran = sites.apply("--site", "summit")

    assert (plan.code, ran.code) == (4, 4)
    assert "calibstate apply --site usdf" in plan.out
    assert sites.snapshot("repo", "archive") == before
    drift = drift_of(sites, "--site", "summit")
    assert {what for _, what, _ in drift} == {"pending"}
    assert {place for place, _, _ in drift} <= {SUMMIT, "archive"}


def test_what_a_site_will_do_after_the_origin_is_known_before(sites: Sites, tmp_path: Path) -> None:
    foreseen, then = tmp_path / "foreseen.json", tmp_path / "then.json"

    told = sites.run("plan", "--site", "summit", "--after", "usdf", "-o", str(foreseen))
    assert sites.apply("--site", "usdf").code == 0
    assert sites.run("plan", "--site", "summit", "-o", str(then)).code == 2

    assert told.code == 2
    plans = [json.loads(file.read_text()) for file in (foreseen, then)]
    assert [{key: plan[key] for key in ("steps", "drift", "digest")} for plan in plans] == [
        {key: plans[1][key] for key in ("steps", "drift", "digest")}
    ] * 2
    assert {step["target"]["place"] for step in plans[0]["steps"]} == {SUMMIT}


def test_what_comes_after_a_site_that_cannot_be_seen_is_not_told_as_all(sites: Sites) -> None:
    (sites.path(ORIGIN) / "gen3.sqlite3").unlink()

    told = sites.run("plan", "--site", "summit", "--after", "usdf")

    assert told.code == 1
    assert ORIGIN in told.out


def test_who_goes_before_is_told_with_a_site(sites: Sites) -> None:
    assert sites.run("plan", "--after", "usdf").code == 64
    assert sites.run("plan", "--site", "summit", "--after", "nowhere").code == 64


@pytest.mark.slow
def test_sites_that_apply_one_after_the_other_end_as_declared(sites: Sites) -> None:
    assert sites.apply("--site", "summit").code == 4
    assert sites.apply("--site", "usdf").code == 0
    assert not sites.has(SUMMIT, TOP)
    assert sites.apply("--site", "summit").code == 0

    for address in (EMBARGO, SUMMIT):
        assert sites.certifications(address) == sites.certifications(ORIGIN)
        assert sites.chain(address) == (NEW, OLD)
    assert sites.run("plan").code == 0


def test_a_site_takes_the_archives_steps_only_if_it_has_the_origin(sites: Sites) -> None:
    assert {name.split()[0] for name in targets(sites, "--site", "usdf")} == {"archive", EMBARGO}
    assert targets(sites, "--site", "summit") == set()


def test_a_repository_that_is_named_is_the_only_one_to_change(sites: Sites) -> None:
    assert sites.apply("--repository", ORIGIN).code == 0
    assert sites.apply("--repository", SUMMIT).code == 0

    assert sites.chain(SUMMIT) == (NEW, OLD)
    assert not sites.has(EMBARGO, TOP)


def test_what_is_excluded_is_left_alone(sites: Sites) -> None:
    assert sites.apply("--exclude", SUMMIT).code == 0
    assert sites.chain(EMBARGO) == (NEW, OLD)
    assert not sites.has(SUMMIT, TOP)

    assert sites.apply("--exclude", "usdf/*", "--exclude", "DM-1").code == 0
    assert sites.chain(SUMMIT) == (NEW,)
    assert sites.of_ticket(SUMMIT, "DM-1") == []

    assert sites.apply().code == 0
    assert sites.chain(SUMMIT) == (NEW, OLD)


def test_a_saved_plan_can_be_applied_site_by_site(sites: Sites) -> None:
    plan = str(sites.tree.folder / "plan.json")
    assert sites.run("plan", "-o", plan).code == 2

    first = sites.apply(plan, "--site", "summit")
    assert first.code == 4
    assert not sites.has(SUMMIT, TOP)
    assert sites.apply(plan, "--site", "usdf").code in {0, 4}
    assert sites.chain(EMBARGO) == (NEW, OLD)
    assert not sites.has(SUMMIT, TOP)
    assert sites.apply(plan, "--site", "summit").code == 0
    assert sites.chain(SUMMIT) == (NEW, OLD)


@pytest.mark.parametrize(
    "words", [("--ticket", "DM-1"), ("--instrument", "LSSTComCam"), ("--exclude", "DM-*")]
)
@pytest.mark.matrix(1)
def test_a_saved_plan_is_not_cut_by_tickets(sites: Sites, words: tuple[str, ...]) -> None:
    plan = str(sites.tree.folder / "plan.json")
    assert sites.run("plan", "-o", plan).code == 2
    before = sites.snapshot()

    ran = sites.apply(plan, *words)

    assert (ran.code, "Part of a saved plan" in ran.err) == (64, True)
    assert sites.snapshot() == before


# --ticket, --instrument


@pytest.mark.parametrize("name", ["DM-1", "LSSTComCam/DM-1"])
@pytest.mark.matrix(1)
def test_a_ticket_that_is_named_is_the_only_one_to_travel(sites: Sites, name: str) -> None:
    assert sites.apply("--ticket", name).code == 0
    assert sites.chain(SUMMIT) == (OLD,)
    assert sites.of_ticket(SUMMIT, "DM-2") == []

    assert sites.run("drift", "--ticket", name).code == 0
    assert sites.apply().code == 0
    assert sites.chain(SUMMIT) == (NEW, OLD)


@pytest.mark.slow
def test_naming_a_ticket_drops_no_other_child(deployed: Sites) -> None:
    deployed.make_ticket("DM-3")
    deployed.tree.chain(["DM-3", "DM-2", "DM-1"])

    assert deployed.apply("--ticket", "DM-3").code == 0

    assert deployed.chain(SUMMIT) == (f"{TOP}/DM-3", NEW, OLD)


@pytest.mark.slow
def test_an_instrument_that_is_named_is_the_only_one(sites: Sites) -> None:
    site = yaml.safe_load((sites.tree.state / "sites" / "summit.yaml").read_text())
    site["repositories"]["LSSTComCam"]["instruments"] = [INSTRUMENT, "LATISS"]
    (sites.tree.state / "sites" / "summit.yaml").write_text(yaml.safe_dump(site))
    site = yaml.safe_load((sites.tree.state / "sites" / "usdf.yaml").read_text())
    site["repositories"]["main"]["instruments"] = [INSTRUMENT, "LATISS"]
    (sites.tree.state / "sites" / "usdf.yaml").write_text(yaml.safe_dump(site))
    with sites.butler(ORIGIN) as butler:
        world.add_instrument(butler, "LATISS", detectors=1)
        world.add_ticket(butler, "LATISS", "DM-1", {"bias": ("bias",)})
    folder = sites.tree.state / "tickets" / "LATISS"
    folder.mkdir()
    approval = {"status": "adopted", "note": "made for a test"}
    ticket = {"ticket": "DM-1", "instrument": "LATISS", "approval": approval, "collections": ["bias"]}
    (folder / "DM-1.yaml").write_text(yaml.safe_dump(ticket))
    chain = {"chain": "LATISS/calib", "instrument": "LATISS", "entries": ["DM-1"]}
    (sites.tree.state / "chains" / "LATISS.yaml").write_text(yaml.safe_dump(chain))

    assert sites.apply("--instrument", "LATISS").code == 0

    assert sites.chain(SUMMIT, "LATISS/calib") == ("LATISS/calib/DM-1",)
    assert not sites.has(SUMMIT, TOP)
    assert sites.apply("--ticket", "LSSTComCam/DM-1").code == 0
    assert sites.chain(SUMMIT) == (OLD,)
    assert sites.apply().code == 0
    assert sites.chain(SUMMIT) == (NEW, OLD)


# Words that nobody declared, and nobody to ask


@pytest.mark.parametrize(
    "words",
    [
        ("--site", "sumit"),
        ("--repository", "summit/LSSTCam"),
        ("--ticket", "DM-9"),
        ("--ticket", "LATISS/DM-1"),
        ("--instrument", "LSSTCam"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "drift", "apply", "show"])
def test_a_word_that_nobody_declared_is_wrong_usage(
    sites: Sites, command: str, words: tuple[str, str]
) -> None:
    ran = sites.run(command, *words)

    assert ran.code == 64
    assert words[1] in ran.err
    assert "Not declared" in ran.err


def test_the_nearest_word_is_suggested(sites: Sites) -> None:
    assert "Did you mean summit?" in sites.run("plan", "--site", "sumit").err


@pytest.mark.parametrize("words", [("frobnicate",), ("plan", "--sight", "x"), ("apply", "--format", "xml")])
def test_a_wrong_command_line_is_64(sites: Sites, words: tuple[str, ...]) -> None:
    assert sites.run(*words).code == 64


@pytest.mark.parametrize("stdin", ["none", "no terminal"])
def test_without_a_terminal_and_without_yes_nothing_is_applied(
    sites: Sites, stdin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sites.snapshot()
    if stdin == "none":
        monkeypatch.setattr("sys.stdin", None)

    ran = sites.run("apply")

    assert ran.code == 64
    assert "--yes" in ran.err
    assert sites.snapshot() == before


def test_a_plan_file_that_is_none_is_no_plan(sites: Sites) -> None:
    path = sites.tree.folder / "plan.json"
    assert sites.apply(str(path)).code == 64
    path.write_text('{"kind": "plan"}')
    assert sites.apply(str(path)).code in {1, 64}


# Places that cannot be seen


@pytest.fixture
def summit_elsewhere(sites: Sites) -> Sites:
    """Return sites of which the summit means something at the summit only."""
    sites.tree.site("summit", {"LSSTComCam": "copy"}, absolute=True, hosts=["*.cp.lsst.org"])
    return sites


def test_a_place_of_another_host_is_unreachable_and_the_rest_is_done(summit_elsewhere: Sites) -> None:
    sites = summit_elsewhere

    plan = sites.run("plan")
    assert plan.code == 1
    assert "seen only from summit" in plan.out
    assert {name.split()[0] for name in targets(sites)} == {"archive", EMBARGO}
    ran = sites.apply()

    assert ran.code == 1
    assert sites.chain(EMBARGO) == (NEW, OLD)
    assert not sites.has(SUMMIT, TOP)
    assert sites.run("drift").code == 1
    assert drift_of(sites) == {(SUMMIT, "unreachable", SUMMIT)}


def test_where_we_are_can_be_told(summit_elsewhere: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALIBSTATE_HERE", "summit")
    assert summit_elsewhere.apply().code == 0
    assert summit_elsewhere.chain(SUMMIT) == (NEW, OLD)

    monkeypatch.setenv("CALIBSTATE_HERE", "usdf")
    assert summit_elsewhere.run("plan").code == 1


def test_an_origin_that_cannot_be_seen_stops_only_what_nobody_else_knows(sites: Sites) -> None:
    assert sites.apply("--ticket", "DM-1").code == 0
    sites.path(ORIGIN).rename(sites.path(ORIGIN).with_name("away"))
    with sites.butler(SUMMIT) as butler:
        butler.collections.redefine_chain(TOP, [])

    ran = sites.apply()

    assert ran.code == 1
    assert sites.chain(SUMMIT) == (OLD,)
    assert "could not be seen" in ran.out


def test_an_archive_that_cannot_be_seen_is_not_an_empty_one(sites: Sites) -> None:
    sites.tree.settings(archive="../nowhere/archive")
    before = sites.snapshot("repo")

    ran = sites.apply()

    assert ran.code == 1
    assert "archive" in ran.out
    assert sites.snapshot("repo") == before


# Exit codes, when several hold


def test_the_worst_that_holds_is_the_exit_code(summit_elsewhere: Sites) -> None:
    sites = summit_elsewhere
    assert sites.run("plan", "--repository", EMBARGO, "--repository", ORIGIN).code == 2
    with sites.butler(EMBARGO) as butler:
        butler.collections.register(f"{TOP}/DM-1", CollectionType.RUN)
    refused_and_steps = sites.run("plan", "--repository", EMBARGO, "--repository", ORIGIN)
    assert (refused_and_steps.code, "steps" in refused_and_steps.out) == (3, True)
    unreachable_too = sites.run("plan")
    assert unreachable_too.code == 1
    assert "Refused" in unreachable_too.out
    assert sites.run("plan", "--site", "sumit").code == 64
    awaited_and_refused = sites.run("plan", "--repository", EMBARGO)
    assert awaited_and_refused.code == 3


def test_drift_beside_what_is_awaited_is_drift(deployed: Sites) -> None:
    deployed.tree.ticket("DM-3", *LEAVES)
    deployed.tree.chain(["DM-3", "DM-2", "DM-1"])
    assert deployed.run("drift").code == 4
    deployed.add_own(SUMMIT)
    stock.collection_chain(deployed.path(SUMMIT), TOP, "u/somebody/bias", mode="prepend")

    assert deployed.run("drift").code == 2
    assert deployed.run("plan").code == 4
    assert deployed.apply().code == 4


# hold


def test_a_repository_on_hold_is_told_and_left_alone(sites: Sites) -> None:
    sites.tree.site("summit", {"LSSTComCam": "copy"}, hold="shutdown until Monday")

    plan = sites.run("plan")
    assert plan.code == 2
    assert "shutdown until Monday" in plan.out
    assert {name.split()[0] for name in targets(sites)} == {"archive", EMBARGO}
    ran = sites.apply()

    assert ran.code == 4
    assert sites.chain(EMBARGO) == (NEW, OLD)
    assert not sites.has(SUMMIT, TOP)
    assert sites.run("plan").code == 4
    sites.tree.site("summit", {"LSSTComCam": "copy"})
    assert sites.apply().code == 0
    assert sites.chain(SUMMIT) == (NEW, OLD)


def test_a_repository_on_hold_that_is_as_declared_is_no_trouble(deployed: Sites) -> None:
    deployed.tree.site("summit", {"LSSTComCam": "copy"}, hold="shutdown until Monday")
    assert deployed.run("plan").code == 0
    assert deployed.apply().code == 0
