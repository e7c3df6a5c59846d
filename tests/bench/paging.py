"""Pages of ten years of a camera at ten repositories, against their budgets.

Seconds mean little by themselves: beside them stands what it takes to parse
the same files, in the same run.
"""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.page.browsing import NARROW, WIDE, Browsed, launched, served
from tests.tree import Tree

from .decade import INSTRUMENT, MIXED, WILD, commit_weekly, make_decade
from .measure import metered

__all__ = ["BUDGETS", "PageSize", "page_of_ten_years", "sizes_of"]

BUDGETS = {
    "largest HTML": "300 kB",
    "the same, gzip": "40 kB",
    "most elements": "10,000",
    "`page`, wall": "30 s",
    "`page`, memory": "500 MB",
    "largest sight": "200 kB",
    "shown at 1440 px": "0.5 s",
    "shown at 390 px, CPU ÷ 4": "1 s",
}
"""Of the design."""

_LOOKED_AT = (
    "",
    f"{INSTRUMENT}/tickets/",
    f"{INSTRUMENT}/chain/calib/",
    f"{INSTRUMENT}/timeline/",
    f"{INSTRUMENT}/timeline/flat/",
    f"{INSTRUMENT}/ticket/DM-30300/",
)
"""One page of each sort."""

_NOTE_WHEN = """addEventListener("load", () => {
  requestAnimationFrame(() => requestAnimationFrame(() => { window.shownAfter = performance.now(); }));
});"""
"""Notes the milliseconds from the click until all of a page is drawn."""


@dataclass(frozen=True)
class PageSize:
    """How large a page is."""

    address: str
    bytes: int
    zipped: int
    elements: int

    @classmethod
    def of(cls, path: Path, root: Path) -> PageSize:
        """Return the size of a file of HTML."""
        html = path.read_bytes()
        elements = len(re.findall(rb"<[a-z]", html))
        zipped = len(gzip.compress(html, 6))
        return cls(path.parent.relative_to(root).as_posix(), len(html), zipped, elements)


def sizes_of(pages: Path) -> list[PageSize]:
    """Return the sizes of all pages of a folder."""
    return [PageSize.of(path, pages) for path in sorted(pages.rglob("*.html"))]


def page_of_ten_years(folder: Path, turns: int) -> Iterator[str]:
    """Yield what pages of ten years cost, and how large they are."""
    for name, mood in (("mixed", MIXED), ("wild", WILD)):
        tree = make_decade(folder / name, mood=mood)
        commit_weekly(tree)
        pages = tree.folder / "pages"
        yield f"### Pages of ten years, {name}: 520 tickets, ten repositories, 520 merges\n"
        yield "| what | budget | here |"
        yield "|---|---:|---:|"
        for what, figure in _figures(tree, pages, turns):
            yield f"| {what} | {BUDGETS.get(what, '')} | {figure} |"
        yield ""


def _figures(tree: Tree, pages: Path, turns: int) -> Iterator[tuple[str, str]]:
    costs = [metered("-C", str(tree.state), "page", "-o", str(pages)) for _ in range(turns)]
    cost = min(costs, key=lambda each: each.cpu)
    parsing = min(_parsing(tree) for _ in range(turns))
    yield "`page`, wall", f"{cost.wall:.1f} s"
    yield "`page`, CPU", f"{cost.cpu:.1f} s"
    yield "against parsing the tree with the C loader", f"{cost.cpu / parsing:.1f} x"
    yield "`page`, memory", f"{cost.kilobytes / 1000:.0f} MB"
    sizes = sizes_of(pages)
    largest = max(sizes, key=lambda size: size.bytes)
    yield "pages", f"{len(sizes):,}, {sum(size.bytes for size in sizes) / 1e6:.1f} MB"
    yield "largest HTML", f"{largest.bytes / 1000:.0f} kB ({largest.address})"
    yield "the same, gzip", f"{max(size.zipped for size in sizes) / 1000:.1f} kB"
    yield "most elements", f"{max(size.elements for size in sizes):,}"
    sights = list((tree.folder / "records" / "sights").rglob("*.json"))
    yield "largest sight", f"{max(path.stat().st_size for path in sights) / 1000:.0f} kB"
    try:
        yield from _shown(pages, turns)
    except pytest.skip.Exception as missing:
        yield "shown", str(missing)


def _parsing(tree: Tree) -> float:
    began = time.process_time()
    for file in tree.state.rglob("*.yaml"):
        yaml.load(file.read_bytes(), yaml.CSafeLoader)
    return time.process_time() - began


def _shown(pages: Path, turns: int) -> Iterator[tuple[str, str]]:
    """Yield how long a browser takes for the slowest of some pages."""
    with launched() as browser, served(pages) as http:
        site = Browsed(browser, pages, http)
        for what, width, slower in (("shown at 1440 px", WIDE, 1), ("shown at 390 px, CPU ÷ 4", NARROW, 4)):
            slowest = max((_least(site, address, width, slower, turns), address) for address in _LOOKED_AT)
            yield what, f"{slowest[0] / 1000:.2f} s ({slowest[1] or 'the overview'})"


def _least(site: Browsed, address: str, width: int, slower: int, turns: int) -> float:
    return min(_milliseconds(site, address, width, slower) for _ in range(turns))


def _milliseconds(site: Browsed, address: str, width: int, slower: int) -> float:
    with site.look("about/", width=width) as looked:
        tab: Any = looked.tab
        session = tab.context.new_cdp_session(tab)
        session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
        tab.add_init_script(_NOTE_WHEN)
        tab.goto(site.url(address))
        shown = None
        while shown is None:
            shown = tab.evaluate("() => window.shownAfter ?? null")
        return float(shown)
