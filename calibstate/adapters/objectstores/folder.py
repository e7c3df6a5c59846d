"""A folder as an object store.

A file is written under a temporary name, synced, and renamed.
"""

from __future__ import annotations

import errno
import fcntl
import glob
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from uuid import uuid4

from typing_extensions import override

from ...ports.progress import Pace, unlimited
from ...ports.records import Fence, unfenced
from ...ports.silence import heard
from ..local import uri_of
from .digests import Digest, Digester, digest_of
from .objectstore import SWAPPED, ObjectStore, limited

__all__ = ["Folder", "give_name", "sync_folder"]

TEMPORARY = ".calibstate-"
"""How the names of our temporary files begin."""

_GUARD = ".guard"
"""File of a folder that is locked by who swaps another one there."""

_OFTEN = 5

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
"""What file systems say that know no second name of a file."""


class Folder(ObjectStore):
    """A folder.

    Parameters
    ----------
    root
        It may be missing as long as the folder above it is there.
    """

    def __init__(self, root: Path) -> None:
        self.path = self._root = root
        self.uri = uri_of(root, is_folder=True)

    @override
    def look(self) -> None:
        if self._root.is_dir():
            # Being allowed to see it is more than its being there.
            with os.scandir(self._root) as entries:
                next(entries, None)
            return
        where = str(self._root)
        if self._root.exists():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), where)
        if not self._root.parent.is_dir():
            # Something that should be mounted there may not be.
            words = "Neither the folder nor the one above it exists"
            raise FileNotFoundError(errno.ENOENT, words, where)

    @override
    def date(self) -> None:
        pass

    @override
    def time(self, key: str) -> datetime | None:
        # A file server stamps files with its own clock.
        guard = self._path_to_write(f"{key}/{_GUARD}")
        stamped = _open_without_a_name(guard.parent)
        if stamped is None:
            stamped = _open_guard(guard)
        try:
            os.utime(stamped)
            seconds = os.fstat(stamped).st_mtime
            return datetime.fromtimestamp(seconds, UTC)
        finally:
            os.close(stamped)

    @override
    def folders(self, key: str) -> list[str]:
        return self._names(key, lambda entry: entry.is_dir())

    @override
    def files(self, key: str) -> list[str]:
        return self._names(key, lambda entry: entry.is_file())

    def _names(
        self,
        key: str,
        is_wanted: Callable[[os.DirEntry[str]], bool],
    ) -> list[str]:
        """Return the names of what is in a folder, without what is hidden."""
        names = []
        try:
            with os.scandir(self._root / key) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    # A link that leads to itself, say, is nothing.
                    with suppress(OSError):
                        if is_wanted(entry):
                            names.append(entry.name)
        except FileNotFoundError:
            return []
        return sorted(names)

    @override
    def read(self, key: str, *, limit: int) -> bytes | None:
        path = self._root / key
        try:
            with _regular(path) as stream:
                return limited(stream, limit, key)
        except FileNotFoundError:
            if path.is_symlink():
                raise OSError(errno.ELOOP, "It is a link that leads nowhere", str(path)) from None
            return None

    @override
    def read_part(self, key: str, begin: int, size: int) -> bytes | None:
        try:
            with _regular(self._root / key) as stream:
                stream.seek(begin)
                return stream.read(size)
        except (FileNotFoundError, NotADirectoryError):
            return None

    @override
    def write(self, key: str, data: bytes) -> None:
        path = self._path_to_write(key)
        with self._temporary(path.parent, f"{path.name}-") as (temporary, stream):
            stream.write(data)
            _sync(stream)
            temporary.replace(path)
        sync_folder(path.parent)

    @override
    def create(self, key: str, data: bytes) -> bool:
        path = self._path_to_write(key)
        with self._temporary(path.parent, f"{path.name}-") as (temporary, stream):
            stream.write(data)
            _sync(stream)
            try:
                if not give_name(temporary, path):
                    return False
            except FileNotFoundError:
                # Who was quicker has perhaps cleared our temporary file away.
                return False
        self._clear(path)
        return True

    @override
    def swap(self, key: str, old: bytes, new: bytes) -> bool:
        with self._alone_at(key):
            if self.read(key, limit=SWAPPED) != old:
                return False
            self.write(key, new)
            self._clear(self._root / key)
            return True

    @override
    def remove(self, key: str) -> None:
        (self._root / key).unlink(missing_ok=True)

    @override
    def withdraw(self, key: str, data: bytes) -> bool:
        with self._alone_at(key):
            if self.read(key, limit=SWAPPED) != data:
                return False
            self.remove(key)
            return True

    @override
    def resume(self, key: str) -> None:
        for leftover in (self._root / key).rglob(f"{TEMPORARY}*"):
            _clear_away(leftover)

    @override
    def clear_leftovers(self) -> None:
        # Who was killed when a file had its name had not removed the other.
        for leftover in self._root.glob(f"*/*/*/{TEMPORARY}*"):
            _clear_away(leftover)

    @override
    def add(self, key: str, stream: IO[bytes]) -> Digest:
        path = self._path_to_write(key)
        if path.exists():
            with path.open("rb") as there:
                digest = digest_of(there)
            if digest == digest_of(stream):
                return digest
            stream.seek(0)
        digester = Digester()
        with self._temporary(path.parent) as (temporary, target):
            target.writelines(digester.pass_through(stream))
            _sync(target)
            temporary.replace(path)
        return digester.digest

    @override
    def sizes(self, key: str, since: str = "") -> Mapping[str, int]:
        root = self._root / key
        sizes = {}
        for folder, folders, names in os.walk(root, onerror=_not_absent):
            above = Path(folder).relative_to(root)
            # What is not left here is not gone into.
            folders[:] = [name for name in folders if _reaches(above / name, since)]
            for name in names:
                if str(above / name) < since:
                    continue
                path = Path(folder) / name
                try:
                    status = path.stat()
                except OSError as error:
                    # It went meanwhile, or is a link that leads nowhere or
                    # to itself.
                    if error.errno in {errno.ENOENT, errno.ELOOP}:
                        continue
                    raise
                if stat.S_ISREG(status.st_mode):
                    sizes[str(path.relative_to(root))] = status.st_size
            heard()
        return sizes

    @override
    def digest(self, key: str, pace: Pace = unlimited) -> Digest | None:
        try:
            with _regular(self._root / key) as stream:
                return digest_of(stream, pace)
        except (FileNotFoundError, NotADirectoryError):
            return None

    @override
    def put_back(
        self,
        key: str,
        stream: IO[bytes],
        digest: Digest,
        aside: str | None,
        fence: Fence = unfenced,
    ) -> None:
        path = self._path_to_write(key)
        digester = Digester()
        with self._temporary(path.parent) as (temporary, target):
            target.writelines(digester.pass_through(stream))
            if digester.digest != digest:
                raise OSError(errno.EIO, "Its bytes changed while they were copied", str(path))
            _sync(target)
            fence()
            if aside is not None:
                _move_aside(path, self._path_to_write(aside))
            # Unlike a rename a link never takes the place of another file.
            os.link(temporary, path)
        sync_folder(path.parent)

    @override
    def settle(self, key: str) -> None:
        for folder, _, _ in os.walk(self._root / key):
            sync_folder(Path(folder))
        for above in Path(key).parents:
            sync_folder(self._root / above)

    def append(self, key: str, data: bytes) -> None:
        """Append to a file, and have it on the disk before returning."""
        path = self._path_to_write(key)
        is_new = not path.exists()
        with path.open("ab", buffering=0) as stream:
            before = stream.tell()
            try:
                while data:
                    written = stream.write(data)
                    data = data[written:]
                os.fsync(stream.fileno())
            except OSError:
                # Half a line would spoil the next one.
                stream.truncate(before)
                raise
        if is_new:
            sync_folder(path.parent)

    @contextmanager
    def _alone_at(self, key: str) -> Iterator[None]:
        """Keep others from swapping meanwhile."""
        # A file of its own: the one that is swapped is another one afterwards.
        path = self._path_to_write(key)
        guard = _open_guard(path.parent / _GUARD)
        try:
            fcntl.flock(guard, fcntl.LOCK_EX)
            yield
        finally:
            os.close(guard)

    def _clear(self, path: Path) -> None:
        """Remove what others, killed or too late, made to create a file."""
        name = glob.escape(path.name)
        for leftover in path.parent.glob(f"{TEMPORARY}{name}-*"):
            leftover.unlink(missing_ok=True)
        sync_folder(path.parent)

    def _path_to_write(self, key: str) -> Path:
        """Return the path of a key, its folder made."""
        # The store's own folder is made, never the one above: that may be a
        # mount which is not there at the moment.
        with suppress(FileExistsError):
            self._root.mkdir()
        path = self._root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    @contextmanager
    def _temporary(
        self,
        folder: Path,
        purpose: str = "",
    ) -> Iterator[tuple[Path, IO[bytes]]]:
        """Make a file for a while; it stays where it is renamed."""
        pid = os.getpid()
        path = folder / f"{TEMPORARY}{purpose}{pid}-{uuid4().hex}"
        try:
            with _in_use(path) as stream:
                yield path, stream
        finally:
            path.unlink(missing_ok=True)


def give_name(temporary: Path, path: Path) -> bool:
    """Give a finished file its name, unless there is one of that name.

    Parameters
    ----------
    temporary
        The file, in the file system of its name.
    path
        The name.

    Returns
    -------
    bool
        Whether it has the name now.  If not, what is there is untouched.
    """
    try:
        # Unlike an open file a link appears with all its content, and unlike
        # a renaming it replaces nothing.
        os.link(temporary, path)
    except FileExistsError:
        # The answer of a file server may have been lost on the way.
        if not path.is_symlink() and os.path.samestat(path.lstat(), temporary.lstat()):
            temporary.unlink()
            return True
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _rename_to_free(temporary, path)
    temporary.unlink()
    return True


def _rename_to_free(temporary: Path, path: Path) -> bool:
    """Rename a file onto an empty one, which we made for that."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return False
    temporary.replace(path)
    return True


def _regular(path: Path) -> IO[bytes]:
    """Open a file; what keeps its reader waiting is none."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise OSError(errno.EINVAL, "It is not a file", str(path))


def _reaches(folder: Path, since: str) -> bool:
    """Say whether paths below a folder may sort behind one."""
    path = f"{folder}/"
    return path >= since or since.startswith(path)


def _not_absent(error: OSError) -> None:
    """Raise what kept us from a folder, unless there is no folder."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


def _move_aside(path: Path, aside: Path) -> None:
    """Keep a file under another name, and nothing under its own."""
    with suppress(FileExistsError):
        # The name tells the bytes: what has it is what was moved before.
        os.link(path, aside)
    sync_folder(aside.parent)
    path.unlink()
    sync_folder(path.parent)


def _open_without_a_name(folder: Path) -> int | None:
    """Open a file that nobody else sees, and that ends with its process.

    Returns
    -------
    int or None
        `None` where the file system knows no such files.
    """
    try:
        return os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o600)
    except (AttributeError, OSError):
        return None


def _open_guard(path: Path) -> int:
    """Open what keeps apart all who may write to a folder, of any umask."""
    try:
        guard = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, 0o666)
    except (PermissionError, IsADirectoryError):
        # A local disk asks nobody for more.
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with suppress(OSError):
        # NFS does; and only who made it can let others have it.
        folder = path.parent.stat()
        os.fchmod(guard, folder.st_mode & 0o666)
    return guard


def _in_use(path: Path) -> IO[bytes]:
    """Create a temporary file, so that whoever clears up leaves it alone."""
    for _ in range(_OFTEN):
        stream = path.open("xb")
        # Where there are no such locks, that of the place must do.
        with suppress(OSError):
            fcntl.flock(stream, fcntl.LOCK_EX)
        if path.exists():
            return stream
        stream.close()  # It was cleared away before it was known to be in use.
    return path.open("xb")


def _clear_away(path: Path) -> None:
    """Remove a temporary file, unless somebody writes to it."""
    try:
        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
    except BlockingIOError:
        return
    except OSError:
        path.unlink(missing_ok=True)


def _sync(stream: IO[bytes]) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def sync_folder(path: Path) -> None:
    """Have what was renamed in a folder on the disk before returning."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
