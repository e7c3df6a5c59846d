"""What the documents of all pages have, and how words become public.

A page is read by anybody.  It names no host, process, path, address of a
database or of a person; names of people only where that is wished.
"""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from ...model.chains import usual_chains
from ...model.desired import DesiredState
from ...model.names import InstrumentName, Noun, RepositoryAddress
from ...model.pages import PageContent
from ...model.seen import Seen
from .base import FORMAT

__all__ = [
    "PageDocument",
    "PageSource",
    "SeenPart",
    "head",
    "main_chain",
    "main_chain_in",
    "public",
    "repositories_of",
    "seen_part",
]

_PRIVATE = re.compile(
    r"""
    [A-Za-z][A-Za-z0-9+.-]*://[^\s,;)]+       # an address, of whatever sort
    | [A-Za-z0-9._+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}   # of a person
    | (?<![A-Za-z0-9_.)/-])(?:~|\.{1,2})?/[^\s,;)]+      # a path from a folder on
    """,
    re.VERBOSE,
)

_LEFT_OUT = "…"


class PageSource(Noun):
    """What a page could not be made of."""

    source: str
    problem: str
    """Why, in fixed words."""


class SeenPart(Noun):
    """When a repository was seen."""

    at: str
    """UTC, with ``Z``."""

    by: Literal["live", "published", "file"]

    stale: bool
    """Whether that is too old: the repository counts as unreachable, and what
    is told of it is what was seen last."""


class PageDocument(Noun):
    """A page, as data."""

    format_version: Literal["1.0"] = FORMAT

    generated: str
    """When it was made: UTC, with ``Z``."""

    version: str
    """Of calibstate."""

    commit: str | None
    """Hex digest of the commit of the state tree; null: it is in none."""

    dirty: bool
    """Whether the tree says something that the commit does not."""

    unsound: int
    """Mistakes of the tree as it is: what is declared is told as of the newest
    sound revision."""

    unread: tuple[PageSource, ...]
    """What could not be read."""


def head(content: PageContent) -> dict[str, object]:
    """Return what the documents of all pages say in front."""
    unread: list[PageSource] = []
    # Details may name hosts and paths; summaries are fixed words.
    for source in content.unread:
        for problem in source.problems[:1]:
            unread.append(PageSource(source=public(source.source), problem=problem.summary))
    return {
        "generated": content.at,
        "version": content.version,
        "commit": content.commit,
        "dirty": content.dirty,
        "unsound": len(content.unsound),
        "unread": tuple(unread),
    }


def public(words: str) -> str:
    """Return words without addresses of places, machines and people.

    Parameters
    ----------
    words
        A sentence that may name them.
    """
    return _PRIVATE.sub(_LEFT_OUT, words)


def public_address(address: str | None) -> str | None:
    """Return an address that anybody may follow, else what is public of it.

    Parameters
    ----------
    address
        What somebody wrote; `None`: nobody did.
    """
    if not address:
        return address
    try:
        parts = urlsplit(address)
    except ValueError:
        return public(address)
    is_of_the_web = parts.scheme in {"http", "https"} and bool(parts.hostname)
    # A password is for nobody who reads a page.
    if is_of_the_web and not parts.username and not parts.password:
        return address
    return public(address)


def seen_part(age: Seen | None) -> SeenPart | None:
    """Return when a repository was seen; `None`: nobody saw it."""
    if age is None:
        return None
    return SeenPart(at=age.at, by=age.by.value, stale=age.stale)


def main_chain(content: PageContent, instrument: InstrumentName) -> str | None:
    """Return the chain that an instrument's pages are about first.

    Parameters
    ----------
    content
        All that is known.
    instrument
        Which.

    Returns
    -------
    str or None
        The usual one, or else the first by name; `None`: none is declared.
    """
    if content.desired is None:
        return None
    return main_chain_in(content.desired, instrument)


def main_chain_in(desired: DesiredState, instrument: InstrumentName) -> str | None:
    """Return the same of what is declared, now or at a revision.

    Parameters
    ----------
    desired
        What is declared.
    instrument
        Which.
    """
    names = [written.noun.chain for written in desired.chains_of(instrument)]
    for name in usual_chains(instrument):
        if name in names:
            return name
    return next(iter(names), None)


def repositories_of(content: PageContent, instrument: InstrumentName) -> tuple[RepositoryAddress, ...]:
    """Return the repositories of an instrument, in the order of the waves."""
    repositories: list[RepositoryAddress] = []
    for standing in content.standings:
        if standing.instrument == instrument:
            repositories.append(standing.repository)
    return tuple(repositories)
