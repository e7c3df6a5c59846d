"""Too old is unreachable, with what was seen last, in every command alike."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.commands.sites import EMBARGO, ORIGIN, SUMMIT, TOP, Sites
from tests.tree import ROOT, Ran

OLD = "2026-01-02T03:04:05Z"
COMMANDS = [
    ["drift"],
    ["status"],
    ["plan"],
    ["fingerprint"],
    ["explain", "bias", "detector=1", "--at", "2025-03-05"],
]


@pytest.fixture
def stale(deployed: Sites, monkeypatch: pytest.MonkeyPatch) -> Sites:
    """Return sites that see the summit as it was published months ago.

    It searched neither ticket then, and does now.
    """
    return seen_months_ago(deployed, [], monkeypatch)


@pytest.fixture
def stale_with_old(deployed: Sites, monkeypatch: pytest.MonkeyPatch) -> Sites:
    """Return sites that see the summit as it was with the older ticket."""
    return seen_months_ago(deployed, [f"{TOP}/DM-1"], monkeypatch)


def seen_months_ago(deployed: Sites, children: list[str], monkeypatch: pytest.MonkeyPatch) -> Sites:
    deployed.tree.site("usdf", {"main": "origin", "embargo": "copy"}, absolute=True, hosts=["*.usdf.example"])
    deployed.tree.site("summit", {"LSSTComCam": "copy"}, absolute=True, hosts=["*.cp.example"])
    monkeypatch.setenv("CALIBSTATE_HERE", "summit")
    before = list(deployed.chain(SUMMIT))
    deployed.change_chain(SUMMIT, lambda before: children)
    assert deployed.run("observe", "--site", "summit", "--publish").code == 0
    deployed.change_chain(SUMMIT, lambda children: before)
    published = deployed.tree.folder / "records" / "observations" / "summit" / "LSSTComCam.json"
    observations = json.loads(published.read_text())
    observations["observations"][0]["at"] = OLD
    published.write_text(json.dumps(observations))
    monkeypatch.setenv("CALIBSTATE_HERE", "usdf")
    return deployed


def run(sites: Sites, command: list[str], *more: str) -> Ran:
    return sites.run(*command, "--observed", "published", *more)


def unreachable(document: dict[str, Any]) -> set[str]:
    """Return the repositories that a document calls unreachable."""
    if document["kind"] in ("drift", "plan"):
        return {d["subject"] for d in document["drift"] if d["what"] == "unreachable"}
    if document["kind"] == "status":
        columns = [column for table in document["tables"] for column in table["columns"]]
        return {column["repository"] for column in columns if column["unreachable"]}
    return set(document["unreachable"])


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_too_old_is_unreachable_whatever_is_asked(stale: Sites, command: list[str]) -> None:
    ran = run(stale, command, "--format", "json")

    assert ran.code == 1
    document = ran.json
    assert unreachable(document) == {SUMMIT}
    when = document["seen"]
    assert {address: seen["by"] for address, seen in when.items()} == {
        EMBARGO: "live",
        ORIGIN: "live",
        SUMMIT: "published",
    }
    assert [address for address, seen in when.items() if seen["stale"]] == [SUMMIT]
    assert when[SUMMIT]["at"] == OLD
    assert when[SUMMIT]["age"] > 86400
    assert when[SUMMIT]["why"].startswith(
        "seen only from summit; the observation of 2026-01-02T03:04:05Z is older"
    )
    schema = document["kind"]
    jsonschema.validate(document, json.loads((ROOT / "schemas" / f"{schema}.json").read_text()))


@pytest.mark.parametrize("command", ["effective", "timeline"])
def test_what_is_effective_there_is_not_known(stale: Sites, command: str) -> None:
    ran = run(stale, [command, SUMMIT], "--format", "json")

    assert ran.code == 1
    (why,) = ran.json["unreachable"].values()
    assert why.startswith(f"seen only from summit; the observation of {OLD} is older than 24h")


@pytest.mark.parametrize(
    ("command", "older", "newer"), [("effective", "DM-1", "DM-2"), ("timeline", r"\b1\b", r"\b2\b")]
)
@pytest.mark.parametrize("format", ["text", "markdown"])
def test_what_was_effective_then_is_told_beside(
    stale_with_old: Sites, command: str, older: str, newer: str, format: str
) -> None:
    ran = run(stale_with_old, [command, SUMMIT], "--format", format)

    assert ran.code == 1
    heading = f"{TOP} at {SUMMIT} when last seen, "
    (line,) = [line for line in ran.out.splitlines() if heading in line]
    assert f"d ago ({OLD})" in line
    _, _, below = ran.out.partition(heading)
    assert re.search(older, below)
    assert not re.search(newer, below)


def test_a_timeline_of_then_is_data(stale_with_old: Sites) -> None:
    ran = run(stale_with_old, ["timeline", "usdf", "summit"], "--format", "json")

    assert {address for chain in ran.json["chains"] for address in chain["repositories"]} == {ORIGIN, EMBARGO}
    (then,) = ran.json["last_seen"]
    assert (then["chain"], then["repositories"]) == (TOP, [SUMMIT])
    assert then["timeline"]["tickets"] == ["DM-1"]
    assert {address: seen["stale"] for address, seen in ran.json["seen"].items()} == {
        ORIGIN: False,
        EMBARGO: False,
        SUMMIT: True,
    }
    jsonschema.validate(ran.json, json.loads((ROOT / "schemas" / "timeline.json").read_text()))
    narrowed = run(stale_with_old, ["timeline", SUMMIT], "--type", "flat", "--format", "json")
    (then,) = narrowed.json["last_seen"]
    assert {row["dataset_type"] for row in then["timeline"]["rows"]} == {"flat"}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_what_was_seen_last_is_told_beside(stale: Sites, command: list[str]) -> None:
    ran = run(stale, command)

    assert ran.code == 1
    assert f"{SUMMIT} when last seen" in ran.out + ran.err
    assert OLD in ran.out + ran.err


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_where_the_limit_allows_it_it_counts(stale: Sites, command: list[str]) -> None:
    ran = run(stale, command, "--max-age", "99999d", "--format", "json")

    assert unreachable(ran.json) == set()
    assert not any(seen["stale"] for seen in ran.json["seen"].values())
    assert not ran.json.get("last_seen")


def test_what_departed_then_is_data(stale: Sites) -> None:
    drift, plan = (run(stale, [name], "--format", "json").json for name in ("drift", "plan"))

    assert drift["last_seen"] == plan["last_seen"]
    (last,) = drift["last_seen"]
    assert last["repository"] == SUMMIT
    assert {(d["what"], d["subject"]) for d in last["drift"]} >= {("missing", f"{TOP}/DM-2")}
    assert [d for d in drift["drift"] if d["target"]["place"] == SUMMIT and d["what"] != "unreachable"] == []
    assert [step for step in plan["steps"] if step["target"]["place"] == SUMMIT] == []


def test_each_cell_tells_how_it_stood_then(stale: Sites) -> None:
    rows = run(stale, ["status"], "--format", "json").json["tables"][0]["rows"]

    cells = {(row["name"], cell["repository"]): cell for row in rows for cell in row["cells"]}
    assert cells["DM-2", SUMMIT]["state"] == "unreachable"
    assert cells["DM-2", SUMMIT]["last"]["state"] == "not searched"
    assert cells["DM-2", EMBARGO]["last"] is None


def test_lookups_tell_what_they_got_then(stale: Sites) -> None:
    prints = run(stale, ["fingerprint"], "--format", "json").json
    explained = run(stale, COMMANDS[-1], "--format", "json").json

    assert list(prints["last_seen"]) == [SUMMIT]
    assert SUMMIT not in prints["repositories"]
    assert prints["differences"] == []
    (then,) = explained["last_seen"]
    assert (then["repository"], then["outcome"]) == (SUMMIT, "nothing")


def test_a_digest_does_not_depend_on_ages(stale: Sites, tmp_path: Path) -> None:
    stale.change_chain(EMBARGO, lambda children: children[1:])
    files = [tmp_path / "one.json", tmp_path / "other.json"]
    made = []
    for file in files:
        made.append(run(stale, ["plan"], "--format", "json", "-o", str(file)))
        published = stale.tree.folder / "records" / "observations" / "summit" / "LSSTComCam.json"
        published.write_text(published.read_text().replace(OLD, "2026-01-03T03:04:05Z"))

    assert made[0].json["steps"]
    assert made[0].json["digest"] == made[1].json["digest"]
    assert made[0].json["seen"][SUMMIT]["at"] != made[1].json["seen"][SUMMIT]["at"]
    assert not {"seen", "last_seen"} & json.loads(files[0].read_text()).keys()


@pytest.mark.parametrize("command", [*COMMANDS, ["timeline", SUMMIT]], ids=lambda command: command[0])
def test_no_document_tells_where_a_place_is_on_a_machine(deployed: Sites, command: list[str]) -> None:
    database = deployed.path(SUMMIT) / "gen3.sqlite3"
    database.rename(database.with_name("away"))

    told = deployed.run(*command)
    document = deployed.run(*command, "--format", "json")

    assert (told.code, document.code) == (1, 1)
    assert str(deployed.tree.folder) in told.out + told.err
    assert str(deployed.tree.folder) not in document.out
    assert SUMMIT not in document.json.get("seen", {})
    assert unreachable(document.json) == {SUMMIT}
    assert "epository cannot be opened" in document.out
