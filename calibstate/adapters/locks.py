"""Locks, in a folder or in a bucket.

A lock is made by exclusive creation, so of several runs only one has it, and
it is renewed as long as it is held.  One is taken over only if its holder was
a process of this very host that runs no more.  Whether a process elsewhere
still runs cannot be known, however long it was silent: such a lock is broken
by a person, who names it by its id.
"""

from __future__ import annotations

import errno
import hashlib
import shlex
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from pydantic import ValidationError
from typing_extensions import override

from ..errors import CalibstateError, Diagnostic, LockedError
from ..model.locks import Lock, Process
from ..model.observations import duration, stamp
from ..ports.records import Locks
from ..ports.silence import USUAL_TIMEOUT
from .objectstores import Folder, ObjectStore, open_store
from .processes import is_seen_from, runs_no_more, this_process, user
from .records import reached

__all__ = ["EVERY", "SILENT", "open_locks"]

EVERY = timedelta(seconds=30)
"""How often a lock that is held is renewed."""

SILENT = timedelta(minutes=5)
"""How long nobody who lives is silent."""

_LIMIT = 2**20
"""Bytes of a lock."""

_TRIES = 5


def open_locks(
    uri: str,
    *,
    every: timedelta = EVERY,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    timeout: timedelta = USUAL_TIMEOUT,
) -> Locks:
    """Return the locks that are kept at a path or an ``s3://`` URI.

    Parameters
    ----------
    uri
        Where they are kept.
    every
        How often one that is held is renewed.
    now
        The clock.
    timeout
        How long the store may be silent.

    Raises
    ------
    InvalidStateError
        It is neither.
    """
    return _Locks(open_store(uri, timeout), every, now)


class _Locks(Locks):
    """Locks as files of an object store."""

    def __init__(self, store: ObjectStore, every: timedelta, now: Callable[[], datetime]) -> None:
        self._store = store
        self._every = every
        self._now = now
        self._excludes = isinstance(store, Folder)
        """Whether exclusive creation is known to exclude."""
        self._ahead: timedelta | None = None
        """By how much the store's clock is ahead; `None`: it was not asked."""
        self._held: dict[str, _Held] = {}

    @override
    @contextmanager
    def hold(self, place: str, *, why: str) -> Iterator[str | None]:
        key = _key(place)
        with reached(self._store):
            self._store.look()
            lock = self._new_lock(place, why)
            takeover = self._take(key, lock)
        held = self._held[place] = _Held(self._store, key, lock, self._time_there)
        held.start(self._every)
        try:
            yield takeover
        except BaseException:
            # What went wrong inside is what must be told.
            with suppress(OSError, CalibstateError):
                held.release()
            raise
        finally:
            del self._held[place]
        with reached(self._store):
            held.release()

    @override
    def check(self, place: str) -> None:
        with reached(self._store):
            self._held[place].check()

    @override
    def is_abandoned(self, place: str) -> bool:
        try:
            with reached(self._store):
                present = self._read(_key(place))
            return present is not None and runs_no_more(self._holder(place, present).process, this_process())
        except LockedError:
            return False  # Nobody knows who holds it.

    @override
    def unlock(self, place: str, id: str | None, about_to: Callable[[str], None]) -> bool:
        before = None
        for _ in range(_TRIES):
            with reached(self._store):
                self._store.look()
                present = self._read(_key(place))
            if present is None:
                return False
            about_to(self._may_be_broken(place, present, id))
            with reached(self._store):
                # Its holder may be renewing it just now.
                if self._store.withdraw(_key(place), present):
                    return True
                if present == before:
                    # Nobody renews it: the store does not keep the condition
                    # of the removal, and a person says that nobody works.
                    self._store.remove(_key(place))
                    return True
            before = present
        raise _always_changing(place)

    def _take(self, key: str, lock: Lock) -> str | None:
        """Make a lock ours; say so if it was an ended process's."""
        takeover, data = None, _text(lock)
        for _ in range(_TRIES):
            if self._store.create(key, data):
                self._check_that_it_excludes(key, data)
                return None
            present = self._read(key)
            if present == data:
                # The server had it, and its answer was lost on the way.
                return takeover
            if present is not None:
                takeover = self._succeeding(present, lock)
                if self._store.swap(key, present, data):
                    return takeover
        raise _always_changing(lock.place)

    def _succeeding(self, present: bytes, lock: Lock) -> str:
        """Return the sentence that a lock is taken over, if it may be."""
        holder = self._holder(lock.place, present)
        if not runs_no_more(holder.process, lock.process):
            raise self._locked(lock.place, holder, lock.process)
        return (
            f"The lock of {lock.place} was taken over: process {holder.process.pid}, which "
            f"{_shown(holder.who)} began on this host at {_shown(holder.since)} "
            f"({_shown(holder.why)}), runs no more."
        )

    def _may_be_broken(self, place: str, present: bytes, id: str | None) -> str:
        """Return the sentence that a lock is broken, if it may be."""
        if id == _name_of_damaged(present):
            return f"the lock of {place} that cannot be read, id {id}, is broken"
        holder, here = self._holder(place, present), this_process()
        if id != holder.id:
            raise self._locked(place, holder, here)
        if is_seen_from(holder.process, here) and not runs_no_more(holder.process, here):
            raise _still_runs(place, holder)
        return (
            f"the lock of {place}, id {id}, is broken: {_shown(holder.who)} on "
            f"{_shown(holder.process.host)} (process {holder.process.pid}) held it since "
            f"{_shown(holder.since)} for {_shown(holder.why)}"
        )

    def _check_that_it_excludes(self, key: str, data: bytes) -> None:
        # Some S3 servers overlook the condition of a PUT.  There two runs
        # would both believe that they are alone.
        if self._excludes:
            return
        if self._store.create(key, data):
            self._store.remove(key)
            raise OSError("It overwrites files that should only be created, so locks exclude nobody")
        self._excludes = True

    def _read(self, key: str) -> bytes | None:
        try:
            return self._store.read(key, limit=_LIMIT)
        except OSError as error:
            if error.errno == errno.EFBIG:
                raise LockedError(
                    Diagnostic(
                        "Lock cannot be read",
                        f"{self._store.uri}{key} is far too large to be a lock of ours.",
                        hint="Remove it by hand once it is sure that nobody works on the place.",
                    )
                ) from error
            raise

    def _holder(self, place: str, data: bytes) -> Lock:
        try:
            return _parsed(data)
        except ValidationError as error:
            raise LockedError(
                Diagnostic(
                    "Lock cannot be read",
                    f"{self._store.uri}{_key(place)} is damaged or not ours, so who holds {place} is not "
                    "known.",
                    hint="Once it is sure that nobody works there, break it: "
                    f"{_command(place, _name_of_damaged(data))}",
                ),
                holder=_name_of_damaged(data),
            ) from error

    def _locked(self, place: str, lock: Lock, here: Process) -> LockedError:
        process, silent = lock.process, _silence(lock, self._time_there())
        life = "" if silent is None else f" Its last sign of life was {duration(silent)} ago."
        return LockedError(
            Diagnostic(
                "Place is locked",
                f"{place} is being worked on by {_shown(lock.who)} on {_shown(process.host)} "
                f"(process {process.pid}) since {_shown(lock.since)}: {_shown(lock.why)}.{life} "
                f"The lock is {self._store.uri}{_key(place)}, id {lock.id}.",
                hint=_what_to_do(place, lock, here, silent),
            ),
            holder=lock.id,
        )

    def _time_there(self) -> datetime:
        """Return the time by the store's clock.

        The clock of any host may err, so both who holds a lock and who looks
        at it go by the store's, which is asked once in a run.
        """
        if self._ahead is None:
            self._ahead = self._ask_how_far_ahead()
        return self._now() + self._ahead

    def _ask_how_far_ahead(self) -> timedelta:
        with suppress(OSError):
            if there := self._store.time("locks"):
                return there - self._now()
        return timedelta()

    def _new_lock(self, place: str, why: str) -> Lock:
        now = stamp(self._time_there())
        return Lock(
            id=uuid4().hex, place=place, who=user(), process=this_process(), since=now, beat=now, why=why
        )


class _Held:
    """A lock that we hold."""

    def __init__(self, store: ObjectStore, key: str, lock: Lock, now: Callable[[], datetime]) -> None:
        self._store = store
        self._key = key
        self._lock = lock
        self._now = now
        self._lost: LockedError | None = None
        self._ended = threading.Event()
        self._one_at_a_time = threading.Lock()

    def start(self, every: timedelta) -> None:
        """Renew it from now on, until it is released."""
        # Nobody waits for a daemon, so that a second interrupt ends at once.
        threading.Thread(target=self._renew, args=(every,), daemon=True).start()

    def check(self) -> None:
        """Raise if it is ours no more."""
        with self._one_at_a_time:
            self._find_ours()
            if self._lost:
                raise self._lost

    def release(self) -> None:
        """Give it back.

        Raises
        ------
        LockedError
            Somebody has broken it.
        CalibstateError
            It is still there, and is not taken back.
        """
        self._ended.set()
        with self._one_at_a_time:
            present = self._find_ours()
            if self._lost:
                raise self._lost
            if present and not self._store.withdraw(self._key, present) and self._is_there():
                raise _not_given_back(self._store.uri + self._key, self._lock)

    def _is_there(self) -> bool:
        # A removal whose answer was lost on the way was done all the same.
        present = self._store.read(self._key, limit=_LIMIT)
        with suppress(ValidationError):
            return present is not None and _parsed(present).id == self._lock.id
        return False

    def _renew(self, every: timedelta) -> None:
        while not self._ended.wait(every.total_seconds()):
            # A store that is away for a while may be back at the next beat;
            # nothing is written meanwhile, since each step checks before.
            with suppress(OSError), self._one_at_a_time:
                self._renew_once()

    def _renew_once(self) -> None:
        if self._ended.is_set() or not (present := self._find_ours()):
            return
        renewed = self._lock.model_copy(update={"beat": stamp(self._now())})
        if not self._store.swap(self._key, present, _text(renewed)):
            self._find_ours()

    def _find_ours(self) -> bytes | None:
        """Return the bytes of our lock; what is lost once stays lost."""
        if self._lost:
            return None
        # By its id: of a renewal whose answer was lost on the way it is not
        # known which bytes are there.
        present = self._store.read(self._key, limit=_LIMIT)
        holder = None
        with suppress(ValidationError):
            holder = _parsed(present) if present is not None else None
        if holder and holder.id == self._lock.id:
            return present
        self._lost = _lost(self._lock, present, holder)
        return None


_AGAIN = "Wait until that run has ended, then run again."


def _key(place: str) -> str:
    name = place.replace("/", "__")
    if "___" in name or name.count("__") > 1:
        # Nobody could tell any more where the site ends.
        name = place.replace("_", "~").replace("/", "__")
    return f"locks/{name}.json"


def _text(lock: Lock) -> bytes:
    return (lock.model_dump_json() + "\n").encode()


def _parsed(data: bytes) -> Lock:
    return Lock.model_validate_json(data, strict=True)


def _name_of_damaged(data: bytes) -> str:
    return f"damaged-{hashlib.sha256(data).hexdigest()[:16]}"


def _command(place: str, id: str) -> str:
    return f"calibstate unlock {shlex.quote(place)} --id {id}"


def _silence(lock: Lock, now: datetime) -> timedelta | None:
    """Return for how long a holder gave no sign of life, where told."""
    try:
        # The store's clock may have been set back since.
        return max(now - datetime.fromisoformat(lock.beat), timedelta())
    except (TypeError, ValueError):
        return None


def _what_to_do(place: str, lock: Lock, here: Process, silent: timedelta | None) -> str:
    if runs_no_more(lock.process, here):
        return "It runs no more: the next run on this host takes its lock over."
    if is_seen_from(lock.process, here):
        return f"{_AGAIN} To stop it after the step in hand: kill {lock.process.pid}"
    host, command = _shown(lock.process.host), _command(place, lock.id)
    if silent is not None and silent > SILENT:
        return (
            "That is stale: the run was killed, or its host is cut off. A run on "
            f"{host} takes its lock over. Or make sure that process {lock.process.pid} runs there no "
            f"more, and break it: {command}"
        )
    return (
        f"{_AGAIN} If it was killed, a run on {host} takes its lock over. Or once it is sure that it runs "
        f"no more, break it: {command}"
    )


def _still_runs(place: str, lock: Lock) -> LockedError:
    pid = lock.process.pid
    return LockedError(
        Diagnostic(
            "Holder is alive",
            f"Process {pid} of {_shown(lock.who)} still runs on this host and may write to {place} at any "
            "moment; its lock is not broken.",
            hint=f"To stop it: kill {pid}. It finishes the step in hand and gives its lock back. Only if it "
            f"does not: kill -9 {pid}; the next run takes its lock over.",
        )
    )


def _lost(ours: Lock, present: bytes | None, holder: Lock | None) -> LockedError:
    now = "nobody holds the place now"
    if holder:
        host, pid = _shown(holder.process.host), holder.process.pid
        now = f"{_shown(holder.who)} on {host} (process {pid}) holds the place now"
    elif present is not None:
        now = "what is in its place cannot be read"
    return LockedError(
        Diagnostic(
            "Lock was lost",
            f"The lock of {ours.place}, id {ours.id}, was broken while this run held it; {now}. "
            "Nothing more is written.",
            hint="What was done stands. Ask who broke it (`calibstate log`), then run again to go on.",
        )
    )


def _not_given_back(uri: str, lock: Lock) -> CalibstateError:
    return CalibstateError(
        Diagnostic(
            "Lock cannot be given back",
            f"The lock of {lock.place} is still at {uri}: the store refuses to remove it though nobody "
            "changed it, so it does not keep the condition If-Match as S3 does. What was done stands; "
            "whoever works there next finds the place locked.",
            hint=f"Break it: {_command(lock.place, lock.id)}. And tell the administrators of the store.",
        )
    )


def _always_changing(place: str) -> LockedError:
    return LockedError(
        Diagnostic("Place is locked", f"The lock of {place} changes hands all the time.", hint=_AGAIN)
    )


def _shown(text: str) -> str:
    """Return text of others so that a terminal shows it and obeys nothing."""
    return "".join(c if c.isprintable() else "?" for c in text[:200])
