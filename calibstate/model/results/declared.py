"""The chains that are declared, resolved for each repository."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..names import CollectionName, RepositoryAddress
from .base import CommandResult

__all__ = ["DeclaredChain", "DeclaredChains", "DeclaredResource"]


@dataclass(frozen=True)
class DeclaredChain:
    """A chain as it is to be at a repository."""

    repository: RepositoryAddress
    name: CollectionName

    children: tuple[CollectionName, ...]
    """In search order."""

    unwanted: Mapping[CollectionName, str] = field(default_factory=dict)
    """Children that are to leave, with the reason."""


@dataclass(frozen=True)
class DeclaredResource:
    """A resource of a kind that says in a sentence what is declared of it."""

    repository: RepositoryAddress
    kind: str
    name: str

    sentence: str
    """What is declared, in words that follow its kind and name."""

    declaration: Mapping[str, object]
    """The same as plain data."""


@dataclass(frozen=True)
class DeclaredChains(CommandResult):
    """The chains that are declared, now or at a revision."""

    chains: tuple[DeclaredChain, ...]

    resources: tuple[DeclaredResource, ...] = ()
    """What is declared of other kinds, as far as they have words for it."""

    revision: str = ""
    """The revision, for people; empty: the working tree."""

    commit: str = ""
    """Hex digest of the revision."""
