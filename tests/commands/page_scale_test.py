"""Pages of years of a camera stay small enough to be shown at once."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from calibstate.cli.app import run
from tests.bench.decade import INSTRUMENT, REPOSITORIES, WILD, make_decade

HTML = 300_000
HTML_GZIPPED = 40_000
ELEMENTS = 10_000
LAZY = 200_000
"""Bytes and elements, as docs/reference/performance.md promises them."""

TICKETS = 330
"""Six years of weekly tickets, more than a page draws one by one."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return pages of tickets of which half are for few detectors."""
    folder = tmp_path_factory.mktemp("years")
    tree = make_decade(folder, tickets=TICKETS, mood=WILD)
    assert run(["-C", str(tree.state), "page", "-o", str(folder / "pages")]) == 0
    return folder / "pages"


def test_no_page_is_larger_than_a_browser_shows_at_once(pages: Path) -> None:
    too_large = []
    for path in pages.rglob("*.html"):
        html = path.read_bytes()
        elements = len(re.findall(rb"<[a-z]", html))
        zipped = len(gzip.compress(html, 6))
        if len(html) > HTML or zipped > HTML_GZIPPED or elements > ELEMENTS:
            too_large.append((str(path.relative_to(pages)), len(html), zipped, elements))
    assert too_large == []


def test_a_type_of_many_tickets_has_a_page_for_each_year(pages: Path) -> None:
    flat = pages / INSTRUMENT / "timeline" / "flat"
    years = sorted(path.name for path in flat.iterdir() if path.is_dir())
    assert {"2021", "2022", "2023", "2024", "2025", "2026"} <= set(years)
    html = (flat / "2023" / "index.html").read_text()
    named = {int(number) for number in re.findall(r">DM-(30\d\d\d)[ :]", html)}
    assert len(named) > 20
    # Nothing is said of moments that the page does not show.
    assert "nothing is found before 2023" not in html
    newest = (flat / "index.html").read_text()
    assert "All years" in newest
    assert f"DM-{30000 + TICKETS}:" in newest


def test_of_sights_it_is_told_who_has_not_the_newest_ticket(pages: Path) -> None:
    overview = json.loads((pages / "data.json").read_text())
    (instrument,) = overview["instruments"]
    letters = {each["repository"]: each["letter"] for each in instrument["repositories"]}
    assert letters == {**dict.fromkeys(REPOSITORIES[:-2], "A"), **dict.fromkeys(REPOSITORIES[-2:], "B")}
    states = {each["repository"]: each["state"] for each in instrument["repositories"]}
    assert states[REPOSITORIES[0]] == "in sync"
    assert states[REPOSITORIES[-1]] != "in sync"


def test_a_ticket_has_its_own_weeks_and_no_decade(pages: Path) -> None:
    flat = json.loads((pages / INSTRUMENT / "timeline" / "flat" / "2022" / "data.json").read_text())
    timeline = flat["timeline"]
    winners = timeline["rows"][0]["ticket"]
    name = timeline["tickets"][winners[len(winners) // 2]]
    html = (pages / INSTRUMENT / "ticket" / name / "index.html").read_text()
    assert re.search(rf'<g class="seg [^"]*on" data-t="([^"]*\|)?{name}[|"]', html)
    assert html.count('class="seg') < 300
    assert f"DM-{30000 + TICKETS}:" not in html
