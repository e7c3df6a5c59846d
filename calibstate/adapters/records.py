"""Locks, journals and observations, in a folder or in a bucket.

A lock is made by exclusive creation, so of several runs only one has it.
One is taken over only if its holder was a process of this very host that
runs no more; whether a process elsewhere still runs cannot be known.
"""

from __future__ import annotations

import errno
import getpass
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from pydantic import ValidationError
from typing_extensions import override

from ..errors import Diagnostic, LockedError, UnreachableError
from ..model.locks import Lock, Process
from ..model.outcomes import JournalLine
from ..ports.records import Journal, Locks
from .shelves import Folder, Shelf, open_shelf, reason

__all__ = ["open_journal", "open_locks", "publish", "published", "runs_no_more", "this_process"]

_LIMIT = 64 * 2**10
"""Bytes of a lock."""

_TRIES = 5


def open_locks(uri: str) -> Locks:
    """Return the locks that are kept at a path or an ``s3://`` URI.

    Raises
    ------
    InvalidStateError
        It is neither.
    """
    return _Locks(open_shelf(uri))


def open_journal(uri: str) -> Journal:
    """Return a new journal below a path or an ``s3://`` URI.

    There is a file from the first line on.

    Raises
    ------
    InvalidStateError
        It is neither.
    """
    shelf = open_shelf(uri)
    key = f"journal/{_now():%Y%m%dT%H%M%SZ}-{uuid4().hex[:8]}.jsonl"
    return _FileJournal(shelf, key) if isinstance(shelf, Folder) else _ObjectJournal(shelf, key)


def publish(uri: str, place: str, data: bytes) -> None:
    """Keep what a place showed, in place of what it showed before.

    Parameters
    ----------
    uri
        Path or ``s3://`` URI.
    place
        The repository.
    data
        The observation; it is there in full or not at all.

    Raises
    ------
    InvalidStateError
        It is neither a path nor an ``s3://`` URI.
    UnreachableError
        The store does not answer.
    """
    shelf = open_shelf(uri)
    with _reached(shelf, "The observation was not published."):
        shelf.look()
        shelf.write(_observation(place), data)


def published(uri: str, place: str, *, limit: int) -> bytes | None:
    """Return what was last published of a place; `None`: nothing was.

    Parameters
    ----------
    uri
        Path or ``s3://`` URI.
    place
        The repository.
    limit
        Bytes beyond which it is not read.

    Raises
    ------
    InvalidStateError
        It is neither a path nor an ``s3://`` URI.
    UnreachableError
        The store does not answer.
    """
    shelf = open_shelf(uri)
    with _reached(shelf, "What was published there cannot be read."):
        shelf.look()
        return shelf.read(_observation(place), limit=limit)


def this_process() -> Process:
    """Return who we are."""
    pid = os.getpid()
    return Process(
        host=socket.gethostname(),
        pid=pid,
        started=_stat(pid)[1],
        machine=_first_line(Path("/etc/machine-id")),
        boot=_first_line(Path("/proc/sys/kernel/random/boot_id")),
        namespace=_pid_namespace(),
    )


def runs_no_more(holder: Process, here: Process) -> bool:
    """Say whether a process is known to have ended.

    Parameters
    ----------
    holder
        The process.
    here
        A process of this host.
    """
    if (holder.host, holder.machine) != (here.host, here.machine):
        return False
    if holder.boot != here.boot:
        # Without a machine-id it may as well be another host of that name.
        return bool(here.machine)
    if holder.namespace != here.namespace:
        return False
    return _has_ended(holder)


class _Locks(Locks):
    """Locks as files of a shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._excludes = isinstance(shelf, Folder)
        """Whether exclusive creation is known to exclude."""

    @override
    @contextmanager
    def hold(self, place: str, *, why: str) -> Iterator[str | None]:
        key, lock = _key(place), _new_lock(place, why)
        data = (lock.model_dump_json() + "\n").encode()
        with _reached(self._shelf):
            self._shelf.look()
            said = self._take(key, lock, data)
        try:
            yield said
        except BaseException:
            # What went wrong inside is what must be told.
            with suppress(OSError):
                self._release(key, data)
            raise
        with _reached(self._shelf):
            self._release(key, data)

    @override
    def is_abandoned(self, place: str) -> bool:
        with _reached(self._shelf):
            found = self._read(_key(place))
        if found is None:
            return False
        try:
            return runs_no_more(self._holder(_key(place), found).process, this_process())
        except LockedError:
            return False  # Nobody knows who holds it.

    def _take(self, key: str, lock: Lock, data: bytes) -> str | None:
        """Make a lock ours; say so if it was an ended process's."""
        said = None
        for _ in range(_TRIES):
            if self._shelf.create(key, data):
                self._check_that_it_excludes(key, data)
                return None
            found = self._read(key)
            if found == data:
                # The server had it, and its answer was lost on the way.
                return said
            if found is not None:
                said = self._succeeding(key, found, lock)
                if self._shelf.swap(key, found, data):
                    return said
        raise LockedError(
            Diagnostic(
                "Place is locked", f"The lock of {lock.place} changes hands all the time.", hint=_AGAIN
            )
        )

    def _succeeding(self, key: str, found: bytes, lock: Lock) -> str:
        """Return the sentence that a lock is taken over, if it may be."""
        holder = self._holder(key, found)
        if not runs_no_more(holder.process, lock.process):
            raise _locked(holder, f"{self._shelf.uri}{key}", lock.process)
        return (
            f"The lock of {lock.place} was taken over: process {holder.process.pid}, which "
            f"{_shown(holder.who)} began on this host at {_shown(holder.since)} "
            f"({_shown(holder.why)}), runs no more."
        )

    def _check_that_it_excludes(self, key: str, data: bytes) -> None:
        # Some S3 servers overlook the condition of a PUT.  There two runs
        # would both believe that they are alone.
        if self._excludes:
            return
        if self._shelf.create(key, data):
            self._shelf.remove(key)
            raise OSError("It overwrites files that should only be created, so locks exclude nobody")
        self._excludes = True

    def _read(self, key: str) -> bytes | None:
        try:
            return self._shelf.read(key, limit=_LIMIT)
        except OSError as error:
            if error.errno == errno.EFBIG:
                return b""
            raise

    def _holder(self, key: str, data: bytes) -> Lock:
        try:
            return Lock.model_validate_json(data, strict=True)
        except ValidationError as error:
            raise LockedError(
                Diagnostic(
                    "Lock cannot be read",
                    f"{self._shelf.uri}{key} is damaged or not ours, so who holds it is not known.",
                    hint="Remove it by hand once it is sure that nobody works on the place.",
                )
            ) from error

    def _release(self, key: str, data: bytes) -> None:
        # Somebody may have broken our lock and hold the place now.
        if self._read(key) == data:
            self._shelf.remove(key)


class _FileJournal(Journal):
    """A journal in a folder; lines are appended."""

    def __init__(self, shelf: Folder, key: str) -> None:
        self._shelf = shelf
        self._key = key

    @override
    def write(self, line: JournalLine) -> None:
        with _reached(self._shelf):
            self._shelf.append(self._key, _text(line))


class _ObjectJournal(Journal):
    """A journal in a bucket; an object cannot be appended to."""

    def __init__(self, shelf: Shelf, key: str) -> None:
        self._shelf = shelf
        self._key = key
        self._written = b""

    @override
    def write(self, line: JournalLine) -> None:
        with _reached(self._shelf):
            self._shelf.write(self._key, self._written + _text(line))
        self._written += _text(line)


_AGAIN = "Wait until that run has ended, then run again."


def _observation(place: str) -> str:
    # Words may hold dots, so that only a folder tells site and repository.
    return f"observations/{place}.json"


def _key(place: str) -> str:
    return f"locks/{place.replace('/', '__')}.json"


def _now() -> datetime:
    return datetime.now(UTC)


def _new_lock(place: str, why: str) -> Lock:
    return Lock(
        id=uuid4().hex,
        place=place,
        who=_user(),
        process=this_process(),
        since=f"{_now():%Y-%m-%dT%H:%M:%SZ}",
        why=why,
    )


def _text(line: JournalLine) -> bytes:
    return (line.model_dump_json(exclude_none=True) + "\n").encode()


@contextmanager
def _reached(
    shelf: Shelf, why: str = "Without locks and a journal nothing may be changed."
) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnreachableError(
            Diagnostic(
                "Records cannot be reached",
                f"{shelf.uri}: {reason(error)}. {why}",
                hint="Try again when they can be written from here, or mend `records` in calibstate.yaml.",
            )
        ) from error


def _locked(lock: Lock, where: str, here: Process) -> LockedError:
    process = lock.process
    hint = _AGAIN
    if process.host != here.host:
        hint += f" If it was killed, a run on {_shown(process.host)} takes its lock over."
    return LockedError(
        Diagnostic(
            "Place is locked",
            f"{_shown(lock.place)} is being worked on by {_shown(lock.who)} on {_shown(process.host)} "
            f"(process {process.pid}) since {_shown(lock.since)}: {_shown(lock.why)}. "
            f"The lock is {where}, id {_shown(lock.id)}.",
            hint=hint,
        )
    )


def _shown(text: str) -> str:
    """Return text of others so that a terminal shows it and obeys nothing."""
    return "".join(c if c.isprintable() else "?" for c in text[:200])


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # Containers run as users that have no name.
        return f"uid {os.getuid()}"


def _has_ended(holder: Process) -> bool:
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        # It runs, and is another user's.
        pass
    state, started = _stat(holder.pid)
    return state in {"Z", "X"} or (None not in {started, holder.started} and started != holder.started)


def _stat(pid: int) -> tuple[str, int | None]:
    """Return the state of a process and when it started, where known."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return "", None
    # The name, in parentheses, may itself hold spaces and parentheses.
    state, *numbers = stat.rpartition(")")[2].split()
    return state, int(numbers[18])


def _first_line(path: Path) -> str:
    try:
        return path.read_text(errors="replace").partition("\n")[0]
    except OSError:
        return ""


def _pid_namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
