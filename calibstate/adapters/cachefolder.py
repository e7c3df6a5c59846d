"""A folder of the user for files that cost nothing but time if they are lost.

Whatever is odd about the folder or a file in it, nothing is read there, and
nothing is told: a cache that cannot be used is no fault.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["CacheFolder", "cache_of_user"]

_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH

_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def cache_of_user(name: str) -> CacheFolder | None:
    """Return a folder of calibstate's among the caches of the user.

    It is where the XDG Base Directory Specification has it; `None`: the
    environment does not tell where that is.

    Parameters
    ----------
    name
        What is kept in it.
    """
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    usual = Path(os.environ.get("HOME", ""), ".cache")
    for caches in (named, usual):
        # The specification has relative ones ignored.
        if caches.is_absolute():
            return CacheFolder(caches / "calibstate" / name)
    return None


class CacheFolder:
    """A folder that nobody else may write to.

    Parameters
    ----------
    path
        Where; it is made when something is kept.
    most
        How many files are kept; of more the oldest are deleted.
    largest
        Bytes of the largest file that is kept or read.
    """

    def __init__(self, path: Path, most: int = 100, largest: int = 1 << 24) -> None:
        self.path = path
        self._most = most
        self._largest = largest

    @property
    def is_usable(self) -> bool:
        """Whether it is ours, or not there yet."""
        try:
            with self._opened():
                return True
        except FileNotFoundError:
            return True
        except OSError:
            return False

    def read(self, name: str) -> bytes | None:
        """Return what is kept under a name; `None`: nothing that is ours."""
        with suppress(OSError), self._opened() as folder:
            # A named pipe would keep us waiting.
            opened = os.open(name, _READ | os.O_NONBLOCK, dir_fd=folder)
            with os.fdopen(opened, "rb") as stream:
                status = os.fstat(opened)
                # A second name of the file could be in a folder of others.
                is_alone = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
                if not is_alone or not _is_ours(status):
                    return None
                data = stream.read(self._largest + 1)
                if len(data) <= self._largest:
                    return data
        return None

    def write(self, name: str, data: bytes) -> None:
        """Keep something under a name, whole or not at all.

        Parameters
        ----------
        name
            Name of a file.
        data
            What is kept, in place of what was.
        """
        if len(data) > self._largest:
            return
        with suppress(OSError):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileExistsError):
                self.path.mkdir(mode=0o700)
            with self._opened() as folder:
                _write(folder, name, data)
                self._delete_oldest(folder)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """Hold on to the folder: nobody can put another one in its place.

        Raises
        ------
        OSError
            It is not there, or others may write to it.
        """
        folder = os.open(self.path, _READ | os.O_DIRECTORY)
        try:
            if not _is_ours(os.fstat(folder)):
                raise PermissionError(self.path)
            yield folder
        finally:
            os.close(folder)

    def _delete_oldest(self, folder: int) -> None:
        """Delete what is too much, half written files of killed runs too."""
        names = os.listdir(folder)
        if len(names) <= self._most:
            return
        written: dict[str, int] = {}
        for name in names:
            with suppress(FileNotFoundError):
                status = os.stat(name, dir_fd=folder, follow_symlinks=False)
                written[name] = status.st_mtime_ns
        oldest_first = sorted(written, key=lambda name: written[name])
        for name in oldest_first[: -self._most]:
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)


def _is_ours(status: os.stat_result) -> bool:
    if status.st_uid != os.geteuid():
        return False
    return not status.st_mode & _OTHERS_MAY_WRITE


def _write(folder: int, name: str, data: bytes) -> None:
    # Several processes may write at once; each renames a file of its own.
    part = f".{secrets.token_hex(8)}"
    try:
        new = os.open(part, _CREATE, 0o600, dir_fd=folder)
        with os.fdopen(new, "wb") as stream:
            stream.write(data)
        os.rename(part, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(part, dir_fd=folder)
        raise
