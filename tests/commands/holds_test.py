"""What is on hold is left as it is, and told with its reason and its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.commands.sites import EMBARGO, INSTRUMENT, ORIGIN, SUMMIT, TOP, Sites
from tests.golden import Golden

OLD, NEW, NEWER = (f"{TOP}/DM-{number}" for number in (1, 2, 3))
BECAUSE = ("--allow", "hold", "--because", "the night is lost without it")

OF_TICKET = f"tickets/{INSTRUMENT}/DM-3.yaml"
OF_CHAIN = f"chains/{INSTRUMENT}-calib.yaml"
OF_SITE = "sites/summit.yaml"

WAITS = "the board looks at it again"


def put_on_hold(sites: Sites, file: str, reason: str | None = WAITS) -> None:
    """Write a hold into a file; into a site's for its repository."""
    path: Path = sites.tree.state / file
    said: dict[str, Any] = yaml.safe_load(path.read_text())
    held = said["repositories"][SUMMIT.partition("/")[2]] if "repositories" in said else said
    held.pop("hold", None)
    if reason:
        held["hold"] = reason
    path.write_text(yaml.safe_dump(said, sort_keys=False))


@pytest.fixture
def new_ticket(deployed: Sites) -> Sites:
    """Return sites with DM-3, which is to be deployed in front."""
    deployed.make_ticket("DM-3")
    deployed.tree.chain(["DM-3", "DM-2", "DM-1"])
    return deployed


@pytest.mark.parametrize(
    ("file", "told", "stays"),
    [
        (OF_TICKET, "ticket", {ORIGIN, EMBARGO, SUMMIT}),
        (OF_SITE, "repository", {SUMMIT}),
        (OF_CHAIN, "chain", {ORIGIN, EMBARGO, SUMMIT}),
    ],
    ids=["ticket", "repository", "chain"],
)
def test_a_hold_is_told_and_left_out_until_it_is_lifted(
    new_ticket: Sites, golden: Golden, file: str, told: str, stays: set[str]
) -> None:
    sites = new_ticket
    put_on_hold(sites, file)

    ran = sites.apply()

    assert ran.code == 4
    golden(f"holds/{told}.txt", ran.out)
    for address in (ORIGIN, EMBARGO, SUMMIT):
        assert (sites.chain(address) == (NEW, OLD)) == (address in stays)
    assert sites.has(EMBARGO, NEWER) == (file != OF_TICKET)

    table = sites.run("status", "--format", "markdown").out
    assert "on hold" in next(line for line in table.splitlines() if line.startswith("| DM-3"))

    put_on_hold(sites, file, None)
    assert sites.apply().code == 0
    assert {sites.chain(address) for address in (ORIGIN, EMBARGO, SUMMIT)} == {(NEWER, NEW, OLD)}


def test_a_hold_is_passed_with_a_reason_that_is_kept(new_ticket: Sites) -> None:
    put_on_hold(new_ticket, OF_TICKET)
    put_on_hold(new_ticket, OF_CHAIN)

    assert new_ticket.apply(*BECAUSE).code == 0

    assert new_ticket.chain(SUMMIT) == (NEWER, NEW, OLD)
    assert "allowed hold: the night is lost without it" in new_ticket.run("log").out
    assert new_ticket.run("plan").code == 0


def test_of_a_ticket_on_hold_nothing_that_is_live_is_changed(new_ticket: Sites) -> None:
    sites = new_ticket
    assert sites.apply("--site", "usdf").code == 0
    put_on_hold(sites, OF_TICKET)
    sites.tree.chain(["DM-2", "DM-1"], retired={"DM-3": "it was wrong"})
    lost = sorted(sites.path(EMBARGO).rglob("DM-3/**/bias/*.fits"))[0]
    lost.unlink()

    ran = sites.apply("--files")

    assert ran.code == 4
    assert f"DM-3 is on hold: {WAITS} ({OF_TICKET}:" in ran.out
    assert sites.chain(EMBARGO) == (NEWER, NEW, OLD)
    assert not lost.exists()
    assert sites.chain(SUMMIT) == (NEW, OLD)

    put_on_hold(sites, OF_TICKET, None)
    assert sites.apply("--files").code == 0
    assert sites.chain(EMBARGO) == (NEW, OLD)
    assert lost.exists()


def test_a_ticket_on_hold_gets_no_other_place_and_others_enter_around_it(deployed: Sites) -> None:
    sites = deployed
    put_on_hold(sites, f"tickets/{INSTRUMENT}/DM-1.yaml")
    sites.tree.chain(["DM-1", "DM-2"])
    ran = sites.apply()
    assert ran.code == 4
    assert f"it would give {OLD} another place, and DM-1 is on hold: {WAITS}" in ran.out
    assert sites.chain(SUMMIT) == (NEW, OLD)

    sites.make_ticket("DM-3")
    sites.tree.chain(["DM-3", "DM-2", "DM-1"])
    assert sites.apply().code == 0
    assert sites.chain(SUMMIT) == (NEWER, NEW, OLD)


def test_a_plan_that_was_saved_under_an_allowance_needs_one_to_be_applied(new_ticket: Sites) -> None:
    put_on_hold(new_ticket, OF_TICKET)
    plan = str(new_ticket.tree.folder / "plan.json")
    assert new_ticket.run("plan", "-o", plan, *BECAUSE).code == 2

    ran = new_ticket.apply(plan)

    assert ran.code == 3
    assert f"DM-3 is on hold: {WAITS}" in ran.err
    assert not new_ticket.has(SUMMIT, NEWER)
    assert new_ticket.apply(plan, *BECAUSE).code == 0


def test_what_is_on_hold_and_nowhere_fails_no_review(new_ticket: Sites) -> None:
    put_on_hold(new_ticket, OF_TICKET)
    assert new_ticket.apply().code == 4

    ran = new_ticket.run("verify", "--site", "summit")

    assert ran.code == 0, ran.out
    assert "DM-3 belongs to none of these repositories" in ran.out


def test_a_hold_without_a_reason_does_not_validate(new_ticket: Sites) -> None:
    put_on_hold(new_ticket, OF_TICKET, " ")
    put_on_hold(new_ticket, OF_CHAIN, " ")

    ran = new_ticket.run("validate")

    assert ran.code == 1
    assert (ran.err + ran.out).count("A hold without a reason") == 2
