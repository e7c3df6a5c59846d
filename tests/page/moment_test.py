"""One moment of a timeline, in a real browser."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from calibstate.model.timelinedocument import TimelineEntry
from calibstate.model.timelines import NOTHING, Timeline
from calibstate.model.timespans import format_bound, parse_tai
from tests.page.browsing import NARROW, WIDE, Browsed, violations
from tests.page.worlds import INSTRUMENT

ALL = f"{INSTRUMENT}/timeline/"
FLAT = f"{INSTRUMENT}/timeline/flat/"


def rows(looked: Any) -> list[list[str]]:
    """Return what is listed of a moment, without its bounds."""
    looked.tab.locator(".moment tbody tr").first.wait_for()
    cells = looked.evaluate(
        """() => [...document.querySelectorAll(".moment tbody tr")].map(
          (row) => [...row.cells].map((cell) => cell.textContent))"""
    )
    return [[*each[:3], each[5]] for each in cells]


def status(looked: Any) -> str:
    line = looked.tab.locator(".moment [role=status]:not(:empty)")
    line.wait_for()
    return str(line.inner_text())


def timeline_of(site: Browsed, address: str) -> Timeline:
    data = json.loads((site.folder / address / "data.json").read_text())
    return TimelineEntry.model_validate(data["timeline"]).timeline()


def expected(timeline: Timeline, moment: int) -> list[list[str]]:
    """Return what each row selects at a moment, as Python knows it."""

    def name(ticket: int) -> str:
        return "nothing" if ticket == NOTHING else timeline.tickets[ticket]

    listed = []
    for row in timeline.rows:
        interval = row.interval(moment)
        cells = [row.dataset_type, " ".join(row.filters), "nothing", ""]
        if interval:
            odd = [f"{name(each.ticket)} for detector {each.detectors}" for each in interval.odd]
            cells[2:] = [name(interval.ticket), "; ".join(odd)]
        listed.append(cells)
    return listed


@pytest.mark.parametrize("on_disk", [False, True], ids=["http", "file"])
def test_a_moment_lists_what_each_row_selects_then(site: Browsed, on_disk: bool) -> None:
    for address in (ALL, FLAT):
        timeline = timeline_of(site, address)
        with site.look(f"{address}?at=2024-12-01T00:00:00", on_disk=on_disk) as looked:
            listed = rows(looked)
            lines = looked.tab.locator(".pictures svg .at").count()
            pictures = looked.tab.locator(".pictures svg").count()
        assert listed == expected(timeline, parse_tai("2024-12-01T00:00:00"))
        assert lines == pictures
        assert looked.complaints == []


def test_any_moment_is_told_as_lookups_have_it(site: Browsed) -> None:
    timeline = timeline_of(site, ALL)
    edges = {interval.begin for row in timeline.rows for interval in row.intervals}
    moments = [text for edge in sorted(edges) if (text := format_bound(edge))]
    chance = random.Random(1)
    for _ in range(40):
        second = chance.randrange(parse_tai("2024-09-01T00:00:00"), parse_tai("2025-06-01T00:00:00"), 10**9)
        moments.append(str(format_bound(second)))
    with site.look(ALL) as looked:
        box = looked.tab.locator(".moment input")
        for text in [*moments, "1970-01-01", "2024-11-13 00:00", "2024-11-12T23:59:59.5", "2099-12-31"]:
            box.fill(text)
            box.press("Enter")
            day, _, clock = text.replace(" ", "T").partition("T")
            clock = {0: "00:00:00", 1: f"{clock}:00"}.get(clock.count(":") if clock else 0, clock)
            words = f"At {day} TAI:" if clock == "00:00:00" else f"At {day} {clock} TAI:"
            looked.tab.locator(".moment [role=status]", has_text=words).wait_for()
            assert rows(looked) == expected(timeline, parse_tai(f"{day}T{clock}")), text


def test_odd_detectors_are_told(site: Browsed) -> None:
    with site.look(ALL) as looked:
        file = looked.tab.locator(".moment").get_attribute("data-file")
    head, _, _ = (site.folder / ALL / file).read_text().partition(" = ")
    row = {
        "type": "flat",
        "filters": ["r_03", "<b>i</b>"],
        "detectors": "0..8",
        "begin": "|20241107 12:00:00",
        "end": "",
        "ticket": [-1, 0],
        "odd": {"1": [[-1, "3"], [1, "5..7"]]},
    }
    text = json.dumps({"tickets": ["DM-1", "DM-2"], "rows": [row]})
    with site.look(ALL) as looked:
        looked.tab.route("**/selected/*.js", lambda route: route.fulfill(body=f"{head} = {text};"))
        looked.tab.goto(site.url(f"{ALL}?at=2025-01-01"))
        listed = rows(looked)
        bold = looked.tab.locator(".moment b").count()
        looked.tab.goto(site.url(f"{ALL}?at=2024-11-07T11:59:59"))
        before = rows(looked)
    assert listed == [["flat", "r_03 <b>i</b>", "DM-1", "nothing for detector 3; DM-2 for detector 5..7"]]
    assert before == [["flat", "r_03 <b>i</b>", "nothing", ""]]
    assert bold == 0


@pytest.mark.parametrize(
    "wrong", ["yesterday", "2025-02-30", "2025-13-01", "2025-03-01T00:00:00Z", "2025-03-01T25:00:00", "<b>"]
)
def test_what_is_no_moment_is_told(site: Browsed, wrong: str) -> None:
    address = f"{ALL}?at={wrong}"
    with site.look(address) as looked:
        words = status(looked)
        marked = looked.tab.locator(".moment input").get_attribute("aria-invalid")
        drawn = looked.tab.locator("svg .at, .moment tbody").count()
        url = looked.tab.url
    assert words.startswith(f"“{wrong}” is no moment. Write one as 2025-03-01T00:00:00")
    assert (marked, drawn) == ("true", 0)
    # What somebody sent is left as it is.
    assert url.endswith(("%3Cb%3E", wrong))
    assert looked.complaints == []


def test_a_moment_is_in_the_address_and_comes_back_with_it(site: Browsed) -> None:
    with site.look(ALL) as looked:
        assert looked.tab.url == site.url(ALL)
        box = looked.tab.locator(".moment input")
        box.fill("2025-03-01T00:00:00")
        box.press("Enter")
        listed = rows(looked)
        looked.tab.reload()
        again = rows(looked)
        asked = looked.evaluate("() => new URL(location).searchParams.get('at')")
        steps = looked.evaluate("() => history.length")
        box.fill("")
        box.press("Enter")
        assert looked.tab.url == site.url(ALL)
        assert looked.tab.locator(".moment tbody").count() == 0
    assert (again, asked, steps) == (listed, "2025-03-01T00:00:00", 2)
    # Who spells it otherwise finds it as they wrote it.
    other = f"{FLAT}?at=2025-03-01T00%3a00&x=1"
    with site.look(other) as looked:
        rows(looked)
        assert looked.tab.url == site.url(other)


def test_who_points_at_a_picture_asks_for_that_day(site: Browsed) -> None:
    with site.look(FLAT) as looked:
        bar = looked.tab.locator(".pictures .seg[data-t='DM-47547'] rect").first
        bar.click()
        day = looked.tab.locator(".moment input").input_value()
        tickets = {cells[2] for cells in rows(looked)}
    assert day.endswith("T00:00:00")
    assert "DM-47547" in tickets


def test_outside_of_the_pictures_a_moment_is_told_all_the_same(site: Browsed) -> None:
    with site.look(f"{ALL}?at=2090-01-01") as looked:
        assert len(rows(looked)) > 0
        assert status(looked).endswith("It is outside of the pictures.")
        assert looked.tab.locator("svg .at").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_what_is_effective_then(site: Browsed, scheme: Any) -> None:
    with site.look(f"{ALL}?at=2025-01-01", color_scheme=scheme, bypass_csp=True) as looked:
        rows(looked)
        for width in looked.in_widths(WIDE, NARROW):
            assert violations(looked, scheme) == [], width
            assert not looked.is_cut_off, width


def test_without_scripts_there_is_no_moment_to_ask_for(site: Browsed) -> None:
    with site.look(f"{ALL}?at=2025-01-01", java_script_enabled=False) as looked:
        assert looked.tab.locator(".moment *").count() == 0
        assert looked.tab.locator("svg .at").count() == 0
