"""A ticket that is taken out everywhere; no data is deleted for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .names import CollectionName, InstrumentName, RepositoryAddress

__all__ = ["Remaining", "Rollback"]


@dataclass(frozen=True)
class Rollback:
    """What is to be retired."""

    name: str
    """The ticket, or one collection of a bare ticket."""

    instrument: InstrumentName

    words: Mapping[str, tuple[str, ...]]
    """Entries that are retired, by chain."""


@dataclass(frozen=True)
class Remaining:
    """What a repository's chain still searches until the next apply."""

    repository: RepositoryAddress
    chain: str
    children: tuple[CollectionName, ...]

    hold: str | None
    """Why nothing is changed there; `None`: it is."""
