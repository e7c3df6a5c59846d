"""What was written down of places, done to locks, and written as schemas."""

from __future__ import annotations

from typing import Literal

from ...model.names import Noun, Place
from ...model.results.places_looked_at import LockBroken, ObservationsWritten
from ...model.results.trees import SchemasWritten
from .base import FORMAT

__all__ = [
    "ObservedDocument",
    "ObservedPart",
    "SchemasDocument",
    "UnlockedDocument",
    "UnseenPart",
    "observed_document",
    "schemas_document",
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
        unreachable.append(UnseenPart(place=place, detail=why.detail))
    return ObservedDocument(observed=tuple(observed), unreachable=tuple(unreachable))


def unlocked_document(result: LockBroken) -> UnlockedDocument:
    """Return the document of what became of a lock."""
    return UnlockedDocument(detail=result.sentence)


def schemas_document(result: SchemasWritten) -> SchemasDocument:
    """Return the document of which schemas were written, or would be."""
    return SchemasDocument(folder=result.folder, number=result.number, stale=result.stale)
