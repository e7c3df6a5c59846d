"""Any two compared, in a real browser, as Python compares them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.page.browsing import NARROW, WIDE, Browsed, violations
from tests.page.worlds import BTS, INSTRUMENT, ORIGIN, SUMMIT

COMPARE = f"{INSTRUMENT}/compare/"

CELLS = """(where) => [...document.querySelectorAll(`${where} tbody tr`)].map(
  (row) => [...row.cells].map((cell) => cell.textContent))"""


def told(looked: Any) -> str:
    line = looked.tab.locator(".any [role=status]:not(:empty)")
    line.wait_for()
    return str(line.inner_text())


def choices(site: Browsed) -> list[dict[str, Any]]:
    data = json.loads((site.folder / COMPARE / "data.json").read_text())
    return list(data["choices"])


def chosen(looked: Any, a: str, b: str) -> None:
    for index, key in enumerate((a, b)):
        looked.tab.locator(".any select").nth(index).select_option(key)


@pytest.mark.parametrize("on_disk", [False, True], ids=["http", "file"])
def test_any_two_are_told_as_the_pairs_that_are_made(site: Browsed, on_disk: bool) -> None:
    for a, b in ((ORIGIN, BTS), (ORIGIN, SUMMIT), (BTS, SUMMIT)):
        pair = f"{a.replace('/', '-')}..{b.replace('/', '-')}/"
        with site.look(COMPARE + pair) as looked:
            made = looked.tab.evaluate(CELLS, "section[aria-labelledby=table]")
            lead = looked.tab.locator(".lead").inner_text()
        with site.look(f"{COMPARE}?a={a}&b={b}", on_disk=on_disk) as looked:
            words = told(looked)
            scripted = looked.tab.evaluate(CELLS, ".any")
        assert made
        assert scripted == made
        # The same number of rows, in the same words.
        assert words.removeprefix(f"{a} and {b} ").rstrip(".") in lead
        assert looked.complaints == []


def test_a_merge_is_told_as_the_page_that_is_made_of_it(site: Browsed) -> None:
    newer, older = [each["key"] for each in choices(site) if each["sort"] == "revision"]
    with site.look(f"{COMPARE}{older}..{newer}/") as looked:
        made = looked.tab.evaluate(CELLS, "section[aria-labelledby=table]")
    with site.look(f"{COMPARE}?a={older}&b={newer}") as looked:
        words = told(looked)
        scripted = looked.tab.evaluate(CELLS, ".any")
    assert made
    assert scripted == made
    assert words.endswith("collections no seal tells what they hold.")


def test_two_are_chosen_sent_on_and_found_again(site: Browsed) -> None:
    with site.look(COMPARE) as looked:
        assert looked.tab.url == site.url(COMPARE)
        assert looked.tab.locator(".any tbody").count() == 0
        chosen(looked, ORIGIN, BTS)
        words = told(looked)
        rows = looked.tab.evaluate(CELLS, ".any")
        looked.tab.reload()
        assert told(looked) == words
        assert looked.tab.evaluate(CELLS, ".any") == rows
        assert looked.evaluate("() => history.length") == 2
        chosen(looked, ORIGIN, ORIGIN)
        looked.tab.locator(".any tbody").wait_for(state="detached")
        assert told(looked) == f"{ORIGIN} and {ORIGIN} select the same calibrations, always."
        chosen(looked, "declared", ORIGIN)
        looked.tab.locator(".any [role=status]", has_text="declared now").wait_for()
        # The seals tell what is at the origin.
        assert told(looked) == f"declared now and {ORIGIN} select the same tickets, always."
    spelled = f"{COMPARE}?a=usdf%2Fmain&b={BTS}"
    with site.look(spelled) as looked:
        told(looked)
        assert looked.tab.url == site.url(spelled)


def test_what_is_not_to_be_chosen_is_told(site: Browsed) -> None:
    with site.look(f"{COMPARE}?a=../../x&b=<b>nowhere</b>") as looked:
        words = told(looked)
        assert looked.tab.locator(".any tbody, .any b").count() == 0
    assert words == "“../../x” is none of these. “<b>nowhere</b>” is none of these."
    assert looked.complaints == []


def test_equal_timelines_are_one_file_and_none_is_large(site: Browsed) -> None:
    fingerprints = {each["fingerprint"] for each in choices(site)}
    scripts = list((site.folder / INSTRUMENT / "selected").glob("*.js"))
    assert len(choices(site)) > len(fingerprints) > 1
    # Of nothing there are two: by a chain that is sealed nowhere, too.
    assert len(scripts) <= len(fingerprints) + 1
    assert max(script.stat().st_size for script in scripts) < 123_000


def test_odd_detectors_and_unbounded_spans_are_compared(site: Browsed) -> None:
    def timeline(*rows: dict[str, Any], fingerprint: str) -> str:
        return json.dumps({"fingerprint": fingerprint, "tickets": ["DM-1", "DM-2"], "rows": rows})

    def row(filters: list[str], odd: dict[str, Any]) -> dict[str, Any]:
        spans = {"begin": "|20241107", "end": "", "ticket": [1, 0]}
        return {"type": "flat", "filters": filters, "detectors": "0..8", "odd": odd, **spans}

    def answered(text: str, name: str) -> Callable[[Any], None]:
        body = f"(window.calibstateSelected ??= {{}})['{name}'] = {text};"
        return lambda route: route.fulfill(body=body)

    texts = {
        ORIGIN: timeline(row(["g", "r"], {"1": [[-1, "3"], [1, "5..7"]]}), row(["z"], {}), fingerprint="1"),
        BTS: timeline(row(["g"], {}), row(["r"], {}), fingerprint="2"),
    }
    with site.look(COMPARE) as looked:
        for key, text in texts.items():
            src = looked.evaluate(
                f"() => document.getElementById('choices').content"
                f".querySelector('option[value=\"{key}\"]').dataset.file"
            )
            name = src.rsplit("/", 1)[-1].removesuffix(".js")
            looked.tab.route(f"**/selected/{name}.js", answered(text, name))
        chosen(looked, ORIGIN, BTS)
        words = told(looked)
        cells = looked.tab.evaluate(CELLS, ".any")
    assert "in 3 rows" in words
    assert cells == [
        ["flat", "g r", "2024-11-07", "…", "DM-1 for 0..2,4,8; DM-2 for 5..7", "DM-1"],
        ["flat", "z", "…", "2024-11-07", "DM-2", "nothing"],
        ["flat", "z", "2024-11-07", "…", "DM-1", "nothing"],
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_what_is_compared(site: Browsed, scheme: Any) -> None:
    address = f"{COMPARE}?a={ORIGIN}&b={BTS}"
    with site.look(address, color_scheme=scheme, bypass_csp=True) as looked:
        told(looked)
        for width in looked.in_widths(WIDE, NARROW):
            assert violations(looked, scheme) == [], width
            assert not looked.is_cut_off, width


def test_without_scripts_nothing_is_to_be_chosen(site: Browsed) -> None:
    with site.look(COMPARE, java_script_enabled=False) as looked:
        assert looked.tab.locator("select:visible, .any *").count() == 0
        # The merges are there, made.
        assert looked.tab.locator("section[aria-labelledby=merges] tbody tr").count() == 1
