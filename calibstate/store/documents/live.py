"""What repositories were seen to search, as a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ...model.names import Noun, Place
from ...model.results.live import LiveChains
from .base import FORMAT
from .places import UnseenPart

__all__ = ["LiveChainEntry", "LiveDocument", "LiveEntry", "live_document"]


class LiveChainEntry(Noun):
    """A declared chain, as it was seen."""

    children: tuple[str, ...] | None
    """In search order; null: there was no such chain."""

    declared: tuple[str, ...] | None
    """As declared at that time, in search order; null: it was not declared
    then, or that is not known."""

    since: str | None
    """When a look first showed it so, in UTC; null: not known."""


class LiveEntry(Noun):
    """A repository, as it was seen."""

    at: str
    """When the look began that showed it, in UTC."""

    until: str | None
    """When a look first showed something else, in UTC; null: none has, or
    what was seen last was asked for."""

    chains: Mapping[str, LiveChainEntry]
    """By name."""


class LiveDocument(Noun):
    """What repositories were seen to search."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["live"] = "live"

    at: str | None
    """The moment that was asked for, in UTC; null: what was seen last."""

    repositories: Mapping[str, LiveEntry]
    """By address."""

    unreachable: tuple[UnseenPart, ...]
    """Repositories of which nothing can be told."""


def live_document(result: LiveChains) -> LiveDocument:
    """Return the document of what repositories were seen to search."""
    repositories: dict[str, LiveEntry] = {}
    for repository in result.repositories:
        chains: dict[str, LiveChainEntry] = {}
        for chain in repository.chains:
            chains[chain.name] = LiveChainEntry(
                children=chain.children,
                declared=chain.declared,
                since=chain.since,
            )
        repositories[repository.repository] = LiveEntry(
            at=repository.at,
            until=repository.until,
            chains=chains,
        )
    unreachable: list[UnseenPart] = []
    for address, why in result.unreachable.items():
        unreachable.append(UnseenPart(place=Place(address), detail=why.detail))
    return LiveDocument(
        at=result.at,
        repositories=repositories,
        unreachable=tuple(unreachable),
    )
