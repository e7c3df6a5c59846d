"""What is unusual is not done without somebody who says why."""

from __future__ import annotations

import json

import pytest
import yaml

from calibstate.model.chains import moved
from tests.commands.sites import EMBARGO, ORIGIN, SUMMIT, TOP, Sites

NEW, OLD = f"{TOP}/DM-2", f"{TOP}/DM-1"
WHY = ("--allow", "chain_changes", "--because", "agreed in DM-9")


def guard(sites: Sites, most: int) -> None:
    sites.tree.settings(guards={"chain_changes": most})


@pytest.mark.parametrize(
    ("before", "after", "displaced"),
    [
        ("abc", "abc", ""),
        ("abc", "xabc", ""),
        ("abc", "cab", "c"),
        ("abc", "acb", "c"),
        ("abcde", "edcba", "edcb"),
        ("abcde", "bcdea", "a"),
        ("abcde", "xbeycda", "ea"),
        ("", "abc", ""),
    ],
)
def test_as_few_as_can_be_have_moved(before: str, after: str, displaced: str) -> None:
    found = moved(before, after)

    assert len(found) == len(displaced)
    stays = [child for child in after if child in before and child not in found]
    assert stays == [child for child in before if child in stays]


def test_too_many_changes_of_a_chain_are_refused_and_the_rest_is_done(deployed: Sites) -> None:
    guard(deployed, 0)
    deployed.tree.chain(["DM-1", "DM-2"])
    deployed.change_chain(EMBARGO, lambda children: children[::-1])

    ran = deployed.apply()

    assert ran.code == 3
    assert "it would take out or move 1 children, more than the 0 that `guards` allows" in ran.out
    assert "--allow chain_changes --because REASON" in ran.out
    assert deployed.chain(SUMMIT) == (NEW, OLD)
    assert deployed.chain(EMBARGO) == (OLD, NEW)


def test_additions_do_not_count(deployed: Sites) -> None:
    guard(deployed, 0)
    deployed.make_ticket("DM-3")
    deployed.tree.chain(["DM-3", "DM-2", "DM-1"])

    assert deployed.apply().code == 0
    assert deployed.chain(SUMMIT) == (f"{TOP}/DM-3", NEW, OLD)


def test_what_leaves_counts(deployed: Sites) -> None:
    guard(deployed, 0)
    deployed.tree.chain(["DM-1"], retired={"DM-2": "for a test"})

    assert deployed.run("plan").code == 3
    assert deployed.run("plan", *WHY).code == 2


def test_with_a_reason_it_is_done_and_the_reason_kept(deployed: Sites) -> None:
    guard(deployed, 0)
    deployed.tree.chain(["DM-1", "DM-2"])

    ran = deployed.apply(*WHY, "--format", "json")

    assert ran.code == 0
    *outcomes, _ = [json.loads(line) for line in ran.out.splitlines()]
    passed = {"guards": ["chain_changes"], "because": "agreed in DM-9"}
    assert [outcome["passed"] for outcome in outcomes] == [passed] * len(outcomes)
    assert outcomes
    assert deployed.chain(SUMMIT) == (OLD, NEW)
    journals = (deployed.tree.folder / "records" / "journal").glob("*.jsonl")
    kept = [line for file in journals for line in file.read_text().splitlines()]
    assert any("agreed in DM-9" in line and "chain_changes" in line for line in kept)


def test_a_guard_that_stands_in_no_step_is_not_told_as_passed(sites: Sites) -> None:
    ran = sites.apply(*WHY, "--site", "usdf", "--format", "json")

    assert ran.code == 0
    *outcomes, _ = [json.loads(line) for line in ran.out.splitlines()]
    assert outcomes
    assert all(outcome["passed"] == {"guards": [], "because": ""} for outcome in outcomes)


def test_a_plan_that_was_saved_under_a_reason_needs_one_to_be_applied(deployed: Sites) -> None:
    guard(deployed, 0)
    deployed.tree.chain(["DM-1", "DM-2"])
    plan = str(deployed.tree.folder / "plan.json")
    assert deployed.run("plan", "-o", plan, *WHY).code == 2
    before = deployed.snapshot("repo")

    ran = deployed.apply(plan)

    assert ran.code == 3
    assert "Step is guarded" in ran.err
    assert deployed.snapshot("repo") == before
    assert deployed.apply(plan, *WHY).code == 0
    assert deployed.chain(SUMMIT) == (OLD, NEW)


def hold(sites: Sites, address: str) -> None:
    site, _, name = address.partition("/")
    file = sites.tree.state / "sites" / f"{site}.yaml"
    said = yaml.safe_load(file.read_text())
    said["repositories"][name]["hold"] = "observing"
    file.write_text(yaml.safe_dump(said))


def test_a_repository_on_hold_is_left_out_unless_that_is_allowed(sites: Sites) -> None:
    hold(sites, SUMMIT)

    ran = sites.apply()

    assert ran.code == 4
    assert "on hold: observing" in ran.out
    assert not sites.has(SUMMIT, TOP)
    assert sites.chain(EMBARGO) == sites.chain(ORIGIN)

    assert sites.apply("--allow", "hold", "--because", "the night is lost without it").code == 0
    assert sites.chain(SUMMIT) == sites.chain(ORIGIN)


@pytest.mark.parametrize(
    "arguments",
    [["--allow", "hold"], ["--because", "so"], ["--allow", "hold", "--because", " "], ["--allow", "all"]],
)
def test_a_guard_is_passed_with_a_reason_only(deployed: Sites, arguments: list[str]) -> None:
    ran = deployed.apply(*arguments)

    assert ran.code == 64
    assert "hold" in ran.err


def test_a_guard_that_nobody_knows_does_not_validate(deployed: Sites) -> None:
    deployed.tree.settings(guards={"chain_change": 3})

    ran = deployed.run("validate", "--format", "json")

    assert ran.code == 1
    assert "chain_changes" in json.dumps(ran.json)
