"""Tickets that a person proposes, and that the board has adopted."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import Diagnostic
from ..changes import Sentence
from ..files import FileChange
from ..names import RepositoryAddress
from ..seals import Seal
from ..tickets import Ticket
from .base import CommandResult
from .impacts import ImpactReport

__all__ = ["CollectionAtOrigin", "TicketAdopted", "TicketProposed"]


@dataclass(frozen=True)
class CollectionAtOrigin:
    """A collection of a ticket, as its origin has it."""

    name: str
    """Its full name."""

    holds: str
    """What it is and holds, in words."""


@dataclass(frozen=True)
class TicketProposed(CommandResult):
    """A ticket that was found at its origin, and the files that declare it."""

    ticket: Ticket
    """As it is declared now."""

    origin: RepositoryAddress
    collections: tuple[CollectionAtOrigin, ...]
    """Those of the ticket, in search order."""

    seal: Seal | None
    """What it contains; `None`: it is not sealed."""

    changes: tuple[FileChange, ...]
    """Files that are new or changed; none where they say it already."""

    remarks: tuple[Diagnostic, ...] = ()
    """What a person should know."""

    chain: str = ""
    """The chain in front of which the lookups were foreseen; empty: none."""

    impact: ImpactReport | None = None
    """What becomes of lookups once it is adopted and in front of it."""

    written: bool = False
    branch: str = ""
    """The branch it was committed on; empty: it was not."""

    commit: str = ""
    files: tuple[str, ...] = ()
    """Files that were written, or were before and are committed now."""


@dataclass(frozen=True)
class TicketAdopted(CommandResult):
    """A ticket that the board has adopted, and the files that say so."""

    ticket: Ticket
    """As it is declared now."""

    sentences: tuple[Sentence, ...]
    """What is declared otherwise, in words."""

    changes: tuple[FileChange, ...]
    """Files that change; none where they say it already."""

    impact: ImpactReport | None = None
    """What becomes of lookups; `None` where nothing changes."""

    remarks: tuple[Diagnostic, ...] = ()
    """What a person should know."""

    written: bool = False
    branch: str = ""
    """The branch it was committed on; empty: it was not."""

    commit: str = ""
