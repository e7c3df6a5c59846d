"""The document of drift names the next command, and that can be run."""

from __future__ import annotations

import re
import shlex
import shutil
from typing import Any

from tests.commands.sites import EMBARGO, SUMMIT, Sites


def departures(sites: Sites, *arguments: str) -> list[dict[str, Any]]:
    drift: list[dict[str, Any]] = sites.run("drift", "--format", "json", *arguments).json["drift"]
    return drift


def command_in(hint: str) -> list[str]:
    """Return the words of the command that a hint names, without its own."""
    (command,) = re.findall(r"`calibstate ([^`]*)`", hint)
    return shlex.split(command)


def hints(sites: Sites, what: str, *arguments: str) -> set[str]:
    return {drift["hint"] for drift in departures(sites, *arguments) if drift["what"] == what}


def test_what_a_step_would_end_is_planned_next(deployed: Sites) -> None:
    deployed.make_ticket("DM-3")
    deployed.tree.chain(["DM-3", "DM-2", "DM-1"])

    # At one of the places alone it would wait for the others.
    (hint,) = hints(deployed, "missing")

    assert hint == "See what would end it: `calibstate plan --ticket LSSTComCam/DM-3`."
    assert deployed.run(*command_in(hint)).code == 2


def test_what_is_misordered_or_unwanted_is_planned_next(deployed: Sites) -> None:
    deployed.change_chain(SUMMIT, lambda children: list(reversed(children)))
    assert hints(deployed, "misordered") == {f"See what would end it: `calibstate plan {SUMMIT}`."}

    deployed.tree.chain(["DM-1"], retired={"DM-2": "for a test"})
    for hint in hints(deployed, "unwanted"):
        assert deployed.run(*command_in(hint)).code == 2


def test_what_is_extra_is_declared_next(deployed: Sites) -> None:
    name = deployed.add_own(SUMMIT)
    deployed.change_chain(SUMMIT, lambda children: [*children, name])

    (hint,) = hints(deployed, "extra")

    assert hint == f"To keep it, declare it: `calibstate capture {SUMMIT}`; else retire it in its chain."
    assert deployed.run(*command_in(hint)).code == 0
    assert hints(deployed, "extra") == set()


def test_what_does_not_answer_is_looked_at_next(deployed: Sites) -> None:
    shutil.rmtree(deployed.path(EMBARGO))

    (unreachable,) = [drift for drift in departures(deployed) if drift["what"] == "unreachable"]

    # Whoever could not open it may know better.
    assert unreachable["hint"]
    if "`calibstate" in unreachable["hint"]:
        assert deployed.run(*command_in(unreachable["hint"])).code in {0, 1}


def test_what_another_site_has_to_do_names_that_site(deployed: Sites) -> None:
    deployed.make_ticket("DM-3")
    deployed.tree.chain(["DM-3", "DM-2", "DM-1"])

    told = hints(deployed, "pending", "--site", "summit")

    assert told
    for hint in told:
        assert deployed.run(*command_in(hint)).code != 64


def test_what_is_held_says_where_to_look(deployed: Sites) -> None:
    deployed.make_ticket("DM-3")
    deployed.tree.chain(["DM-3", "DM-2", "DM-1"], hold="nothing moves tonight")

    told = {drift["hint"] for drift in departures(deployed) if drift["reason"] == "hold"}

    assert told
    for hint in told:
        ran = deployed.run(*command_in(hint))
        assert "nothing moves tonight" in ran.out


def test_people_are_told_as_before(deployed: Sites) -> None:
    deployed.make_ticket("DM-3")
    deployed.tree.chain(["DM-3", "DM-2", "DM-1"])

    assert "calibstate plan" not in deployed.run("drift").out
    assert "DM-3" in deployed.run("drift").out
