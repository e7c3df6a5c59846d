"""What pages have for machines, as readers of such files take it."""

from __future__ import annotations

import json
import re
import shutil
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.commands.page_compare_test import back_date
from tests.commands.page_test import age, made, page, publish
from tests.commands.sites import EMBARGO, INSTRUMENT, LEAVES, ORIGIN, SUMMIT, TOP, Sites

feedparser = pytest.importorskip("feedparser", reason="feedparser is not installed")
parser = pytest.importorskip("prometheus_client.parser", reason="prometheus_client is not installed")


@pytest.fixture
def behind(deployed: Sites) -> Sites:
    """Return sites of which one searches otherwise by hand."""
    deployed.change_chain(SUMMIT, lambda children: children[1:])
    publish(deployed)
    deployed.commit()
    return deployed


def test_metrics_are_gauges_that_say_how_it_stands(behind: Sites) -> None:
    at = age(behind, EMBARGO, timedelta(days=3))
    text = (made(behind).folder / "metrics.prom").read_text()

    values = {}
    for family in parser.text_string_to_metric_families(text):
        assert family.type == "gauge"
        for one in family.samples:
            assert one.timestamp is None
            labels = one.labels
            values[one.name, labels.get("repository"), labels.get("what")] = one.value
    assert values["calibstate_in_sync", ORIGIN, None] == 1
    assert values["calibstate_in_sync", SUMMIT, None] == 0
    # What was seen too long ago is not in sync, whatever it was.
    assert values["calibstate_in_sync", EMBARGO, None] == 0
    assert values["calibstate_drift", SUMMIT, "not searched"] == 1
    # Who watches for a state finds it also where there is none of it.
    for address in (ORIGIN, EMBARGO, SUMMIT):
        states = {what for name, there, what in values if (name, there) == ("calibstate_drift", address)}
        assert states == {
            "unreachable",
            "changed",
            "refused",
            "unwanted",
            "missing",
            "not searched",
            "on hold",
            "pending",
            "misordered",
            "extra",
        }
    assert {values[key] for key in values if key[:2] == ("calibstate_drift", ORIGIN)} == {0}
    assert (
        values["calibstate_seen_timestamp_seconds", EMBARGO, None] == datetime.fromisoformat(at).timestamp()
    )
    assert not text.endswith("# EOF\n")


def test_metrics_count_what_is_misordered_on_hold_and_not_known(behind: Sites) -> None:
    def drift() -> dict[tuple[str, str], float]:
        values = {}
        page(behind.tree, behind.capsys)
        text = (behind.tree.folder / "pages" / "metrics.prom").read_text()
        for family in parser.text_string_to_metric_families(text):
            for one in family.samples:
                if family.name == "calibstate_drift":
                    values[one.labels["repository"], one.labels["what"]] = one.value
        return values

    behind.change_chain(SUMMIT, lambda children: [*children, f"{INSTRUMENT}/calib/DM-2"])
    publish(behind, "summit")
    assert drift()[SUMMIT, "misordered"] > 0

    behind.tree.chain(["DM-2", "DM-1"], hold="we observe")
    assert drift()[SUMMIT, "on hold"] > 0
    assert drift()[SUMMIT, "misordered"] == 0

    records = behind.tree.folder / "records"
    (records / "observations" / f"{SUMMIT}.json").unlink()
    # A sight stands in for it.
    assert drift()[SUMMIT, "unreachable"] == 0

    shutil.rmtree(records / "sights" / SUMMIT)
    told = drift()
    assert told[SUMMIT, "unreachable"] > 0
    assert told[ORIGIN, "unreachable"] == 0


def test_what_is_too_old_is_unreachable_in_metrics_and_speaks_of_then(behind: Sites) -> None:
    for address in (ORIGIN, SUMMIT, EMBARGO):
        age(behind, address, timedelta(days=3))

    pages = made(behind, "--max-age", "1d")

    metrics = (pages.folder / "metrics.prom").read_text()
    samples = {
        (sample.name, sample.labels.get("repository"), sample.labels.get("what")): sample.value
        for family in parser.text_string_to_metric_families(metrics)
        for sample in family.samples
    }
    for address in (ORIGIN, SUMMIT, EMBARGO):
        assert samples["calibstate_drift", address, "unreachable"] > 0
        assert samples["calibstate_drift", address, "missing"] == 0
        assert ("calibstate_same_as_origin", address, None) not in samples
    lead = pages.html("").text
    assert "select calibrations" not in lead
    assert "select the same" not in lead
    assert "search it as declared." not in pages.html(f"{INSTRUMENT}/chain/calib").text


def test_metrics_may_be_asked_for_in_the_other_format(behind: Sites) -> None:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    text = (made(behind, "--metrics", "openmetrics").folder / "metrics.prom").read_text()
    names = {family.name for family in text_string_to_metric_families(text)}
    assert "calibstate_page_timestamp_seconds" in names


URL = "https://pages.example.org/c/"


def test_the_feed_has_ids_that_never_change(behind: Sites) -> None:
    assert behind.run("verify", "--publish").code == 1
    first = made(behind, "--url", URL)
    text = (first.folder / "feed.atom").read_bytes()
    feed = feedparser.parse(text)
    ids = [entry.id for entry in feed.entries]
    # Whoever reads feeds would be told of all of it again.
    publish(behind)
    again = feedparser.parse((made(behind, "--url", URL).folder / "feed.atom").read_bytes())

    assert not feed.bozo
    assert len(ids) == len(set(ids))
    assert {entry.tags[0].term for entry in feed.entries} >= {"merge", "run", "review", "state"}
    assert all(one.startswith("tag:pages.example.org,2026:c/") for one in (*ids, feed.feed.id))
    assert sorted(entry.id for entry in again.entries) == sorted(ids)
    assert again.feed.id == feed.feed.id
    for entry in feed.entries:
        assert entry.link.startswith(URL)
        path = entry.link.removeprefix(URL)
        assert (first.folder / path / "index.html").is_file(), path


def test_where_nobody_knows_the_address_ids_are_nobodys_and_nothing_is_linked(behind: Sites) -> None:
    text = (made(behind).folder / "feed.atom").read_text()
    feed = feedparser.parse(text)
    again = feedparser.parse((made(behind).folder / "feed.atom").read_bytes())

    assert not feed.bozo
    assert "<link" not in text
    ids = [entry.id for entry in feed.entries]
    assert all(re.fullmatch("urn:uuid:[0-9a-f-]{36}", one) for one in (*ids, feed.feed.id))
    assert len(ids) == len(set(ids)) > 1
    assert [entry.id for entry in again.entries] == ids
    # What has no link has content (RFC 4287, 4.1.2).
    assert all(entry.content[0].value for entry in feed.entries)


def test_a_host_with_pages_of_two_trees_has_ids_of_two_sorts(behind: Sites) -> None:
    def ids(url: str) -> set[str]:
        text = (made(behind, "--url", url).folder / "feed.atom").read_bytes()
        return {entry.id for entry in feedparser.parse(text).entries}

    assert ids("https://Example.github.io:8443/calib") == ids("http://example.github.io/calib/")
    assert ids("https://example.github.io/calib").isdisjoint(ids("https://example.github.io/other"))
    # What can stand in no tag belongs to nobody.
    assert {one.partition(":")[0] for one in ids("http://[::1]/calib/")} == {"urn"}


@pytest.mark.parametrize(
    "url",
    [
        "pages.example.org",
        "javascript:alert(1)",
        "https://",
        "https://user:secret@example.org/",
        "https://example.org/?token=secret",
        "https://example.org:port/",
        "https://[::1/",
        " https://example.org/",
    ],
)
def test_an_address_where_no_page_can_be_is_refused(sites: Sites, url: str) -> None:
    ran = page(sites.tree, sites.capsys, "--url", url)

    assert ran.code == 64
    assert "error: No address of pages" in ran.err
    assert not (sites.tree.folder / "pages").exists()


def test_a_repository_that_ceases_to_search_as_declared_is_told_for_good(deployed: Sites) -> None:
    deployed.commit()
    publish(deployed)
    back_date(deployed, SUMMIT, "2026-11-02T03:04:05Z")
    deployed.add_own(SUMMIT)
    deployed.change_chain(SUMMIT, lambda children: ["u/somebody/bias", *children[1:]])
    publish(deployed, "summit")
    back_date(deployed, SUMMIT, "2026-11-09T03:04:05Z")

    def turned() -> list[Any]:
        entries = made(deployed).data("feed")["entries"]
        return [entry for entry in entries if "as declared" in entry["title"] and TOP in entry["title"]]

    (ceased,) = turned()
    assert ceased["title"] == f"{SUMMIT} does not search {TOP} as declared any more"
    assert ceased["why"] == f"not searched: {INSTRUMENT}/calib/DM-2; searched besides: u/somebody/bias"
    assert (ceased["sort"], ceased["about"], ceased["at"]) == ("state", SUMMIT, "2026-11-09T03:04:05Z")
    # However often it is looked at, it ceased then.
    age(deployed, SUMMIT, timedelta(seconds=-1))
    assert turned() == [ceased]

    deployed.change_chain(SUMMIT, lambda children: [f"{INSTRUMENT}/calib/DM-2", *children[1:]])
    publish(deployed, "summit")
    again, still = turned()
    assert again["title"] == f"{SUMMIT} now searches {TOP} as declared"
    assert still == ceased


def test_of_a_tree_that_was_never_committed_no_change_is_told(deployed: Sites) -> None:
    deployed.commit()
    deployed.tree.ticket("DM-9", *LEAVES, status="proposed")
    publish(deployed)
    back_date(deployed, SUMMIT, "2026-11-02T03:04:05Z")
    deployed.change_chain(SUMMIT, lambda children: children[1:])
    (deployed.tree.state / "tickets" / INSTRUMENT / "DM-9.yaml").unlink()
    publish(deployed, "summit")

    entries = made(deployed).data("feed")["entries"]

    assert [entry for entry in entries if "as declared any more" in entry["title"]] == []


def test_a_sight_that_became_too_old_is_told_once(behind: Sites) -> None:
    at = age(behind, SUMMIT, timedelta(days=3))
    entries = made(behind).data("feed")["entries"]
    (old,) = [entry for entry in entries if entry["sort"] == "sight"]
    assert (old["about"], old["at"]) == (SUMMIT, at)
    again = made(behind).data("feed")["entries"]
    assert old["id"] in [entry["id"] for entry in again]


def test_a_badge_says_of_which_day_it_is(behind: Sites) -> None:
    pages = made(behind)
    day = datetime.fromisoformat(pages.standing(SUMMIT)["seen"]["at"]).date().isoformat()
    told = {}
    for site in ("usdf", "summit"):
        badge = ElementTree.parse(pages.folder / "badge" / INSTRUMENT / f"{site}.svg")
        told[site] = badge.getroot().get("aria-label")
    assert told == {"usdf": f"usdf: in sync {day}", "summit": f"summit: not searched {day}"}


def test_repositories_are_compared_by_what_they_select(behind: Sites) -> None:
    behind.change_chain(SUMMIT, lambda children: [])
    publish(behind, "summit")
    pages = made(behind)

    whole = pages.data(f"{INSTRUMENT}/compare")
    assert [group["repositories"] for group in whole["groups"]] == [[ORIGIN, EMBARGO], [SUMMIT]]
    (pair,) = whole["pairs"]
    two = pages.data(f"{INSTRUMENT}/compare/usdf-main..summit-LSSTComCam")
    rows = {(one["dataset_type"], *one["filters"]) for one in two["differences"]}
    assert pair["rows"] >= len(rows) > 0
    for one in two["differences"]:
        # The first finds something, the second nothing.
        assert one["a"] or one["b"]
        assert one["b"] == []


def test_the_status_says_in_few_words_how_it_stands(behind: Sites) -> None:
    status = json.loads((made(behind).folder / "status.json").read_text())
    standing = {one["repository"]: one["in_sync"] for one in status["repositories"]}
    assert standing == {ORIGIN: True, EMBARGO: True, SUMMIT: False}
    assert status["sound"] is True


def test_runs_commits_and_seals_have_pages_that_stay(behind: Sites) -> None:
    assert behind.run("seal").code == 0
    behind.commit()
    pages = made(behind)
    for sort in ("run", "commit", "seal"):
        found = [path for path in (pages.folder / sort).iterdir() if (path / "index.html").is_file()]
        assert found, sort
    for path in (pages.folder / "run").iterdir():
        text = pages.html(f"run/{path.name}").text
        assert str(behind.tree.folder) not in text
