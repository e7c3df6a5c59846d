"""What was written down of places, done to locks, and written as schemas."""

from __future__ import annotations

from typing import Literal

from ...model.names import Noun, Place
from ...model.results.places_looked_at import LockBroken, ObservationsWritten
from ...model.results.tickets import SealsWritten
from ...model.results.trees import SchemasWritten
from .base import FORMAT, Problem, problem

__all__ = [
    "ObservedDocument",
    "ObservedPart",
    "SchemasDocument",
    "SealedPart",
    "SealsDocument",
    "UnlockedDocument",
    "UnseenPart",
    "observed_document",
    "schemas_document",
    "seals_document",
    "unlocked_document",
]


class ObservedPart(Noun):
    """How much a repository showed."""

    repository: Place
    at: str
    """UTC, with ``Z``."""

    collections: int
    datasets: int


class UnseenPart(Noun):
    """A repository that could not be seen."""

    place: Place
    detail: str
    """Why."""


class ObservedDocument(Noun):
    """What was written down of repositories."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["observed"] = "observed"

    observed: tuple[ObservedPart, ...]
    unreachable: tuple[UnseenPart, ...]


class UnlockedDocument(Noun):
    """What became of the lock of a place."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["unlocked"] = "unlocked"

    detail: str
    """In a sentence."""


class SchemasDocument(Noun):
    """Which schemas were written, or would be."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["schemas"] = "schemas"

    folder: str
    number: int
    """How many there are."""

    stale: tuple[str, ...]
    """Those that are not as they would be written; only compared."""


class SealedPart(Noun):
    """The seal of a ticket."""

    path: str
    """Its file, relative to the root of the tree."""

    files: int
    """How many it covers."""

    bytes: int
    digest: str
    """By which it is approved."""

    approved_in: str
    """File whose `approval.seal` was given the digest; empty: none was."""


class SealsDocument(Noun):
    """Which tickets were sealed, and why others were not."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["seals"] = "seals"

    seals: tuple[SealedPart, ...]
    refused: tuple[Problem, ...]


def observed_document(result: ObservationsWritten) -> ObservedDocument:
    """Return the document of what was written down of repositories."""
    observed: list[ObservedPart] = []
    for repository in result.observed:
        part = ObservedPart(
            repository=repository.address,
            at=repository.at,
            collections=repository.collections,
            datasets=repository.datasets,
        )
        observed.append(part)
    unreachable: list[UnseenPart] = []
    for place, why in result.unreachable.items():
        unreachable.append(UnseenPart(place=place, detail=why.for_anybody))
    return ObservedDocument(observed=tuple(observed), unreachable=tuple(unreachable))


def unlocked_document(result: LockBroken) -> UnlockedDocument:
    """Return the document of what became of a lock."""
    return UnlockedDocument(detail=result.sentence)


def schemas_document(result: SchemasWritten) -> SchemasDocument:
    """Return the document of which schemas were written, or would be."""
    return SchemasDocument(folder=result.folder, number=result.number, stale=result.stale)


def seals_document(result: SealsWritten) -> SealsDocument:
    """Return the document of which tickets were sealed."""
    seals: list[SealedPart] = []
    for sealed in result.seals:
        part = SealedPart(
            path=sealed.path,
            files=sealed.files,
            bytes=sealed.bytes,
            digest=sealed.digest,
            approved_in=sealed.approved_in,
        )
        seals.append(part)
    return SealsDocument(seals=tuple(seals), refused=tuple(map(problem, result.refused)))
