"""Records of daily verification, in a folder or in a bucket.

``daily/INSTRUMENT/DAY.json``, one for each observing day.
"""

from __future__ import annotations

import re
from datetime import timedelta

from ..ports.silence import USUAL_TIMEOUT
from .objectstores import open_store
from .records import reached

__all__ = ["days", "name_of", "read", "write"]

_NAME = re.compile(r"([0-9]{8})\.json")

_NOT_READ = "What is kept of daily verification cannot be read."
_NOT_KEPT = "What came of the verification was not kept; the repository has it."


def days(uri: str, instrument: str, *, timeout: timedelta = USUAL_TIMEOUT) -> list[int]:
    """Return the observing days of an instrument that have a file, sorted.

    Parameters
    ----------
    uri
        Path or ``s3://`` URI of the records.
    instrument
        The camera.
    timeout
        How long the store may be silent.

    Raises
    ------
    UnreachableError
        The store does not answer.
    """
    store = open_store(uri, timeout)
    with reached(store, _NOT_READ):
        store.look()
        names = store.files(_folder(instrument))
    matches = map(_NAME.fullmatch, names)
    return sorted(int(match[1]) for match in matches if match)


def read(
    uri: str, instrument: str, day: int, *, limit: int, timeout: timedelta = USUAL_TIMEOUT
) -> bytes | None:
    """Return the file of a day; `None`: there is none.

    Parameters
    ----------
    uri, instrument, timeout
        As for `days`.
    day
        ``YYYYMMDD``.
    limit
        Bytes beyond which it is not read.

    Raises
    ------
    UnreachableError
        The store does not answer.
    """
    store = open_store(uri, timeout)
    with reached(store, _NOT_READ):
        store.look()
        return store.read(_key(instrument, day), limit=limit)


def write(uri: str, instrument: str, day: int, data: bytes, *, timeout: timedelta = USUAL_TIMEOUT) -> None:
    """Write the file of a day in one step, in place of the one that is there.

    Parameters
    ----------
    uri, instrument, timeout
        As for `days`.
    day
        ``YYYYMMDD``.
    data
        What it is to hold.

    Raises
    ------
    UnreachableError
        The store does not answer.
    """
    store = open_store(uri, timeout)
    with reached(store, _NOT_KEPT):
        store.look()
        # Who was killed while writing has left a part of a file.
        store.resume(_folder(instrument))
        store.write(_key(instrument, day), data)


def name_of(instrument: str, day: int) -> str:
    """Return what messages call the file of a day."""
    return _key(instrument, day)


def _folder(instrument: str) -> str:
    return f"daily/{instrument}"


def _key(instrument: str, day: int) -> str:
    return f"{_folder(instrument)}/{day}.json"
