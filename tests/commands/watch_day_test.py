"""A day of three sites that keep themselves, told by what they leave.

Nobody types anything but the two words that the summit's chain asks for.
"""

from __future__ import annotations

import json
import re
import shutil

import pytest

from tests.commands.carried import BTS as BY_RUCIO
from tests.commands.carried import Carried
from tests.commands.sites import ORIGIN, SUMMIT, TOP, Sites
from tests.commands.watched import BTS, CARRIES, Watched
from tests.golden import Golden
from tests.services.webhook import SECRET, Receiver

NEW, OLD = f"{TOP}/DM-3", f"{TOP}/DM-2"
SITES = ("usdf", "bts", "summit")
BY_ITSELF = ["export-bundle", "import-bundle", "register-dataset", "add-rule"]

MASKS = {
    r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z": "2025-02-12T03:00:00Z",
    r"\b[0-9a-f]{10}\b": "3f9c2d71ab",
}


class Day:
    """What is seen of a day, in the order in which it happened."""

    def __init__(self, watched: Watched, receiver: Receiver) -> None:
        self._watched = watched
        self._receiver = receiver
        self.lines: list[str] = []

    def happens(self, what: str) -> None:
        self.lines.append(f"# {what}")

    def round(self) -> None:
        """Have each site turn once."""
        for site in SITES:
            ran = self._watched.turn(site)
            assert "Traceback" not in ran.err
            self.lines.extend(ran.out.splitlines())
            while self._receiver.taken:
                notice = self._receiver.taken.pop(0)
                self.lines.append(f"    >> {notice['site']}: {notice['word']} ({notice['reason']})")

    def told(self) -> str:
        text = "\n".join(self.lines) + "\n"
        for pattern, instead in MASKS.items():
            text = re.sub(pattern, instead, text)
        return text


@pytest.fixture
def day(deployed: Sites, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> tuple[Watched, Day]:
    """Return three sites in waves, and what is seen of their day."""
    shutil.copytree(deployed.path(SUMMIT), deployed.path(BTS))
    deployed.tree.site("bts", {"LSSTComCam": "copy"})
    deployed.tree.settings(waves=[["usdf"], ["bts"], ["summit"]])
    watched = Watched(deployed)
    watched.lets("usdf", CARRIES, "apply")
    watched.lets("bts", CARRIES, "apply")
    watched.lets("summit", CARRIES)
    watched.begin()
    monkeypatch.setenv("CALIBSTATE_NOTIFY_URL", receiver.url)
    monkeypatch.setenv("CALIBSTATE_NOTIFY_SECRET", SECRET)
    return watched, Day(watched, receiver)


def test_a_day_of_three_sites_tells_its_own_story(day: tuple[Watched, Day], golden: Golden) -> None:
    watched, story = day
    sites = watched.sites
    story.happens("In the morning all is as declared.")
    story.round()

    story.happens("DM-3 is merged.")
    sites.make_ticket("DM-3")
    sites.tree.chain(["DM-3", "DM-2", "DM-1"])
    watched.merge("Adopt DM-3")
    story.round()
    assert [NEW in sites.chain(place) for place in (ORIGIN, BTS, SUMMIT)] == [True, True, False]

    story.happens("Somebody at the summit types: apply, yes.")
    watched.run("summit", "apply", "--site", "summit", "--yes")
    story.round()
    assert NEW in sites.chain(SUMMIT)

    story.happens("The base test stand falls silent, for four rounds.")
    away = watched.folder / "away"
    sites.path(BTS).rename(away)
    for _ in range(4):
        story.round()
    story.happens("It is back.")
    away.rename(sites.path(BTS))
    story.round()

    story.happens("Somebody changes the chain of the test stand by hand, and takes it back.")
    own = sites.add_own(BTS)
    sites.change_chain(BTS, lambda children: [own, *children])
    story.round()
    sites.change_chain(BTS, lambda children: [child for child in children if child != own])
    story.round()

    story.happens("The board takes DM-2 back, and the summit is asked.")
    sites.tree.chain(["DM-3", "DM-1"], retired={"DM-2": "striped"})
    watched.merge("Take DM-2 back")
    story.round()
    watched.run("summit", "apply", "--site", "summit", "--yes")
    story.round()
    story.happens("At night all is as declared.")
    story.round()

    for place in (ORIGIN, BTS, SUMMIT):
        assert sites.chain(place) == (NEW, f"{TOP}/DM-1")
    golden("watch/day.txt", story.told())
    # What the journals and the pages tell is the same.
    watched.run("usdf", "page", "-o", str(watched.folder / "pages"))
    loops = json.loads((watched.folder / "pages" / "data.json").read_text())["loops"]
    assert {loop["site"]: loop["state"] for loop in loops} == dict.fromkeys(SITES, "ready")
    log = watched.run("usdf", "log", "--format", "json").json
    lines = [line for run in log["runs"] for line in run["lines"] if line["event"] == "outcome"]
    done = [line["outcome"]["do"] for line in lines if line["outcome"]["result"] == "done"]
    assert done.count("rewrite-chain") == 4
    assert done.count("prepend-to-chain") >= 4


def test_files_that_rucio_brings_are_taken_in_without_a_hand(carried: Carried) -> None:
    watched = Watched(carried)
    for site in ("usdf", "bts", "summit"):
        watched.lets(site, BY_ITSELF, "apply")
    watched.begin()

    words = [watched.turn(site).code for site in ("usdf", "summit")]
    assert words == [4, 4]
    assert not carried.has(SUMMIT, f"{TOP}/DM-1")
    assert "Waiting" in watched.reasons("summit")

    # The files arrive; nobody does anything.
    carried.arrive()
    for site in ("summit", "bts", "usdf"):
        assert watched.turn(site).code in {0, 4}

    for address in (SUMMIT, BY_RUCIO):
        assert carried.chain(address) == (f"{TOP}/DM-1",)
        assert carried.of_ticket(address, "DM-1") == carried.of_ticket(ORIGIN, "DM-1") != []
        review = watched.folder / "records" / "reviews" / f"{address}.json"
        assert json.loads(review.read_text())["tickets"]["LSSTComCam/DM-1"]["passed"]
    for site in ("summit", "bts", "usdf"):
        assert watched.turn(site).code == 0
        assert watched.word(site) == "ready"
