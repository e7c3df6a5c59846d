"""The fingerprints of live chains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ...model.names import Noun
from .base import FORMAT

__all__ = ["ChainPrint", "DifferenceEntry", "FingerprintsDocument", "RepositoryPrint", "SelectedBy"]


class ChainPrint(Noun):
    """The fingerprints of a live chain."""

    effective: str
    """Equal ones: the same calibrations are selected for every detector,
    filter and moment."""

    collections: Mapping[str, str]
    """Fingerprint of each collection that is searched and holds calibrations,
    by its name."""


class RepositoryPrint(Noun):
    """The fingerprints of a repository."""

    chains: Mapping[str, ChainPrint]
    """By chain."""


class SelectedBy(Noun):
    """What a repository selects."""

    collections: tuple[str, ...]
    """Empty where nothing is found."""

    uuids: tuple[str, ...]


class DifferenceEntry(Noun):
    """Lookups that find other calibrations at two repositories."""

    chain: str
    reference: str
    """Address of the repository that is compared with."""

    repository: str
    """Address of the repository that differs."""

    dataset_type: str
    data_ids: tuple[str, ...]
    begin: str | None
    """TAI; null: unbounded."""

    end: str | None
    """TAI; null: unbounded."""

    at_reference: SelectedBy
    at_repository: SelectedBy


class FingerprintsDocument(Noun):
    """Fingerprints of live chains, side by side."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["fingerprints"] = "fingerprints"

    repositories: Mapping[str, RepositoryPrint]
    """By address."""

    differences: tuple[DifferenceEntry, ...] = ()
    unreachable: Mapping[str, str] = {}
    """Why repositories could not be seen, by address."""
