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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from typing_extensions import override

from ..engine.side_by_side import in_time
from ..errors import Diagnostic, InvalidStateError, UnreachableError, UsageError
from ..kinds.bundle_files import BundleFiles, Reading, look_at_export, look_at_files
from ..model.bundles import EXPORT, BundleFile, Manifest
from ..model.desired import DesiredState
from ..model.names import ARCHIVE, TicketKey, spelled
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
        if match:
            number, of = int(match[1]), int(match[2])
            if 1 <= number <= of:
                return cls(number, of)
        raise UsageError(
            Diagnostic(
                "Not a share",
                f"{spelled(text)} is no share of the archive.",
                hint="Write 3/7 for the third of seven; the first is 1/7 and the last is 7/7.",
            )
        )

    def has(self, key: str) -> bool:
        """Say whether a file is in this share.

        Parameters
        ----------
        key
            Path of the file within the archive.
        """
        digest = hashlib.sha256(key.encode(errors="surrogateescape")).digest()
        # A digest is spread evenly, so each share has about as many files.
        number = int.from_bytes(digest[:8])
        return number % self.of == self.number - 1

    @override
    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


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
    desired: DesiredState,
    scope: Scope,
    places: ReadPlaces,
    how: ArchiveReviewing,
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
        # All are counted first, so that progress is of the whole.
        total = sum(len(look.files) for look in looks)
        done = 0
        for look in looks:
            reviews.append(look.review(archive, timeout, done, total))
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
    tickets: Sequence[TicketKey],
    archive: ArchiveReader,
    unreadable: dict[str, str],
) -> list[Manifest]:
    """Return all bundles of tickets, and note those that cannot be read.

    Parameters
    ----------
    tickets
        Whose bundles.
    archive
        The archive.
    unreadable
        Told why the bundles of a ticket cannot be read, by its name.
    """
    try:
        bundles = dict(_whole_bundles(tickets, archive))
    except InvalidStateError:
        # Which ticket it is about is told only if each is asked for alone.
        bundles = {}
        for key in tickets:
            try:
                bundles.update(_whole_bundles([key], archive))
            except InvalidStateError as error:
                unreadable[key.name] = error.diagnostics[0].detail
    manifests: list[Manifest] = []
    for key in tickets:
        manifests.extend(bundles.get(key, ()))
    return manifests


def _whole_bundles(
    tickets: Sequence[TicketKey],
    archive: ArchiveReader,
) -> Mapping[TicketKey, Sequence[Manifest]]:
    """Return bundles; what is wrong with their lists of files is told now."""
    bundles = archive.bundles(tickets)
    for manifests in bundles.values():
        for manifest in manifests:
            # The files are read from the archive as soon as they are counted.
            _ = len(manifest.files)
    return bundles


class _Look:
    """A look at the files of one bundle."""

    def __init__(self, manifest: Manifest, how: ArchiveReviewing) -> None:
        self.manifest = manifest
        self.how = how
        self.has_export = self.is_looked_at(EXPORT)
        self.files: list[BundleFile] = []
        # Files of a bundle by reference lie in a datastore, not here.
        if manifest.by_reference:
            return
        for file in manifest.files:
            if self.is_looked_at(file.path):
                self.files.append(file)

    def is_looked_at(self, path: str) -> bool:
        """Say whether a file of the bundle is in the share."""
        if self.how.share is None:
            return True
        return self.how.share.has(f"{self.manifest.folder}/{path}")

    def review(
        self,
        archive: ArchiveReader,
        timeout: timedelta,
        before: int,
        total: int,
    ) -> BundleReview:
        """Return what is wrong with the files.

        Parameters
        ----------
        archive
            The archive.
        timeout
            How long it may be silent.
        before, total
            How many files were looked at before, and are in all.
        """

        def watch(unit: str, done: int, of: int) -> None:
            self.how.watch(unit, before + done, total)

        reading = Reading(every_byte=self.how.every_byte, pace=self.how.pace, watch=watch)
        files_there = in_time(ARCHIVE, lambda: self.look(archive, reading), timeout)
        findings: list[DamageFinding] = []
        for problem in files_there.problems:
            unreadable = DamageFinding(what=Fault.UNREADABLE, path=problem.path, detail=problem.detail)
            findings.append(unreadable)
        for damaged in files_there.damaged:
            what = Fault.ALTERED
            if damaged.is_gone:
                what = Fault.LOST
            findings.append(
                DamageFinding(
                    what=what,
                    path=damaged.file.path,
                    detail=damaged.detail,
                    right_size=damaged.found_size == damaged.file.size,
                )
            )
        return BundleReview(
            instrument=self.manifest.instrument,
            ticket=self.manifest.ticket,
            fingerprint=self.manifest.fingerprint,
            folder=self.manifest.folder,
            files=len(self.files) + self.has_export,
            bytes=sum(file.size for file in self.files),
            findings=tuple(findings),
        )

    def look(self, archive: ArchiveReader, reading: Reading) -> BundleFiles:
        """Return what the files of the share are like, the export's too."""
        files_there = look_at_files(self.manifest, self.files, archive, reading)
        if not self.has_export:
            return files_there
        export = look_at_export(self.manifest, archive)
        problems = (*export.problems, *files_there.problems)
        return replace(files_there, problems=problems)
