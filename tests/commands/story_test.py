"""One ticket, all of its way, on real parts: from its proposal to a night.

The outputs are those that people read on the way, in its order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from tests.commands import stock
from tests.commands.impact_test import git
from tests.commands.sites import EMBARGO, INSTRUMENT, ORIGIN, SUMMIT, TOP, Sites
from tests.golden import Golden
from tests.tree import Ran

UNTIL = ("--observed-until", "2025-02-11")
NEW, NEWER, NEWEST = (f"{TOP}/DM-{number}" for number in (1, 2, 3))
SITES = ("usdf", "summit")


@dataclass
class Story:
    """A state tree in Git, what it speaks of, and what was told so far."""

    sites: Sites
    golden: Golden
    known: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return self.sites.tree.state

    def tell(self, name: str, ran: Ran, *, err: bool = False) -> Ran:
        """Hold what was told to its file."""
        self.golden(f"story/{name}", self.masked(ran.err if err else ran.out))
        return ran

    def masked(self, printed: str) -> str:
        """Return an output without what differs each time."""
        text = printed.replace(str(self.sites.tree.folder), "/world")
        text = re.sub(r"\b[0-9a-f]{10}\b(?=[,)])", "0123456789", text)
        text = re.sub(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z", "2025-02-12T03:00:00Z", text)
        return re.sub(r"sha256:[0-9a-f]{8,64}", self._digest, text)

    def _digest(self, found: re.Match[str]) -> str:
        # The same digest is told by the same word all through the story.
        short = found[0][:15]
        return self.known.setdefault(short, f"sha256:({len(self.known) + 1})")

    def commit(self, words: str) -> None:
        git(self.state, "add", "-A")
        git(self.state, "commit", "-q", "-m", words)

    def run(self, *arguments: str) -> Ran:
        return self.sites.run(*arguments)

    def report(self, *arguments: str) -> Ran:
        return self.run("report", "--base", "main", *UNTIL, "--format", "markdown", *arguments)

    def approve(self, **approval: str) -> None:
        """Write what the board says into the ticket's file."""
        file = self.state / "tickets" / INSTRUMENT / "DM-3.yaml"
        said = yaml.safe_load(file.read_text())
        said["approval"] = approval
        file.write_text(yaml.safe_dump(said, sort_keys=False))

    def observe(self) -> None:
        """Have each site publish what it shows, as every night."""
        for site in SITES:
            assert self.run("observe", "--site", site, "--publish").code == 0


@pytest.fixture
def story(deployed: Sites, golden: Golden) -> Story:
    told = Story(deployed, golden)
    # The tickets of these tests have shorter names than the policy likes.
    deployed.tree.settings(policy={"levels": dict.fromkeys(("N101", "N102", "V402", "D503"), "off")})
    for ticket in ("DM-1", "DM-2"):
        assert told.run("seal", ticket).code == 0
    git(told.state, "init", "-q", "-b", "main")
    told.commit("as it is deployed")
    return told


def test_a_ticket_goes_all_the_way(story: Story, tmp_path: Path) -> None:
    sites = story.sites
    git(story.state, "checkout", "-q", "-b", "DM-3")

    # A calibration scientist proposes a ticket that the board has not seen,
    # and takes an old one off, without saying why.
    sites.make_ticket("DM-3", summary="Biases and flats after the warm-up", deployment="DM-30")
    story.approve(status="flagged", taxicab="TAXICAB-30", report="https://example.org/reports/TAXICAB-30")
    assert story.run("seal", "DM-3").code == 0
    sites.tree.chain(["DM-2"])
    story.commit("Propose DM-3")
    assert (
        story.tell("1-annotations.txt", story.run("validate", "--base", "main", "--format", "github")).code
        == 1
    )
    assert story.tell("2-comment.md", story.report()).code == 1

    # The old one is retired, with the reason.
    sites.tree.chain(["DM-2"], retired={"DM-1": "replaced by DM-3"})
    story.commit("Retire DM-1")
    assert story.tell("3-comment.md", story.report()).code == 0

    # The board adopts what was sealed, and the ticket enters the chain.
    seal = yaml.safe_load((story.state / "seals" / INSTRUMENT / "DM-3.yaml").read_text())
    story.approve(
        status="adopted",
        taxicab="TAXICAB-30",
        report="https://example.org/reports/TAXICAB-30",
        date="2025-02-11",
        seal=seal["digest"],
    )
    sites.tree.chain(["DM-3", "DM-2"], retired={"DM-1": "replaced by DM-3"})
    story.commit("DM-3 is adopted")
    story.observe()
    plans = tmp_path / "plans"
    plans.mkdir()
    for site, before in (("usdf", ()), ("summit", ("--after", "usdf"))):
        ran = story.run("plan", "--site", site, *before, "-o", str(plans / f"{site}.json"))
        assert ran.code == 2, ran.err
    assert story.tell("4-comment.md", story.report("--plans", str(plans))).code == 0
    digests = story.run("report", "--base", "main", "--plans", str(plans), "--format", "json").json["digests"]

    # It is merged, and each site applies what was shown, and nothing else.
    git(story.state, "checkout", "-q", "main")
    git(story.state, "merge", "-q", "--no-ff", "-m", "Merge DM-3", "DM-3")
    for site in SITES:
        ran = story.tell(f"5-apply-{site}.txt", sites.apply("--site", site, "--expect", digests[site]))
        assert ran.code == 0, ran.err
    for address in (ORIGIN, EMBARGO, SUMMIT):
        assert sites.chain(address) == (NEWEST, NEWER)
        assert sites.without_file(address) == []
    assert (
        sites.of_ticket(SUMMIT, "DM-3") == sites.of_ticket(EMBARGO, "DM-3") == sites.of_ticket(ORIGIN, "DM-3")
    )

    # The night after, all is as declared.
    story.observe()
    drift = ("drift", "--observed", "published")
    assert story.tell("6-drift.md", story.run(*drift, "--format", "markdown")).code == 0

    # Somebody helps himself at the summit, and is seen the next night.
    sites.add_own(SUMMIT)
    stock.collection_chain(sites.path(SUMMIT), TOP, NEWER, NEWEST, "u/somebody/bias", NEW)
    story.observe()
    assert story.tell("7-drift.md", story.run(*drift, "--format", "markdown")).code == 2
    assert story.tell("7-drift.xml", story.run(*drift, "--format", "junit")).code == 2
    told = story.run("fingerprint", "--format", "json").json["repositories"]
    assert told[SUMMIT]["chains"][TOP]["effective"] != told[ORIGIN]["chains"][TOP]["effective"]

    # What is declared comes back; what is somebody's stays.
    assert story.tell("8-apply-summit.txt", sites.apply("--site", "summit")).code == 0
    assert sites.chain(SUMMIT) == (NEWEST, NEWER, "u/somebody/bias")
