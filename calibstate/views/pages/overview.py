"""The overview: how it stands with every repository of an instrument."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...model.names import InstrumentName
from ...model.pages import PageContent
from ...store.documents.pages_overview import overview_document
from ...store.documents.pages_timeline import chain_timeline
from ..timelines.svg import Drawing
from .addresses import instrument_address
from .page import Page
from .pictures import MOST_MARKS, Pictures

__all__ = ["overviews"]


def overviews(content: PageContent) -> Iterator[Page]:
    """Yield the overview of all instruments, and one of each.

    Parameters
    ----------
    content
        All that is known.
    """
    everything = overview_document(content, content.instruments)
    # Whoever has one instrument needs no page that only links another.
    only = None
    if len(content.instruments) == 1:
        (only,) = content.instruments
    pictures = {instrument: _pictures(content, instrument) for instrument in content.instruments}
    yield Page("", only or "Calibrations", everything, only, "overview", {"pictures": pictures})
    for instrument in content.instruments:
        document = overview_document(content, [instrument])
        more = {"pictures": pictures}
        yield Page(instrument_address(instrument), instrument, document, instrument, "overview", more)


def _pictures(content: PageContent, instrument: InstrumentName) -> Mapping[str, Any] | None:
    """Return small pictures of all dataset types; `None`: nobody knows."""
    shown = chain_timeline(content, instrument)
    if shown is None or not shown.timeline.rows:
        return None
    # All instruments stand on one page.
    most = MOST_MARKS // len(content.instruments)
    return {
        "shown": shown,
        "drawn": Pictures.of(shown.timeline, Drawing.of(shown.timeline), most),
    }
