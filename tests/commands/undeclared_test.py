"""Live chains that nobody declared are told, and left as they are."""

from __future__ import annotations

import shutil

from jsonschema import Draft202012Validator

from calibstate.store.schemas import schemas
from tests import world
from tests.commands.observatory import BASE, SUMMIT
from tests.commands.sites import EMBARGO, ORIGIN, TOP, Sites

ALL = sorted([BASE, SUMMIT, EMBARGO, ORIGIN])
HEADING = "Live chains that nobody declared"


def undeclared(sites: Sites, *arguments: str) -> dict[str, list[str]]:
    """Return where chains are live and not declared."""
    document = sites.run("drift", *arguments, "--format", "json").json
    Draft202012Validator(schemas()["drift.json"]).validate(document)
    return {chain["chain"]: chain["repositories"] for chain in document["undeclared"]}


def test_an_empty_tree_is_not_in_sync_in_silence(live: Sites) -> None:
    before = live.snapshot()

    drift = live.run("drift")

    assert (drift.code, drift.out.splitlines()) == (
        0,
        [
            HEADING,
            "  LATISS/calib is live at 4 repositories and declared nowhere: calibstate capture LATISS",
            f"  {TOP} is live at 4 repositories and declared nowhere: calibstate capture LSSTComCam",
            "  All at once: calibstate capture",
            "In sync; 2 live chains not declared.",
        ],
    )
    document = live.run("drift", "--format", "json").json
    assert document["undeclared"][0] == {
        "chain": "LATISS/calib",
        "instrument": "LATISS",
        "repositories": ALL,
        "declared_for": [],
    }
    assert "- LATISS/calib is live at 4 repositories" in live.run("drift", "--format", "markdown").out
    for command in ("plan", "status"):
        ran = live.run(command)
        assert (ran.code, ran.err.count("declared nowhere: calibstate capture L")) == (0, 2)
    status = live.run("status", "--format", "json").json
    Draft202012Validator(schemas()["status.json"]).validate(status)
    assert status["undeclared"] == document["undeclared"]
    assert live.snapshot() == before


def test_what_is_told_to_be_captured_is_told_no_more(live: Sites) -> None:
    assert live.run("capture", "LATISS", "--no-seals").code == 0
    assert live.run("capture", ORIGIN, "LSSTComCam", "--no-seals").code == 0

    others = sorted([BASE, SUMMIT, EMBARGO])
    assert undeclared(live) == {TOP: others}
    command = f"calibstate capture {' '.join(others)} LSSTComCam"
    words = f"{TOP} is live at 3 repositories and declared for {ORIGIN} only: {command}"
    drift = live.run("drift")
    assert f"  {words}" in drift.out.splitlines()
    assert "; 1 live chain not declared." in drift.out.splitlines()[-1]

    assert live.run(*command.split()[1:], "--no-seals").code == 0
    assert undeclared(live) == {}
    assert HEADING not in live.run("drift").out
    assert HEADING not in live.run("plan").err


def test_a_chain_of_another_name_is_told_where_some_file_declares_it(live: Sites) -> None:
    defaults, own = "LSSTComCam/defaults", "u/somebody/calib"
    for address in (ORIGIN, SUMMIT):
        with live.butler(address) as butler:
            world.add_chain(butler, defaults, [TOP])
            world.add_chain(butler, own, [TOP])
    assert live.run("capture", "--no-seals").code == 0
    assert undeclared(live) == {}, "chains of people are nobody's business"

    assert live.run("capture", ORIGIN, "LSSTComCam", "--chain", defaults, "--no-seals").code == 0

    assert undeclared(live) == {defaults: [SUMMIT]}
    command = f"calibstate capture {SUMMIT} LSSTComCam --chain {defaults}"
    assert f"declared for {ORIGIN} only: {command}" in live.run("drift").out
    assert live.run(*command.split()[1:], "--no-seals").code == 0
    assert undeclared(live) == {}


def test_only_what_is_asked_for_and_searched_is_told(live: Sites) -> None:
    with live.butler(BASE) as butler:
        world.add_chain(butler, "LATISS/calib", [])
    shutil.rmtree(live.path(EMBARGO))

    assert undeclared(live, "--instrument", "LATISS") == {"LATISS/calib": [SUMMIT, ORIGIN]}
    assert undeclared(live, "--site", "bts") == {TOP: [BASE]}
    assert undeclared(live, "--exclude", "*/main") == {}
    assert live.run("capture", "LATISS", "--exclude", EMBARGO, "--no-seals").code == 0
    assert undeclared(live, "--ticket", "DM-1") == {}


def test_what_belongs_to_no_instrument_is_told_too(catalogues: Sites) -> None:
    assert catalogues.apply().code == 0
    for part in ("tickets", "chains", "seals"):
        shutil.rmtree(catalogues.tree.state / part, ignore_errors=True)

    assert undeclared(catalogues) == {
        TOP: ["frdf/main", "tts/LSSTComCam", ORIGIN],
        "pretrained_models": ["frdf/main", ORIGIN],
        "refcats": ["frdf/main", ORIGIN],
    }


def test_an_observation_tells_what_it_carries(live: Sites) -> None:
    assert live.run("capture", ORIGIN, "--no-seals").code == 0
    seen = live.tree.folder / "seen.json"
    assert live.run("observe", "--site", "summit", "-o", str(seen)).code == 0
    away = live.path(SUMMIT)
    away.rename(away.with_name("away"))

    ran = live.run("drift", "--site", "summit", "--observed", str(seen), "--format", "json")

    assert ran.json["undeclared"] == [], "nobody asked for it then"
    assert "unreachable" not in ran.json["summary"]
