"""Repositories against each other, by what they select."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from markupsafe import Markup

from ...model.names import InstrumentName
from ...model.pages import PageContent
from ...model.timelinecompare import rows_by_filter
from ...store.documents.pages_compare import Alike, DifferencePart, WinnerPart, compare_documents
from ..timelines.svg import SIDE_BY_SIDE, Drawing
from .addresses import compare_address
from .page import Page
from .pictures import MOST_MARKS

__all__ = ["compare_pages"]

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
        for document, pair in compare_documents(content, instrument):
            # The first of a group stands for all, in addresses too.
            repositories = {group.letter: group.repositories for group in document.groups}
            pages: dict[tuple[str, str], str] = {}
            for other in document.pairs:
                first, second = repositories[other.a][0], repositories[other.b][0]
                pages[other.a, other.b] = compare_address(instrument, first, second)
            more: dict[str, Any] = {
                "addresses_of": pages,
                "rows_of": {(other.a, other.b): other.rows for other in document.pairs},
                "pictures": (),
                "words": tuple(map(_in_words, document.differences[:_MOST_IN_WORDS])),
                "more_words": max(0, len(document.differences) - _MOST_IN_WORDS),
            }
            title = f"Repositories of {instrument} compared"
            if pair is None:
                yield Page(compare_address(instrument), title, document, instrument, "compare", more)
                continue
            # Only a pair has something to draw.
            more.update(_pictures(pair, document.differences))
            yield _pair_page(instrument, pair, document, more)


def _pair_page(
    instrument: InstrumentName, pair: tuple[Alike, Alike], document: Any, more: Mapping[str, Any]
) -> Page:
    first, second = pair[0].repositories[0], pair[1].repositories[0]
    address = compare_address(instrument, first, second)
    return Page(address, f"{first} and {second}", document, instrument, "compare", more)


def _pictures(pair: tuple[Alike, Alike], different: tuple[DifferencePart, ...]) -> Mapping[str, Any]:
    """Return a picture of each row that differs; of filters alike one."""
    a, b = pair
    timelines = (a.timeline, b.timeline)
    rows_of_a = rows_by_filter(a.timeline)
    rows_of_b = rows_by_filter(b.timeline)
    drawing = Drawing.of(*timelines, words=SIDE_BY_SIDE).with_at_most(MOST_MARKS, *timelines)
    names = (str(a.repositories[0]), str(b.repositories[0]))
    pictures: dict[tuple[str, tuple[str, ...]], Markup] = {}
    for difference in different:
        key = (difference.dataset_type, difference.filters)
        # The spans of one row are drawn together.
        if key in pictures or len(pictures) == _MOST_PICTURES:
            continue
        # Filters that differ alike look alike.
        filter = difference.filters[0] if difference.filters else ""
        row = (difference.dataset_type, filter)
        svg = drawing.pair(rows_of_a.get(row), rows_of_b.get(row), timelines, names)
        pictures[key] = Markup(svg)
    return {"pictures": tuple(pictures.items()), "axis": Markup(drawing.axis())}


def _in_words(difference: DifferencePart) -> Mapping[str, str]:
    return {
        "dataset_type": difference.dataset_type,
        "filters": " ".join(difference.filters),
        "begin": _bound(difference.begin),
        "end": _bound(difference.end),
        "a": _winners(difference.a),
        "b": _winners(difference.b),
    }


def _bound(text: str | None) -> str:
    if text is None:
        return "…"
    return text.removesuffix("T00:00:00").replace("T", " ")


def _winners(winners: tuple[WinnerPart, ...]) -> str:
    """Return what wins: detectors are named only where they differ."""
    if not winners:
        return "nothing"
    if len(winners) == 1:
        return winners[0].ticket
    words: list[str] = []
    for winner in winners:
        words.append(f"{winner.ticket} for {winner.detectors}")
    return "; ".join(words)
