"""Putting files where a datastore looks for them.

All are copied aside and verified before the first appears in its place, so
a bundle with a bad file changes nothing; and a file appears whole, in one
moment.  A file that is there is never overwritten, whenever it came.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

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

__all__ = ["INCOMING", "Placement", "clear_leftovers", "holds", "lack_of_space", "place"]

INCOMING = ".calibstate-incoming"
"""Folder in which files wait for their last one."""

_MARK = "in-use"
"""File that whoever waits with files keeps locked."""

_TRIES = 5

_CHUNK = 2**18
"""Bytes; several files are read at a time, each into a buffer of its own.

Larger ones do not stay in the cache of the processor: 1 MiB took four times as
long in the system."""

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
    local = [p for p in placements if p.target.isLocal]
    remote = [p for p in placements if not p.target.isLocal]
    with _staged(root, local, tally) as staged:
        for_each(_verify, remote)
        for some, together in by_distance(placements, lambda placement: placement.target):
            for_each(_refuse_other, some, together=together)
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


def clear_leftovers(root: ResourcePath, targets: Iterable[ResourcePath] = ()) -> None:
    """Remove what runs that were killed left.

    Parameters
    ----------
    root
        Folder of the datastore.
    targets
        Files that may have been on their way.
    """
    if root.isLocal:
        _clear(Path(root.ospath) / INCOMING)
    # Thousands of files are in a few folders.
    folders = {target.dirname().ospath for target in targets if target.isLocal}
    above: set[Path] = set()
    for path in folders:
        above.update((Path(path), *Path(path).parents))
    for folder in above:
        _clear(folder / _incoming_elsewhere(root))


def lack_of_space(placements: Iterable[Placement]) -> Iterator[Diagnostic]:
    """Tell of the file systems that files would not fit in."""
    sizes: dict[Path, int] = {}
    for placement in placements:
        if placement.target.isLocal:
            folder = placement.local.parent
            sizes[folder] = sizes.get(folder, 0) + placement.file.size
    needed: dict[int, tuple[Path, int]] = {}
    for folder, size in sizes.items():
        home = folder if folder.is_dir() else _existing(folder)
        device = home.stat().st_dev
        needed[device] = (home, needed.get(device, (home, 0))[1] + size)
    for home, size in needed.values():
        if (free := shutil.disk_usage(home).free) < size:
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


@contextmanager
def _staged(root: ResourcePath, placements: Sequence[Placement], tally: Tally) -> Iterator[list[_Staged]]:
    """Copy files aside; what is not renamed meanwhile is removed again."""
    targets = [placement.local for placement in placements]
    # Thousands of files go to a few folders, and wait in fewer.
    some_target = {target.parent: target for target in targets}
    homes = {folder: _staging_folder(target, root) for folder, target in some_target.items()}
    with ExitStack() as stack:
        with _writing():
            ours = {home: stack.enter_context(_of_our_own(home)) for home in sorted(set(homes.values()))}
            staged = []
            for number, (target, placement) in enumerate(zip(targets, placements, strict=True)):
                waits_in = ours[homes[target.parent]]
                staged.append(_Staged(waits_in / f"{number:06d}", target, placement))
            for_each(lambda item: _copy(item, tally), staged, together=_copied_together(placements))
        yield staged


def _copied_together(placements: Sequence[Placement]) -> int:
    """Return how many files one thread copies one after the other."""
    if not placements or not all(placement.source.isLocal for placement in placements):
        return 1
    mean_size = sum(placement.file.size for placement in placements) // len(placements)
    return max(1, min(TOGETHER, _BYTES_TOGETHER // max(mean_size, 1)))


@contextmanager
def _of_our_own(home: Path) -> Iterator[Path]:
    """Make a folder of nobody else, though others may wait here too.

    They do where their `records` are not ours; a file of theirs must not
    come to where one of ours was to go.
    """
    folder = home / uuid4().hex
    try:
        with _in_use(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            home.rmdir()


def _in_use(folder: Path) -> IO[bytes]:
    """Make a folder, so that whoever clears up leaves it alone."""
    mark = folder / _MARK
    for _ in range(_TRIES):
        # Whoever waited here last may just be removing the folder above, and
        # whoever clears up, one of which it is not known yet that it is used.
        with suppress(FileNotFoundError):
            folder.mkdir(parents=True, exist_ok=True)
            stream = mark.open("wb")
            # Where there are no such locks, that of the place must do.
            with suppress(OSError):
                fcntl.flock(stream, fcntl.LOCK_EX)
            if mark.exists():
                return stream
            stream.close()
    return mark.open("wb")


def _clear(home: Path) -> None:
    """Remove what waits in a folder, but for what somebody waits with."""
    for left in home.iterdir() if home.is_dir() else ():
        if left.is_dir():
            _clear_folder(left)
        else:
            left.unlink(missing_ok=True)
    with suppress(OSError):
        home.rmdir()


def _clear_folder(folder: Path) -> None:
    try:
        with (folder / _MARK).open("rb") as mark:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        return
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)


def _staging_folder(target: Path, root: ResourcePath) -> Path:
    # Only within one file system is a renaming one moment; parts of a
    # datastore may be links into another, and files may be recorded outside.
    home, top = _existing(target), Path(root.ospath)
    if root.isLocal and (top if top.is_dir() else _existing(top)).stat().st_dev == home.stat().st_dev:
        return top / INCOMING
    return home / _incoming_elsewhere(root)


def _incoming_elsewhere(root: ResourcePath) -> str:
    # The folder may be within the datastore of somebody else.
    return f"{INCOMING}-{hashlib.sha256(str(root).encode()).hexdigest()[:12]}"


def _existing(path: Path) -> Path:
    """Return the nearest folder above a path that exists."""
    return next(folder for folder in path.parents if folder.is_dir())


def _copy(staged: _Staged, tally: Tally) -> None:
    """Copy a file aside, have it on the disk, and look whether it is right."""
    digest, size = hashlib.sha256(), 0
    # To make a large buffer takes longer than to copy a small file.
    buffer = memoryview(bytearray(min(_CHUNK, staged.placement.file.size + 1)))
    target = os.open(staged.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with _reading(staged.placement.source) as read_into:
            while count := read_into(buffer):
                digest.update(buffer[:count])
                size += count
                _write_all(target, buffer[:count])
                tally.passed(count)
                heard()
        # An error of a write that the system put off is told here.
        os.fsync(target)
    finally:
        os.close(target)
    _expect(staged.placement, digest.hexdigest(), size)
    tally.file_done()


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
            yield lambda buffer: _fill(buffer, stream)


def _fill(buffer: memoryview, stream: Any) -> int:
    # Not all streams of a store can read into a buffer.
    chunk = stream.read(len(buffer))
    buffer[: len(chunk)] = chunk
    return len(chunk)


def _verify(placement: Placement) -> None:
    _expect(placement, _digest(placement.source), placement.source.size())


def _expect(placement: Placement, sha256: str, size: int) -> None:
    file = placement.file
    if (sha256, size) != (file.sha256, file.size):
        raise RefusedError(
            Diagnostic(
                "File of the bundle was altered",
                f"{placement.source} has {size} bytes with SHA-256 {sha256}; "
                f"the manifest says {file.size} with {file.sha256}. Nothing was written.",
                hint="Bring the file back from a copy of the archive, or move the bundle's folder away "
                "so that it is made anew from the origin.",
            )
        )


def _refuse_other(placement: Placement) -> None:
    """Refuse a file of other bytes that has appeared in a file's place."""
    target = placement.target
    try:
        # A link that leads nowhere is something, too.
        is_there = os.path.lexists(target.ospath) if target.isLocal else target.exists()
        if is_there and not holds(target, placement.file):
            raise _appeared(placement)
    except OSError as error:
        raise _appeared(placement) from error


def _appeared(placement: Placement) -> RefusedError:
    return RefusedError(
        Diagnostic(
            "File is in the way",
            f"{placement.target} has appeared since the repository was looked at, and has other bytes than "
            "the bundle. It is kept, and nothing was recorded.",
            hint="Find out whose it is, and move it away; then run this again.",
        )
    )


def _rename(staged: Sequence[_Staged]) -> None:
    """Give files that were copied aside their names, one after the other."""
    with _writing():
        there: set[Path] = set()
        changed: set[Path] = set()
        for item in staged:
            folder = item.target.parent
            if folder not in there:
                home = _existing(item.target)
                folder.mkdir(parents=True, exist_ok=True)
                there.add(folder)
                # A folder is on the disk when the one above knows its name.
                changed.update(above for above in item.target.parents if above.is_relative_to(home))
            if not give_name(item.path, item.target):
                _refuse_other(item.placement)
            heard()
        for folder in changed:
            sync_folder(folder)


def _upload(placement: Placement, tally: Tally, timeout: timedelta) -> None:
    """Copy a file to where no file system is, unless there is one by now."""
    target = placement.target
    # Some servers overlook the condition of a write, so we look before, too.
    _refuse_other(placement)
    try:
        with at_work(), opened(str(placement.source), timeout) as stream:
            digest = digest_of(stream)
            _expect(placement, digest.sha256, digest.size)
            stream.seek(0)
            if target.scheme == "s3":
                _create_object(placement, stream, timeout)
            else:
                target.transfer_from(placement.source, transfer="copy")
    except FileExistsError:
        _refuse_other(placement)
    tally.passed(placement.file.size)
    tally.file_done()


def _create_object(placement: Placement, stream: IO[bytes], timeout: timedelta) -> None:
    """Upload to S3 in a request that replaces nothing."""
    from ..objectstores.bucket import Bucket

    parts = urlsplit(str(placement.target))
    bucket = Bucket(f"s3://{parts.netloc}/", timeout)
    if not bucket.create_from(unquote(parts.path).lstrip("/"), stream, placement.file.size):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(placement.target))


def _digest(file: ResourcePath, passed: Pace = unlimited) -> str:
    digest, buffer = hashlib.sha256(), memoryview(bytearray(_CHUNK))
    with _reading(file) as read_into:
        while count := read_into(buffer):
            digest.update(buffer[:count])
            passed(count)
            heard()
    return digest.hexdigest()


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise RefusedError(
            Diagnostic("File of the bundle is missing", f"{error}. It was there a moment ago.")
        ) from error
    except OSError as error:
        raise CalibstateError(
            Diagnostic(
                "Files cannot be written",
                f"{error.strerror or error}: {error.filename or 'the datastore'}. Nothing was recorded.",
                hint="Make room, or see to the permissions, and run this again.",
            )
        ) from error
