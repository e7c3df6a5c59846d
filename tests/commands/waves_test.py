"""A change comes to sites in waves, each when the one before has passed."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from tests.commands.sites import EMBARGO, ORIGIN, SUMMIT, TOP, Sites
from tests.golden import Golden
from tests.tree import Ran

BTS = "bts/LSSTComCam"
WAVES = [["usdf"], ["bts"], ["summit"]]
OLD, NEW, NEWER = (f"{TOP}/DM-{number}" for number in (1, 2, 3))
NIGHT = ("--override", "the night is lost without it")


@pytest.fixture
def waves(deployed: Sites) -> Sites:
    """Return three sites in waves, at all of which DM-1 and DM-2 are."""
    shutil.copytree(deployed.path(SUMMIT), deployed.path(BTS))
    deployed.tree.site("bts", {"LSSTComCam": "copy"})
    deployed.tree.settings(waves=WAVES)
    return deployed


@pytest.fixture
def begun(waves: Sites) -> Sites:
    """Return them when DM-3 has come to the first of them, and passed."""
    waves.make_ticket("DM-3")
    waves.tree.chain(["DM-3", "DM-2", "DM-1"])
    assert waves.apply().code == 4
    assert passes(waves, "usdf")
    return waves


def passes(sites: Sites, site: str) -> bool:
    """Publish the review of a site; say whether it passes."""
    ran = sites.run("verify", "--site", site, "--publish")
    assert ran.code in {0, 1}, ran.err
    return ran.code == 0


def chains(sites: Sites) -> dict[str, bool]:
    """Say of each site whether its chain has the new ticket."""
    return {address: NEWER in sites.chain(address) for address in (ORIGIN, EMBARGO, BTS, SUMMIT)}


def told(golden: Golden, name: str, ran: Ran) -> Ran:
    golden(f"waves/{name}.txt", re.sub(r"20[0-9-]{8}T[0-9:.]+Z", "2025-02-12T03:00:00Z", ran.out))
    return ran


def lookups(sites: Sites) -> list[str | None]:
    return [
        sites.found(address, "bias", detector=detector)
        for address in (ORIGIN, BTS, SUMMIT)
        for detector in (0, 1)
    ]


def test_a_ticket_is_rolled_out_in_waves_and_rolled_back_in_waves(waves: Sites, golden: Golden) -> None:
    sites, before = waves, lookups(waves)
    sites.make_ticket("DM-3")
    sites.tree.chain(["DM-3", "DM-2", "DM-1"])

    assert told(golden, "1-out-usdf", sites.apply()).code == 4
    assert chains(sites) == {ORIGIN: True, EMBARGO: True, BTS: False, SUMMIT: False}
    assert not sites.has(BTS, NEWER)
    assert sites.apply("--site", "bts").code == 4
    assert passes(sites, "usdf")
    assert told(golden, "2-out-bts", sites.apply()).code == 4
    assert chains(sites) == {ORIGIN: True, EMBARGO: True, BTS: True, SUMMIT: False}
    assert passes(sites, "bts")
    assert told(golden, "3-out-summit", sites.apply()).code == 0
    assert all(chains(sites).values())
    assert lookups(sites) != before

    sites.tree.chain(["DM-2", "DM-1"], retired={"DM-3": "it was made of the wrong darks"})
    assert told(golden, "4-back-usdf", sites.apply()).code == 4
    assert chains(sites) == {ORIGIN: False, EMBARGO: False, BTS: True, SUMMIT: True}
    assert passes(sites, "usdf")
    assert told(golden, "5-back-bts", sites.apply()).code == 4
    assert passes(sites, "bts")
    assert told(golden, "6-back-summit", sites.apply()).code == 0
    assert not any(chains(sites).values())
    assert lookups(sites) == before
    assert sites.has(SUMMIT, NEWER)
    assert sites.run("plan").code == 0


def test_a_wave_stays_closed_where_verify_failed_and_opens_when_that_is_mended(
    begun: Sites, golden: Golden
) -> None:
    assert begun.apply("--site", "bts").code == 0
    lost = sorted(begun.path(BTS).rglob("DM-3/**/bias/*.fits"))[0]
    lost.unlink()
    assert not passes(begun, "bts")

    assert told(golden, "failed", begun.apply("--site", "summit")).code == 4
    assert not begun.has(SUMMIT, NEWER)

    assert begun.apply("--site", "bts", "--files").code == 0
    assert lost.exists()
    assert begun.apply("--site", "summit").code == 4
    assert passes(begun, "bts")
    assert begun.apply("--site", "summit").code == 0
    assert begun.chain(SUMMIT) == (NEWER, NEW, OLD)


@pytest.mark.slow
def test_a_wave_is_overridden_with_a_reason_that_log_tells(begun: Sites) -> None:
    assert begun.apply("--site", "summit", *NIGHT).code == 0

    assert begun.chain(SUMMIT) == (NEWER, NEW, OLD)
    assert "allowed wave, window: the night is lost without it" in begun.run("log").out


def test_what_is_there_is_mended_whatever_the_wave_before_shows(waves: Sites) -> None:
    lost = sorted(waves.path(SUMMIT).rglob("DM-2/**/bias/*.fits"))[0]
    lost.unlink()

    assert waves.apply("--site", "summit", "--files").code == 0
    assert lost.exists()


@pytest.mark.slow
def test_the_plan_of_a_later_wave_is_made_before_and_done_when_it_opens(begun: Sites) -> None:
    plan = str(begun.tree.folder / "plan.json")
    assert begun.run("plan", "--site", "summit").code == 4
    ran = begun.run("plan", "--site", "summit", "--after", "bts", "-o", plan, "--format", "json")
    assert ran.code == 2
    assert begun.apply("--site", "summit", "--expect", ran.json["digest"]).code == 4
    ran = begun.apply(plan)
    assert ran.code == 3
    assert f"waits for {BTS}: verify has not passed there" in ran.err
    assert not begun.has(SUMMIT, NEWER)

    assert begun.apply("--site", "bts").code == 0
    assert passes(begun, "bts")
    assert begun.apply(plan).code == 0
    assert begun.chain(SUMMIT) == (NEWER, NEW, OLD)


def test_what_each_check_looked_at_is_published(begun: Sites) -> None:
    published = begun.tree.folder / "records" / "reviews" / f"{ORIGIN}.json"
    review = json.loads(begun.run("verify", "--site", "usdf", "--ticket", "DM-1", "--format", "json").out)
    assert passes(begun, "usdf")

    document = json.loads(published.read_text())

    evidence = document["tickets"]["LSSTComCam/DM-1"]["evidence"]
    assert evidence == review["reviews"][0]["repositories"][ORIGIN]["checks"]
    assert {one["check"] for one in evidence} >= {"content", "selection", "files"}
    assert len(json.dumps(evidence)) < 1000


@pytest.mark.parametrize(
    ("counts", "is_read"),
    [
        ({"files": 9}, True),
        ({"files": -1}, False),
        ({"\u202efiles": 1}, False),
        ({"x" * 41: 1}, False),
        ({f"of {number}": 1 for number in range(21)}, False),
    ],
)
def test_published_evidence_is_read_with_care_and_its_absence_too(
    begun: Sites, counts: dict[str, int], *, is_read: bool
) -> None:
    published = begun.tree.folder / "records" / "reviews" / f"{ORIGIN}.json"
    assert passes(begun, "usdf")
    document = json.loads(published.read_text())
    for ticket in document["tickets"].values():
        # So versions wrote it that told nothing of what was looked at.
        del ticket["evidence"]
    published.write_text(json.dumps(document))
    assert begun.run("plan", "--site", "bts").code == 2
    ticket["evidence"] = [{"check": "files", "passed": True, "counts": counts}]
    published.write_text(json.dumps(document))

    assert begun.run("plan", "--site", "bts").code == (2 if is_read else 4)


@pytest.mark.slow
def test_what_cannot_be_read_opens_no_wave_and_is_written_anew(begun: Sites) -> None:
    published = begun.tree.folder / "records" / "reviews" / f"{ORIGIN}.json"
    before = json.loads(published.read_text())
    for spoilt in (b"", b'{"kind": "published-review"}', b"[" * 100_000, b"\xff"):
        published.write_bytes(spoilt)
        ran = begun.run("plan", "--site", "bts")
        assert ran.code == 4
        assert f"waits for {ORIGIN}: " in ran.out

    assert passes(begun, "usdf")
    assert begun.run("plan", "--site", "bts").code == 2
    # A review of one ticket keeps what was published of the others.
    assert begun.run("verify", "--site", "usdf", "--ticket", "DM-1", "--publish").code == 0
    after = json.loads(published.read_text())
    for tickets in (before["tickets"], after["tickets"]):
        assert [review["passed"] for review in tickets.values()] == [True] * 3
    assert before != after
