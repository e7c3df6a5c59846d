"""Reviewers are told which nights a change concerns, without a look."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests import world
from tests.commands.impact_test import git
from tests.commands.sites import ORIGIN, SUMMIT, Sites
from tests.golden import Golden

UNTIL = ("--observed-until", "2025-02-11")


@pytest.fixture
def proposed(deployed: Sites) -> Sites:
    """Return sites that a ticket is to leave; the summit has exposures."""
    with deployed.butler(SUMMIT) as butler:
        world.add_exposures(butler, 20240601, 1, 2, 3, physical_filter="r_03")
        world.add_exposures(butler, 20240602, 1, 2, physical_filter="g_01")
        # The biases of DM-2 begin at midnight of TAI, within this night.
        world.add_exposures(butler, 20231231, 1, 121, 122, physical_filter="g_01")
        # Its flats are for all times.
        world.add_exposures(butler, 20230601, 1, 2, physical_filter="r_03")
    assert deployed.run("seal", "DM-1", "DM-2").code == 0
    state = deployed.tree.state
    git(state, "init", "-q", "-b", "main")
    git(state, "add", "-A")
    git(state, "commit", "-q", "-m", "as it was")
    deployed.tree.chain(["DM-1"], retired={"DM-2": "for a test"})
    return deployed


def publish(sites: Sites, *arguments: str) -> None:
    ran = sites.run("observe", "--publish", *arguments)
    assert ran.code == 0, ran.out + ran.err


def counted(sites: Sites, *arguments: str) -> dict[str, Any]:
    """Return what is told of the exposures of each repository."""
    document = sites.run("impact", "main", *UNTIL, "--nights", "--format", "json", *arguments).json
    return {entry["repository"]: entry for entry in document["counted"]}


def masked(sites: Sites, printed: str) -> str:
    """Return an output without what differs each time."""
    file = sites.tree.folder / "records" / "exposures" / f"{SUMMIT}.json"
    at = json.loads(file.read_text())["at"]
    commit = git(sites.tree.state, "rev-parse", "main")[:10]
    return printed.replace(at, "2025-02-11T12:00:00Z").replace(commit, "0123456789")


def test_exposures_that_change_are_counted_by_what_was_published(proposed: Sites, golden: Golden) -> None:
    publish(proposed, "--site", "summit")

    text = proposed.run("impact", "main", *UNTIL, "--nights")
    markdown = proposed.run("impact", "main", *UNTIL, "--nights", "--format", "markdown")

    assert (text.code, text.err) == (0, "")
    golden("impact/nights.txt", masked(proposed, text.out))
    golden("impact/nights.md", masked(proposed, markdown.out))


def test_the_count_is_that_of_the_butler_but_for_nights_that_are_cut(proposed: Sites) -> None:
    publish(proposed)

    there = counted(proposed)[SUMMIT]

    live = proposed.run("impact", "main", "--live", SUMMIT, "--exposures", "", "--format", "json").json
    exposures = sum(live["nights"].values())
    assert there["at_least"] <= exposures <= there["at_most"]
    assert [str(night) for night in there["nights"]] == sorted(live["nights"])
    assert exposures == 10


def test_without_a_word_of_a_site_its_exposures_are_not_known(proposed: Sites) -> None:
    publish(proposed, "--site", "summit")
    # An older version published no exposures.
    publish(proposed, "--site", "usdf")
    (proposed.tree.folder / "records" / "exposures" / f"{ORIGIN}.json").unlink()

    told = counted(proposed)

    assert told[SUMMIT]["at_most"] == 10
    assert told[ORIGIN]["at_least"] is None
    assert told[ORIGIN]["reason"] == "nobody published them"


def test_what_cannot_be_read_costs_the_others_nothing(proposed: Sites) -> None:
    publish(proposed)
    (proposed.tree.folder / "records" / "exposures" / f"{ORIGIN}.json").write_text("{}")

    told = counted(proposed)

    assert told[SUMMIT]["at_most"] == 10
    assert "cannot be read as exposures by night" in told[ORIGIN]["reason"]


def test_nobody_is_asked_unless_somebody_wants_to_know(proposed: Sites) -> None:
    publish(proposed)

    document = proposed.run("impact", "main", *UNTIL, "--format", "json").json

    assert document["counted"] is None
    assert "exposures" not in proposed.run("impact", "main", *UNTIL).out


def test_a_report_has_the_nights_in_its_comment(proposed: Sites) -> None:
    publish(proposed, "--site", "summit")

    ran = proposed.run("report", "--base", "main", *UNTIL, "--nights", "--format", "markdown")

    assert "- **exposures** summit/LSSTComCam: 10 of 4 nights, 20230601 to 20240602" in ran.out
    document = proposed.run("report", "--base", "main", *UNTIL, "--nights", "--format", "json").json
    assert {entry["repository"]: entry["at_most"] for entry in document["counted"]}[SUMMIT] == 10


def test_a_change_of_nothing_concerns_no_night(proposed: Sites) -> None:
    publish(proposed)
    git(proposed.tree.state, "add", "-A")
    git(proposed.tree.state, "commit", "-q", "-m", "as it is")

    document = proposed.run("impact", "main", *UNTIL, "--nights", "--format", "json").json

    assert document["counted"] == []
