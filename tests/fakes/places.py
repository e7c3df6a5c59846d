"""Places in memory, which can be out of reach and fail when told to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from typing_extensions import override

from calibstate.errors import Diagnostic, UnreachableError
from calibstate.model.bundles import Contents, Manifest
from calibstate.model.contents import Holding
from calibstate.model.names import ARCHIVE, RepositoryAddress, TicketKey
from calibstate.ports.archive import ArchiveReader, ArchiveWriter
from calibstate.ports.butler import ButlerReader, ButlerWriter, Export, ImportCount, SeenCollection
from calibstate.ports.places import Records, WritePlaces
from calibstate.ports.progress import Watch, unwatched
from tests.fakes.archive import MemoryArchive
from tests.fakes.butler import MemoryButler
from tests.fakes.records import MemoryJournal, MemoryLocks

__all__ = ["MemoryPlaces", "Write"]

Write = tuple[str, str, str]
"""Place, what is done, and to what."""

_Answer = TypeVar("_Answer")


class MemoryPlaces(WritePlaces):
    """Repositories and an archive in dictionaries.

    Parameters
    ----------
    addresses
        The repositories.
    """

    def __init__(self, addresses: Sequence[RepositoryAddress]) -> None:
        self.uris: dict[str, bytes] = {}
        self.butlers = {address: MemoryButler(address, self.uris) for address in addresses}
        self.bundles = MemoryArchive(self.uris, clock=lambda: datetime(2026, 11, 22, tzinfo=UTC))
        self.bundles.files = self.uris
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

    @override
    def butler(self, address: RepositoryAddress) -> ButlerReader:
        self.reach(address)
        return self.butlers[address]

    @override
    def identity(self, address: RepositoryAddress) -> str:
        self.reach(address)
        return f"memory {address}"

    @override
    def archive(self) -> ArchiveReader:
        return _Archive(self)

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

    def records(self, place: str) -> Records:
        """Return the locks and the journal, which all places share."""
        return Records(self.locks, self.journal)

    def reach(self, place: str) -> None:
        """Raise if a place does not answer."""
        if place in self.out_of_reach:
            raise UnreachableError(Diagnostic("Out of reach", f"{place} does not answer."))

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
    def holdings(
        self, names: Iterable[str], *, files: Iterable[str] = (), calibrations_only: bool = False
    ) -> Mapping[str, Holding]:
        return self._butler.holdings(names, files=files, calibrations_only=calibrations_only)

    @override
    def export(self, collections: Sequence[str], *, chain: str | None = None) -> Export:
        return self._butler.export(collections, chain=chain)

    @override
    def set_chain(self, name: str, children: Sequence[str], *, expected: Sequence[str] | None) -> None:
        write = (self._address, "set-chain", name)
        self._places.do(write, lambda: self._butler.set_chain(name, children, expected=expected))

    @override
    def import_bundle(
        self,
        manifest: Manifest,
        contents: Contents,
        source: str,
        *,
        in_place: str | None = None,
        watch: Watch = unwatched,
    ) -> ImportCount:
        write = (self._address, "import-bundle", manifest.ticket)
        return self._places.do(
            write,
            lambda: self._butler.import_bundle(manifest, contents, source, in_place=in_place, watch=watch),
        )


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
    def add_bundle(
        self,
        ticket: TicketKey,
        collections: Sequence[str],
        fingerprint: str,
        export: Export,
        *,
        exported_from: str,
        by_reference: bool = False,
        watch: Watch = unwatched,
    ) -> Manifest:
        self._places.reach(ARCHIVE)
        return self._places.do(
            (ARCHIVE, "add-bundle", "/".join(ticket)),
            lambda: self._places.bundles.add_bundle(
                ticket,
                collections,
                fingerprint,
                export,
                exported_from=exported_from,
                by_reference=by_reference,
                watch=watch,
            ),
        )
