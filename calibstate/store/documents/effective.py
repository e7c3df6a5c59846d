"""What lookups get for a while."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ...model.differences import Difference, Selected
from ...model.names import Noun, RepositoryAddress
from ...model.nights import SelectedRow
from ...model.results.lookups import EffectiveFound, SelectsOtherwise, WhatLookupsGet
from ...model.seals import Coverage, cover
from ...model.seen import Seen
from ...model.timespans import format_bound
from .base import FORMAT

__all__ = [
    "AbsentChain",
    "EffectiveDocument",
    "EffectiveRow",
    "FoundByLookup",
    "OddEntry",
    "OtherwiseEntry",
    "SelectedDifference",
    "SelectionEntry",
    "effective_document",
]


class OddEntry(Noun):
    """Detectors for which lookups get something else than for most."""

    ticket: str | None
    """Null: nothing is found."""

    detectors: str
    """Numbers, such as ``3,7..9``."""


class SelectionEntry(Noun):
    """What lookups get in a part of the time."""

    begin: str | None
    """TAI; null: 1970, which the butler takes for unbounded."""

    end: str | None
    """TAI."""

    ticket: str | None
    """For most detectors; a collection of no ticket stands with its own name.
    Null: nothing is found."""

    odd: tuple[OddEntry, ...] = ()


class EffectiveRow(Noun):
    """What lookups get for one dataset type and some filters."""

    dataset_type: str

    filters: tuple[str, ...]
    """Empty: the type knows none."""

    detectors: str
    """Numbers of those that have a dataset at any time, such as ``0..8``;
    empty: the type knows none."""

    selections: tuple[SelectionEntry, ...]
    """By begin, over all of the time."""


class FoundByLookup(Noun):
    """What lookups get through chains."""

    chains: tuple[str, ...]
    """Chains through which the same is found."""

    instrument: str

    repositories: tuple[str, ...]
    """Addresses at which it is so, in the order of waves."""

    rows: tuple[EffectiveRow, ...]


class SelectedDifference(Noun):
    """Lookups that get something else."""

    dataset_type: str

    lookups: tuple[Coverage, ...]
    """Data IDs as ranges of their values, as in a seal, with begin and end in
    TAI."""

    at_reference: tuple[str, ...]
    """Tickets; a collection of none stands with its own name.  Empty: nothing
    is found."""

    at_repository: tuple[str, ...]


class OtherwiseEntry(Noun):
    """How one repository selects otherwise than another."""

    chains: tuple[str, ...]
    reference: str
    """Address of the repository that is compared with."""

    repository: str
    """Address of the repository that differs."""

    differences: tuple[SelectedDifference, ...]


class AbsentChain(Noun):
    """A chain that is declared at a repository and does not exist."""

    repository: str
    chain: str


class EffectiveDocument(Noun):
    """What lookups get for a while."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["effective"] = "effective"

    night: int | None
    """The observing day, such as 20241110; null: it is a moment."""

    begin: str | None
    """From when on, in TAI."""

    end: str | None
    """Until when, in TAI; of a moment a nanosecond later."""

    effective: tuple[FoundByLookup, ...]

    differences: tuple[OtherwiseEntry, ...] = ()
    """Of all repositories that were looked at, within the time."""

    absent: tuple[AbsentChain, ...] = ()
    unreachable: Mapping[str, str] = {}
    """Why repositories could not be seen, by address."""

    seen: Mapping[RepositoryAddress, Seen] = {}
    """When each repository was seen, and by whom, by address."""

    last_seen: tuple[FoundByLookup, ...] = ()
    """At repositories that were seen too long ago: as it was then.  They are
    compared with nothing."""


def effective_document(result: EffectiveFound) -> EffectiveDocument:
    """Return the document of what lookups get."""
    when = result.when
    absent = []
    for address, chain in result.absent:
        absent.append(AbsentChain(repository=address, chain=chain))
    unreachable: dict[str, str] = {}
    for address, trouble in result.unreachable.items():
        unreachable[address] = trouble.for_anybody
    return EffectiveDocument(
        night=when.night,
        begin=format_bound(when.begin),
        end=format_bound(when.end),
        effective=tuple(map(_effective, result.effective)),
        differences=tuple(map(_otherwise, result.differences)),
        absent=tuple(absent),
        unreachable=unreachable,
        seen=result.ages,
        last_seen=tuple(map(_effective, result.last_seen)),
    )


def _effective(effective: WhatLookupsGet) -> FoundByLookup:
    return FoundByLookup(
        chains=effective.chains,
        instrument=effective.instrument,
        repositories=effective.repositories,
        rows=tuple(map(_row, effective.rows)),
    )


def _row(row: SelectedRow) -> EffectiveRow:
    selections = []
    for selection in row.selections:
        odd = [OddEntry(ticket=each.ticket, detectors=each.detectors) for each in selection.odd]
        entry = SelectionEntry(
            begin=format_bound(selection.begin),
            end=format_bound(selection.end),
            ticket=selection.ticket,
            odd=tuple(odd),
        )
        selections.append(entry)
    return EffectiveRow(
        dataset_type=row.dataset_type,
        filters=row.filters,
        detectors=row.detectors,
        selections=tuple(selections),
    )


def _otherwise(otherwise: SelectsOtherwise) -> OtherwiseEntry:
    differences = [_difference(each, otherwise) for each in otherwise.differences]
    return OtherwiseEntry(
        chains=otherwise.chains,
        reference=otherwise.reference,
        repository=otherwise.repository,
        differences=tuple(differences),
    )


def _difference(difference: Difference, otherwise: SelectsOtherwise) -> SelectedDifference:
    span = (difference.begin, difference.end)
    rows = [(data_id, span) for data_id in difference.data_ids]
    return SelectedDifference(
        dataset_type=difference.dataset_type,
        lookups=tuple(cover(rows, otherwise.instrument)),
        at_reference=_tickets(difference.first, otherwise.tickets),
        at_repository=_tickets(difference.other, otherwise.tickets),
    )


def _tickets(datasets: frozenset[Selected], tickets: Mapping[str, str]) -> tuple[str, ...]:
    names = {tickets[dataset.collection] for dataset in datasets}
    return tuple(sorted(names))
