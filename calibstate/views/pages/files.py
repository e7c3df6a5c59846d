"""The files of all pages: each is shown by its template, beside its document.

What a template shows is escaped, and what a screen would hide or obey is
spelled, whoever wrote it.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ...model.names import Noun, is_issue_key
from ...model.pages import IN_SYNC, PageContent
from ...model.status import State
from ...store.documents.base import plain
from ...store.documents.pages_tickets import TicketsDocument
from ..printable import printable
from ..status_table import MARKS
from . import addresses
from .addresses import document_of, page_of, relative
from .page import Page
from .table import EXTRAS, LINKS, PAGES

__all__ = ["files_of"]

_HERE = Path(__file__).parent / "templates"

_COPIED = ("page.css", "page.js", "timelines.js", "moment.js", "compare.js", "icon.svg")
"""Files beside the templates that pages use as they are."""

_MARK_OF_STALE = "?"
_MOST_OF_A_DIGEST = 10


def files_of(content: PageContent, made_at: str) -> Iterator[tuple[str, bytes]]:
    """Yield all files, by their path from the root.

    Parameters
    ----------
    content
        All that is known.
    made_at
        When it is said that they were made: UTC, with ``Z``.
    """
    content = replace(content, at=made_at)
    # All are known before the first is shown, so that none links what is not.
    pages: deque[tuple[str, Page]] = deque()
    for sort in PAGES:
        for page in sort.pages(content):
            pages.append((sort.template, page))
    addresses_made = frozenset(page.address for _, page in pages)
    templates = _templates()
    while pages:
        # What is written is not kept: pages of ten years fill a memory.
        template, page = pages.popleft()
        frame = Frame(content, page, addresses_made)
        html = templates.get_template(template).render(frame=frame, page=page.document, **page.more)
        yield page_of(page.address), html.encode()
        yield document_of(page.address), _as_json(page.document)
    for extra in EXTRAS:
        yield from extra(content)
    for name in _COPIED:
        text = (_HERE / name).read_text()
        if name.endswith(".js"):
            text = _without_comments(text)
        yield name, text.encode()


def _without_comments(script: str) -> str:
    """Return a script without what only its authors read.

    Parameters
    ----------
    script
        Its comments are lines by themselves, and no text of it has a break.
    """
    lines = [line.strip() for line in script.splitlines()]
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("//"))


def _as_json(document: Noun) -> bytes:
    text = json.dumps(plain(document), sort_keys=True, indent=1, ensure_ascii=False)
    return f"{text}\n".encode()


def _templates() -> Environment:
    """Return the templates, with what all of them may use."""
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_visible,
    )
    environment.globals.update(
        {
            "addresses": addresses,
            "state": state,
            "url": url,
        }
    )
    environment.filters.update(
        {
            "day": day,
            "minute": minute,
            "short": short,
            "several": several,
        }
    )
    return environment


def _visible(value: object) -> object:
    """Return a value as it is shown: nothing hides in it."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return printable(value)
    return value


@dataclass(frozen=True)
class Shown:
    """A state as it is shown: never by its colour alone."""

    word: str
    mark: str
    style: str
    """Class of the stylesheet."""

    means: str
    """What it says, for people."""


def state(word: str, *, stale: bool = False) -> Shown:
    """Return how a state is shown.

    Parameters
    ----------
    word
        `IN_SYNC`, or the word of a `State`.
    stale
        Whether it was seen too long ago to be so now.
    """
    if stale:
        style = f"unreachable was-{word.replace(' ', '-')}"
        return Shown(f"was {word}", _MARK_OF_STALE, style, "so it was seen last, too long ago to rely on")
    if word == IN_SYNC:
        return Shown(word, MARKS[State.SEARCHED], "in-sync", "live is as declared")
    gravest = State(word)
    if gravest is State.UNREACHABLE:
        # Here it is said of a look of before, too.
        return Shown(word, MARKS[gravest], word, "not seen, or too long ago; what is told was seen last")
    style = word.replace(" ", "-")
    return Shown(word, MARKS[gravest], style, gravest.means)


def url(address: str | None) -> str:
    """Return an address if a link may lead there; else nothing.

    Parameters
    ----------
    address
        What somebody wrote; only ``http`` and ``https`` are linked.
    """
    if not address or address != printable(address).strip() or " " in address:
        return ""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
        return ""
    # Passwords do not belong on a page, in whatever link.
    if parts.username or parts.password:
        return ""
    return address


def day(moment: str) -> str:
    """Return the day of a moment."""
    return moment[:10]


def minute(moment: str) -> str:
    """Return a moment to the minute."""
    return moment[:16].replace("T", " ")


def short(digest: str) -> str:
    """Return the beginning of a digest."""
    return digest.removeprefix("sha256:")[:_MOST_OF_A_DIGEST]


def several(words: Sequence[str]) -> str:
    """Return words as they are listed in a sentence."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


@dataclass(frozen=True)
class NavigationLink:
    """A link at the top of a page."""

    title: str
    href: str
    is_current: bool


@dataclass(frozen=True)
class Frame:
    """What surrounds every page."""

    content: PageContent
    page: Page
    addresses: Set[str]
    """Addresses of all pages."""

    @property
    def title(self) -> str:
        """Of the page."""
        return self.page.title

    @property
    def generated(self) -> str:
        """When it was made."""
        return self.content.at

    @property
    def people(self) -> bool:
        """Whether people are named."""
        return self.content.wishes.people

    @property
    def docs(self) -> str:
        """Where the documentation is published; empty: it is not linked."""
        return url(self.content.wishes.docs)

    def has(self, address: str) -> bool:
        """Say whether there is a page at an address."""
        return address in self.addresses

    def file(self, name: str) -> str:
        """Return the link to a file, by its path from the root."""
        return relative(name, self.page.address)

    def to(self, address: str) -> str:
        """Return the link to a page; empty: there is none."""
        if address not in self.addresses:
            return ""
        return self.file(page_of(address))

    def jira(self, key: str | None) -> str:
        """Return the link to a ticket of the tracker; empty: it has none."""
        base = url(self.content.wishes.jira)
        if not base or key is None or not is_issue_key(key):
            return ""
        return f"{base.rstrip('/')}/browse/{quote(key)}"

    @cached_property
    def navigation(self) -> Sequence[NavigationLink]:
        """Links to the pages of the instrument that the page is about."""
        instrument = self.page.instrument
        instruments = self.content.instruments
        links: list[NavigationLink] = []
        if instrument is None and len(instruments) == 1:
            (instrument,) = instruments
        if instrument is None:
            for name in instruments:
                href = self.to(addresses.instrument_address(name))
                links.append(NavigationLink(name, href, is_current=False))
        for link in LINKS:
            address = link.address(self.content, instrument or "")
            href = self.to(address)
            if href:
                is_current = link.section == self.page.section
                links.append(NavigationLink(link.title, href, is_current))
        return links

    def states(self, document: TicketsDocument) -> Sequence[str]:
        """Return the states of tickets that occur, but for searched ones."""
        words = [state.value for state in State if state is not State.SEARCHED]
        occurring = {place.state for ticket in document.tickets for place in ticket.places}
        return [word for word in words if word in occurring]

    @property
    def data(self) -> str:
        """The link to the page's document."""
        return "data.json"

    @cached_property
    def sights(self) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """When each repository was seen, in the order of the waves."""
        sights: dict[str, Mapping[str, Any]] = {}
        for standing in self.content.standings:
            age = standing.age
            if age:
                sights[standing.repository] = {"at": age.at, "stale": age.stale}
        return list(sights.items())

    @property
    def year(self) -> int:
        """In which it was made."""
        return datetime.fromisoformat(self.generated).year
