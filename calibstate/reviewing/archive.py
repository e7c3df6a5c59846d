"""Look at the files of the archive, all of them or a share.

Whoever looks at one share a night has looked at everything after as many
nights as there are shares; which files are in a share depends on nothing but
their names.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from typing_extensions import override

from ..engine.side_by_side import in_time
from ..errors import Diagnostic, InvalidStateError, UnreachableError, UsageError
from ..kinds.bundle_files import BundleFiles, Reading, look_at_export, look_at_files
from ..model.bundles import EXPORT, BundleFile, Manifest
from ..model.desired import DesiredState
from ..model.names import ARCHIVE, TicketKey
from ..model.reviews import ArchiveReview, BundleReview, DamageFinding, Fault
from ..model.scope import Scope
from ..ports.archive import ArchiveReader
from ..ports.places import ReadPlaces
from ..ports.progress import Pace, Watch, unlimited, unwatched
from ..ports.silence import at_work

__all__ = ["ArchiveReviewing", "RateLimit", "Share", "review_archive"]


@dataclass(frozen=True)
class Share:
    """One of several equal parts of all files."""

    number: int
    """From 1 on."""

    of: int
    """How many shares there are."""

    @classmethod
    def parse(cls, text: str) -> Share:
        """Return the share that is written as ``3/7``.

        Raises
        ------
        UsageError
            It is no share.
        """
        match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text.strip())
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            raise UsageError(
                Diagnostic(
                    "Not a share",
                    f"{text!r} is no share of the archive.",
                    hint="Write 3/7 for the third of seven; the first is 1/7 and the last is 7/7.",
                )
            )
        return cls(int(match[1]), int(match[2]))

    def has(self, key: str) -> bool:
        """Say whether a file is in this share.

        Parameters
        ----------
        key
            Path of the file within the archive.
        """
        digest = hashlib.sha256(key.encode(errors="surrogateescape")).digest()
        return int.from_bytes(digest[:8]) % self.of == self.number - 1

    @override
    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


_ALL = Share(1, 1)


class RateLimit:
    """Keeps readers below a number of bytes a second, all together.

    Parameters
    ----------
    rate
        Bytes a second.
    clock
        Seconds that only grow.
    sleep
        Waits some seconds.
    """

    def __init__(
        self,
        rate: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._free_at = clock()
        self._one_by_one = threading.Lock()

    def __call__(self, count: int) -> None:
        """Wait until the bytes that were read are paid for."""
        with self._one_by_one:
            now = self._clock()
            # Time in which nobody read is not saved up.
            self._free_at = max(self._free_at, now) + count / self._rate
            wait = self._free_at - now
        # It is we who are silent, not the archive.
        with at_work():
            self._sleep(wait)


@dataclass(frozen=True)
class ArchiveReviewing:
    """How the archive is looked at."""

    at: str
    """The time in UTC, with ``Z``."""

    version: str
    """Of calibstate."""

    every_byte: bool = False
    """Read each file, for its checksum; else only its size is asked."""

    share: Share | None = None
    """Which part of the files is looked at; `None`: all."""

    pace: Pace = unlimited
    """Told how many bytes were read; it may keep us waiting."""

    watch: Watch = field(default=unwatched)
    """Told of progress in files."""


def review_archive(
    desired: DesiredState, scope: Scope, places: ReadPlaces, how: ArchiveReviewing
) -> ArchiveReview:
    """Return what became of the files of all bundles.

    Parameters
    ----------
    desired, scope
        What is declared, and the tickets whose bundles are looked at.
    places
        Whose archive is looked at.
    how
        How closely.
    """
    archive, timeout = places.archive(), places.timeout
    tickets = [key for key in sorted(desired.tickets) if scope.has_ticket(key)]
    reviews: list[BundleReview] = []
    unreadable: dict[str, str] = {}
    unreachable = None
    try:
        manifests = in_time(ARCHIVE, lambda: _manifests(tickets, archive, unreadable), timeout)
        looks = [_Look(manifest, how) for manifest in manifests]
        total, done = sum(len(look.files) for look in looks), 0
        for look in looks:
            reviews.append(look.review(archive, timeout, _counted(how.watch, done, total)))
            done += len(look.files)
            how.watch("files", done, total)
    except UnreachableError as error:
        unreachable = error.diagnostics[0].detail
    damaged = any(review.findings for review in reviews)
    return ArchiveReview(
        passed=not damaged and not unreadable and unreachable is None,
        at=how.at,
        version=how.version,
        every_byte=how.every_byte,
        share=str(how.share) if how.share else None,
        bundles=tuple(reviews),
        unreadable=unreadable,
        unreachable=unreachable,
    )


def _manifests(
    tickets: list[TicketKey], archive: ArchiveReader, unreadable: dict[str, str]
) -> list[Manifest]:
    """Return all bundles of tickets, and note those that cannot be read."""
    try:
        bundles = _listed(tickets, archive)
    except InvalidStateError:
        bundles = _one_by_one(tickets, archive, unreadable)
    return [manifest for key in tickets for manifest in bundles.get(key, ())]


def _listed(tickets: list[TicketKey], archive: ArchiveReader) -> Mapping[TicketKey, tuple[Manifest, ...]]:
    """Return bundles; what is wrong with their lists of files is told now."""
    bundles = archive.bundles(tickets)
    for manifests in bundles.values():
        for manifest in manifests:
            _ = len(manifest.files)
    return bundles


def _one_by_one(
    tickets: list[TicketKey], archive: ArchiveReader, unreadable: dict[str, str]
) -> Mapping[TicketKey, tuple[Manifest, ...]]:
    bundles: dict[TicketKey, tuple[Manifest, ...]] = {}
    for key in tickets:
        try:
            bundles |= _listed([key], archive)
        except InvalidStateError as error:
            unreadable["/".join(key)] = error.diagnostics[0].detail
    return bundles


def _counted(watch: Watch, before: int, total: int) -> Watch:
    """Return what counts the files of one bundle behind those before it."""

    def counted(unit: str, done: int, of: int) -> None:
        watch(unit, before + done, total)

    return counted


class _Look:
    """A look at the files of one bundle."""

    def __init__(self, manifest: Manifest, how: ArchiveReviewing) -> None:
        share = how.share or _ALL
        self.manifest = manifest
        self.how = how
        self.has_export = share.has(f"{manifest.folder}/{EXPORT}")
        self.files: list[BundleFile] = []
        if not manifest.by_reference:
            self.files = [file for file in manifest.files if share.has(f"{manifest.folder}/{file.path}")]

    def review(self, archive: ArchiveReader, timeout: timedelta, watch: Watch) -> BundleReview:
        """Return what is wrong with the files."""
        reading = Reading(every_byte=self.how.every_byte, pace=self.how.pace, watch=watch)
        files_there = in_time(ARCHIVE, lambda: self._look(archive, reading), timeout)
        return BundleReview(
            instrument=self.manifest.instrument,
            ticket=self.manifest.ticket,
            fingerprint=self.manifest.fingerprint,
            folder=self.manifest.folder,
            files=len(self.files) + self.has_export,
            bytes=sum(file.size for file in self.files),
            findings=tuple(_findings(files_there)),
        )

    def _look(self, archive: ArchiveReader, reading: Reading) -> BundleFiles:
        files_there = look_at_files(self.manifest, self.files, archive, reading)
        if not self.has_export:
            return files_there
        export = look_at_export(self.manifest, archive)
        return replace(files_there, problems=(*export.problems, *files_there.problems))


def _findings(files_there: BundleFiles) -> Iterator[DamageFinding]:
    for problem in files_there.problems:
        yield DamageFinding(what=Fault.UNREADABLE, path=problem.path, detail=problem.detail)
    for damaged in files_there.damaged:
        what = Fault.LOST if damaged.is_gone else Fault.ALTERED
        yield DamageFinding(
            what=what,
            path=damaged.file.path,
            detail=damaged.detail,
            right_size=damaged.found_size == damaged.file.size,
        )
