"""Pages of worlds that nobody wishes for, in a real browser."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from calibstate.cli.app import run
from tests.commands.impact_test import git
from tests.commands.page_test import HOSTILE, age, observation, publish
from tests.commands.sites import EMBARGO, INSTRUMENT, LEAVES, ORIGIN, SUMMIT, Sites, make_sites
from tests.page.browsing import NARROW, WIDE, Browsed, Looked, served
from tests.page.worlds import command
from tests.tree import Tree

TURNED = "\u202egnp.exe"
"""What a screen would show from its end."""


@pytest.fixture(scope="session")
def deployed_once(tmp_path_factory: pytest.TempPathFactory) -> Sites:
    """Return sites where all is as declared and sealed, to copy."""
    sites = make_sites(tmp_path_factory.mktemp("strange") / "made")
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        assert run(["-C", str(sites.tree.state), "apply", "--yes"]) == 0
        assert run(["-C", str(sites.tree.state), "seal"]) == 0
    return sites


@pytest.fixture
def published(deployed_once: Sites, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Sites]:
    """Return a copy of them, that have published what they see."""
    with closing(deployed_once.copied_to(tmp_path / "sites", capsys)) as copy:
        publish(copy)
        copy.commit()
        yield copy


@dataclass(frozen=True)
class LookedOver(Browsed):
    """Pages that were all looked at."""

    unread: frozenset[str]
    """What each of them says that could not be read."""


@contextmanager
def browsed(
    browser: Any, state: Path, *arguments: str, code: int = 1, strange_names: bool = False
) -> Iterator[LookedOver]:
    """Make pages, and look at each in the browser, before they are yielded."""
    folder = state.parent / "pages"
    ran = command("-C", str(state), "page", "-o", str(folder), *arguments)
    assert ran == code
    with served(folder) as http:
        site = Browsed(browser, folder, http)
        unread = {
            look_at(looked, address, widths)
            for addresses, on_disk, widths in (
                (site.addresses, False, (WIDE, NARROW)),
                # From the disk they look the same; addresses are what differs.
                (site.addresses if strange_names else site.sample, True, ()),
            )
            for address, looked in site.walk(addresses, on_disk=on_disk)
        }
        # All pages say the same.
        yield LookedOver(browser, folder, http, *unread)


def look_at(looked: Looked, address: str, widths: Iterable[int]) -> frozenset[str]:
    """Look at a page in windows of these widths.

    Returns
    -------
    frozenset[str]
        What the page says that could not be read.
    """
    assert [width for width in looked.in_widths(*widths) if looked.is_cut_off] == [], address
    # Its locators take longer than all else here.
    searches, listed = looked.evaluate(
        """() => [
          document.querySelectorAll("[aria-label='Search all pages']").length,
          [...document.querySelectorAll(".warning[role=note] li")].map(
            (line) => line.firstChild.textContent.trim()),
        ]"""
    )
    # The script ran to its end, so that there is a search.
    assert searches == 1, address
    assert looked.complaints == [], address
    return frozenset(listed)


def records(sites: Sites) -> Path:
    return sites.tree.folder / "records"


# Names


def test_hostile_names_are_words_everywhere(browser: Any, published: Sites) -> None:
    approval = {
        "status": "adopted",
        "report": "javascript://x.example/%0Aalert(1)",
        "note": "</script><script>alert(1)</script>",
        "taxicab": "TAXICAB-1",
    }
    published.tree.ticket("DM-1", *LEAVES, approval=approval, summary=HOSTILE)
    children = ["u/strange/<b onclick=alert(1)>&'\"", "u/" + "long" * 50]
    for child in children:
        published.add_own(SUMMIT, child)
    published.change_chain(SUMMIT, lambda before: [*children, *before])
    publish(published, "summit")
    git(published.tree.folder, "add", "state")
    git(published.tree.folder, "commit", "-qm", f"<img src=x onerror=alert(1)> {TURNED} javascript:alert(1)")

    with browsed(browser, published.tree.state, code=0, strange_names=True) as site:
        for address, looked in site.walk(site.addresses):
            strange, text = looked.evaluate(
                """() => [
                  [...document.querySelectorAll("main img, main script, [onclick], [onerror],"
                    + "a[href^='javascript:']")].map((part) => part.outerHTML),
                  document.documentElement.innerText,
                ]"""
            )
            assert strange == [], address
            assert "\u202e" not in text, address
        with site.look(f"{INSTRUMENT}/compare/?a=declared&b={SUMMIT}") as looked:
            looked.tab.locator(".any tbody tr").first.wait_for()
            compared = looked.tab.locator(".any tbody").inner_text()
            options = looked.tab.locator(".any select option").all_text_contents()
            assert looked.tab.locator(".any :is(img, b, script)").count() == 0
        assert "u/strange/<b onclick=alert(1)>&'\"" in compared
        # What a screen obeys is spelled, and found by its spelling.
        assert any("<img src=x onerror=alert(1)> <U+202E>gnp.exe" in option for option in options)
        with site.look("") as looked:
            looked.tab.get_by_label("Search all pages").fill("<IMG src=x onerror <u+202e>")
            looked.tab.locator(".finds [role=option]").first.wait_for()
            listed = looked.tab.locator(".finds [role=option]").all_inner_texts()
            assert looked.tab.locator(".finds img").count() == 0
            looked.tab.get_by_label("Search all pages").fill("xxxxxxxx")
            looked.tab.locator(".finds [role=option]", has_text="DM-1").wait_for()
            cut_off = looked.is_cut_off
        assert len(listed) == 1
        assert "<U+202E>gnp.exe" in listed[0]
        assert not cut_off
        assert looked.complaints == []


def test_a_live_name_that_screens_obey_is_spelled(browser: Any, published: Sites) -> None:
    child = f"u/strange/{TURNED}"
    published.add_own(SUMMIT, child)
    published.change_chain(SUMMIT, lambda before: [child, *before])

    with browsed(
        browser, published.tree.state, "--live", "--timeout", "300s", code=0, strange_names=True
    ) as site:
        for address in ("", f"{INSTRUMENT}/chain/calib/", f"{INSTRUMENT}/compare/?a={SUMMIT}&b={ORIGIN}"):
            with site.look(address) as looked:
                if "?" in address:
                    looked.tab.locator(".any tbody tr").first.wait_for()
                text = looked.tab.locator("html").inner_text()
            assert "u/strange/<U+202E>gnp.exe" in text, address
            assert "\u202e" not in text, address


# Records


def test_half_written_records_are_told_on_every_page(browser: Any, published: Sites) -> None:
    assert published.run("verify", "--site", "usdf", "--publish").code == 0
    for path in [*records(published).rglob("*.json"), *records(published).rglob("*.jsonl")]:
        # What one place says is whole.
        if EMBARGO not in path.as_posix():
            path.write_bytes(path.read_bytes()[:-40])

    with browsed(browser, published.tree.state) as site, site.look("about/") as looked:
        about = looked.tab.locator("main").inner_text()
    assert {ORIGIN, SUMMIT, f"the reviews of {ORIGIN}"} <= site.unread
    assert not any(EMBARGO in source for source in site.unread)
    assert EMBARGO in about


def test_kept_sights_that_are_cut_cost_nothing_but_themselves(browser: Any, published: Sites) -> None:
    for path in (records(published) / "sights" / SUMMIT).iterdir():
        path.write_bytes(path.read_bytes()[:200])

    compared = f"{INSTRUMENT}/compare/?a={ORIGIN}&b={SUMMIT}"
    with browsed(browser, published.tree.state) as site, site.look(compared) as looked:
        looked.tab.locator(".any [role=status]", has_text="select the same").wait_for()
    # Its observation tells the same.
    assert site.unread == {f"the sight of {SUMMIT}", f"the history of {SUMMIT}"}


def test_documents_of_the_future_are_told_on_every_page(browser: Any, published: Sites) -> None:
    assert published.run("verify", "--site", "usdf", "--publish").code == 0
    for folder, address in (("observations", SUMMIT), ("reviews", ORIGIN)):
        path = records(published) / folder / f"{address}.json"
        said = json.loads(path.read_text())
        path.write_text(json.dumps({**said, "format_version": "99.0", "new": {"<b>": [1]}}))
    for path in (records(published) / "sights" / EMBARGO).iterdir():
        path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": "99.0"}))

    with browsed(browser, published.tree.state) as site, site.look("") as looked:
        words = looked.tab.locator("main").inner_text()
    assert {
        SUMMIT,
        f"the reviews of {ORIGIN}",
        f"the sight of {EMBARGO}",
        f"the history of {EMBARGO}",
    } <= site.unread
    assert "unreachable" in words


def test_a_tree_of_the_future_is_told_as_it_was(browser: Any, published: Sites) -> None:
    settings = published.tree.state / "calibstate.yaml"
    settings.write_text(settings.read_text().replace("version: 1", "version: 99"))
    assert "version: 99" in settings.read_text()

    with browsed(browser, published.tree.state) as site:
        for address, looked in site.walk(site.addresses):
            warning = looked.evaluate("() => document.querySelector('.warning[role=note]').innerText")
            assert "does not validate" in warning, address
            assert "newest sound revision" in warning, address


# Places


def test_a_silent_site_is_told_and_the_others_are_shown(browser: Any, published: Sites) -> None:
    observation(published, SUMMIT).unlink()
    for path in (records(published) / "sights" / SUMMIT).iterdir():
        path.unlink()

    with browsed(browser, published.tree.state) as site:
        assert SUMMIT in site.unread
        with site.look("") as looked:
            row = looked.tab.locator(f"#{INSTRUMENT}-{SUMMIT.replace('/', '-')}").inner_text()
            others = looked.tab.locator("table.sites").inner_text()
        with site.look(f"{INSTRUMENT}/compare/?b={SUMMIT}") as looked:
            choice = looked.tab.locator(".any [role=status]:not(:empty)")
            choice.wait_for()
            words = choice.inner_text()
    assert "unreachable" in row
    assert "never" in row
    assert others.count("in sync") == 2
    # There is nothing of it to compare.
    assert words == f"“{SUMMIT}” is none of these."


def test_a_tree_that_was_just_begun_has_pages(browser: Any, published: Sites, tmp_path: Path) -> None:
    tree = tmp_path / "begun"
    butler = f"usdf/main={published.path(ORIGIN)}"
    assert command("init", str(tree), "--site", butler, "--no-github") == 0

    with browsed(browser, tree) as site, site.look("") as looked:
        assert site.unread == {ORIGIN}
        row = looked.tab.locator("table.sites tbody").inner_text()
    assert "unreachable" in row
    assert "never" in row


def test_a_tree_without_sites_has_pages(browser: Any, tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    tree.settings()

    with browsed(browser, tree.state, code=0) as site, site.look("") as looked:
        words = looked.tab.locator("main").inner_text()
        looked.tab.get_by_label("Search all pages").fill("anything")
        looked.tab.locator(".finds [role=status]:not(:empty)").wait_for()
        listed = looked.tab.locator(".finds [role=status]").inner_text()
    assert "Nothing is declared yet" in words
    assert listed == "Nothing found"


# Moments


def test_a_look_of_the_future_is_told_to_be_none(browser: Any, published: Sites) -> None:
    at = age(published, SUMMIT, -timedelta(days=400))

    with browsed(browser, published.tree.state) as site, site.look("") as looked:
        assert site.unread == {SUMMIT}
        row = looked.tab.locator(f"#{INSTRUMENT}-{SUMMIT.replace('/', '-')}").inner_text()
    assert "unreachable" in row
    # It is no age: nothing was seen so many days ago.
    assert at[:16].replace("T", " ") in row
    assert "too old" in row


def test_who_reads_with_a_clock_that_is_behind_is_told_moments(browser: Any, published: Sites) -> None:
    with (
        browsed(browser, published.tree.state, code=0) as site,
        site.look("", clock="2020-01-01T00:00:00Z") as looked,
    ):
        ages = looked.tab.locator("time.ago").all_inner_texts()
        banners = looked.tab.locator(".stale-page").count()
    assert ages
    assert [words for words in ages if "ago" in words] == []
    assert banners == 0


def test_a_moment_of_the_far_future_is_told_as_lookups_get_it(browser: Any, published: Sites) -> None:
    with browsed(browser, published.tree.state, code=0) as site:
        for moment in ("2099-12-31T23:59:59", "1066-10-14", "9999-12-31"):
            with site.look(f"{INSTRUMENT}/timeline/?at={moment}") as looked:
                looked.tab.locator(".moment tbody tr").first.wait_for()
                words = looked.tab.locator(".moment [role=status]").inner_text()
            assert "outside of the pictures" in words
            assert looked.complaints == []
