"""Repositories against each other, by what they select."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from markupsafe import Markup

from ...model.names import InstrumentName
from ...model.number_ranges import as_ranges, ranges_in
from ...model.pages import PageContent
from ...model.timelinecompare import rows_by_filter, with_same_detectors
from ...model.timelines import Timeline
from ...store.documents.pages_choices import Choice, choices
from ...store.documents.pages_compare import (
    Alike,
    DifferencePart,
    WinnerPart,
    compare_documents,
    merge_documents,
)
from ..timelines.svg import SIDE_BY_SIDE, Drawing
from .addresses import compare_address, merge_address
from .page import Page
from .pictures import MOST_MARKS
from .selected import selected_file

__all__ = ["Option", "compare_pages", "merge_pages"]

_MOST_PICTURES = 60
"""Rows that are drawn; the table has all."""

_MOST_IN_WORDS = 200
"""Spans that a page has as a table; its document has all."""


def compare_pages(content: PageContent) -> Iterator[Page]:
    """Yield the matrix of each instrument, and a page for each pair.

    Parameters
    ----------
    content
        All that is known.
    """
    for instrument in content.instruments:
        offered = choices(content, instrument)
        merges = [document.merge for document, _ in merge_documents(content, instrument, offered)]
        options = tuple(map(partial(_option, instrument), offered))
        for document, pair in compare_documents(content, instrument, offered, merges):
            # The first of a group stands for all, in addresses too.
            repositories = {group.letter: group.repositories for group in document.groups}
            pages: dict[tuple[str, str], str] = {}
            for other in document.pairs:
                first, second = repositories[other.a][0], repositories[other.b][0]
                pages[other.a, other.b] = compare_address(instrument, first, second)
            more: dict[str, Any] = {
                "addresses_of": pages,
                "rows_of": {(other.a, other.b): other.rows for other in document.pairs},
                "options": options if pair is None else (),
                "most": _MOST_IN_WORDS,
                **_words(document.differences),
            }
            title = f"{instrument} compared"
            if pair is None:
                yield Page(compare_address(instrument), title, document, instrument, "compare", more)
                continue
            # Only a pair has something to draw.
            timelines = (pair[0].timeline, pair[1].timeline)
            names = (str(pair[0].repositories[0]), str(pair[1].repositories[0]))
            drawing = Drawing.of(*timelines, words=SIDE_BY_SIDE)
            more.update(_pictures(drawing, timelines, names, document.differences))
            yield _pair_page(instrument, pair, document, more)


def merge_pages(content: PageContent) -> Iterator[Page]:
    """Yield a page for each merge that is compared with the one before.

    Parameters
    ----------
    content
        All that is known.
    """
    for instrument in content.instruments:
        offered = choices(content, instrument)
        for document, merged in merge_documents(content, instrument, offered):
            timelines = (merged.older.timeline, merged.newer.timeline)
            names = (merged.older.key, merged.newer.key)
            drawing = Drawing.of(*timelines)
            more = {
                **_words(document.differences),
                **_pictures(drawing, timelines, names, document.differences),
                "names": names,
            }
            address = merge_address(instrument, merged.older.about, merged.newer.about)
            title = f"{names[0]} and {names[1]}"
            yield Page(address, title, document, instrument, "compare", more)


@dataclass(frozen=True)
class Option:
    """Something that can be chosen to be compared."""

    key: str
    group: str
    words: str
    unsealed: int

    file: str
    """The script that holds it, from the root."""


_GROUPS = {
    "declared": "Declared",
    "revision": "Declared",
    "live": "Seen",
    "sight": "Seen",
}
"""Above what stands in one list."""


def _option(instrument: InstrumentName, choice: Choice) -> Option:
    words = "now"
    if choice.sort == "revision":
        words = f"{choice.key} of {_minute(choice.at)}: {choice.title}"
    elif choice.sort in {"live", "sight"}:
        words = f"{choice.about} at {_minute(choice.at)}"
    group = _GROUPS[choice.sort]
    return Option(choice.key, group, words, choice.unsealed, selected_file(instrument, choice.timeline))


def _minute(at: str) -> str:
    return at[:16].replace("T", " ")


def _pair_page(
    instrument: InstrumentName, pair: tuple[Alike, Alike], document: Any, more: Mapping[str, Any]
) -> Page:
    first, second = pair[0].repositories[0], pair[1].repositories[0]
    address = compare_address(instrument, first, second)
    return Page(address, f"{first} and {second}", document, instrument, "compare", more)


def _pictures(
    drawing: Drawing,
    timelines: tuple[Timeline, Timeline],
    names: tuple[str, str],
    different: Sequence[DifferencePart],
) -> Mapping[str, Any]:
    """Return a picture of each row that differs; of filters alike one."""
    rows_of_a = rows_by_filter(timelines[0])
    rows_of_b = rows_by_filter(timelines[1])
    drawing = drawing.with_at_most(MOST_MARKS, *timelines)
    pictures: dict[tuple[str, tuple[str, ...]], Markup] = {}
    for difference in different:
        key = (difference.dataset_type, difference.filters)
        # The spans of one row are drawn together.
        if key in pictures or len(pictures) == _MOST_PICTURES:
            continue
        # Filters that differ alike look alike.
        filter = difference.filters[0] if difference.filters else ""
        row = (difference.dataset_type, filter)
        rows = with_same_detectors(rows_of_a.get(row), rows_of_b.get(row))
        svg = drawing.pair(*rows, timelines, names)
        pictures[key] = Markup(svg)
    return {"pictures": tuple(pictures.items()), "axis": Markup(drawing.axis())}


def _words(different: Sequence[DifferencePart]) -> Mapping[str, Any]:
    """Return differences in words; nothing is drawn of them."""
    return {
        "words": tuple(map(_in_words, different[:_MOST_IN_WORDS])),
        "more_words": max(0, len(different) - _MOST_IN_WORDS),
        "pictures": (),
    }


def _in_words(difference: DifferencePart) -> Mapping[str, str]:
    return {
        "dataset_type": difference.dataset_type,
        "filters": " ".join(difference.filters),
        "begin": _bound(difference.begin),
        "end": _bound(difference.end),
        "a": _winners(difference.a, difference.b),
        "b": _winners(difference.b, difference.a),
    }


def _bound(text: str | None) -> str:
    if text is None:
        return "…"
    return text.removesuffix("T00:00:00").replace("T", " ")


def _winners(winners: tuple[WinnerPart, ...], others: tuple[WinnerPart, ...]) -> str:
    """Return what wins: detectors are named only where they differ.

    Parameters
    ----------
    winners
        At one side.
    others
        At the other: those that have less are told.
    """
    if not winners:
        return "nothing"
    everywhere: set[int] = set()
    for winner in (*winners, *others):
        for numbers in ranges_in(winner.detectors):
            everywhere.update(numbers)
    if winners[0].detectors == as_ranges(everywhere):
        return winners[0].ticket
    words: list[str] = []
    for winner in winners:
        words.append(f"{winner.ticket} for {winner.detectors}")
    return "; ".join(words)
