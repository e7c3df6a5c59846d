"""Repositories that are remembered, and repositories from memory.

What was not asked when the memory was made is not known, and is never taken
for absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import NoReturn, TypeVar

from pydantic import ValidationError
from typing_extensions import override

from ..errors import Diagnostic, UnreachableError
from ..model.bundles import Contents
from ..model.contents import Holding
from ..model.exposures import NightOfExposures
from ..model.names import RepositoryAddress
from ..model.observations import HeldEntry, Observation, SeenEntry
from ..model.sights import Ingested
from ..model.timespans import Range
from ..ports.butler import (
    ButlerReader,
    DayOfExposures,
    Export,
    SeenCollection,
    SeenExposure,
    StoredFile,
    TakenExposure,
)

__all__ = ["RecordedButler", "RecordingButler"]

E = TypeVar("E")


@dataclass
class RecordingButler(ButlerReader):
    """A repository that keeps what it answers."""

    butler: ButlerReader
    """Who answers."""

    at: str
    """When the first question was asked, in UTC."""

    _seen: dict[str, SeenCollection | None] = field(default_factory=dict)
    _held: dict[str, Holding | None] = field(default_factory=dict)
    _calibrations: dict[str, Holding | None] = field(default_factory=dict)
    _skymaps: dict[str, str] | None = None

    @override
    def collections(self, names: Iterable[str]) -> Mapping[str, SeenCollection]:
        """Return those of ``names`` that exist, looked at anew."""
        requested = list(names)
        collections = self.butler.collections(requested)
        for name in requested:
            self._seen[name] = collections.get(name)
        return collections

    @override
    def names_below(self, folder: str) -> Sequence[str]:
        """Return the names of collections; they are not kept."""
        return self.butler.names_below(folder)

    @override
    def holdings(
        self, names: Iterable[str], *, files: Iterable[str] = (), calibrations_only: bool = False
    ) -> Mapping[str, Holding]:
        """Return what collections hold, all read together."""
        requested = list(names)
        holdings = self.butler.holdings(
            requested,
            files=files,
            calibrations_only=calibrations_only,
        )
        memory = self._held
        if calibrations_only:
            memory = self._calibrations
        for name in requested:
            now = holdings.get(name)
            before = memory.get(name)
            # What was looked at once is not forgotten by asking for less.
            if now and before and not now.sizes and before.sizes and _same(now, before):
                now = replace(now, sizes=before.sizes)
            memory[name] = now
        return holdings

    @override
    def ingested(self, names: Iterable[str]) -> Mapping[str, Ingested]:
        """Return when the datasets of collections arrived; it is not kept."""
        return self.butler.ingested(names)

    @override
    def export(
        self, collections: Sequence[str], *, chain: str | None = None, to_read: bool = False
    ) -> Export:
        """Return the description of collections; it is not kept."""
        return self.butler.export(collections, chain=chain, to_read=to_read)

    @override
    def check_change(self) -> None:
        """Look whether anything can be changed there; it is not kept."""
        self.butler.check_change()

    @override
    def check_export(self, collections: Sequence[str]) -> None:
        """Look whether collections could be exported; it is not kept."""
        self.butler.check_export(collections)

    @override
    def objections(self, contents: Contents) -> Sequence[Diagnostic]:
        """Return why a bundle could not be imported; it is not kept."""
        return self.butler.objections(contents)

    @override
    def described(self, collections: Sequence[str]) -> Contents | None:
        """Return what an export would say; it is not kept."""
        return self.butler.described(collections)

    @override
    def stored(self, collections: Sequence[str]) -> Sequence[StoredFile]:
        """Return the datasets of collections; they are not kept."""
        return self.butler.stored(collections)

    @override
    def lookup(self, chain: str, dataset_type: str, data_id: str, span: Range) -> str | None:
        """Return what the butler's own lookup finds; it is not kept."""
        return self.butler.lookup(chain, dataset_type, data_id, span)

    @override
    def looking_up(self) -> AbstractContextManager[None]:
        """Return a span in which many lookups are quicker."""
        return self.butler.looking_up()

    @override
    def runs(self, uuids: Iterable[str]) -> Mapping[str, str]:
        """Return the RUN of each dataset; they are not kept."""
        return self.butler.runs(uuids)

    @override
    def detectors(self, instrument: str) -> Mapping[int, str]:
        """Return the full name of each detector; they are not kept."""
        return self.butler.detectors(instrument)

    @override
    def filters(self, instrument: str) -> Mapping[str, str]:
        """Return the band of each physical filter; they are not kept."""
        return self.butler.filters(instrument)

    @override
    def instruments(self) -> Sequence[str]:
        """Return the names of all instruments; they are not kept."""
        return self.butler.instruments()

    @override
    def skymaps(self) -> Mapping[str, str]:
        """Return the hash of each registered skymap in hex, by name."""
        self._skymaps = dict(self.butler.skymaps())
        return self._skymaps

    @override
    def exposures(self, instrument: str, where: str = "") -> Sequence[SeenExposure]:
        """Return exposures; they are not kept."""
        return self.butler.exposures(instrument, where)

    @override
    def nights(self, instrument: str) -> Sequence[NightOfExposures]:
        """Return exposures by night; they are not kept."""
        return self.butler.nights(instrument)

    @override
    def exposures_by_day(
        self, instrument: str, run: str, dataset_type: str, since: int
    ) -> Mapping[int, DayOfExposures]:
        """Return what a RUN holds for exposures; it is not kept."""
        return self.butler.exposures_by_day(instrument, run, dataset_type, since)

    @override
    def exposures_with(self, instrument: str, run: str, dataset_type: str) -> frozenset[int]:
        """Return the exposures that have a dataset; they are not kept."""
        return self.butler.exposures_with(instrument, run, dataset_type)

    @override
    def taken_exposures(self, instrument: str, days: Iterable[int]) -> Sequence[TakenExposure]:
        """Return the exposures of some days; they are not kept."""
        return self.butler.taken_exposures(instrument, days)

    def observation(self, address: str, *, butler: str, version: str, declared: str) -> Observation:
        """Return all that was answered.

        Parameters
        ----------
        address
            The repository.
        butler
            Digest of how its butler is declared.
        version
            Version of calibstate.
        declared
            Digest of the declared state.

        Raises
        ------
        UnreachableError
            It gave a name that cannot be written down.
        """
        try:
            collections: dict[str, SeenEntry | None] = {}
            for name, collection in sorted(self._seen.items()):
                collections[name] = None
                if collection:
                    collections[name] = SeenEntry(
                        type=collection.type,
                        children=collection.children,
                    )
            holdings: dict[str, HeldEntry | None] = {}
            for name, held in sorted(self._held.items()):
                holdings[name] = HeldEntry.of(held) if held else None
            # What is the same with all datasets as with calibrations alone
            # is written once.
            calibrations: dict[str, HeldEntry | None] = {}
            for name, held in sorted(self._calibrations.items()):
                if name in self._held and _same(held, self._held[name]):
                    continue
                calibrations[name] = HeldEntry.of(held) if held else None
            skymaps = None
            if self._skymaps is not None:
                skymaps = dict(sorted(self._skymaps.items()))
            return Observation(
                address=RepositoryAddress(address),
                butler=butler,
                at=self.at,
                version=version,
                declared=declared,
                collections=collections,
                holdings=holdings,
                calibrations=calibrations,
                skymaps=skymaps,
            )
        except ValidationError as error:
            wrong = error.errors(include_url=False)[0]
            raise UnreachableError(
                Diagnostic(
                    "Repository cannot be written down",
                    f"{address} gave {wrong['input']!r}, which others could not read.",
                )
            ) from None


class RecordedButler(ButlerReader):
    """A repository as somebody observed it.

    Parameters
    ----------
    observation
        What that somebody was answered.
    """

    def __init__(self, observation: Observation) -> None:
        self.observation = observation
        self.without_files: set[str] = set()
        """Collections whose files were asked for, and had not been looked
        at."""

    @override
    def collections(self, names: Iterable[str]) -> Mapping[str, SeenCollection]:
        """Return those of ``names`` that existed.

        Raises
        ------
        UnreachableError
            One of them was not asked for.
        """
        collections = {}
        for name, entry in self._recalled(names, self.observation.collections).items():
            collections[name] = SeenCollection(name, entry.type, entry.children)
        return collections

    @override
    def names_below(self, folder: str) -> Sequence[str]:
        """Return the names of collections; nobody kept them.

        Raises
        ------
        UnreachableError
            Always.
        """
        self._cannot(f"all that is below {folder}")

    @override
    def holdings(
        self, names: Iterable[str], *, files: Iterable[str] = (), calibrations_only: bool = False
    ) -> Mapping[str, Holding]:
        """Return what collections held.

        Without sizes where files were not looked at.

        Raises
        ------
        UnreachableError
            One of them was not asked for.
        """
        entries = dict(self.observation.holdings)
        if calibrations_only:
            # Only what differs from the whole is written down of them.
            entries |= self.observation.calibrations
        holdings = {}
        for name, entry in self._recalled(names, entries).items():
            holding = entry.holding(name)
            if calibrations_only:
                holding = replace(holding, unrecorded=frozenset())
            holdings[name] = holding
        for name in files:
            looked_up = holdings.get(name)
            if looked_up and looked_up.rows and not looked_up.sizes:
                self.without_files.add(looked_up.collection)
        return holdings

    @override
    def export(
        self, collections: Sequence[str], *, chain: str | None = None, to_read: bool = False
    ) -> Export:
        """Refuse: where files are was not observed."""
        self._cannot("where its files are")

    @override
    def check_change(self) -> None:
        """Say nothing: who observed it could be somewhere else."""

    @override
    def check_export(self, collections: Sequence[str]) -> None:
        """Refuse: where files are was not observed."""
        self._cannot("where its files are")

    @override
    def objections(self, contents: Contents) -> Sequence[Diagnostic]:
        """Refuse: what it defines was not observed."""
        self._cannot("its dimension records")

    @override
    def described(self, collections: Sequence[str]) -> Contents | None:
        """Refuse: how files are read was not observed."""
        self._cannot("how its files are read")

    @override
    def stored(self, collections: Sequence[str]) -> Sequence[StoredFile]:
        """Refuse: where files are was not observed."""
        self._cannot("where its files are")

    @override
    def lookup(self, chain: str, dataset_type: str, data_id: str, span: Range) -> str | None:
        """Refuse: nobody can look anything up in what was observed."""
        self._cannot("what the butler's own lookup finds")

    @override
    def looking_up(self) -> AbstractContextManager[None]:
        """Refuse: nobody can look anything up in what was observed."""
        self._cannot("what the butler's own lookup finds")

    @override
    def runs(self, uuids: Iterable[str]) -> Mapping[str, str]:
        """Refuse: RUNs were not observed."""
        self._cannot("the RUNs of its datasets")

    @override
    def detectors(self, instrument: str) -> Mapping[int, str]:
        """Refuse: dimension records were not observed."""
        self._cannot("its detectors")

    @override
    def filters(self, instrument: str) -> Mapping[str, str]:
        """Refuse: dimension records were not observed."""
        self._cannot("its filters")

    @override
    def instruments(self) -> Sequence[str]:
        """Refuse: dimension records were not observed."""
        self._cannot("its instruments")

    @override
    def skymaps(self) -> Mapping[str, str]:
        """Return the hashes of the skymaps that were registered.

        Raises
        ------
        UnreachableError
            Nobody asked for them.
        """
        hashes = self.observation.skymaps
        if hashes is None:
            self._cannot("its skymaps")
        return hashes

    @override
    def exposures(self, instrument: str, where: str = "") -> Sequence[SeenExposure]:
        """Refuse: dimension records were not observed."""
        self._cannot("its exposures")

    @override
    def nights(self, instrument: str) -> Sequence[NightOfExposures]:
        """Refuse: they are published by themselves."""
        raise _not_kept()

    @override
    def exposures_by_day(
        self, instrument: str, run: str, dataset_type: str, since: int
    ) -> Mapping[int, DayOfExposures]:
        """Refuse: dimension records were not observed."""
        raise _not_kept()

    @override
    def exposures_with(self, instrument: str, run: str, dataset_type: str) -> frozenset[int]:
        """Refuse: dimension records were not observed."""
        raise _not_kept()

    @override
    def taken_exposures(self, instrument: str, days: Iterable[int]) -> Sequence[TakenExposure]:
        """Refuse: dimension records were not observed."""
        raise _not_kept()

    def _recalled(
        self,
        names: Iterable[str],
        observed: Mapping[str, E | None],
    ) -> dict[str, E]:
        """Return what was observed of those of some names that were there."""
        requested = list(dict.fromkeys(names))
        unknown = [name for name in requested if name not in observed]
        if unknown:
            subject = unknown[0]
            if len(unknown) > 1:
                subject += f" and {len(unknown) - 1} more"
            self._cannot(subject)
        entries = {}
        for name in requested:
            entry = observed[name]
            # It was asked for, and was not there.
            if entry is not None:
                entries[name] = entry
        return entries

    def _cannot(self, what: str) -> NoReturn:
        raise UnreachableError(
            Diagnostic(
                "Observation does not tell",
                f"the observation of {self.observation.at} does not tell of {what}; "
                "observe again there, with this declaration",
            )
        )


def _same(first: Holding | None, second: Holding | None) -> bool:
    """Say whether two answers are the same, whatever the order of rows."""
    if first is None or second is None:
        return first is second
    if first.type != second.type or first.unrecorded != second.unrecorded:
        return False
    return set(first.rows) == set(second.rows)


def _not_kept() -> UnreachableError:
    """Return the error that an observation never tells of exposures."""
    detail = "observations of others do not tell of exposures and their files"
    return UnreachableError(Diagnostic("Observation does not tell", detail))
