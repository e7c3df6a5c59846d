"""What waits for one thing is told once, and what was looked at is said."""

from __future__ import annotations

import shutil

import pytest

from tests.commands.sites import EMBARGO, ORIGIN, SUMMIT, Sites

BTS = "bts/LSSTComCam"


def test_all_that_waits_for_one_origin_is_told_once_and_each_where_it_is_asked_for(deployed: Sites) -> None:
    shutil.rmtree(deployed.path(ORIGIN))
    shutil.rmtree(deployed.tree.folder / "archive")

    ran = deployed.run("drift")
    each = deployed.run("drift", "--all")
    document = deployed.run("drift", "--format", "json").json

    assert ran.code == 1
    why = f"its origin {ORIGIN} could not be seen"
    assert ran.out.count(why) == 1
    assert f"2 tickets of LSSTComCam: DM-1, DM-2\n              at archive, {SUMMIT}, {EMBARGO}\n" in ran.out
    # A place that could not be seen is one line, with what to do.
    assert ran.out.count(f"unreachable {ORIGIN}") == 1
    assert ran.out.count("Check `butler` in the site's file") == 1
    waiting = [drift for drift in document["drift"] if drift["waits_for"] == why]
    assert ran.out.endswith("What waits for the same is told once; --all tells of each.\n")
    assert {drift["ticket"] for drift in waiting} == {"LSSTComCam/DM-1", "LSSTComCam/DM-2"}
    assert each.out.count(why) > 2
    assert "told once" not in each.out
    assert each.out.splitlines()[-1] == ran.out.splitlines()[-2]


def test_status_and_plan_fold_the_same_and_say_how_to_have_it_whole(deployed: Sites) -> None:
    deployed.tree.ticket("DM-3", "bias.20240101a")
    deployed.tree.chain(["DM-3", "DM-2", "DM-1"])
    shutil.rmtree(deployed.path(ORIGIN))
    shutil.rmtree(deployed.tree.folder / "archive")
    why = f"its origin {ORIGIN} could not be seen"
    for command, how in (("status", "--all"), ("plan", "`calibstate plan --all`")):
        ran = deployed.run(command)
        each = deployed.run(command, "--all")
        assert each.out.count(why) > ran.out.count(why)
        assert f"{how} tells of each." in ran.out
        assert "told once" not in each.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--site", "usdf"), "2 of 3 repositories, 2 tickets (--site)"),
        (("--repository", ORIGIN), "1 of 3 repositories, 2 tickets (--repository)"),
        (("--ticket", "DM-1"), "3 repositories, 1 of 2 tickets (--ticket)"),
        (("--exclude", "DM-2", "--site", "*"), "3 repositories, 1 of 2 tickets (--site, --exclude)"),
        ((), ""),
        # What leaves nothing out is not worth a word.
        (("--site", "*"), ""),
    ],
)
def test_who_is_told_that_all_is_in_sync_is_told_of_what(
    deployed: Sites, arguments: tuple[str, ...], said: str
) -> None:
    drift = f"In sync: {said}." if said else "In sync."
    plan = f"In sync: nothing to do; looked at {said}." if said else "In sync: nothing to do."
    assert deployed.run("drift", *arguments).out == f"{drift}\n"
    assert deployed.run("plan", *arguments).out == f"{plan}\n"
    markdown = deployed.run("drift", *arguments, "--format", "markdown").out
    assert ("Looked at" in markdown) == bool(said)


def test_a_variable_that_was_left_in_the_shell_is_named(
    deployed: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSTATE_SITE", "summit")
    assert deployed.run("drift").out == "In sync: 1 of 3 repositories, 2 tickets (CALIBSTATE_SITE).\n"
    assert "2 tickets at 1 of 3 repositories (CALIBSTATE_SITE): 2 searched." in deployed.run("status").out
    for command in ("drift", "status", "plan"):
        assert deployed.run(command, "--format", "json").json["scope"] == {
            "repositories": [SUMMIT],
            "of_repositories": 3,
            "tickets": 2,
            "of_tickets": 2,
            "narrowed_by": ["CALIBSTATE_SITE"],
        }


def test_drift_of_a_part_says_of_which(sites: Sites) -> None:
    words = sites.run("drift", "--site", "usdf").out.splitlines()[-1]
    assert words.endswith("; looked at 2 of 3 repositories, 2 tickets (--site).")


def test_a_saved_plan_does_not_tell_what_was_looked_at_for_it(sites: Sites) -> None:
    file = sites.tree.folder / "plan.json"
    shown = sites.run("plan", "--site", "usdf", "-o", str(file), "--format", "json").json
    assert shown["scope"]["narrowed_by"] == ["--site"]
    assert "scope" not in file.read_text()
    assert sites.run("show", str(file)).code == 0


def test_columns_stand_in_the_order_in_which_a_change_comes_to_them(deployed: Sites) -> None:
    shutil.copytree(deployed.path(SUMMIT), deployed.path(BTS))
    deployed.tree.site("bts", {"LSSTComCam": "copy"})
    alphabet = [BTS, SUMMIT, EMBARGO, ORIGIN]
    assert columns(deployed) == alphabet
    # Who is in no wave waits for nobody.
    deployed.tree.settings(waves=[["summit"], ["bts"]])
    assert columns(deployed) == [EMBARGO, ORIGIN, SUMMIT, BTS]
    deployed.tree.settings(waves=[["usdf"], ["bts"], ["summit"]])
    assert columns(deployed) == [EMBARGO, ORIGIN, BTS, SUMMIT]


def columns(sites: Sites) -> list[str]:
    (table,) = sites.run("status", "--format", "json").json["tables"]
    return [column["repository"] for column in table["columns"]]
