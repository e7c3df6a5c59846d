"""What repositories were seen to search, now or on a date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from typing_extensions import override

from ...errors import Diagnostic, ExitCode
from ..names import RepositoryAddress
from .base import CommandResult, Footnote, failed_if, unseen_notes

__all__ = ["LiveChain", "LiveChains", "LiveRepository"]


@dataclass(frozen=True)
class LiveChain:
    """A declared chain, as it was seen."""

    name: str

    children: tuple[str, ...] | None
    """In search order; `None`: there was no such chain."""

    declared: tuple[str, ...] | None
    """As declared at that time, in search order; `None`: it was not declared
    then, or that is not known."""

    since: str | None
    """When a look first showed it so, in UTC; `None`: not known."""

    @property
    def is_as_declared(self) -> bool:
        """Whether it was live as it was declared."""
        return self.children == self.declared


@dataclass(frozen=True)
class LiveRepository:
    """A repository, as it was seen."""

    repository: RepositoryAddress

    at: str
    """When the look began that showed it, in UTC."""

    until: str | None
    """When a look first showed something else, in UTC; `None`: none has."""

    chains: tuple[LiveChain, ...]


@dataclass(frozen=True)
class LiveChains(CommandResult):
    """What repositories were seen to search."""

    at: str | None
    """The moment that was asked for, in UTC; `None`: what was seen last."""

    repositories: tuple[LiveRepository, ...]

    unreachable: Mapping[RepositoryAddress, Diagnostic]
    """Why of others nothing can be told."""

    declared_unknown: str = ""
    """Why what was declared then is not known; empty: it is."""

    @property
    @override
    def exit_code(self) -> ExitCode:
        return failed_if(self.unreachable)

    @property
    @override
    def footnotes(self) -> tuple[Footnote, ...]:
        notes = unseen_notes(self.unreachable)
        if self.declared_unknown:
            notes += (f"What was declared then is not known: {self.declared_unknown}",)
        return notes
