"""What is declared otherwise than at a revision, and who changed a chain."""

from __future__ import annotations

from dataclasses import dataclass

from ..changes import Changes, Sentence
from ..revisions import Changed
from .base import CommandResult

__all__ = ["ChainHistory", "ComparedTree", "HistoryEntry", "TreesCompared"]


@dataclass(frozen=True)
class ComparedTree:
    """One of two declarations that are compared."""

    words: str
    """What it is, for people."""

    commit: str = ""
    """Hex digest; empty: the working tree."""


@dataclass(frozen=True)
class TreesCompared(CommandResult):
    """What is declared otherwise in one tree than in another."""

    before: ComparedTree
    after: ComparedTree
    changes: Changes

    sentences: tuple[Sentence, ...]
    """All of it, in words."""


@dataclass(frozen=True)
class HistoryEntry:
    """A revision that changed something, and what, in words."""

    changed: Changed
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True)
class ChainHistory(CommandResult):
    """Who changed a chain, and when."""

    chain: str
    entries: tuple[HistoryEntry, ...]
    """The newest first."""
