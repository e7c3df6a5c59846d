"""What happened, as a page and as an Atom feed (RFC 4287)."""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import join
from xml.etree import ElementTree

from ...model.names import TicketKey
from ...model.pages import PageContent
from ...store.documents.pages_feed import FeedEntry, feed_document, feed_id
from ..printable import printable
from .addresses import commit_address, instrument_address, run_address, ticket_address
from .page import Page

__all__ = ["FEED", "atom", "feed_pages"]

FEED = "feed.atom"
"""The feed, from the root."""

_NAMESPACE = "http://www.w3.org/2005/Atom"
_MOST_IN_ATOM = 100


def feed_pages(content: PageContent) -> Iterator[Page]:
    """Yield the page of what happened.

    Parameters
    ----------
    content
        All that is known.
    """
    document = feed_document(content)
    links = {entry.id: _address(content, entry) for entry in document.entries}
    more = {"links": links}
    yield Page("feed/", "What happened", document, None, "feed", more, (("as Atom", FEED),))


def atom(content: PageContent) -> Iterator[tuple[str, bytes]]:
    """Yield the feed.

    Parameters
    ----------
    content
        All that is known.
    """
    document = feed_document(content)
    base = content.wishes.url
    root = ElementTree.Element("feed", xmlns=_NAMESPACE)
    _add(root, "title", "Calibrations")
    _add(root, "id", feed_id(content))
    # Of an empty feed there is nothing newer.
    updated = content.at
    if document.entries:
        updated = document.entries[0].at
    _add(root, "updated", updated)
    author = ElementTree.SubElement(root, "author")
    _add(author, "name", "calibstate")
    if base:
        ElementTree.SubElement(root, "link", rel="self", href=join(base, FEED))
    for entry in document.entries[:_MOST_IN_ATOM]:
        part = ElementTree.SubElement(root, "entry")
        _add(part, "id", entry.id)
        _add(part, "title", entry.title)
        _add(part, "updated", entry.at)
        # A reader of feeds may show nothing but this; what has no link must
        # have content.
        _add(part, "content", entry.why or entry.title)
        ElementTree.SubElement(part, "category", term=entry.sort)
        # A feed is read elsewhere, so that no link of it can be relative.
        if base:
            href = join(base, _address(content, entry))
            ElementTree.SubElement(part, "link", rel="alternate", href=href)
    ElementTree.indent(root)
    yield FEED, ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = printable(text)


def _address(content: PageContent, entry: FeedEntry) -> str:
    """Return the address of the page that tells more."""
    if entry.sort == "merge":
        return commit_address(entry.about)
    if entry.sort == "run":
        return run_address(entry.about)
    if entry.ticket:
        return ticket_address(*TicketKey.of(entry.ticket))
    # What is about a repository leads to where it stands.
    for standing in content.standings:
        if standing.repository == entry.about:
            return instrument_address(standing.instrument)
    return ""
