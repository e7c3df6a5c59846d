"""The search of every page, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest

from tests.page.browsing import NARROW, WIDE, Browsed, violations
from tests.page.worlds import INSTRUMENT

TICKETS = f"{INSTRUMENT}/tickets/"
RUN = f"{INSTRUMENT}/calib/DM-46360/isrTaskLSST/bfk.20240926a"


def asked(looked: Any, words: str) -> list[str]:
    """Write into the search, and return the names that it lists."""
    box = looked.tab.get_by_role("combobox")
    # Nothing is listed until there is an answer to these very words.
    box.fill("")
    box.fill(words)
    looked.tab.locator(".finds [role=status]").wait_for()
    return list(looked.tab.locator(".finds [role=option] b").all_inner_texts())


@pytest.mark.parametrize("on_disk", [False, True], ids=["http", "file"])
def test_a_stroke_a_word_and_enter_lead_to_a_page(site: Browsed, on_disk: bool) -> None:
    for address in ("", TICKETS, f"{INSTRUMENT}/timeline/flat/"):
        with site.look(address, on_disk=on_disk) as looked:
            looked.tab.keyboard.press("/")
            looked.tab.keyboard.type("47447")
            looked.tab.locator(".finds [role=option]").first.wait_for()
            looked.tab.keyboard.press("Enter")
            looked.tab.wait_for_url("**/ticket/DM-47447/index.html")
            heading = looked.tab.locator("h1").inner_text()
        assert "DM-47447" in heading
        assert looked.complaints == [], address


def test_the_list_is_read_when_somebody_begins_to_search(site: Browsed) -> None:
    with site.look(TICKETS) as looked:
        before = looked.evaluate("() => document.querySelectorAll('script').length")
        names = asked(looked, "dm-48520")
        again = asked(looked, "taxicab")
        scripts = looked.evaluate("() => document.querySelectorAll('script').length")
    assert before == 1
    assert names[0] == "DM-48520"
    assert again == ["DM-47447", "DM-48520"]
    assert scripts == 2


def test_a_collection_leads_to_its_ticket_and_stands_behind_pages(site: Browsed) -> None:
    with site.look("") as looked:
        names = asked(looked, "bfk.20240926A")
        href = looked.tab.locator(".finds [role=option]").first.get_attribute("href")
        flats = asked(looked, "flats")
        nothing = asked(looked, "no such thing")
        told = looked.tab.locator(".finds [role=status]").inner_text()
    assert names == [RUN]
    assert href == site.url(f"{INSTRUMENT}/ticket/DM-46360/index.html")
    # Six tickets have them in their summary.
    assert {name.count("/") for name in flats[:6]} == {0}
    assert nothing == []
    assert told == "Nothing found"


def test_arrows_choose_and_escape_closes(site: Browsed) -> None:
    def chosen() -> list[Any]:
        box = looked.tab.get_by_role("combobox")
        ids = looked.tab.locator(".finds [aria-selected=true]").evaluate_all("all => all.map((x) => x.id)")
        return [*ids, box.get_attribute("aria-activedescendant"), box.get_attribute("aria-expanded")]

    with site.look(TICKETS) as looked:
        asked(looked, "dm-4744")
        keys = looked.tab.keyboard
        assert chosen() == ["find-0", "find-0", "true"]
        keys.press("ArrowDown")
        assert chosen() == ["find-1", "find-1", "true"]
        keys.press("ArrowUp")
        keys.press("ArrowUp")
        # The first follows the last.
        assert chosen()[0] not in {"find-0", "find-1"}
        keys.press("Escape")
        assert chosen() == [None, "false"]
        assert looked.tab.get_by_role("combobox").input_value() == "dm-4744"
        keys.press("Enter")
        keys.press("Escape")
        assert looked.tab.get_by_role("combobox").input_value() == ""
        assert looked.tab.url == site.url(TICKETS)


def test_who_goes_on_leaves_no_list_behind(site: Browsed) -> None:
    with site.look(TICKETS) as looked:
        asked(looked, "dm")
        assert looked.tab.locator(".finds").is_visible()
        looked.tab.keyboard.press("Tab")
        assert not looked.tab.locator(".finds").is_visible()


def test_without_scripts_and_on_paper_there_is_no_search(site: Browsed) -> None:
    with site.look(TICKETS, java_script_enabled=False) as looked:
        assert looked.tab.locator("input").count() == 0
        assert looked.tab.get_by_role("link", name="Tickets", exact=True).count() == 1
    with site.look(TICKETS) as looked:
        looked.tab.emulate_media(media="print")
        assert not looked.tab.get_by_role("combobox").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_what_it_lists(site: Browsed, scheme: Any) -> None:
    with site.look("", color_scheme=scheme, bypass_csp=True) as looked:
        assert len(asked(looked, "flat")) == 12
        for width in looked.in_widths(WIDE, NARROW):
            assert violations(looked, scheme) == [], width
            assert not looked.is_cut_off, width


def test_a_list_that_is_not_there_is_told(site: Browsed) -> None:
    with site.look("") as looked:
        looked.tab.route("**/search.js", lambda route: route.abort())
        asked(looked, "dm")
        told = looked.tab.locator(".finds [role=status]").inner_text()
        looked.tab.unroute("**/search.js")
        # It is asked for again.
        names = asked(looked, "dm-48520")
    assert told == "The list of pages could not be read."
    assert names[0] == "DM-48520"
