"""The fingerprints of live chains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ...model.differences import Difference, Selected
from ...model.names import Noun, RepositoryAddress
from ...model.results.lookups import ChainDifference, ChainFingerprint, FingerprintsCompared
from ...model.seals import Coverage, fold
from ...model.seen import Seen
from ...model.timespans import format_bound

__all__ = [
    "ChainPrint",
    "DifferenceEntry",
    "FingerprintsDocument",
    "RepositoryPrint",
    "SelectedBy",
    "fingerprints_document",
]


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

    instrument: str
    """It is not repeated in data IDs."""

    dataset_type: str

    data_ids: tuple[Coverage, ...]
    """In boxes, as seals have them: whole numbers as ``0..8,10``, words as
    themselves or in a list; each stands for all combinations of its values."""

    begin: str | None
    """TAI; null: unbounded."""

    end: str | None
    """TAI; null: unbounded."""

    at_reference: SelectedBy
    at_repository: SelectedBy


class FingerprintsDocument(Noun):
    """Fingerprints of live chains, side by side."""

    format_version: Literal["2.0"] = "2.0"
    kind: Literal["fingerprints"] = "fingerprints"

    repositories: Mapping[str, RepositoryPrint]
    """By address."""

    differences: tuple[DifferenceEntry, ...] = ()
    unreachable: Mapping[str, str] = {}
    """Why repositories could not be seen, by address."""

    seen: Mapping[RepositoryAddress, Seen] = {}
    """When each repository was seen, and by whom, by address."""

    last_seen: Mapping[str, RepositoryPrint] = {}
    """Of repositories that were seen too long ago, by address: as they were
    then.  They are compared with nothing."""


def fingerprints_document(result: FingerprintsCompared) -> FingerprintsDocument:
    """Return the document of fingerprints that were compared."""
    differences: list[DifferenceEntry] = []
    for difference in result.differences:
        for change in difference.differences:
            differences.append(_entry(difference, change))
    repositories: dict[str, RepositoryPrint] = {}
    for address, chains in result.chains.items():
        repositories[address] = _repository(chains)
    unreachable: dict[str, str] = {}
    for address, trouble in result.unreachable.items():
        unreachable[address] = trouble.for_anybody
    last_seen: dict[str, RepositoryPrint] = {}
    for address, chains in result.last_seen.items():
        last_seen[address] = _repository(chains)
    return FingerprintsDocument(
        repositories=repositories,
        differences=tuple(differences),
        unreachable=unreachable,
        seen=result.ages,
        last_seen=last_seen,
    )


def _repository(chains: Mapping[str, ChainFingerprint]) -> RepositoryPrint:
    prints = {}
    for name, chain in chains.items():
        prints[name] = ChainPrint(
            effective=chain.effective,
            collections=dict(chain.collections),
        )
    return RepositoryPrint(chains=prints)


def _entry(difference: ChainDifference, change: Difference) -> DifferenceEntry:
    return DifferenceEntry(
        chain=difference.chain,
        reference=difference.reference,
        repository=difference.repository,
        instrument=difference.instrument,
        dataset_type=change.dataset_type,
        data_ids=fold(change.data_ids, difference.instrument),
        begin=format_bound(change.begin),
        end=format_bound(change.end),
        at_reference=_selected(change.first),
        at_repository=_selected(change.other),
    )


def _selected(what: frozenset[Selected]) -> SelectedBy:
    collections = {selected.collection for selected in what}
    uuids = {selected.uuid for selected in what}
    return SelectedBy(
        collections=tuple(sorted(collections)),
        uuids=tuple(sorted(uuids)),
    )
