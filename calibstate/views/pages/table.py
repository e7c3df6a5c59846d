"""All sorts of pages, the links between them, and files that are no pages.

A new sort of page is a row here: its template, and a function that tells which
pages of the sort there are.
"""

from __future__ import annotations

from .addresses import instrument_address
from .overview import overviews
from .page import Extra, Link, PageSort

__all__ = ["EXTRAS", "LINKS", "PAGES"]

PAGES: tuple[PageSort, ...] = (PageSort("overview.html", overviews),)
"""Every sort of page."""

LINKS: tuple[Link, ...] = (Link("overview", "Overview", instrument_address),)
"""What stands at the top of each page of an instrument, in this order; a link
is left out where its page is not made."""

EXTRAS: tuple[Extra, ...] = ()
"""What tells files that are no pages."""
