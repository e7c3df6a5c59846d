"""A butler repository to look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta

from lsst.daf.butler import Butler
from typing_extensions import override

from ...errors import Diagnostic
from ...model.bundles import Contents
from ...model.checkups import Examined
from ...model.contents import CollectionType, Holding
from ...model.exposures import NightOfExposures
from ...model.settings import RUBIN
from ...model.sights import Ingested
from ...model.timespans import Range
from ...ports.butler import (
    ButlerReader,
    DayOfExposures,
    Export,
    SeenCollection,
    SeenExposure,
    StoredFile,
    TakenExposure,
)
from ...ports.silence import USUAL_TIMEOUT
from .checkup import examine
from .conflicts import objections
from .export import check_export, describe, list_stored, write_export
from .exposures import count_by_day, count_by_night, find_taken, find_with_dataset
from .holdings import find_collections, read_arrivals, read_holdings
from .lookups import (
    find,
    find_detectors,
    find_exposures,
    find_filters,
    find_instruments,
    find_runs,
    find_skymaps,
)
from .opening import Repository
from .tables import Tables

__all__ = ["DafButlerReader", "open_reader"]


class DafButlerReader(ButlerReader):
    """A repository of ``lsst.daf.butler``, to look at.

    Parameters
    ----------
    repository
        Its address.
    butler
        The butler behind it.
    tables
        Its tables, where they may be looked at; without them the butler is
        asked for everything.
    formatters
        Packages whose formatter classes may be imported.
    not_plain
        Why this is not a repository that is read without the butler.
    """

    def __init__(
        self,
        repository: Repository,
        butler: Butler,
        tables: Tables | None = None,
        formatters: Sequence[str] = RUBIN,
        not_plain: str | None = None,
    ) -> None:
        self._formatters = tuple(formatters)
        self._repository = repository
        self._butler = butler
        self._tables = tables
        self._not_plain = not_plain

    @property
    def aside(self) -> str | None:
        """Why looks take longer than they might; `None`: they do not."""
        reasons: dict[str, None] = {}
        if self._not_plain:
            reasons[self._not_plain] = None
        if self._tables and self._tables.aside:
            reasons[self._tables.aside] = None
        return "; ".join(reasons) or None

    @override
    def collections(self, names: Iterable[str]) -> Mapping[str, SeenCollection]:
        """Return those of ``names`` that exist, looked at again."""
        with self._repository.asking():
            infos = find_collections(self._butler, list(dict.fromkeys(names)))
        collections: dict[str, SeenCollection] = {}
        for info in infos:
            collections[info.name] = SeenCollection(
                name=info.name,
                type=CollectionType[info.type.name],
                children=tuple(info.children),
            )
        return collections

    @override
    def names_below(self, folder: str) -> Sequence[str]:
        """Return the names of collections below another name, in order."""
        with self._repository.asking():
            names = self._butler.collections.query(f"{folder}/*")
        return sorted(names)

    @override
    def holdings(
        self, names: Iterable[str], *, files: Iterable[str] = (), calibrations_only: bool = False
    ) -> Mapping[str, Holding]:
        """Return what collections hold, all read together."""
        wanted = list(dict.fromkeys(names))
        # Where files are is the butler's to tell.
        with_files = set(files)
        without = [name for name in wanted if name not in with_files]
        by_butler = wanted
        with self._repository.asking():
            held: dict[str, Holding] | None = None
            if self._tables:
                held = self._tables.read(without, calibrations_only=calibrations_only)
            if held is None:
                held = {}
            else:
                by_butler = [name for name in wanted if name in with_files]
            if by_butler:
                # Dataset types may have been removed or defined again since.
                self._butler.registry.refresh()
                held |= read_holdings(
                    self._butler,
                    by_butler,
                    with_files,
                    calibrations_only=calibrations_only,
                )
            return held

    @override
    def ingested(self, names: Iterable[str]) -> Mapping[str, Ingested]:
        """Return when the datasets of collections arrived."""
        # A server would send a row of each dataset.
        if self.is_server:
            return {}
        wanted = list(dict.fromkeys(names))
        with self._asking_refreshed():
            ingested: Mapping[str, Ingested] | None = None
            if self._tables:
                ingested = self._tables.ingested(wanted)
            if ingested is None:
                ingested = read_arrivals(self._butler, wanted)
            return ingested

    @override
    def export(
        self, collections: Sequence[str], *, chain: str | None = None, to_read: bool = False
    ) -> Export:
        """Return the description of collections, and where their files are."""
        with self._asking_refreshed():
            return write_export(self._butler, self._repository.name, collections, chain, to_read=to_read)

    @override
    def check_change(self) -> None:
        """Look whether anything can be changed here, from wherever."""
        self._repository.check_change()

    @override
    def check_export(self, collections: Sequence[str]) -> None:
        """Look whether collections could be exported; no file is read."""
        with self._asking_refreshed():
            check_export(self._butler, self._repository.name, collections, self._formatters)

    @override
    def objections(self, contents: Contents) -> Sequence[Diagnostic]:
        """Return why a bundle could not be imported, as far as it is told."""
        with self._asking_refreshed():
            return list(objections(self._butler, self._repository.name, contents, self._formatters))

    @override
    def described(self, collections: Sequence[str]) -> Contents | None:
        """Return what an export of collections would say of its datasets."""
        with self._asking_refreshed():
            return describe(self._butler, self._repository.name, collections)

    @override
    def stored(self, collections: Sequence[str]) -> Sequence[StoredFile]:
        """Return the datasets of collections, each with its file."""
        with self._asking_refreshed():
            return list_stored(self._butler, self._repository.name, collections)

    @override
    def lookup(
        self,
        chain: str,
        dataset_type: str,
        data_id: str,
        span: Range,
    ) -> str | None:
        """Return the UUID that the butler's own lookup finds."""
        with self._repository.asking():
            return find(self._butler, chain, dataset_type, data_id, span)

    @override
    def looking_up(self) -> AbstractContextManager[None]:
        """Return a span in which many lookups are quicker."""
        # Most of a lookup is reading the chain, and what its children hold.
        return self._butler.registry.caching_context()

    @override
    def runs(self, uuids: Iterable[str]) -> Mapping[str, str]:
        """Return the RUN of each dataset; unknown ones are left out."""
        with self._repository.asking():
            return find_runs(self._butler, uuids)

    @override
    def detectors(self, instrument: str) -> Mapping[int, str]:
        """Return the full name of each detector."""
        with self._repository.asking():
            return find_detectors(self._butler, instrument)

    @override
    def filters(self, instrument: str) -> Mapping[str, str]:
        """Return the band of each physical filter."""
        with self._repository.asking():
            return find_filters(self._butler, instrument)

    @override
    def instruments(self) -> Sequence[str]:
        """Return the names of all instruments that are registered, sorted."""
        with self._repository.asking():
            return find_instruments(self._butler)

    @override
    def skymaps(self) -> Mapping[str, str]:
        """Return the hash of each registered skymap in hex, by name."""
        with self._repository.asking():
            return find_skymaps(self._butler)

    @override
    def exposures(self, instrument: str, where: str = "") -> Sequence[SeenExposure]:
        """Return exposures, by number."""
        with self._repository.asking():
            return find_exposures(self._butler, instrument, where)

    @override
    def nights(self, instrument: str) -> Sequence[NightOfExposures]:
        """Return how many exposures there are, by observing day and filter."""
        return count_by_night(self.exposures(instrument))

    @override
    def exposures_by_day(
        self, instrument: str, run: str, dataset_type: str, since: int
    ) -> Mapping[int, DayOfExposures]:
        """Return what a RUN holds for exposures, by their observing days."""
        with self._asking_refreshed():
            return count_by_day(self._butler, instrument, run, dataset_type, since)

    @override
    def exposures_with(self, instrument: str, run: str, dataset_type: str) -> frozenset[int]:
        """Return the exposures that have a dataset of a type in a RUN."""
        with self._asking_refreshed():
            return find_with_dataset(self._butler, instrument, run, dataset_type)

    @override
    def taken_exposures(self, instrument: str, days: Iterable[int]) -> Sequence[TakenExposure]:
        """Return the exposures of some observing days, by number."""
        with self._repository.asking():
            return find_taken(self._butler, instrument, list(days))

    @property
    def is_server(self) -> bool:
        """Whether it is behind a butler server, which tells of no files."""
        return self._repository.is_server

    def examine(self) -> Examined:
        """Look whether one can work here; nothing is written.

        Raises
        ------
        UnreachableError
            It does not answer any more.
        """
        examined = examine(self._repository, self._butler)
        # A server has no tables that could be read in another way.
        return examined if self.is_server else examined.slowed(self.aside)

    @contextmanager
    def _asking_refreshed(self) -> Iterator[None]:
        """Ask the butler, and not what it remembers of dataset types."""
        with self._repository.asking():
            # Dataset types may have been removed or defined again since.
            self._butler.registry.refresh()
            yield

    def probe(self) -> None:
        """Try the quick way of looking; `aside` says why it fails."""
        if self._tables:
            self._tables.probe()

    def close(self) -> None:
        """Let go of the repository."""
        if self._tables:
            self._tables.close()
        self._butler.close()


def open_reader(
    uri: str,
    formatters: Sequence[str] = RUBIN,
    timeout: timedelta = USUAL_TIMEOUT,
    not_plain: str | None = None,
) -> DafButlerReader:
    """Return a repository, opened for reading.

    Parameters
    ----------
    uri
        URI or path of the repository.
    formatters
        Packages whose formatter classes may be imported.
    timeout
        How long it may be silent.
    not_plain
        Why it is not read without the butler.

    Raises
    ------
    NeedsRecoveryError
        A writer was killed and left its database half written.
    UnreachableError
        It cannot be opened from here.
    """
    repository = Repository(uri, timeout)
    butler = repository.open(writeable=False)
    tables = None if repository.is_server else Tables(repository)
    return DafButlerReader(repository, butler, tables, formatters, not_plain)
