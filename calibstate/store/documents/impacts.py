"""What a change does to lookups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ...model.names import Noun
from .base import FORMAT, Spot

__all__ = [
    "AffectedEntry",
    "ChangeEntry",
    "ImpactDocument",
    "SearchEntry",
    "SelectedVia",
    "ShadowedEntry",
    "UnknownEntry",
]


class SelectedVia(Noun):
    """Where a lookup finds its calibration."""

    collection: str
    run: str | None
    """RUN of the dataset; null where a seal does not tell it."""


class ChangeEntry(Noun):
    """Lookups that change alike."""

    repository: str
    chain: str
    dataset_type: str
    data_ids: tuple[str, ...]
    begin: str | None
    """TAI; null: unbounded."""

    end: str | None
    """TAI; null: unbounded."""

    what: Literal["lost", "reverted", "replaced", "newly covered"]
    into_the_past: bool
    """Whether it begins before what was observed already ends."""

    before: SelectedVia | None
    """Null: nothing is found."""

    after: SelectedVia | None
    """Null: nothing is found."""


class SearchEntry(Noun):
    """A chain that searches something else."""

    repository: str
    chain: str
    entered: tuple[str, ...]
    left: tuple[str, ...]
    moved: tuple[str, ...]


class ShadowedEntry(Noun):
    """A collection that can never win any more."""

    repository: str
    chain: str
    collection: str
    ticket: str | None
    whole: bool
    """Whether the same is true of all collections of the ticket there."""

    declared_at: Spot | None


class UnknownEntry(Noun):
    """A collection of which nobody could tell what it holds."""

    repository: str
    chain: str
    collection: str
    ticket: str | None
    moved: bool
    """Whether it enters, leaves or moves, so that something may be missing
    from the changes."""


class AffectedEntry(Noun):
    """An exposure that would be calibrated otherwise."""

    exposure: int
    day_obs: int
    physical_filter: str | None
    dataset_types: tuple[str, ...]

    ambiguous: tuple[str, ...]
    """Of which its lookup fails then: the butler refuses to choose."""


class ImpactDocument(Noun):
    """What a change of the declaration does."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["impact"] = "impact"

    base: str
    """What the working tree was compared with."""

    observed_until: str
    """TAI."""

    live: str | None
    """The repository that told what collections hold; null: the seals."""

    repositories: tuple[str, ...]
    """All that were compared."""

    gone: tuple[str, ...]
    """Those that are not declared any more."""

    summary: Mapping[str, int]
    """Changes by what they are."""

    searches: tuple[SearchEntry, ...]
    changes: tuple[ChangeEntry, ...]
    shadowed: tuple[ShadowedEntry, ...]
    unknown: tuple[UnknownEntry, ...]
    exposures: tuple[AffectedEntry, ...]
    nights: Mapping[str, int]
    """Exposures that change, by observing day."""
