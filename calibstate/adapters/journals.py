"""Journals of the past: read as far as they can be."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from datetime import timedelta

from pydantic import ValidationError

from ..errors import Diagnostic, UnreachableError
from ..model.outcomes import Began, JournalLine
from ..model.runs import Ending, PastRun
from ..ports.silence import USUAL_TIMEOUT, heard
from .objectstores import ObjectStore, open_store, reason
from .processes import is_seen_from, runs_no_more, this_process

__all__ = ["past_run", "past_runs"]

_FOLDER = "journal"
_SUFFIX = ".jsonl"
_LARGEST = 256 * 2**20
"""Bytes of a journal."""


def past_runs(uri: str, since: str = "", *, timeout: timedelta = USUAL_TIMEOUT) -> Iterator[PastRun]:
    """Yield the runs that a store keeps, the newest first.

    Parameters
    ----------
    uri
        Path or ``s3://`` URI.
    since
        Leave out what began before, as ``YYYYMMDDTHHMMSSZ``.
    timeout
        How long the store may be silent.

    Raises
    ------
    UnreachableError
        The store does not answer.
    """
    store = open_store(uri, timeout)
    try:
        store.look()
        names = [name.removesuffix(_SUFFIX) for name in store.files(_FOLDER) if name.endswith(_SUFFIX)]
        for name in reversed(names):
            if name >= since:
                yield _read(store, name)
    except OSError as error:
        raise _unreachable(store, error) from error


def past_run(uri: str, name: str, *, timeout: timedelta = USUAL_TIMEOUT) -> PastRun | None:
    """Return a run by its name; `None`: the store keeps no such.

    Parameters
    ----------
    uri
        Path or ``s3://`` URI.
    name
        Of the run.
    timeout
        How long the store may be silent.

    Raises
    ------
    UnreachableError
        The store does not answer.
    """
    store = open_store(uri, timeout)
    try:
        store.look()
        return _read(store, name) if f"{name}{_SUFFIX}" in store.files(_FOLDER) else None
    except OSError as error:
        raise _unreachable(store, error) from error


def _read(store: ObjectStore, name: str) -> PastRun:
    try:
        data = store.read(f"{_FOLDER}/{name}{_SUFFIX}", limit=_LARGEST) or b""
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        # Nobody writes such a one; it hides no other.
        return PastRun(name, store.uri, (), Ending.UNKNOWN, unreadable=1)
    heard()
    lines, unreadable = [], 0
    for text in data.splitlines():
        try:
            lines.append(JournalLine.model_validate_json(text))
        except (ValidationError, RecursionError):
            unreadable += 1
    return PastRun(name, store.uri, tuple(lines), _ending(lines), unreadable)


def _ending(lines: list[JournalLine]) -> Ending:
    if lines and lines[-1].event == "end":
        return Ending.ENDED
    began: Began | None = next((line.began for line in lines if line.began), None)
    here = this_process()
    if began and runs_no_more(began.process, here):
        return Ending.CUT_OFF
    return Ending.GOES_ON if began and is_seen_from(began.process, here) else Ending.UNKNOWN


def _unreachable(store: ObjectStore, error: OSError) -> UnreachableError:
    return UnreachableError(
        Diagnostic("Records cannot be reached", f"{store.uri}: {reason(error)}.", hint="Try again later.")
    )
