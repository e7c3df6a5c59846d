"""All sorts of pages, the links between them, and files that are no pages.

A new sort of page is a row here: its template, and a function that tells which
pages of the sort there are.
"""

from __future__ import annotations

from ...model.names import InstrumentName
from ...model.pages import PageContent
from ...store.documents.pages import main_chain
from .addresses import (
    chain_address,
    compare_address,
    daily_address,
    instrument_address,
    tickets_address,
    timeline_address,
)
from .chains import chain_pages
from .compare import compare_pages, merge_pages
from .daily import daily_pages, trend_pages
from .feed import atom, feed_pages
from .machines import about_pages, badges, metrics, searched, status_file
from .overview import overviews
from .page import Extra, Link, PageSort
from .permanent import commit_pages, run_pages, seal_pages
from .selected import selected_files
from .tickets import redirects, ticket_pages, ticket_tables, tickets_pages
from .timelines import timeline_pages

__all__ = ["EXTRAS", "LINKS", "PAGES"]


def main_chain_address(content: PageContent, instrument: InstrumentName) -> str:
    """Return the address of the chain that an instrument is about first."""
    chain = main_chain(content, instrument)
    if chain is None:
        return chain_address(instrument, "")
    return chain_address(instrument, chain)


PAGES: tuple[PageSort, ...] = (
    PageSort("overview.html", overviews),
    PageSort("tickets.html", tickets_pages),
    PageSort("ticket.html", ticket_pages),
    PageSort("chain.html", chain_pages),
    PageSort("timeline.html", timeline_pages),
    PageSort("compare.html", compare_pages),
    PageSort("merge.html", merge_pages),
    PageSort("daily.html", daily_pages),
    PageSort("trend.html", trend_pages),
    PageSort("feed.html", feed_pages),
    PageSort("run.html", run_pages),
    PageSort("commit.html", commit_pages),
    PageSort("seal.html", seal_pages),
    PageSort("about.html", about_pages),
)
"""Every sort of page."""

LINKS: tuple[Link, ...] = (
    Link("overview", "Overview", lambda content, instrument: instrument_address(instrument)),
    Link("tickets", "Tickets", lambda content, instrument: tickets_address(instrument)),
    Link("chain", "Search order", main_chain_address),
    Link("timeline", "Timelines", lambda content, instrument: timeline_address(instrument)),
    Link("compare", "Compare", lambda content, instrument: compare_address(instrument)),
    Link("daily", "Each day", lambda content, instrument: daily_address(instrument)),
    Link("feed", "What happened", lambda content, instrument: "feed/"),
    Link("about", "About", lambda content, instrument: "about/"),
)
"""What stands at the top of each page of an instrument, in this order; a link
is left out where its page is not made."""

EXTRAS: tuple[Extra, ...] = (
    redirects,
    ticket_tables,
    atom,
    metrics,
    badges,
    status_file,
    searched,
    selected_files,
)
"""What tells files that are no pages."""
