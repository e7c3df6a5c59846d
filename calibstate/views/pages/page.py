"""A page before it is a file: where it is, and what it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...model.names import InstrumentName, Noun
from ...model.pages import PageContent

__all__ = ["Extra", "Link", "Page", "PageSort"]


@dataclass(frozen=True)
class Page:
    """One page."""

    address: str
    """Its folder, with a slash at its end; empty: the root."""

    title: str

    document: Noun
    """What it shows; it lies beside it."""

    instrument: InstrumentName | None = None
    """`None`: it is of no instrument, or of several."""

    section: str = ""
    """Which link at the top it belongs to."""

    more: Mapping[str, Any] = field(default_factory=dict)
    """What the template is given besides, such as pictures."""

    links: tuple[tuple[str, str], ...] = ()
    """Words and files, from the root, that the foot links besides."""


@dataclass(frozen=True)
class Link:
    """A link at the top of pages."""

    section: str
    title: str
    address: Callable[[PageContent, InstrumentName], str]
    """Of the page, for an instrument; it is left out where there is none."""


@dataclass(frozen=True)
class PageSort:
    """A sort of page: a row of the table."""

    template: str
    """Its file among the templates."""

    pages: Callable[[PageContent], Iterable[Page]]
    """Tells which there are."""


Extra = Callable[[PageContent], Iterable[tuple[str, bytes]]]
"""Tells files that are no pages, by their path from the root."""
