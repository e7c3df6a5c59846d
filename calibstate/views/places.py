"""What was observed of places, and done to their locks."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.results.places_looked_at import LockBroken, ObservationsWritten
from ..model.results.tickets import SealWritten
from .messages import count

__all__ = ["lock", "observations", "seal"]


def observations(result: ObservationsWritten) -> Iterator[str]:
    """Yield how much each repository showed."""
    for observed in result.observed:
        address = observed.address
        at = observed.at
        collections = count(observed.collections, "collection")
        datasets = count(observed.datasets, "dataset")
        yield f"{address} at {at}: {collections}, {datasets}"


def lock(result: LockBroken) -> Iterator[str]:
    """Yield what became of a lock, as a sentence."""
    sentence = result.sentence
    if sentence.startswith("the "):
        sentence = f"The {sentence[4:]}."
    yield sentence


def seal(result: SealWritten) -> Iterator[str]:
    """Yield what a seal covers, and the digest by which it is approved."""
    path = result.path
    files = count(result.files, "file")
    size = result.bytes
    digest = result.digest
    yield f"{path}: {files}, {size} bytes"
    yield f"  digest {digest}"
    if result.approved_in:
        yield f"  named as approved in {result.approved_in}"
