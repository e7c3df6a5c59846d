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
from dataclasses import dataclass
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

    def __init__(
        self,
        store: ObjectStore,
        every: timedelta,
        now: Callable[[], datetime],
    ) -> None:
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
            now = stamp(self._time_there())
            lock = Lock(
                id=uuid4().hex,
                place=place,
                who=user(),
                process=this_process(),
                since=now,
                beat=now,
                why=why,
            )
            takeover = self._take(key, lock)
        held = _Held(self._store, key, lock, self._time_there)
        self._held[place] = held
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
            if present is None:
                return False
            holder = self._holder(place, present)
        except LockedError:
            # Nobody knows who holds it.
            return False
        return runs_no_more(holder.process, this_process())

    @override
    def unlock(
        self,
        place: str,
        id: str | None,
        about_to: Callable[[str], None],
    ) -> bool:
        key = _key(place)
        before = None
        for _ in range(_TRIES):
            with reached(self._store):
                self._store.look()
                present = self._read(key)
            if present is None:
                return False
            sentence = self._may_be_broken(place, present, id)
            about_to(sentence)
            with reached(self._store):
                # Its holder may be renewing it just now.
                if self._store.withdraw(key, present):
                    return True
                if present == before:
                    # Nobody renews it: the store does not keep the condition
                    # of the removal, and a person says that nobody works.
                    self._store.remove(key)
                    return True
            before = present
        raise _always_changing(place)

    def _take(self, key: str, lock: Lock) -> str | None:
        """Make a lock ours; say so if it was an ended process's."""
        takeover = None
        data = _text(lock)
        for _ in range(_TRIES):
            if self._store.create(key, data):
                self._check_that_it_excludes(key, data)
                return None
            present = self._read(key)
            if present == data:
                # The server had it, and its answer was lost on the way.
                return takeover
            if present is None:
                # It was given back since.
                continue
            holder = self._holder(lock.place, present)
            if not runs_no_more(holder.process, lock.process):
                raise self._locked(lock.place, holder, lock.process)
            shown = _Shown.of(holder)
            takeover = (
                f"The lock of {lock.place} was taken over: process {shown.pid}, which "
                f"{shown.who} began on this host at {shown.since} "
                f"({shown.why}), runs no more."
            )
            if self._store.swap(key, present, data):
                return takeover
        raise _always_changing(lock.place)

    def _may_be_broken(
        self,
        place: str,
        present: bytes,
        id: str | None,
    ) -> str:
        """Return the sentence that a lock is broken, if it may be."""
        if id == _name_of_damaged(present):
            return f"the lock of {place} that cannot be read, id {id}, is broken"
        holder = self._holder(place, present)
        here = this_process()
        if id != holder.id:
            raise self._locked(place, holder, here)
        shown = _Shown.of(holder)
        if is_seen_from(holder.process, here) and not runs_no_more(holder.process, here):
            raise LockedError(
                Diagnostic(
                    "Holder is alive",
                    f"Process {shown.pid} of {shown.who} still runs on this host and may write to {place} at "
                    "any moment; its lock is not broken.",
                    hint=f"To stop it: kill {shown.pid}. It finishes the step in hand and gives its lock "
                    f"back. Only if it does not: kill -9 {shown.pid}; the next run takes its lock over.",
                )
            )
        return (
            f"the lock of {place}, id {id}, is broken: {shown.who} on "
            f"{shown.host} (process {shown.pid}) held it since "
            f"{shown.since} for {shown.why}"
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
            id = _name_of_damaged(data)
            raise LockedError(
                Diagnostic(
                    "Lock cannot be read",
                    f"{self._store.uri}{_key(place)} is damaged or not ours, so who holds {place} is not "
                    "known.",
                    hint=f"Once it is sure that nobody works there, break it: {_command(place, id)}",
                ),
                holder=id,
            ) from error

    def _locked(
        self,
        place: str,
        lock: Lock,
        here: Process,
    ) -> LockedError:
        """Return why a place cannot be worked on: somebody holds its lock."""
        silent = None
        last_sign = ""
        now = self._time_there()
        # What another version writes there may be no moment.
        with suppress(TypeError, ValueError):
            # The store's clock may have been set back since.
            silent = max(now - datetime.fromisoformat(lock.beat), timedelta())
            last_sign = f" Its last sign of life was {duration(silent)} ago."
        shown = _Shown.of(lock)
        return LockedError(
            Diagnostic(
                "Place is locked",
                f"{place} is being worked on by {shown.who} on {shown.host} "
                f"(process {shown.pid}) since {shown.since}: {shown.why}.{last_sign} "
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
            ahead = timedelta()
            with suppress(OSError):
                there = self._store.time("locks")
                if there:
                    ahead = there - self._now()
            self._ahead = ahead
        return self._now() + self._ahead


class _Held:
    """A lock that we hold."""

    def __init__(
        self,
        store: ObjectStore,
        key: str,
        lock: Lock,
        now: Callable[[], datetime],
    ) -> None:
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
        thread = threading.Thread(target=self._renew, args=(every,), daemon=True)
        thread.start()

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
            if not present or self._store.withdraw(self._key, present):
                return
            # A removal whose answer was lost on the way was done all the
            # same, and somebody else may have the place by now.
            present = self._store.read(self._key, limit=_LIMIT)
            holder = _holder_in(present)
            if holder is None or holder.id != self._lock.id:
                return
            place = self._lock.place
            raise CalibstateError(
                Diagnostic(
                    "Lock cannot be given back",
                    f"The lock of {place} is still at {self._store.uri}{self._key}: the store refuses to "
                    "remove it though nobody changed it, so it does not keep the condition If-Match as S3 "
                    "does. What was done stands; whoever works there next finds the place locked.",
                    hint=f"Break it: {_command(place, self._lock.id)}. And tell the administrators of the "
                    "store.",
                )
            )

    def _renew(self, every: timedelta) -> None:
        while not self._ended.wait(every.total_seconds()):
            # A store that is away for a while may be back at the next beat;
            # nothing is written meanwhile, since each step checks before.
            with suppress(OSError), self._one_at_a_time:
                self._renew_once()

    def _renew_once(self) -> None:
        # It may have been released while we waited for our turn.
        if self._ended.is_set():
            return
        present = self._find_ours()
        if not present:
            return
        beat = stamp(self._now())
        renewed = self._lock.model_copy(update={"beat": beat})
        if not self._store.swap(self._key, present, _text(renewed)):
            self._find_ours()

    def _find_ours(self) -> bytes | None:
        """Return the bytes of our lock; what is lost once stays lost."""
        if self._lost:
            return None
        # By its id: of a renewal whose answer was lost on the way it is not
        # known which bytes are there.
        present = self._store.read(self._key, limit=_LIMIT)
        holder = _holder_in(present)
        if holder and holder.id == self._lock.id:
            return present
        now = "nobody holds the place now"
        if holder:
            shown = _Shown.of(holder)
            now = f"{shown.who} on {shown.host} (process {shown.pid}) holds the place now"
        elif present is not None:
            now = "what is in its place cannot be read"
        ours = self._lock
        self._lost = LockedError(
            Diagnostic(
                "Lock was lost",
                f"The lock of {ours.place}, id {ours.id}, was broken while this run held it; {now}. "
                "Nothing more is written.",
                hint="What was done stands. Ask who broke it (`calibstate log`), then run again to go on.",
            )
        )
        return None


@dataclass(frozen=True)
class _Shown:
    """What a lock says of its holder, as a terminal may show it."""

    who: str
    host: str
    pid: int
    since: str
    why: str

    @classmethod
    def of(cls, lock: Lock) -> _Shown:
        return cls(
            _shown(lock.who),
            _shown(lock.process.host),
            lock.process.pid,
            _shown(lock.since),
            _shown(lock.why),
        )


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


def _holder_in(data: bytes | None) -> Lock | None:
    """Return a lock; `None`: there is none, or nobody can read it."""
    if data is None:
        return None
    try:
        return _parsed(data)
    except ValidationError:
        return None


def _name_of_damaged(data: bytes) -> str:
    return f"damaged-{hashlib.sha256(data).hexdigest()[:16]}"


def _command(place: str, id: str) -> str:
    return f"calibstate unlock {shlex.quote(place)} --id {id}"


def _what_to_do(
    place: str,
    lock: Lock,
    here: Process,
    silent: timedelta | None,
) -> str:
    """Return what a person can do about a lock that somebody holds."""
    pid = lock.process.pid
    if runs_no_more(lock.process, here):
        return "It runs no more: the next run on this host takes its lock over."
    if is_seen_from(lock.process, here):
        return f"{_AGAIN} To stop it after the step in hand: kill {pid}"
    host = _shown(lock.process.host)
    command = _command(place, lock.id)
    if silent is not None and silent > SILENT:
        return (
            "That is stale: the run was killed, or its host is cut off. A run on "
            f"{host} takes its lock over. Or make sure that process {pid} runs there no "
            f"more, and break it: {command}"
        )
    return (
        f"{_AGAIN} If it was killed, a run on {host} takes its lock over. Or once it is sure that it runs "
        f"no more, break it: {command}"
    )


def _always_changing(place: str) -> LockedError:
    detail = f"The lock of {place} changes hands all the time."
    return LockedError(Diagnostic("Place is locked", detail, hint=_AGAIN))


def _shown(text: str) -> str:
    """Return text of others so that a terminal shows it and obeys nothing."""
    shown = ""
    for character in text[:200]:
        shown += character if character.isprintable() else "?"
    return shown
