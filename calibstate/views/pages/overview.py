"""The overview: how it stands with every repository of an instrument."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.pages import PageContent
from ...store.documents.pages_overview import overview_document
from .addresses import instrument_address
from .page import Page

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
    yield Page("", only or "Calibrations", everything, only, "overview")
    for instrument in content.instruments:
        document = overview_document(content, [instrument])
        yield Page(instrument_address(instrument), instrument, document, instrument, "overview")
