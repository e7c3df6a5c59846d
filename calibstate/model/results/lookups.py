"""Which calibrations lookups get: explained, and compared by fingerprint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from typing_extensions import override

from ...errors import Diagnostic, ExitCode, first_of
from ..differences import Difference
from ..explanations import Answer, Explained, Since
from ..names import RepositoryAddress
from ..nights import SelectedRow, While
from ..seen import SeenPlaces
from .base import CommandResult, Footnote, failed_if, unseen_notes

__all__ = [
    "ChainDifference",
    "ChainFingerprint",
    "EffectiveFound",
    "ExplanationsFound",
    "FingerprintsCompared",
    "Prints",
    "SelectsOtherwise",
    "WhatLookupsGet",
]


@dataclass(frozen=True)
class ChainFingerprint:
    """The fingerprints of a live chain."""

    effective: str

    collections: Mapping[str, str]
    """Fingerprint of each collection that is searched."""


Prints = Mapping[RepositoryAddress, Mapping[str, ChainFingerprint]]
"""By address and chain; a chain that does not exist is left out."""


@dataclass(frozen=True)
class ChainDifference:
    """How one repository selects otherwise than another."""

    chain: str
    instrument: str
    reference: RepositoryAddress
    repository: RepositoryAddress
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class FingerprintsCompared(CommandResult):
    """Fingerprints of live chains, side by side."""

    chains: Prints
    """By address and chain; a chain that does not exist is left out."""

    differences: tuple[ChainDifference, ...]

    unreachable: Mapping[RepositoryAddress, Diagnostic]
    """Why the others could not be seen."""

    ages: SeenPlaces = field(default_factory=dict)
    """When each repository was seen, and by whom."""

    last_seen: Prints = field(default_factory=dict)
    """Of repositories that were seen too long ago: as they were then.  They
    are compared with nothing."""

    @property
    @override
    def exit_code(self) -> ExitCode:
        unseen = failed_if(self.unreachable)
        if self.differences:
            return first_of(unseen, ExitCode.DRIFT)
        return unseen

    @property
    @override
    def footnotes(self) -> tuple[Footnote, ...]:
        notes: list[Footnote] = list(unseen_notes(self.unreachable))
        for address, chains in self.last_seen.items():
            when = self.ages[address].at
            for name, chain in chains.items():
                notes.append(f"{address} when last seen ({when}): {name} {chain.effective}")
        return tuple(notes)


@dataclass(frozen=True)
class ExplanationsFound(CommandResult):
    """Which calibration a lookup gets at each repository, and why."""

    explained: Explained

    since: tuple[Since | None, ...]
    """When what wins began to be searched, for each explanation; `None` where
    nothing wins, or where what was searched is no chain."""

    everything: bool = False
    """Whether the collections that hold nothing are to be named, too."""

    ages: SeenPlaces = field(default_factory=dict)
    """When each repository was seen, and by whom."""

    last_seen: tuple[Answer, ...] = ()
    """What a lookup got at repositories that were seen too long ago."""

    def dated(self) -> Iterator[tuple[Answer, Since | None]]:
        """Yield each explanation, with when its winner was first searched."""
        return zip(self.explained.answers, self.since, strict=True)

    @property
    @override
    def exit_code(self) -> ExitCode:
        return failed_if(self.explained.unreachable)

    @property
    @override
    def footnotes(self) -> tuple[Footnote, ...]:
        notes: list[Footnote] = []
        for explanation, since in self.dated():
            if since:
                notes.append(f"{explanation.repository}: {self._when(explanation, since)}")
        notes.extend(self.explained.remarks)
        notes.extend(unseen_notes(self.explained.unreachable))
        for answer in self.last_seen:
            notes.append(self._when_last_seen(answer))
        return tuple(notes)

    def _when_last_seen(self, answer: Answer) -> str:
        explanation = answer.explanation
        chain = explanation.chain
        winner = explanation.winner
        words = f"a lookup through {chain} got nothing"
        if winner:
            collection = winner.collection
            what = self.explained.tickets.get(collection, collection)
            words = f"{what} won in {chain}"
        repository = answer.repository
        when = self.ages[repository].at
        return f"{repository} when last seen ({when}): {words}"

    def _when(self, answer: Answer, since: Since) -> str:
        winner = answer.explanation.winner
        what = ""
        if winner:
            what = self.explained.tickets.get(winner.collection, winner.collection)
        if since.unknown:
            return f"since when {what} is searched is not known; {since.unknown}"
        words = f"{what} is searched since {since.at}, by run {since.run}"
        if since.commit:
            words += f", from commit {since.commit[:10]}"
        return words


@dataclass(frozen=True)
class WhatLookupsGet:
    """What lookups get through chains, for a while."""

    chains: tuple[str, ...]
    """Chains through which the same is found."""

    instrument: str

    repositories: tuple[RepositoryAddress, ...]
    """Those at which it is so, in the order of waves."""

    rows: tuple[SelectedRow, ...]
    """By dataset type and filters."""


@dataclass(frozen=True)
class SelectsOtherwise:
    """How lookups at one repository get something else than at another."""

    chains: tuple[str, ...]
    """Chains through which they do."""

    instrument: str
    reference: RepositoryAddress
    repository: RepositoryAddress
    differences: tuple[Difference, ...]
    """Within the time that was asked for."""

    tickets: Mapping[str, str]
    """What the collections are called that are found, by collection: the
    ticket, else their own names."""


@dataclass(frozen=True)
class EffectiveFound(CommandResult):
    """What lookups get for a while."""

    when: While
    """The time that was asked for."""

    effective: tuple[WhatLookupsGet, ...]
    """Of the repositories that were asked for."""

    differences: tuple[SelectsOtherwise, ...]
    """Of all that were looked at."""

    absent: tuple[tuple[RepositoryAddress, str], ...]
    """Repositories with chains that are declared there and do not exist."""

    unreachable: Mapping[RepositoryAddress, Diagnostic]
    """Why the others could not be seen."""

    ages: SeenPlaces = field(default_factory=dict)
    """When each repository was seen, and by whom."""

    last_seen: tuple[WhatLookupsGet, ...] = ()
    """Of repositories that were seen too long ago: as it was then.  They are
    compared with nothing."""

    @property
    @override
    def exit_code(self) -> ExitCode:
        return failed_if(self.unreachable)

    @property
    @override
    def footnotes(self) -> tuple[Footnote, ...]:
        return unseen_notes(self.unreachable)
