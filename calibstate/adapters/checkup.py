"""What stores of files tell of themselves, and what can be imported here.

Nothing is written: whether it could be is asked of the system.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..errors import Diagnostic, UnreachableError
from ..model.checkups import Examined
from ..ports.silence import USUAL_TIMEOUT
from .objectstores import Folder, open_store, reason

__all__ = ["examine_store", "may_write", "offset_of", "room_at", "versions_here"]

_PACKAGES = ("lsst-daf-butler", "sqlalchemy", "boto3", "rucio-clients")


def examine_store(uri: str, timeout: timedelta = USUAL_TIMEOUT) -> Examined:
    """Look whether files can be kept somewhere.

    Parameters
    ----------
    uri
        A path or an ``s3://`` URI.
    timeout
        How long the store may be silent.

    Raises
    ------
    InvalidStateError
        It is neither.
    UnreachableError
        It does not answer.
    """
    store = open_store(uri, timeout)
    try:
        store.look()
        if isinstance(store, Folder):
            allowed, why = may_write(store.path)
            return Examined(f"{store.uri} can be read", allowed, why, room=room_at(store.path))
        return Examined(
            f"{store.uri} can be listed",
            None,
            "not tried: an object store tells only who writes",
            offset=offset_of(store.date()),
        )
    except OSError as error:
        raise UnreachableError(
            Diagnostic(
                "Store does not answer",
                f"{store.uri}: {reason(error)}.",
                hint="Check the address, the credentials, and that it can be reached from here.",
            )
        ) from error


def may_write(path: Path) -> tuple[bool, str]:
    """Return whether a file or folder may be written, and a sentence.

    Parameters
    ----------
    path
        It, or a folder that would be made.
    """
    there = _nearest(path)
    # Who we act as counts, where the system can be asked for that.
    effective_ids = os.access in os.supports_effective_ids
    if os.access(there, os.W_OK, effective_ids=effective_ids):
        return True, f"{there} may be written"
    return False, f"no permission to write {there}"


def room_at(path: Path) -> int:
    """Return the bytes that are free where a path is, or would be."""
    return shutil.disk_usage(_nearest(path)).free


def _nearest(path: Path) -> Path:
    """Return a path, or the folder in which it would be made."""
    if path.exists():
        return path
    return path.parent


def offset_of(date: str | None) -> timedelta | None:
    """Return how far a ``Date`` of HTTP is ahead of our clock.

    Parameters
    ----------
    date
        As the server says it; `None`: it says nothing.

    Returns
    -------
    timedelta or None
        `None` where it cannot be understood, or says no zone, as when a
        gateway adds a header of its own and both arrive joined.
    """
    if not date:
        return None
    try:
        # It has whole seconds, cut off.
        server_time = parsedate_to_datetime(date) + timedelta(seconds=0.5)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if server_time.tzinfo is None:
        return None
    return server_time - datetime.now(UTC)


def versions_here() -> tuple[str, ...]:
    """Return the versions of what places are asked with."""
    versions = []
    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            number = version(package)
            if number:
                versions.append(f"{package} {number}")
    return tuple(versions)
