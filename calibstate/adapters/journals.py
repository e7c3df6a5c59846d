"""Journals of the past: read as far as they can be."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from datetime import timedelta

from pydantic import ValidationError

from ..errors import Diagnostic, UnreachableError
from ..model.outcomes import JournalLine
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
        # Names begin with the time, and files come in the order of names.
        for file in reversed(store.files(_FOLDER)):
            if not file.endswith(_SUFFIX):
                continue
            name = file.removesuffix(_SUFFIX)
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
        if f"{name}{_SUFFIX}" not in store.files(_FOLDER):
            return None
        return _read(store, name)
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
    lines = []
    unreadable = 0
    for text in data.splitlines():
        try:
            line = JournalLine.model_validate_json(text)
        except (ValidationError, RecursionError):
            unreadable += 1
        else:
            lines.append(line)
    return PastRun(name, store.uri, tuple(lines), _ending(lines), unreadable)


def _ending(lines: list[JournalLine]) -> Ending:
    """Return what became of a run, by its lines or by its process."""
    if lines and lines[-1].event == "end":
        return Ending.ENDED
    here = this_process()
    for line in lines:
        if not line.began:
            continue
        process = line.began.process
        if runs_no_more(process, here):
            return Ending.CUT_OFF
        if is_seen_from(process, here):
            return Ending.GOES_ON
        # Whether a process of another host runs, nobody can tell here.
        return Ending.UNKNOWN
    return Ending.UNKNOWN


def _unreachable(store: ObjectStore, error: OSError) -> UnreachableError:
    detail = f"{store.uri}: {reason(error)}."
    return UnreachableError(Diagnostic("Records cannot be reached", detail, hint="Try again later."))
