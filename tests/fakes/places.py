"""Places in memory, which can be out of reach and fail when told to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from typing_extensions import override

from calibstate.errors import Diagnostic, LockedError, RefusedError, UnreachableError
from calibstate.model.bundles import BundleFile, Contents, Manifest
from calibstate.model.contents import Holding, Row
from calibstate.model.damage import DamagedFile
from calibstate.model.exposures import NightOfExposures
from calibstate.model.ingests import FileTable
from calibstate.model.names import ARCHIVE, RUCIO, RepositoryAddress, TicketKey
from calibstate.model.readings import Reading
from calibstate.model.reviews import PublishedReview
from calibstate.model.rucio import RegisteredDataset, RegisteredFile, Rule, RuleState, Storage
from calibstate.model.settings import RucioSettings
from calibstate.model.timespans import Range
from calibstate.ports.archive import ArchiveReader, ArchiveWriter
from calibstate.ports.butler import (
    ButlerReader,
    ButlerWriter,
    DayOfExposures,
    Export,
    ImportCount,
    SeenCollection,
    SeenExposure,
    StoredFile,
    TakenExposure,
)
from calibstate.ports.places import Records, WritePlaces
from calibstate.ports.progress import Pace, Watch, unlimited, unwatched
from calibstate.ports.records import Fence, unfenced
from calibstate.ports.rucio import FileToRegister, RucioReader, RucioWriter
from calibstate.ports.silence import USUAL_TIMEOUT
from tests.fakes.archive import MemoryArchive
from tests.fakes.butler import MemoryButler
from tests.fakes.commands import MemoryCommands
from tests.fakes.packages import MemoryPackages
from tests.fakes.records import MemoryJournal, MemoryLocks
from tests.fakes.rucio import MemoryRucio
from tests.fakes.sources import MemorySource

__all__ = ["MemoryPlaces", "Write"]

Write = tuple[str, str, str]
"""Place, what is done, and to what."""

_Answer = TypeVar("_Answer")


class MemoryPlaces(WritePlaces):
    """Repositories, an archive and Rucio in dictionaries.

    Parameters
    ----------
    addresses
        The repositories.
    rucio
        How Rucio's datasets and files are called; `None`: there is no Rucio.
    prefixes
        URI under which the files of each RSE are seen.
    """

    def __init__(
        self,
        addresses: Sequence[RepositoryAddress],
        rucio: RucioSettings | None = None,
        prefixes: Mapping[str, str] | None = None,
    ) -> None:
        self.timeout = USUAL_TIMEOUT
        self.uris: dict[str, bytes] = {}
        self.butlers = {address: MemoryButler(address, self.uris) for address in addresses}
        self.tables: dict[str, FileTable] = {}
        """Tables of files, by their paths in the tree."""
        self.programs = {address: MemoryCommands() for address in addresses}
        """The ``butler`` of each repository's site."""
        self.sources: dict[str, MemorySource] = {}
        """Stores of readings, by URI."""
        self.data = {address: MemoryPackages() for address in addresses}
        """The packages that are set up for it."""
        self.bundles = MemoryArchive(self.uris, clock=lambda: datetime(2026, 11, 22, tzinfo=UTC))
        self.bundles.files = self.uris
        self.prefixes = prefixes or {}
        self.carrier = MemoryRucio(rucio, self.prefixes) if rucio else None
        self.shipped: dict[str, bytes] = {}
        """What the registered files hold, by name."""
        self.out_of_reach: set[str] = set()
        """Places that do not answer."""
        self.writes: list[Write] = []
        """What was written, in order."""
        self.before: Callable[[Write], None] = lambda write: None
        """Called before each write; raises where it is to fail."""
        self.after: Callable[[Write], None] = lambda write: None
        """Called after each write; raises where its answer is to be lost."""
        self.journal = MemoryJournal()
        self.locks = MemoryLocks()
        self.reviews: dict[RepositoryAddress, PublishedReview] = {}
        """What was published of reviews."""
        self.excluding: set[str] = set()
        """Repositories whose databases others keep us away from."""

    @override
    def butler(self, address: RepositoryAddress) -> ButlerReader:
        self.reach(address)
        return self.butlers[address]

    @override
    def identity(self, address: RepositoryAddress) -> str:
        self.reach(address)
        return f"memory {address}"

    @override
    def commands(self, address: RepositoryAddress) -> MemoryCommands:
        self.reach(address)
        return self.programs[address]

    @override
    def packages(self, address: RepositoryAddress) -> MemoryPackages:
        self.reach(address)
        return self.data[address]

    @override
    def run_commands(self, address: RepositoryAddress) -> MemoryCommands:
        return self.commands(address)

    @override
    def table(self, name: str) -> FileTable:
        if name not in self.tables:
            raise RefusedError(Diagnostic("Table of files cannot be read", f"{name}: there is none."))
        return self.tables[name]

    @override
    def source(self, uri: str) -> MemorySource:
        return self.sources.setdefault(uri, MemorySource(uri))

    @override
    def published_review(self, address: RepositoryAddress) -> PublishedReview | None:
        return self.reviews.get(address)

    @override
    def archive(self) -> ArchiveReader:
        return _Archive(self)

    @property
    def hands(self) -> MemoryRucio:
        """Rucio, for what others do there."""
        assert self.carrier, "nothing is declared to go by Rucio"
        return self.carrier

    @override
    def rucio(self) -> RucioReader:
        return self.change_rucio()

    @override
    def change_rucio(self) -> RucioWriter:
        self.reach(RUCIO)
        return _Rucio(self, self.hands)

    @override
    def change_butler(self, address: RepositoryAddress) -> ButlerWriter:
        self.reach(address)
        return _Writer(self, address)

    @override
    def change_archive(self) -> ArchiveWriter:
        return _Archive(self)

    @override
    def recover(self, address: RepositoryAddress) -> None:
        self.reach(address)

    @override
    @contextmanager
    def exclude_others(self, address: RepositoryAddress) -> Iterator[Callable[[], None]]:
        def check() -> None:
            self.reach(address)
            if address in self.excluding:
                raise LockedError(Diagnostic("Place is locked", f"Others write to {address}.", hint="Wait."))

        check()
        yield check

    @override
    def records(self, place: str) -> Records:
        """Return the locks and the journal, which all places share."""
        return Records(self.locks, self.journal)

    def reach(self, place: str) -> None:
        """Raise if a place does not answer."""
        if place in self.out_of_reach:
            raise UnreachableError(Diagnostic("Out of reach", f"{place} does not answer."))

    def arrive(self, dataset: str, rse: str, number: int | None = None) -> None:
        """Let files on their way arrive at an RSE, to be seen there."""
        before = set(self.hands.replicas[rse])
        self.hands.arrive(dataset, rse, number)
        # What a hand has removed does not come back by itself.
        for name in self.hands.replicas[rse] - before:
            self.uris[f"{self.prefixes[rse]}/{name}"] = self.shipped[name]

    def arrive_everywhere(self) -> None:
        """Let everything arrive that some rule has brought."""
        for dataset in self.hands.held:
            working = [r for r in self.hands.rules(dataset) if r.state is not RuleState.SUSPENDED]
            for rse in self.prefixes.keys() & {rse for rule in working for rse in rule.rses}:
                self.arrive(dataset, rse)

    def do(self, write: Write, effect: Callable[[], _Answer]) -> _Answer:
        """Write, unless that is to fail."""
        self.before(write)
        answer = effect()
        self.writes.append(write)
        self.after(write)
        return answer


class _Writer(ButlerWriter):
    """A repository of `MemoryPlaces`, to change."""

    def __init__(self, places: MemoryPlaces, address: RepositoryAddress) -> None:
        self._places = places
        self._address = address
        self._butler = places.butlers[address]

    @override
    def collections(self, names: Iterable[str]) -> Mapping[str, SeenCollection]:
        return self._butler.collections(names)

    @override
    def names_below(self, folder: str) -> Sequence[str]:
        return self._butler.names_below(folder)

    @override
    def holdings(
        self, names: Iterable[str], *, files: Iterable[str] = (), calibrations_only: bool = False
    ) -> Mapping[str, Holding]:
        return self._butler.holdings(names, files=files, calibrations_only=calibrations_only)

    @override
    def export(
        self, collections: Sequence[str], *, chain: str | None = None, to_read: bool = False
    ) -> Export:
        return self._butler.export(collections, chain=chain, to_read=to_read)

    @override
    def check_change(self) -> None:
        self._butler.check_change()

    @override
    def check_export(self, collections: Sequence[str]) -> None:
        self._butler.check_export(collections)

    @override
    def objections(self, contents: Contents) -> Sequence[Diagnostic]:
        return self._butler.objections(contents)

    @override
    def described(self, collections: Sequence[str]) -> Contents | None:
        return self._butler.described(collections)

    @override
    def stored(self, collections: Sequence[str]) -> Sequence[StoredFile]:
        return self._butler.stored(collections)

    @override
    def lookup(self, chain: str, dataset_type: str, data_id: str, span: Range) -> str | None:
        return self._butler.lookup(chain, dataset_type, data_id, span)

    @override
    def looking_up(self) -> AbstractContextManager[None]:
        return self._butler.looking_up()

    @override
    def runs(self, uuids: Iterable[str]) -> Mapping[str, str]:
        return self._butler.runs(uuids)

    @override
    def detectors(self, instrument: str) -> Mapping[int, str]:
        return self._butler.detectors(instrument)

    @override
    def filters(self, instrument: str) -> Mapping[str, str]:
        return self._butler.filters(instrument)

    @override
    def instruments(self) -> Sequence[str]:
        return self._butler.instruments()

    @override
    def skymaps(self) -> Mapping[str, str]:
        return self._butler.skymaps()

    @override
    def exposures(self, instrument: str, where: str = "") -> Sequence[SeenExposure]:
        return self._butler.exposures(instrument, where)

    @override
    def nights(self, instrument: str) -> Sequence[NightOfExposures]:
        return self._butler.nights(instrument)

    @override
    def exposures_by_day(
        self, instrument: str, run: str, dataset_type: str, since: int
    ) -> Mapping[int, DayOfExposures]:
        return self._butler.exposures_by_day(instrument, run, dataset_type, since)

    @override
    def exposures_with(self, instrument: str, run: str, dataset_type: str) -> frozenset[int]:
        return self._butler.exposures_with(instrument, run, dataset_type)

    @override
    def taken_exposures(self, instrument: str, days: Iterable[int]) -> Sequence[TakenExposure]:
        return self._butler.taken_exposures(instrument, days)

    @override
    def set_chain(
        self,
        name: str,
        children: Sequence[str],
        *,
        expected: Sequence[str] | None,
        fence: Fence = unfenced,
    ) -> None:
        write = (self._address, "set-chain", name)
        self._places.do(write, lambda: self._butler.set_chain(name, children, expected=expected, fence=fence))

    @override
    def certify(
        self,
        collection: str,
        uuids: Sequence[str],
        span: Range,
        *,
        expected: Collection[Row] = (),
        decertified: Collection[Row] = (),
        fence: Fence = unfenced,
    ) -> int:
        grounds = {"expected": expected, "decertified": decertified}
        certify = partial(self._butler.certify, collection, uuids, span, fence=fence, **grounds)
        return self._places.do((self._address, "certify", collection), certify)

    @override
    def import_bundle(
        self,
        manifest: Manifest,
        contents: Contents,
        source: str,
        *,
        in_place: str | None = None,
        sealed: Reading | None = None,
        watch: Watch = unwatched,
        fence: Fence = unfenced,
    ) -> ImportCount:
        write = (self._address, "import-bundle", manifest.ticket)
        return self._places.do(
            write,
            lambda: self._butler.import_bundle(
                manifest,
                contents,
                source,
                in_place=in_place,
                sealed=sealed,
                watch=watch,
                fence=fence,
            ),
        )


class _Rucio(RucioWriter):
    """The Rucio of `MemoryPlaces`."""

    def __init__(self, places: MemoryPlaces, rucio: MemoryRucio) -> None:
        self._places = places
        self._rucio = rucio

    @property
    @override
    def account(self) -> str:
        return self._rucio.account

    @override
    def datasets(
        self, names: Iterable[str], *, sidecars: Iterable[str] = ()
    ) -> Mapping[str, RegisteredDataset]:
        return self._rucio.datasets(names, sidecars=sidecars)

    @override
    def files(self, names: Iterable[str]) -> Mapping[str, RegisteredFile]:
        return self._rucio.files(names)

    @override
    def rules(self, dataset: str) -> tuple[Rule, ...]:
        return self._rucio.rules(dataset)

    @override
    def available(self, dataset: str) -> Mapping[str, int]:
        return self._rucio.available(dataset)

    @override
    def storage(self, rse: str) -> Storage | None:
        return self._rucio.storage(rse)

    @override
    def has_scope(self) -> bool:
        return self._rucio.has_scope()

    @override
    def pfn(self, name: str) -> str | None:
        return self._rucio.pfn(name)

    @override
    def register(
        self,
        dataset: str,
        files: Sequence[FileToRegister],
        *,
        watch: Watch = unwatched,
        fence: Fence = unfenced,
    ) -> None:
        # One by one, so that a run can be cut off between any two.
        for file in files:
            fence()
            self._do("register", file.name, lambda file=file: self._register(dataset, file))  # type: ignore[misc]

    def _register(self, dataset: str, file: FileToRegister) -> None:
        self._rucio.register(dataset, [file])
        self._places.shipped[file.name] = self._places.uris[file.uri]

    @override
    def close(self, dataset: str) -> None:
        self._do("close", dataset, lambda: self._rucio.close(dataset))

    @override
    def add_rule(self, dataset: str, rse: str, *, comment: str) -> None:
        name = f"{dataset} at {rse}"
        self._do("add-rule", name, lambda: self._rucio.add_rule(dataset, rse, comment=comment))

    @override
    def keep_rule(self, rule: str) -> None:
        self._do("keep-rule", rule, lambda: self._rucio.keep_rule(rule))

    @override
    def boost_rule(self, rule: str) -> None:
        self._do("boost-rule", rule, lambda: self._rucio.boost_rule(rule))

    def _do(self, what: str, name: str, effect: Callable[[], None]) -> None:
        self._places.reach(RUCIO)
        self._places.do((RUCIO, what, name), effect)


class _Archive(ArchiveWriter):
    """The archive of `MemoryPlaces`."""

    def __init__(self, places: MemoryPlaces) -> None:
        self._places = places

    @override
    def bundles(self, tickets: Iterable[TicketKey]) -> Mapping[TicketKey, tuple[Manifest, ...]]:
        self._places.reach(ARCHIVE)
        return self._places.bundles.bundles(tickets)

    @override
    def contents(self, manifest: Manifest) -> Contents:
        self._places.reach(ARCHIVE)
        return self._places.bundles.contents(manifest)

    @override
    def source(self, manifest: Manifest) -> str:
        return self._places.bundles.source(manifest)

    @override
    def sizes(self, manifest: Manifest) -> Mapping[str, int]:
        self._places.reach(ARCHIVE)
        return self._places.bundles.sizes(manifest)

    @override
    def read_file(self, manifest: Manifest, file: BundleFile, pace: Pace = unlimited) -> DamagedFile | None:
        self._places.reach(ARCHIVE)
        return self._places.bundles.read_file(manifest, file, pace)

    @override
    def restore_file(self, manifest: Manifest, damaged: DamagedFile, source: str, **more: Any) -> None:
        self._places.reach(ARCHIVE)
        self._places.do(
            (ARCHIVE, "restore-file", damaged.file.path),
            lambda: self._places.bundles.restore_file(manifest, damaged, source, **more),
        )

    @override
    def describe(
        self, ticket: TicketKey, collections: Sequence[str], export: Export, **more: Any
    ) -> Manifest:
        self._places.reach(ARCHIVE)
        return self._places.bundles.describe(ticket, collections, export, **more)

    @override
    def add_bundle(
        self,
        ticket: TicketKey,
        collections: Sequence[str],
        fingerprint: str,
        export: Export,
        **more: Any,
    ) -> Manifest:
        self._places.reach(ARCHIVE)
        return self._places.do(
            (ARCHIVE, "add-bundle", "/".join(ticket)),
            lambda: self._places.bundles.add_bundle(ticket, collections, fingerprint, export, **more),
        )

    @override
    def clear_leftovers(self) -> None:
        self._places.reach(ARCHIVE)
