"""Tickets against repositories, a page for each, and ways to them by key."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from operator import attrgetter

from markupsafe import escape

from ...model.names import InstrumentName, is_issue_key
from ...model.pages import PageContent
from ...store.documents.pages_tickets import TicketPart, Tickets
from ...store.documents.pages_timeline import chain_timeline
from ..printable import printable
from .addresses import go_address, page_of, relative, ticket_address, tickets_address
from .page import Page
from .pictures import Pictures, pictures_of_tickets

__all__ = ["redirects", "ticket_pages", "ticket_tables", "tickets_pages"]

_REDIRECT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'">
<meta http-equiv="refresh" content="0; url={href}">
<title>{key}</title>
</head>
<body><main><h1>{key}</h1><p><a href="{href}">{name}</a></p></main></body>
</html>
"""


def tickets_pages(content: PageContent) -> Iterator[Page]:
    """Yield the tickets of each instrument, of many a page for each year.

    Parameters
    ----------
    content
        All that is known.
    """
    for instrument in content.instruments:
        tickets = Tickets(content, instrument)
        title = f"Tickets of {instrument}"
        links = (("as CSV", _csv_file(instrument)),)
        years = tickets.years
        parts = tickets.parts
        newest: str | None = None
        if years:
            # The first page has the newest year, which has a page as well.
            newest = next(iter(years))
            parts = years[newest]
        yield Page(
            tickets_address(instrument),
            title,
            tickets.document(parts, newest),
            instrument,
            "tickets",
            links=links,
        )
        for year, of_year in years.items():
            yield Page(
                tickets_address(instrument, year),
                f"{title}, {year}",
                tickets.document(of_year, year),
                instrument,
                "tickets",
                links=links,
            )


def ticket_pages(content: PageContent) -> Iterator[Page]:
    """Yield a page for each ticket.

    Parameters
    ----------
    content
        All that is known.
    """
    for instrument in content.instruments:
        tickets = Tickets(content, instrument)
        shown = chain_timeline(content, instrument)
        pictures: dict[str, Pictures] = {}
        if shown:
            pictures.update(pictures_of_tickets(shown.timeline))
        for part in tickets.parts:
            document = tickets.document_of(part)
            more = {"pictures": pictures.get(part.ticket), "shown": shown}
            address = ticket_address(instrument, part.ticket)
            yield Page(address, part.ticket, document, instrument, "tickets", more)


def redirects(content: PageContent) -> Iterator[tuple[str, bytes]]:
    """Yield pages that lead from the key of any of three tickets to its page.

    Parameters
    ----------
    content
        All that is known.
    """
    targets: dict[str, tuple[InstrumentName, str]] = {}
    parts: list[tuple[InstrumentName, TicketPart]] = []
    for instrument in content.instruments:
        parts.extend((instrument, part) for part in Tickets(content, instrument).parts)
    # A ticket's own page first: its key may be another one's deployment, too.
    for key_of in (attrgetter("ticket"), attrgetter("taxicab"), attrgetter("deployment")):
        for instrument, part in parts:
            key = key_of(part)
            if key and is_issue_key(key):
                # One key may stand for several; the first searched wins.
                targets.setdefault(key, (instrument, part.ticket))
    for key, (instrument, name) in sorted(targets.items()):
        address = go_address(key)
        href = relative(page_of(ticket_address(instrument, name)), address)
        html = _REDIRECT.format(key=escape(key), href=escape(href), name=escape(printable(name)))
        yield page_of(address), html.encode()


_COLUMNS = ("ticket", "summary", "status", "taxicab", "date", "report", "seal", "deployment", "archived")


def ticket_tables(content: PageContent) -> Iterator[tuple[str, bytes]]:
    """Yield the tickets of each instrument as CSV, whole.

    Parameters
    ----------
    content
        All that is known.
    """
    for instrument in content.instruments:
        tickets = Tickets(content, instrument)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow([*_COLUMNS, *tickets.repositories])
        for part in tickets.parts:
            writer.writerow(map(_harmless, _cells(part)))
        yield _csv_file(instrument), text.getvalue().encode()


def _csv_file(instrument: InstrumentName) -> str:
    return f"{tickets_address(instrument)}tickets.csv"


def _cells(part: TicketPart) -> Iterable[str]:
    yield from (
        part.ticket,
        part.summary,
        part.status,
        part.taxicab or "",
        part.date or "",
        part.report or "",
        part.seal,
        part.deployment or "",
        part.archived or "",
    )
    for place in part.places:
        yield f"was {place.state}" if place.stale else place.state


def _harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    shown = printable(cell)
    if shown.startswith(("=", "+", "-", "@", "\t")):
        return f"'{shown}"
    return shown
