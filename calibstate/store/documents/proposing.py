"""Tickets that are proposed, and that the board has adopted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from ...model.files import FileChange
from ...model.names import Noun
from ...model.results.proposing import TicketAdopted, TicketProposed
from ...model.tickets import Approval
from .base import FORMAT, Problem, problem
from .captures import CapturedFile
from .changes import ProposedEntry, effects, proposed_entries

__all__ = [
    "AdoptDocument",
    "ProposeDocument",
    "ProposedCollection",
    "SealDigest",
    "adopted_document",
    "proposed_document",
]


class ProposedCollection(Noun):
    """A collection of a ticket, as its origin has it."""

    name: str
    """Its full name."""

    holds: str
    """What it is and holds, in words."""


class SealDigest(Noun):
    """What a ticket contains, by its digest."""

    digest: str
    files: int
    bytes: int


class ProposeDocument(Noun):
    """What ``propose`` found and wrote."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["propose"] = "propose"

    ticket: str
    instrument: str
    summary: str | None
    approval: Approval
    origin: str
    """Address of the repository where it was found."""

    collections: tuple[ProposedCollection, ...]
    """Its collections, in search order."""

    seal: SealDigest | None
    """Null: it is not sealed."""

    chain: str | None
    """The chain in front of which lookups were foreseen; null: none."""

    impact: Mapping[str, int]
    """Changes of lookups once it is adopted, counted by what becomes of
    them."""

    files: tuple[CapturedFile, ...]
    written: bool
    branch: str | None
    commit: str | None
    told: tuple[Problem, ...]
    """What a person should know."""


class AdoptDocument(Noun):
    """What ``adopt`` wrote of a decision."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["adopt"] = "adopt"

    ticket: str
    instrument: str
    approval: Approval
    deployment: str | None
    """Ticket of the distribution."""

    changes: tuple[ProposedEntry, ...]
    impact: Mapping[str, int]
    """Changes of lookups, counted by what becomes of them."""

    files: tuple[CapturedFile, ...]
    written: bool
    branch: str | None
    commit: str | None
    told: tuple[Problem, ...]
    """What a person should know."""


def proposed_document(result: TicketProposed) -> ProposeDocument:
    """Return the document of a ticket that is proposed."""
    ticket = result.ticket
    collections = []
    for collection in result.collections:
        entry = ProposedCollection(name=collection.name, holds=collection.holds)
        collections.append(entry)
    seal = None
    if result.seal:
        # All else that it says stands in its file.
        seal = SealDigest(
            digest=result.seal.digest,
            files=result.seal.files,
            bytes=result.seal.bytes,
        )
    return ProposeDocument(
        ticket=ticket.ticket,
        instrument=ticket.instrument,
        summary=ticket.summary,
        approval=ticket.approval,
        origin=result.origin,
        collections=tuple(collections),
        seal=seal,
        chain=result.chain or None,
        impact=effects(result.impact),
        files=_files(result.changes),
        written=result.written,
        branch=result.branch or None,
        commit=result.commit or None,
        told=tuple(map(problem, result.remarks)),
    )


def adopted_document(result: TicketAdopted) -> AdoptDocument:
    """Return the document of a ticket that the board has adopted."""
    ticket = result.ticket
    return AdoptDocument(
        ticket=ticket.ticket,
        instrument=ticket.instrument,
        approval=ticket.approval,
        deployment=ticket.deployment,
        changes=proposed_entries(result.sentences),
        impact=effects(result.impact),
        files=_files(result.changes),
        written=result.written,
        branch=result.branch or None,
        commit=result.commit or None,
        told=tuple(map(problem, result.remarks)),
    )


def _files(changes: Sequence[FileChange]) -> tuple[CapturedFile, ...]:
    files = []
    for change in changes:
        # A plain word until here, which has to be one of two.
        values = {"path": change.file, "what": change.what}
        files.append(CapturedFile.model_validate(values))
    return tuple(files)
