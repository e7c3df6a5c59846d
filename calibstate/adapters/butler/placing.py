"""Putting files where a datastore looks for them.

All are copied aside and verified before the first appears in its place, so
a bundle with a bad file changes nothing; and a file appears whole, in one
moment.  A file that is there is never overwritten, whenever it came.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from lsst.resources import ResourcePath

from ...errors import CalibstateError, Diagnostic, RefusedError
from ...model.bundles import BundleFile
from ...ports.progress import Pace, Tally, unlimited
from ...ports.records import Fence, unfenced
from ...ports.silence import USUAL_TIMEOUT, at_work, heard
from ..batches import TOGETHER, for_each
from ..objectstores import digest_of, opened
from ..objectstores.folder import give_name, sync_folder
from .datastore import by_distance
from .incoming import existing_above, incoming_for, own_folder

__all__ = ["Placement", "holds", "lack_of_space", "place"]

_CHUNK = 2**18
"""Bytes; several files are read at a time, each into a buffer of its own.

Larger ones do not stay in the cache of the processor: 1 MiB took four times as
long in the system."""

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
"""How a file is opened that must not be there yet."""

_BYTES_TOGETHER = 2**24
"""Bytes that one thread copies in a go, where files are small."""


@dataclass(frozen=True)
class Placement:
    """A file that is to be put somewhere."""

    file: BundleFile
    """What it must be."""
    source: ResourcePath
    target: ResourcePath

    @property
    def local(self) -> Path:
        """Its target in a file system."""
        return Path(self.target.ospath)

    def expect(self, sha256: str, size: int) -> None:
        """Refuse bytes that are not those that the file must have.

        Parameters
        ----------
        sha256, size
            Of the bytes of its source.

        Raises
        ------
        RefusedError
            They are others.
        """
        file = self.file
        if (sha256, size) == (file.sha256, file.size):
            return
        raise RefusedError(
            Diagnostic(
                "File of the bundle was altered",
                f"{self.source} has {size} bytes with SHA-256 {sha256}; "
                f"the manifest says {file.size} with {file.sha256}. Nothing was written.",
                hint="Bring the file back from a copy of the archive, or move the bundle's folder away "
                "so that it is made anew from the origin.",
            )
        )

    def read_source(self) -> None:
        """Refuse a source that is not what the file must be."""
        sha256 = _digest(self.source)
        self.expect(sha256, self.source.size())

    def refuse_other(self) -> None:
        """Refuse a file of other bytes that has appeared in its place."""
        target = self.target
        try:
            # A link that leads nowhere is something, too.
            is_there = os.path.lexists(target.ospath) if target.isLocal else target.exists()
            if is_there and not holds(target, self.file):
                raise _appeared(target)
        except OSError as error:
            raise _appeared(target) from error


def place(
    root: ResourcePath,
    placements: Sequence[Placement],
    tally: Tally,
    fence: Fence = unfenced,
    timeout: timedelta = USUAL_TIMEOUT,
) -> None:
    """Put files in their places, all or none.

    Parameters
    ----------
    root
        Folder of the datastore.
    placements
        Files whose targets are free.
    tally
        Told of each that is copied, and of bytes as they are.
    fence
        Asked directly before the first appears in its place.
    timeout
        How long an object store may be silent.

    Raises
    ------
    RefusedError
        A file is not what it must be, and none was put in its place; or a
        file of other bytes has appeared in one's place, which is kept.
    LockedError
        The repository is held no more; none was put in its place.
    CalibstateError
        The disk is full, or a folder may not be written.
    """
    local: list[Placement] = []
    remote: list[Placement] = []
    for placement in placements:
        if placement.target.isLocal:
            local.append(placement)
        else:
            remote.append(placement)
    # All are read before the first appears: those for this file system while
    # they are copied aside, those for a store by themselves.
    with _staged(root, local, tally) as staged:
        for_each(Placement.read_source, remote)
        for some, together in by_distance(placements, lambda placement: placement.target):
            for_each(Placement.refuse_other, some, together=together)
        fence()
        _rename(staged)
    for_each(lambda placement: _upload(placement, tally, timeout), remote)


def holds(target: ResourcePath, file: BundleFile, passed: Pace = unlimited) -> bool:
    """Say whether a file is there with the right bytes.

    Parameters
    ----------
    target
        The file.
    file
        What it must be.
    passed
        Told how many bytes were read.
    """
    return _digest(target, passed) == file.sha256


def lack_of_space(placements: Iterable[Placement]) -> Iterator[Diagnostic]:
    """Yield the file systems that files would not fit in."""
    # By folder first: to ask the system for each of thousands takes a while.
    sizes: Counter[Path] = Counter()
    for placement in placements:
        if placement.target.isLocal:
            folder = placement.local.parent
            sizes[folder] += placement.file.size
    homes: dict[int, Path] = {}
    needed: Counter[int] = Counter()
    for folder, size in sizes.items():
        home = folder if folder.is_dir() else existing_above(folder)
        device = home.stat().st_dev
        homes[device] = home
        needed[device] += size
    for device, size in needed.items():
        home = homes[device]
        free = shutil.disk_usage(home).free
        if free < size:
            yield Diagnostic(
                "Disk is full",
                f"the files need {size} bytes, and the file system of {home} has {free}.",
                hint="Make room and run this again.",
            )


@dataclass(frozen=True)
class _Staged:
    """A file that is copied aside."""

    path: Path
    """Where it waits."""
    target: Path
    """Its place."""
    placement: Placement

    def copy(self, tally: Tally) -> None:
        """Copy the file aside, have it on the disk, and see if it is right."""
        file = self.placement.file
        digest = hashlib.sha256()
        size = 0
        # To make a large buffer takes longer than to copy a small file.
        buffer = memoryview(bytearray(min(_CHUNK, file.size + 1)))
        copied = os.open(self.path, _NEW_FILE, 0o666)
        try:
            with _reading(self.placement.source) as read_into:
                while count := read_into(buffer):
                    digest.update(buffer[:count])
                    size += count
                    _write_all(copied, buffer[:count])
                    tally.passed(count)
                    heard()
            # An error of a write that the system put off is told here.
            os.fsync(copied)
        finally:
            os.close(copied)
        self.placement.expect(digest.hexdigest(), size)
        tally.file_done()


@contextmanager
def _staged(
    root: ResourcePath,
    placements: Sequence[Placement],
    tally: Tally,
) -> Iterator[list[_Staged]]:
    """Copy files aside; what is not renamed meanwhile is removed again."""
    # Thousands of files go to a few folders, and wait in fewer.
    home_of: dict[Path, Path] = {}
    targets: list[Path] = []
    for placement in placements:
        target = placement.local
        targets.append(target)
        if target.parent not in home_of:
            home_of[target.parent] = incoming_for(target, root)
    with ExitStack() as stack:
        with _writing():
            own: dict[Path, Path] = {}
            for home in sorted(set(home_of.values())):
                own[home] = stack.enter_context(own_folder(home))
            staged: list[_Staged] = []
            for number, placement in enumerate(placements):
                target = targets[number]
                waits_in = own[home_of[target.parent]]
                item = _Staged(
                    path=waits_in / f"{number:06d}",
                    target=target,
                    placement=placement,
                )
                staged.append(item)
            together = _copied_together(placements)
            for_each(lambda item: item.copy(tally), staged, together=together)
        yield staged


def _copied_together(placements: Sequence[Placement]) -> int:
    """Return how many files one thread copies one after the other."""
    total_size = 0
    for placement in placements:
        # Each answer of a store is waited for, so nothing waits behind it.
        if not placement.source.isLocal:
            return 1
        total_size += placement.file.size
    if not placements:
        return 1
    mean_size = total_size // len(placements)
    fitting = _BYTES_TOGETHER // max(mean_size, 1)
    return max(1, min(TOGETHER, fitting))


def _write_all(descriptor: int, data: memoryview) -> None:
    # A write may take less than it is given, where the disk is nearly full.
    while data:
        data = data[os.write(descriptor, data) :]


@contextmanager
def _reading(file: ResourcePath) -> Iterator[Callable[[memoryview], int]]:
    """Open a file, and give what fills a buffer with its next bytes."""
    if file.isLocal:
        # Not by the way of `ResourcePath.open`, which takes longer than it
        # takes to read a small file.
        descriptor = os.open(file.ospath, os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield lambda buffer: os.readv(descriptor, [buffer])
        finally:
            os.close(descriptor)
    else:
        with file.open("rb") as stream:

            def fill(buffer: memoryview) -> int:
                # Not all streams of a store can read into a buffer.
                chunk = stream.read(len(buffer))
                buffer[: len(chunk)] = chunk
                return len(chunk)

            yield fill


def _appeared(target: ResourcePath) -> RefusedError:
    """Return the error that a file has come to where ours is to go."""
    return RefusedError(
        Diagnostic(
            "File is in the way",
            f"{target} has appeared since the repository was looked at, and has other bytes than "
            "the bundle. It is kept, and nothing was recorded.",
            hint="Find out whose it is, and move it away; then run this again.",
        )
    )


def _rename(staged: Sequence[_Staged]) -> None:
    """Give files that were copied aside their names, one after the other."""
    with _writing():
        existing: set[Path] = set()
        changed: set[Path] = set()
        for item in staged:
            target = item.target
            if target.parent not in existing:
                home = existing_above(target)
                target.parent.mkdir(parents=True, exist_ok=True)
                existing.add(target.parent)
                # A folder is on the disk when the one above knows its name.
                changed.update(above for above in target.parents if above.is_relative_to(home))
            if not give_name(item.path, target):
                item.placement.refuse_other()
            heard()
        for folder in changed:
            sync_folder(folder)


def _upload(placement: Placement, tally: Tally, timeout: timedelta) -> None:
    """Copy a file to where no file system is, unless there is one by now."""
    target = placement.target
    # Some servers overlook the condition of a write, so we look before, too.
    placement.refuse_other()
    try:
        with at_work(), opened(str(placement.source), timeout) as stream:
            digest = digest_of(stream)
            placement.expect(digest.sha256, digest.size)
            stream.seek(0)
            if target.scheme == "s3":
                _create_object(placement, stream, timeout)
            else:
                target.transfer_from(placement.source, transfer="copy")
    except FileExistsError:
        placement.refuse_other()
    tally.passed(placement.file.size)
    tally.file_done()


def _create_object(
    placement: Placement,
    stream: IO[bytes],
    timeout: timedelta,
) -> None:
    """Upload to S3 in a request that replaces nothing."""
    from ..objectstores.bucket import Bucket

    uri = str(placement.target)
    parts = urlsplit(uri)
    key = unquote(parts.path).lstrip("/")
    bucket = Bucket(f"s3://{parts.netloc}/", timeout)
    is_created = bucket.create_from(key, stream, placement.file.size)
    if not is_created:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), uri)


def _digest(file: ResourcePath, passed: Pace = unlimited) -> str:
    """Return the SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_CHUNK))
    with _reading(file) as read_into:
        while count := read_into(buffer):
            digest.update(buffer[:count])
            passed(count)
            heard()
    return digest.hexdigest()


@contextmanager
def _writing() -> Iterator[None]:
    """Raise troubles of the file system as errors of our own."""
    try:
        yield
    except FileNotFoundError as error:
        detail = f"{error}. It was there a moment ago."
        raise RefusedError(Diagnostic("File of the bundle is missing", detail)) from error
    except OSError as error:
        reason = error.strerror or error
        file = error.filename or "the datastore"
        raise CalibstateError(
            Diagnostic(
                "Files cannot be written",
                f"{reason}: {file}. Nothing was recorded.",
                hint="Make room, or see to the permissions, and run this again.",
            )
        ) from error
