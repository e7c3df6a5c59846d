"""What was observed of places, and done to their locks."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import Diagnostic
from ..model.results.places_looked_at import LockBroken, ObservationsWritten
from ..model.results.tickets import SealsWritten
from .messages import count

__all__ = ["lock", "observations", "seals"]


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


def seals(result: SealsWritten) -> Iterator[Diagnostic | str]:
    """Yield what seals cover, and the digests by which they are approved."""
    for sealed in result.seals:
        files = count(sealed.files, "file")
        yield f"{sealed.path}: {files}, {sealed.bytes} bytes"
        yield f"  digest {sealed.digest}"
        if sealed.approved_in:
            yield f"  named as approved in {sealed.approved_in}"
    yield from result.refused
