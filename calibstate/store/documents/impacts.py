"""What a change does to lookups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ...errors import Where
from ...model.impacts import Affected, ChainImpact, Unknown, Via
from ...model.names import Noun
from ...model.results.impacts import ImpactReport
from ...model.seals import Coverage, fold
from ...model.timespans import format_bound
from ...model.touched import TouchedExposures

__all__ = [
    "AffectedEntry",
    "ChainAt",
    "ChangeEntry",
    "CountedEntry",
    "ImpactDocument",
    "SearchEntry",
    "SelectedVia",
    "ShadowedEntry",
    "UnknownEntry",
    "counted_entries",
    "impact_document",
]


class SelectedVia(Noun):
    """Where a lookup finds its calibration."""

    collection: str
    run: str | None
    """RUN of the dataset; null where a seal does not tell it."""


class ChainAt(Noun):
    """A chain of a repository."""

    repository: str
    """Address."""

    chain: str


class ChangeEntry(Noun):
    """Lookups that change alike."""

    chains: tuple[ChainAt, ...]
    """The chains that it is the same through, by repository and name."""

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

    what: Literal["lost", "reverted", "replaced", "newly covered", "same content"]
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

    declared_at: Where | None


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


class CountedEntry(Noun):
    """How many exposures of a repository are concerned."""

    repository: str

    at: str | None
    """When they were counted, in UTC; null: they are not known."""

    nights: tuple[int, ...]
    """Observing days, ``YYYYMMDD``."""

    at_least: int | None
    """Exposures that certainly are; null: they are not known."""

    at_most: int | None
    """With those of nights that a range begins or ends within."""

    reason: str | None
    """Why they are not known."""


class ImpactDocument(Noun):
    """What a change of the declaration does."""

    format_version: Literal["2.0"] = "2.0"
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

    counted: tuple[CountedEntry, ...] | None = None
    """Exposures that change, as repositories published theirs; null: nobody
    asked."""


def impact_document(report: ImpactReport) -> ImpactDocument:
    """Return the document of what a change does."""
    impact = report.impact
    searches: list[_Searched] = []
    for chain in impact.chains:
        for (repository, name), not_known in zip(chain.chains, chain.unknown_in, strict=True):
            searched = _Searched(repository, name, chain, not_known)
            searches.append(searched)
    searches.sort(key=lambda searched: (searched.repository, searched.name))
    changes: list[ChangeEntry] = []
    shadowed: list[ShadowedEntry] = []
    unknown: list[UnknownEntry] = []
    for chain in impact.chains:
        changes.extend(_changes(chain, report))
    for searched in searches:
        shadowed.extend(searched.shadowed())
        unknown.extend(searched.unknown())
    entries = [searched.entry() for searched in searches]
    effects = Counter(change.effect.value for change in impact.changes)
    nights = {}
    for night, number in report.nights.items():
        nights[str(night)] = number
    return ImpactDocument(
        base=report.base,
        observed_until=format_bound(report.observed_until) or "",
        live=report.live or None,
        repositories=impact.repositories,
        gone=impact.gone,
        summary=dict(sorted(effects.items())),
        searches=tuple(entries),
        changes=tuple(changes),
        shadowed=tuple(shadowed),
        unknown=tuple(unknown),
        exposures=tuple(map(_affected, impact.exposures)),
        nights=nights,
        counted=counted_entries(report.touched),
    )


def counted_entries(touched: TouchedExposures | None) -> tuple[CountedEntry, ...] | None:
    """Return how many exposures are concerned; `None`: nobody asked."""
    if touched is None:
        return None
    entries: list[CountedEntry] = []
    for there in touched.counted:
        entries.append(
            CountedEntry(
                repository=there.repository,
                at=there.at,
                nights=there.touched.nights,
                at_least=there.touched.at_least,
                at_most=there.touched.at_most,
                reason=None,
            )
        )
    for address, reason in touched.unknown.items():
        entries.append(
            CountedEntry(repository=address, at=None, nights=(), at_least=None, at_most=None, reason=reason)
        )
    return tuple(sorted(entries, key=lambda entry: entry.repository))


def _changes(impact: ChainImpact, report: ImpactReport) -> Iterator[ChangeEntry]:
    """Yield the changes of chains that are told together, each once."""
    chains = []
    for repository, name in sorted(impact.chains):
        chains.append(ChainAt(repository=repository, chain=name))
    for change in impact.changes:
        yield ChangeEntry(
            chains=tuple(chains),
            instrument=impact.instrument,
            dataset_type=change.dataset_type,
            data_ids=fold(change.data_ids, impact.instrument),
            begin=format_bound(change.begin),
            end=format_bound(change.end),
            what=change.effect.value,
            into_the_past=report.reaches_back([change]),
            before=_via(change.before),
            after=_via(change.after),
        )


@dataclass(frozen=True)
class _Searched:
    """What becomes of one chain at one repository."""

    repository: str
    name: str
    chain: ChainImpact

    not_known: tuple[Unknown, ...]
    """What it searches, and what was taken for empty."""

    def entry(self) -> SearchEntry:
        return SearchEntry(
            repository=self.repository,
            chain=self.name,
            entered=self.chain.entered,
            left=self.chain.left,
            moved=self.chain.moved,
        )

    def shadowed(self) -> Iterator[ShadowedEntry]:
        for shadowed in self.chain.shadowed:
            yield ShadowedEntry(
                repository=self.repository,
                chain=self.name,
                collection=shadowed.collection,
                ticket=shadowed.ticket or None,
                whole=shadowed.whole,
                declared_at=shadowed.where,
            )

    def unknown(self) -> Iterator[UnknownEntry]:
        for unknown in self.not_known:
            yield UnknownEntry(
                repository=self.repository,
                chain=self.name,
                collection=unknown.collection,
                ticket=unknown.ticket or None,
                moved=unknown.moved,
            )


def _via(via: Via | None) -> SelectedVia | None:
    if via is None:
        return None
    return SelectedVia(collection=via.collection, run=via.run)


def _affected(exposure: Affected) -> AffectedEntry:
    return AffectedEntry(
        ambiguous=exposure.ambiguous,
        exposure=exposure.exposure,
        day_obs=exposure.day_obs,
        physical_filter=exposure.physical_filter or None,
        dataset_types=exposure.dataset_types,
    )
