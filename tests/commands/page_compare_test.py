"""What can be compared: what is declared and was, what was seen and before."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import yaml

from calibstate.work import pagesources
from tests.commands.page_test import Pages, age, made, publish
from tests.commands.sites import EMBARGO, INSTRUMENT, ORIGIN, SUMMIT, TOP, Sites

COMPARE = f"{INSTRUMENT}/compare"


def back_date(sites: Sites, address: str, at: str) -> None:
    """Have the newest sight that is kept be of some other time."""
    folder = sites.tree.folder / "records" / "sights" / address
    kept = max(path for path in folder.iterdir() if path.name != "newest.json")
    said = json.loads(kept.read_text())
    said["at"] = at
    kept.unlink()
    name = at.replace("-", "").replace(":", "")
    (folder / f"{name}.json").write_text(json.dumps(said))


def choices(pages: Pages) -> dict[str, Any]:
    return {each["key"]: each for each in pages.data(COMPARE)["choices"]}


@pytest.fixture
def changed(deployed: Sites) -> Sites:
    """Return sites where one showed something else a week ago."""
    assert deployed.run("seal").code == 0
    publish(deployed)
    back_date(deployed, SUMMIT, "2026-11-02T03:04:05Z")
    deployed.change_chain(SUMMIT, lambda children: [])
    publish(deployed, "summit")
    deployed.commit()
    return deployed


def test_what_a_repository_showed_before_can_be_compared(changed: Sites) -> None:
    pages = made(changed)

    before = choices(pages)[f"{SUMMIT}@2026-11-02T03:04:05Z"]
    assert (before["sort"], before["about"]) == ("sight", SUMMIT)
    assert before["fingerprint"] == choices(pages)[ORIGIN]["fingerprint"]
    assert before["fingerprint"] != choices(pages)[SUMMIT]["fingerprint"]
    # It says otherwise through the chain that is compared.
    assert pages.data(COMPARE)["chain"] == TOP


def test_a_sight_that_cannot_be_read_is_told_and_costs_no_other(changed: Sites) -> None:
    folder = changed.tree.folder / "records" / "sights" / SUMMIT
    (folder / "20261102T030405Z.json").write_text('{"format_version": "9.0", "kind": "sight"')

    pages = made(changed, code=1)

    assert [source["source"] for source in pages.data()["unread"]] == [f"the history of {SUMMIT}"]
    assert SUMMIT in choices(pages)
    assert [key for key in choices(pages) if "@" in key] == []


def test_each_merge_has_a_page_with_what_it_changes(changed: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    changed.tree.chain(["DM-1"], retired={"DM-2": "it was wrong"})
    changed.commit()
    changed.tree.chain([], retired={"DM-1": "it was wrong", "DM-2": "it was wrong"})
    changed.commit()

    pages = made(changed)

    merges = pages.data(COMPARE)["merges"]
    assert len(merges) == 2
    for merge in merges:
        address = f"{COMPARE}/{merge['older'][:10]}..{merge['newer'][:10]}"
        document = pages.data(address)
        assert document["merge"] == merge
        assert merge["rows"] > 0
        assert "What it changes" in pages.html(f"commit/{merge['newer']}").text
        assert document["repository"] == ORIGIN
    (newest, _) = merges
    document = pages.data(f"{COMPARE}/{newest['older'][:10]}..{newest['newer'][:10]}")
    # The first commit had both, the second one of them, the last none.
    assert {winner["ticket"] for each in document["differences"] for winner in each["a"]} == {"DM-1"}
    assert [winner for each in document["differences"] for winner in each["b"]] == []

    # Only so many are compared.
    monkeypatch.setattr(pagesources, "_MOST_REVISIONS", 2)
    assert pages_compared(changed) == 1
    monkeypatch.setattr(pagesources, "_MOST_REVISIONS", 50)
    monkeypatch.setattr(pagesources, "_MOST_CERTIFICATIONS", 0)
    assert pages_compared(changed) == 1


def test_one_repository_is_followed_through_merges_however_many_others_change(deployed: Sites) -> None:
    assert deployed.run("seal").code == 0
    elsewhere = {"skip": {SUMMIT: "no room yet", EMBARGO: "no room yet"}}
    file = deployed.tree.state / f"tickets/{INSTRUMENT}/DM-2.yaml"
    text = file.read_text()
    file.write_text(text + yaml.safe_dump(elsewhere))
    deployed.commit()
    file.write_text(text)
    deployed.commit()

    (merge,) = made(deployed, code=1).data(COMPARE)["merges"]

    # Most had other calibrations before, and the origin has not.
    assert merge["rows"] == 0


def pages_compared(sites: Sites) -> int:
    return len(made(sites).data(COMPARE)["merges"])


def test_what_was_declared_is_compared_where_nobody_looked(sites: Sites) -> None:
    sites.commit()
    sites.tree.chain(["DM-1"], retired={"DM-2": "it was wrong"})
    sites.commit()

    pages = made(sites, code=1)

    assert pages.data(COMPARE)["groups"] == []
    assert len(pages.data(COMPARE)["merges"]) == 1
    assert "No repository has been seen" in pages.html(COMPARE).text


def test_equal_timelines_have_one_script(changed: Sites) -> None:
    age(changed, SUMMIT, timedelta(hours=1))
    pages = made(changed)
    fingerprints = {each["fingerprint"] for each in choices(pages).values()}
    scripts = list((pages.folder / INSTRUMENT / "selected").glob("*.js"))
    assert 1 < len(fingerprints) == len(scripts) < len(choices(pages))
