"""Every page in a real browser: shown, read, filtered, printed."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.page.browsing import NARROW, WIDE, Browsed, violations
from tests.page.worlds import BTS, INSTRUMENT

TICKETS = f"{INSTRUMENT}/tickets/"
FLAT = f"{INSTRUMENT}/timeline/flat/"


CONTRASTS = """() => {
  const parts = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map((value) => {
      const part = value / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const clear = (colour) => colour === "none" || (parts(colour).length === 4 && parts(colour)[3] === 0);
  const behind = (text) => {
    const box = text.getBoundingClientRect();
    const x = box.left + box.width / 2;
    const y = box.top + box.height / 2;
    let found = "";
    for (const rect of text.ownerSVGElement.querySelectorAll("rect")) {
      const area = rect.getBoundingClientRect();
      const fill = getComputedStyle(rect).fill;
      const holds = area.left <= x && x <= area.right && area.top <= y && y <= area.bottom;
      if (holds && !clear(fill)) found = fill;
    }
    for (let part = text.ownerSVGElement.parentElement; !found && part; part = part.parentElement) {
      const colour = getComputedStyle(part).backgroundColor;
      if (!clear(colour)) found = colour;
    }
    return found || getComputedStyle(document.documentElement).backgroundColor;
  };
  const found = [];
  for (const text of document.querySelectorAll("svg text")) {
    const box = text.getBoundingClientRect();
    if (!box.width || !text.textContent.trim()) continue;
    const [a, b] = [light(getComputedStyle(text).fill), light(behind(text))];
    found.push([text.textContent, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]);
  }
  return found;
}"""


# What the browser says


class Seen(NamedTuple):
    """What a look at a page showed."""

    complaints: list[str]
    """Of the browser."""

    styled_and_not_aged: list[int]
    """Stylesheets, and ages that no script has told."""

    cut_off: list[int]
    """Widths of the window in which something is outside of it."""


def walk_through(site: Browsed, *widths: int, on_disk: bool = False) -> dict[str, Seen]:
    """Look at every page once, in windows of these widths."""
    every: dict[str, Seen] = {}
    for address, looked in site.walk(site.addresses, on_disk=on_disk, width=NARROW):
        styled_and_not_aged = looked.evaluate(
            """() => [document.styleSheets.length,
                      document.querySelectorAll('time.ago:not([title])').length]"""
        )
        cut_off = [width for width in looked.in_widths(*widths) if looked.is_cut_off]
        every[address] = Seen(list(looked.complaints), styled_and_not_aged, cut_off)
    return every


@pytest.fixture(scope="module")
def every_page(site: Browsed) -> dict[str, Seen]:
    """Return what every page shows that comes from a web server."""
    return walk_through(site, NARROW, WIDE)


def test_no_page_makes_the_browser_complain(every_page: dict[str, Seen]) -> None:
    for address, page in every_page.items():
        assert page.complaints == [], address
        assert page.styled_and_not_aged == [1, 0], address


def test_no_page_that_is_a_file_makes_the_browser_complain(site: Browsed) -> None:
    for address, page in walk_through(site, on_disk=True).items():
        assert page.complaints == [], address
        assert page.styled_and_not_aged == [1, 0], address


def test_a_page_that_breaks_its_own_rules_is_complained_of(site: Browsed) -> None:
    """The listeners hear what they listen for."""
    with site.look("") as looked:
        looked.evaluate(
            """() => {
              const script = document.createElement("script");
              script.textContent = "window.broken = true";
              document.head.append(script);
            }"""
        )
        assert looked.evaluate("() => window.broken") is None
    assert any("Content Security Policy" in line for line in looked.complaints)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_anybody_from_reading(site: Browsed, scheme: Any) -> None:
    # What tests a page is a script that its own policy would not run.
    for address, looked in site.walk(site.sample, color_scheme=scheme, bypass_csp=True):
        assert violations(looked, scheme) == [], address


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_in_pictures_stand_out(site: Browsed, scheme: Any) -> None:
    for address, looked in site.walk(
        (INSTRUMENT + "/", FLAT, f"{INSTRUMENT}/timeline/"), color_scheme=scheme
    ):
        found = looked.evaluate(CONTRASTS)
        assert found, address
        faint = [(words, round(ratio, 1)) for words, ratio in found if ratio < 4.5]
        assert faint == [], address


def test_nobody_is_told_to_act_on_what_was_seen_too_long_ago(site: Browsed) -> None:
    with site.look("") as looked:
        tasks = looked.tab.locator(".todo li").all_inner_texts()
    of_old = [task for task in tasks if task.startswith(BTS)]
    assert len(of_old) == 2
    assert "DM-48955, DM-48520 missing" in of_old[0]
    assert f"calibstate observe --repository {BTS} --publish" in of_old[0]
    # To verify is to look.
    assert "calibstate verify" in of_old[1]
    assert [task for task in tasks if "apply --site bts" in task] == []


# Where it is read


def test_nothing_is_to_be_scrolled_sideways(every_page: dict[str, Seen]) -> None:
    assert {address: page.cut_off for address, page in every_page.items() if page.cut_off} == {}


def test_without_scripts_every_row_is_there(site: Browsed) -> None:
    for address, looked in site.walk(site.sample, java_script_enabled=False):
        html = (site.folder / address / "index.html").read_text()
        # The driver may ask where the page may not.
        rows, hidden = looked.tab.locator("main tbody tr").evaluate_all(
            "rows => [rows.length, rows.filter((row) => !row.getClientRects().length).length]"
        )
        assert hidden == 0, address
        assert rows == html.count("<tr") - html.count("<thead><tr"), address


def test_forced_colours_leave_states_to_be_told_apart(site: Browsed) -> None:
    with site.look(TICKETS, forced_colors="active") as looked:
        states = looked.evaluate(
            "() => [...document.querySelectorAll('td .st')].map((x) => x.textContent.trim())"
        )
        looked.tab.locator("button[data-s]").first.click()
        pressed = looked.evaluate(
            """() => {
              const colour = (x) => getComputedStyle(document.querySelector(x)).backgroundColor;
              return [colour("button[aria-pressed=true]"), colour("button[aria-pressed=false]")];
            }"""
        )
    assert all(re.search("[a-z]{3}", state) for state in states)
    assert pressed[0] != pressed[1]


# What it does


def shown_rows(looked: Any) -> list[str]:
    rows = looked.evaluate(
        "() => [...document.querySelectorAll('tr[data-q]:not([hidden])')].map((x) => x.id)"
    )
    return list(rows)


@pytest.mark.parametrize("on_disk", [False, True], ids=["http", "file"])
def test_a_filter_is_in_the_address_and_comes_back_with_it(site: Browsed, on_disk: bool) -> None:
    with site.look(TICKETS, on_disk=on_disk) as looked:
        everything = shown_rows(looked)
        before = looked.tab.url
        looked.tab.locator("input[type=search]").fill("dm-48")
        some = shown_rows(looked)
        after = looked.tab.url
        looked.tab.reload()
        again = shown_rows(looked)
        value = looked.tab.locator("input[type=search]").input_value()
        looked.tab.locator("input[type=search]").fill("")
        emptied = looked.tab.url
    assert 0 < len(some) < len(everything)
    assert after == f"{before}?q=dm-48"
    assert (again, value) == (some, "dm-48")
    assert emptied == before


def test_a_state_is_chosen_by_a_button(site: Browsed) -> None:
    with site.look(TICKETS) as looked:
        everything = shown_rows(looked)
        button = looked.tab.locator("button[data-s=missing]")
        button.click()
        chosen = shown_rows(looked)
        pressed = button.get_attribute("aria-pressed")
        url = looked.tab.url
        looked.tab.reload()
        again = shown_rows(looked)
    assert 0 < len(chosen) < len(everything)
    assert pressed == "true"
    assert url.endswith("?state=missing")
    assert again == chosen


def test_the_address_is_left_alone_where_nothing_changed(site: Browsed) -> None:
    for address in (TICKETS, f"{TICKETS}?q=dm%2D48&other=1", FLAT):
        with site.look(address) as looked:
            assert looked.tab.url == site.url(address)
            assert looked.evaluate("() => history.length") == 2


def test_the_back_button_leads_back_to_what_was_filtered(site: Browsed) -> None:
    with site.look(TICKETS) as looked:
        looked.tab.locator("input[type=search]").fill("dm-48")
        some = shown_rows(looked)
        looked.tab.locator("tr[data-q]:not([hidden]) th a").first.click()
        looked.tab.wait_for_url("**/ticket/**")
        looked.tab.go_back()
        looked.tab.wait_for_url("**/tickets/?q=dm-48")
        assert shown_rows(looked) == some


def test_the_keyboard_reaches_everything(site: Browsed) -> None:
    for address, looked in site.walk(site.sample, width=NARROW):
        looked.tab.keyboard.press("Tab")
        first = looked.evaluate("() => document.activeElement.className")
        looked.tab.keyboard.press("Enter")
        there = looked.evaluate("() => document.activeElement.id")
        stuck = looked.evaluate(
            """() => [...document.querySelectorAll("main *")].filter((part) => {
              const flow = getComputedStyle(part).overflowX;
              const scrolls = flow === "auto" || flow === "scroll";
              return scrolls && part.scrollWidth > part.clientWidth && part.tabIndex < 0;
            }).map((part) => part.className)"""
        )
        assert (first, there) == ("skip", "main"), address
        assert stuck == [], address


def test_a_stroke_that_is_written_is_a_letter(site: Browsed) -> None:
    with site.look(TICKETS) as looked:
        looked.tab.keyboard.press("/")
        looked.tab.keyboard.type("a/b")
        assert looked.tab.get_by_role("combobox").input_value() == "a/b"
        looked.tab.locator("input[type=search]").focus()
        looked.tab.keyboard.type("a/b")
        assert looked.tab.locator("input[type=search]").input_value() == "a/b"


def test_style_and_scripts_of_a_page_stay_small(site: Browsed) -> None:
    def size_of(name: str) -> int:
        return (site.folder / name).stat().st_size

    assert size_of("page.css") <= 12_000
    for address in site.sample:
        html = (site.folder / address / "index.html").read_text()
        scripts = [Path(src).name for src in re.findall(r'<script src="([^"]+)"', html)]
        assert "page.js" in scripts
        assert sum(map(size_of, scripts)) <= 15_000, scripts


# When it is read


def generated(site: Browsed) -> datetime:
    html = (site.folder / "index.html").read_text()
    (text,) = re.findall(r'<meta name="generated" content="([^"]+)">', html)
    return datetime.fromisoformat(text)


def test_ages_are_counted_when_a_page_is_read(site: Browsed) -> None:
    made = generated(site)
    told = {}
    for hours in (2, 72):
        clock = (made + timedelta(hours=hours)).astimezone(UTC).isoformat()
        with site.look("", clock=clock) as looked:
            ages = looked.tab.locator("main time.ago").all_inner_texts()
            banner = looked.tab.locator(".stale-page").count()
        told[hours] = (ages, banner)
    assert "2 h ago" in told[2][0]
    assert "3 d ago" in told[72][0]
    # What was seen three days ago is three days older by now.
    assert "6 d ago" in told[72][0]
    assert (told[2][1], told[72][1]) == (0, 1)


def test_paper_has_no_present_and_nothing_folded(site: Browsed) -> None:
    for address, looked in site.walk(site.sample, color_scheme="dark"):
        tab = looked.tab
        tab.evaluate(
            """() => addEventListener("beforeprint", () => {
              const texts = [...document.querySelectorAll("time.ago")].map((x) => x.textContent);
              const folded = document.querySelectorAll("details:not([open])").length;
              window.printed = [texts, folded];
            })"""
        )
        tab.pdf()
        texts, folded = tab.evaluate("() => window.printed")
        tab.emulate_media(media="print")
        colours = tab.evaluate(
            """() => [getComputedStyle(document.documentElement).backgroundColor,
                      getComputedStyle(document.documentElement).color]"""
        )
        # The next page is shown on the screen again.
        tab.emulate_media(media="null")
        assert [text for text in texts if not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", text)] == [], address
        assert folded == 0, address
        assert colours == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"], address


# What is kept to look at


GREY = """() => {
  document.documentElement.style.filter = "grayscale(1)";
}"""


def test_pictures_are_kept_to_look_at(site: Browsed) -> None:
    """Nothing is compared: a person looks at them."""
    folder = Path(os.environ.get("CALIBSTATE_TEST_SCREENSHOTS", ""))
    if folder == Path():
        pytest.skip("CALIBSTATE_TEST_SCREENSHOTS names no folder to keep them in")
    folder.mkdir(parents=True, exist_ok=True)
    ways: dict[str, dict[str, Any]] = {
        "wide": {},
        "phone": {"width": NARROW},
        "dark": {"color_scheme": "dark"},
    }
    for address in site.sample:
        name = address.strip("/").replace("/", "_") or "index"
        for way, options in ways.items():
            with site.look(address, **options) as looked:
                looked.tab.screenshot(path=folder / f"{name}-{way}.png", full_page=True)
                if way != "wide":
                    continue
                looked.evaluate(GREY)
                looked.tab.screenshot(path=folder / f"{name}-grey.png", full_page=True)
                looked.tab.evaluate("() => dispatchEvent(new Event('beforeprint'))")
                looked.tab.emulate_media(media="print")
                looked.tab.screenshot(path=folder / f"{name}-print.png", full_page=True)
    kept = len(list(folder.glob("*.png")))
    assert kept >= 5 * len(site.sample)
