"""What tells one state of a database in a file from every other one.

SQLite counts commits in the header of its file, and throws its own cache
away by that count, so a state is known by the header and by what the file
system tells of the file.  A file that was put back from a copy may have the
count of another state, and has another inode or another time of change.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["state_of"]

_HEADER = 100
"""Bytes of the header; the count of commits is in 24 to 27."""

_MAGIC = b"SQLite format 3\0"

_BY_ROLLBACK = b"\1\1"
"""Bytes 18 and 19 of a database that keeps no write-ahead log (WAL)."""


def state_of(file: Path) -> str | None:
    """Return what tells the state of a database.

    It is to be asked within a transaction that has read something: until that
    ends, nobody else can write.

    Parameters
    ----------
    file
        The database.

    Returns
    -------
    str or None
        `None`: its state cannot be told, since there is a write-ahead log, or
        something about the file is odd.
    """
    with suppress(OSError):
        status = file.stat()
        header = _header(status)
        # Of what is in a write-ahead log, the file itself says nothing.
        if header is None or header[18:20] != _BY_ROLLBACK:
            return None
        if os.path.lexists(f"{file}-wal"):
            return None
        parts = (
            file,
            status.st_dev,
            status.st_ino,
            status.st_size,
            status.st_mtime_ns,
            # The time of change of the inode nobody can set.
            status.st_ctime_ns,
            header.hex(),
        )
        return " ".join(map(str, parts))
    return None


def _header(status: os.stat_result) -> bytes | None:
    """Return the header, by the descriptor that SQLite itself has open.

    With one of our own we would let go, when we closed it, of all locks that
    this process has on the file (POSIX), and others could write while SQLite
    reads, or writes.
    """
    for descriptor in Path("/dev/fd").iterdir():
        number = int(descriptor.name)
        with suppress(OSError):
            if not os.path.samestat(os.fstat(number), status):
                continue
            header = os.pread(number, _HEADER, 0)
            # Another thread may have closed it and opened something else.
            is_same = os.path.samestat(os.fstat(number), status)
            if is_same and len(header) == _HEADER and header.startswith(_MAGIC):
                return header
    return None
