"""What is declared otherwise than at a revision, and who changed a chain."""

from __future__ import annotations

from dataclasses import dataclass

from typing_extensions import override

from ..changes import Changes, Sentence
from ..revisions import Changed
from .base import CommandResult, Footnote

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

    older: int = 0
    """How many more there are than were asked for."""

    @property
    @override
    def footnotes(self) -> tuple[Footnote, ...]:
        if not self.older:
            return ()
        number = len(self.entries) + self.older
        return (f"{self.older} older revisions are not shown; --limit {number} shows all",)
