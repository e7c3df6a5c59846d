"""All repositories and instruments are captured by one command."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from calibstate.factory import clock
from calibstate.store.schemas import schemas
from tests import world
from tests.commands.observatory import BASE, INSTRUMENTS, OWN, REPOSITORIES, SUMMIT
from tests.commands.sites import EMBARGO, ORIGIN, TOP, Sites
from tests.tree import Ran

NOW = datetime(2026, 11, 29, 8, 15, tzinfo=UTC)
ORDER = (ORIGIN, EMBARGO, BASE, SUMMIT)
"""The origin, its site, then the others by name."""


@pytest.fixture(autouse=True)
def _at_one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "source", lambda: NOW)


def files(sites: Sites) -> dict[str, bytes]:
    state = sites.tree.state
    return {str(path.relative_to(state)): path.read_bytes() for path in state.rglob("*") if path.is_file()}


def ends(ran: Ran) -> dict[tuple[str, str], str]:
    return {(c["repository"], c["instrument"]): c["end"] for c in ran.json["captures"]}


def changes_a_butler(sites: Sites) -> list[Any]:
    steps = sites.run("plan", "--format", "json").json["steps"]
    return [step for step in steps if "/" in step["target"]["place"]]


def test_one_command_writes_what_eight_would(live: Sites, tmp_path: Path) -> None:
    eight = live.copied_to(tmp_path / "eight", live.capsys)
    for instrument in INSTRUMENTS:
        for address in ORDER:
            assert eight.run("capture", address, instrument).code == 0
    repositories = live.snapshot("repo")

    ran = live.run("capture", "--format", "json")

    assert (ran.code, files(live)) == (0, files(eight))
    Draft202012Validator(schemas()["capture.json"]).validate(ran.json)
    assert ends(ran) == {(a, i): "captured" for i in INSTRUMENTS for a in ORDER}
    assert list(ends(ran)) == [(a, i) for i in INSTRUMENTS for a in ORDER]
    assert {file["what"] for file in ran.json["files"]} == {"new"}
    assert {child["repository"] for child in ran.json["found"] if child["child"] == OWN} == {BASE}
    assert live.run("validate").code == 0
    assert changes_a_butler(live) == []
    again = live.run("capture")
    assert (again.code, again.out) == (
        0,
        "4 repositories, 2 instruments: nothing to write, 10 files say it already.\n",
    )
    assert (files(live), live.snapshot("repo")) == (files(eight), repositories)


def test_each_capture_is_told_in_a_line_and_all_of_them_in_one(live: Sites) -> None:
    before = live.snapshot()

    dry = live.run("capture", "--dry-run", "--no-seals")

    assert (dry.code, live.snapshot()) == (0, before)
    assert "+++ chains/LATISS-calib.yaml" in dry.out
    assert f"+only: [{', '.join(ORDER)}]" in dry.out.splitlines(), "one difference tells of all captures"
    summary = "4 repositories, 2 instruments: 4 tickets, 2 chains new; nothing was written."
    assert dry.out.splitlines()[-1] == summary
    assert dry.err.count("Not at the origin") == 1

    ran = live.run("capture")

    assert (ran.code, ran.out.splitlines()) == (
        0,
        [
            "LATISS",
            "  usdf/main     1 ticket, 1 chain, 1 seal new",
            "  usdf/embargo  1 chain changed",
            "  bts/main      1 chain changed",
            "  summit/main   1 chain changed",
            "LSSTComCam",
            "  usdf/main     2 tickets, 1 chain, 2 seals new",
            "  usdf/embargo  1 chain changed",
            "  bts/main      1 ticket, 1 seal new; 1 chain changed",
            "  summit/main   1 chain changed",
            "4 repositories, 2 instruments: 4 tickets, 2 chains, 4 seals new. Read them, and commit them.",
        ],
    )


def test_who_cannot_be_captured_keeps_no_other_from_it(live: Sites) -> None:
    live.change_chain(EMBARGO, lambda children: children[::-1])
    summit = live.path(SUMMIT)
    away = summit.rename(summit.with_name("away"))

    ran = live.run("capture", "--format", "json")

    Draft202012Validator(schemas()["capture.json"]).validate(ran.json)
    others = {(a, i): "captured" for a in (ORIGIN, BASE) for i in INSTRUMENTS}
    unseen = {(SUMMIT, i): "unreachable" for i in INSTRUMENTS}
    assert (ran.code, ends(ran)) == (
        1,
        {**others, **unseen, (EMBARGO, "LATISS"): "captured", (EMBARGO, "LSSTComCam"): "refused"},
    )
    summaries = [told["summary"] for told in ran.json["told"]]
    assert summaries == ["Repository cannot be seen from here", "Another order", "Not at the origin"]
    assert b"usdf/embargo" not in files(live)["chains/LSSTComCam-calib.yaml"]
    shown = live.run("capture", "--dry-run")
    assert f"  {EMBARGO}  refused, nothing of it written: Another order" in shown.out.splitlines()
    assert f"  {SUMMIT}   could not be seen" in shown.out.splitlines()
    assert shown.err.count(SUMMIT) == 2, "why, and what to do, once for both instruments"

    live.change_chain(EMBARGO, lambda children: children[::-1])
    away.rename(summit)
    again = live.run("capture")

    assert again.code == 0, again.err
    assert changes_a_butler(live) == []


def test_a_refusal_alone_ends_with_3_whoever_else_is_away(live: Sites) -> None:
    live.change_chain(EMBARGO, lambda children: children[::-1])
    shutil.rmtree(live.path(SUMMIT))

    ran = live.run("capture", "usdf", "--no-seals")

    assert ran.code == 3
    assert ran.err.count("Repository cannot be seen from here") == 1, "nobody asked for it"
    assert f"calibstate capture {SUMMIT}.\n" in ran.err
    assert "2 repositories, 2 instruments: 3 tickets, 2 chains new; 1 refused." in ran.out


def test_what_was_half_written_is_completed(live: Sites) -> None:
    assert live.run("capture").code == 0
    whole = files(live)
    # What names tickets is written after them.
    for part in ("chains", "seals"):
        shutil.rmtree(live.tree.state / part)

    assert live.run("capture").code == 0
    assert files(live) == whole


def test_arguments_and_options_ask_for_the_same(live: Sites) -> None:
    def capture(*arguments: str) -> Any:
        return live.run("capture", *arguments, "--dry-run", "--no-seals", "--format", "json").json

    by_name = capture("usdf", "LATISS")
    by_option = capture("--site", "usdf", "--instrument", "LATISS")
    by_exclusion = capture("LATISS", "--exclude", "bts/*", "--exclude", SUMMIT)
    one = capture("summit", "LATISS")

    assert by_name == by_option == by_exclusion
    assert [c["repository"] for c in by_name["captures"]] == [ORIGIN, EMBARGO]
    assert one == capture(SUMMIT, "LATISS") == capture("--repository", SUMMIT, "LATISS")
    assert [c["repository"] for c in one["captures"]] == [SUMMIT]


def test_a_name_of_two_things_is_asked_about(live: Sites) -> None:
    live.tree.site("LATISS", {"main": "copy"}, instruments=["LATISS"])

    ran = live.run("capture", "LATISS")

    assert (ran.code, "--site LATISS, or --instrument LATISS" in ran.err) == (64, True), ran.err


def test_a_chain_is_taken_wherever_it_is(live: Sites) -> None:
    for address in (ORIGIN, SUMMIT):
        with live.butler(address) as butler:
            world.add_chain(butler, "LSSTComCam/defaults", [TOP])

    of_whom = live.run("capture", "--chain", "LSSTComCam/defaults")
    nowhere = live.run("capture", "LSSTComCam", "--chain", "LSSTComCam/default")
    ran = live.run("capture", "LSSTComCam", "--chain", "LSSTComCam/defaults", "--no-seals")

    assert (of_whom.code, "Name the instrument" in of_whom.err) == (64, True)
    assert (nowhere.code, "No such chain" in nowhere.err) == (64, True)
    assert ran.code == 0, ran.err
    assert f"only: [{ORIGIN}, {SUMMIT}]".encode() in files(live)["chains/LSSTComCam-defaults.yaml"]


def test_where_nothing_is_live_there_is_nothing_to_capture(live: Sites) -> None:
    for address in REPOSITORIES:
        with live.butler(address) as butler:
            butler.collections.x_remove("LATISS/calib")

    ran = live.run("capture", "LATISS")
    everything = live.run("capture", "--no-seals")

    assert (ran.code, "LATISS/calib" in ran.err, "--chain" in ran.err) == (64, True, True)
    assert everything.code == 0
    assert everything.out.splitlines()[1] == f"  {ORIGIN}     has no LATISS/calib"


def test_what_belongs_to_no_instrument_comes_first(catalogues: Sites) -> None:
    assert catalogues.apply().code == 0
    for part in ("tickets", "chains", "seals"):
        shutil.rmtree(catalogues.tree.state / part, ignore_errors=True)

    ran = catalogues.run("capture", "--format", "json")

    assert ran.code == 0, ran.err
    assert [c["instrument"] for c in ran.json["captures"]] == ["any"] * 2 + ["LSSTComCam"] * 3
    written = set(files(catalogues))
    assert {"chains/refcats.yaml", "chains/pretrained_models.yaml"} <= written
    assert {"tickets/any/DM-49042.yaml", "seals/any/DM-49042.yaml"} <= written
    assert changes_a_butler(catalogues) == []
