"""An object store: files by key, each there in full or not at all.

Whatever goes wrong is an `OSError`, in the words of the system, without
passwords.
"""

from __future__ import annotations

import errno
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import IO, Any

from ...errors import without_secrets
from ...ports.progress import Pace, unlimited
from ...ports.records import Fence, unfenced
from .digests import Digest

__all__ = ["SWAPPED", "ObjectStore", "limited", "reason"]

SWAPPED = 2**20
"""Bytes of what can be swapped, at most."""


class ObjectStore(ABC):
    """Files by key; keys are relative paths with ``/``."""

    uri: str
    """URI of the store, without passwords, ended by ``/``."""

    @abstractmethod
    def look(self) -> None:
        """Raise `OSError` if the store cannot be seen from here."""

    @abstractmethod
    def date(self) -> str | None:
        """Return what time it is there, as HTTP tells it; `None`: as here."""

    @abstractmethod
    def time(self, key: str) -> datetime | None:
        """Return what time it is there, by a file that is just written.

        Parameters
        ----------
        key
            Folder that may be written to.

        Returns
        -------
        datetime or None
            In UTC; `None` where it does not tell.
        """

    @abstractmethod
    def folders(self, key: str) -> list[str]:
        """Return the names of the folders directly in a folder."""

    @abstractmethod
    def files(self, key: str) -> list[str]:
        """Return the names of the files directly in a folder, sorted."""

    @abstractmethod
    def read(self, key: str, *, limit: int) -> bytes | None:
        """Return the bytes of a file, or `None` where there is none.

        Parameters
        ----------
        key
            Key of the file.
        limit
            Bytes; a larger file is an `OSError`.
        """

    @abstractmethod
    def read_part(self, key: str, begin: int, size: int) -> bytes | None:
        """Return some of the bytes of a file, or `None` where there is none.

        What goes wrong with this file alone is an `OSError` with a number.

        Parameters
        ----------
        key
            Key of the file.
        begin, size
            The first byte, and how many; fewer are returned where it ends.
        """

    @abstractmethod
    def write(self, key: str, data: bytes) -> None:
        """Write a file in one step, in place of the one that is there."""

    @abstractmethod
    def create(self, key: str, data: bytes) -> bool:
        """Write a file unless there is one; say whether it was written.

        Of several who try at once only one is told so.
        """

    @abstractmethod
    def swap(self, key: str, old: bytes, new: bytes) -> bool:
        """Write a file in place of certain bytes; say whether it was.

        Of several who try at once on this host only one is told so.
        """

    @abstractmethod
    def remove(self, key: str) -> None:
        """Remove a file, if it is there."""

    @abstractmethod
    def withdraw(self, key: str, data: bytes) -> bool:
        """Remove a file of certain bytes; say whether it was removed.

        Of several who remove or swap it at once only one is told so.
        """

    @abstractmethod
    def resume(self, key: str) -> None:
        """Clear away what an interrupted run left unfinished in a folder."""

    @abstractmethod
    def clear_leftovers(self) -> None:
        """Clear away what killed runs left in folders three levels down."""

    @abstractmethod
    def add(self, key: str, stream: IO[bytes]) -> Digest:
        """Write a large file, unless the same bytes are there already.

        Parameters
        ----------
        key
            Key of the file; `resume` was called for a folder above it.
        stream
            Its bytes; can be read from the start again.
        """

    @abstractmethod
    def sizes(self, key: str, since: str = "") -> Mapping[str, int]:
        """Return the bytes of all files below a folder, by path within it.

        Parameters
        ----------
        key
            The folder.
        since
            Leave out paths that sort before; nobody looks at them.
        """

    @abstractmethod
    def digest(self, key: str, pace: Pace = unlimited) -> Digest | None:
        """Return the digest of a file, or `None` where there is none.

        Parameters
        ----------
        key
            Key of the file.
        pace
            Told how many bytes were read; it may keep us waiting.
        """

    @abstractmethod
    def put_back(
        self, key: str, stream: IO[bytes], digest: Digest, aside: str | None, fence: Fence = unfenced
    ) -> None:
        """Write a large file where it is gone, or was moved aside.

        Nothing is overwritten: where a file has appeared meanwhile, it is an
        `OSError`.

        Parameters
        ----------
        key
            Key of the file.
        stream
            Its bytes.
        digest
            Of these bytes.
        aside
            Key to which what is there is moved; `None`: there is none.
        fence
            Asked directly before the file changes.
        """

    @abstractmethod
    def settle(self, key: str) -> None:
        """Have the files of a folder on the disk before returning."""


def reason(error: OSError) -> str:
    """Return what the system says, with the file that it concerns."""
    at = f" ({without_secrets(str(error.filename))})" if error.filename else ""
    return f"{error.strerror or error}{at}"


def limited(stream: Any, limit: int, key: str) -> bytes:
    """Read the whole of a stream; one of more bytes is an `OSError`."""
    data: bytes = stream.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"It is larger than {limit} bytes", key)
    return data
