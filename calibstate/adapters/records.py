"""Journals, observations and sights, in a folder or in a bucket."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from typing_extensions import override

from ..errors import Diagnostic, UnreachableError
from ..model.outcomes import JournalLine
from ..model.sights import Beside, KeptLook
from ..ports.records import Journal
from ..ports.silence import USUAL_TIMEOUT
from .objectstores import SWAPPED, Folder, ObjectStore, open_store, reason

__all__ = [
    "begin_of_published",
    "open_journal",
    "publish",
    "publish_exposures",
    "publish_review",
    "publish_sight",
    "publish_watch",
    "published",
    "published_exposures",
    "published_review",
    "published_sight",
    "published_sights",
    "published_watch",
    "reached",
]

_LARGEST_REVIEW = 2**20
"""Bytes; what is larger cannot be swapped."""

_TRIES = 20

_STAMP = "%Y%m%dT%H%M%SZ"
"""Of the moment of a sight, to the second."""

_SIGHT = re.compile(r"([0-9]{8}T[0-9]{6}Z)(?:_([0-9]{2}))?\.json")
"""Name of the file of a sight that is kept; killed writers leave others."""

_WITHIN_SECOND = 99
"""Sights of one second that are kept, at most."""


def open_journal(uri: str, *, timeout: timedelta = USUAL_TIMEOUT) -> Journal:
    """Return a new journal below a path or an ``s3://`` URI.

    There is a file from the first line on.

    Parameters
    ----------
    uri
        Path or ``s3://`` URI.
    timeout
        How long the store may be silent.

    Raises
    ------
    InvalidStateError
        It is neither.
    """
    store = open_store(uri, timeout)
    now = _now()
    # Names are sorted by time, that of runs within one second too.
    within_second = now.microsecond * 0x1000 // 1_000_000
    random = uuid4().hex[:5]
    key = f"journal/{now:%Y%m%dT%H%M%SZ}-{within_second:03x}{random}.jsonl"
    if isinstance(store, Folder):
        return _FileJournal(store, key)
    return _ObjectJournal(store, key)


def publish(
    uri: str,
    place: str,
    data: bytes,
    is_older_than: Callable[[bytes], bool],
    *,
    size: int,
    timeout: timedelta = USUAL_TIMEOUT,
) -> None:
    """Keep what a place showed, in place of what it showed before.

    Parameters
    ----------
    uri
        Path or ``s3://`` URI.
    place
        The repository.
    data
        The observation; it is there in full or not at all.
    is_older_than
        Given the first bytes of the one that is there, says whether this one
        is older, and does not replace it.
    size
        How many bytes that needs.
    timeout
        How long the store may be silent.

    Raises
    ------
    InvalidStateError
        It is neither a path nor an ``s3://`` URI.
    UnreachableError
        The store does not answer.
    """
    store = open_store(uri, timeout)
    key = _observation(place)
    folder, _, _ = key.rpartition("/")
    with reached(store, "The observation was not published."):
        store.look()
        # Who was killed has left a file of some hundred megabytes.
        store.resume(folder)
        begin = store.read_part(key, 0, size)
        if begin is None or not is_older_than(begin):
            store.write(key, data)


def published(
    uri: str,
    place: str,
    *,
    limit: int,
    timeout: timedelta = USUAL_TIMEOUT,
) -> bytes | None:
    """Return what was last published of a place; `None`: nothing was.

    Parameters
    ----------
    uri
        Path or ``s3://`` URI.
    place
        The repository.
    limit
        Bytes beyond which it is not read.
    timeout
        How long the store may be silent.

    Raises
    ------
    InvalidStateError
        It is neither a path nor an ``s3://`` URI.
    UnreachableError
        The store does not answer.
    """
    return _read(uri, _observation(place), limit, timeout)


def begin_of_published(
    uri: str,
    place: str,
    *,
    size: int,
    timeout: timedelta = USUAL_TIMEOUT,
) -> bytes | None:
    """Return the first bytes of what was last published of a place.

    Parameters
    ----------
    uri
        Path or ``s3://`` URI.
    place
        The repository.
    size
        How many.
    timeout
        How long the store may be silent.

    Returns
    -------
    bytes or None
        `None`: nothing was published.

    Raises
    ------
    InvalidStateError
        It is neither a path nor an ``s3://`` URI.
    UnreachableError
        The store does not answer.
    """
    store = open_store(uri, timeout)
    with reached(store, "What was published there cannot be read."):
        store.look()
        return store.read_part(_observation(place), 0, size)


def publish_exposures(
    uri: str,
    place: str,
    data: bytes,
    *,
    timeout: timedelta = USUAL_TIMEOUT,
) -> None:
    """Keep which exposures a place has, in place of those it had before.

    Parameters
    ----------
    uri, place, timeout
        As for `publish`.
    data
        The exposures by night; they are there in full or not at all.

    Raises
    ------
    InvalidStateError
        It is neither a path nor an ``s3://`` URI.
    UnreachableError
        The store does not answer.
    """
    store = open_store(uri, timeout)
    key = _exposures(place)
    folder, _, _ = key.rpartition("/")
    with reached(store, "The exposures were not published."):
        store.look()
        # Of who was killed.
        store.resume(folder)
        store.write(key, data)


def published_exposures(
    uri: str,
    place: str,
    *,
    limit: int,
    timeout: timedelta = USUAL_TIMEOUT,
) -> bytes | None:
    """Return which exposures a place has; `None`: nobody published them.

    Parameters
    ----------
    uri, place, limit, timeout
        As for `published`.

    Raises
    ------
    InvalidStateError
        It is neither a path nor an ``s3://`` URI.
    UnreachableError
        The store does not answer.
    """
    return _read(uri, _exposures(place), limit, timeout)


def publish_review(
    uri: str,
    place: str,
    over: Callable[[bytes | None], bytes],
    *,
    timeout: timedelta = USUAL_TIMEOUT,
) -> None:
    """Keep what a review showed of a place.

    Parameters
    ----------
    uri
        Path or ``s3://`` URI.
    place
        The repository.
    over
        Given what is there, returns what is to be there.  It is asked again
        where somebody else was quicker, so that no review is lost.
    timeout
        How long the store may be silent.

    Raises
    ------
    InvalidStateError
        It is neither a path nor an ``s3://`` URI.
    UnreachableError
        The store does not answer, or others write all the time.
    """
    store = open_store(uri, timeout)
    key = _review(place)
    with reached(store, "The review was not published."):
        store.look()
        for _ in range(_TRIES):
            before = store.read(key, limit=_LARGEST_REVIEW)
            after = over(before)
            if len(after) > _LARGEST_REVIEW:
                raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), key)
            # Neither takes the place of what somebody else has written since.
            if before is None:
                if store.create(key, after):
                    return
            elif store.swap(key, before, after):
                return
        raise OSError(errno.EAGAIN, "others publish at the same time", key)


def published_review(uri: str, place: str, *, timeout: timedelta = USUAL_TIMEOUT) -> bytes | None:
    """Return what was published of reviews of a place; `None`: nothing was.

    Parameters
    ----------
    uri
        Path or ``s3://`` URI.
    place
        The repository.
    timeout
        How long the store may be silent.

    Raises
    ------
    InvalidStateError
        It is neither a path nor an ``s3://`` URI.
    UnreachableError
        The store does not answer.
    """
    return _read(uri, _review(place), _LARGEST_REVIEW, timeout)


def publish_sight(
    uri: str,
    place: str,
    data: bytes,
    at: datetime,
    beside: Callable[[bytes], Beside],
    *,
    limit: int,
    timeout: timedelta = USUAL_TIMEOUT,
) -> None:
    """Keep a sight of a place as its newest one, and one that is new for good.

    Parameters
    ----------
    uri
        Path or ``s3://`` URI.
    place
        The repository.
    data
        The sight.
    at
        When the look began.
    beside
        Given the sight that was the newest, says what this one is beside it.
        It is asked again where somebody else was quicker.
    limit
        Bytes beyond which what is there is not read.
    timeout
        How long the store may be silent.

    Raises
    ------
    InvalidStateError
        It is neither a path nor an ``s3://`` URI.
    UnreachableError
        The store does not answer, or others write all the time.
    """
    store = open_store(uri, timeout)
    newest = _newest_sight(place)
    is_kept = False
    with reached(store, "The sight was not published."):
        store.look()
        store.resume(_sights(place))
        for _ in range(_TRIES):
            before = _read_or_too_large(store, newest, limit)
            standing = Beside.NEW
            if before:
                standing = beside(before)
            # The one that is kept is written first: who is cut off between the
            # two keeps one too many, and none too few.
            if standing.is_kept and not is_kept:
                _keep(store, place, at, data)
                is_kept = True
            if not standing.is_newest or _replaced(store, newest, before, data):
                return
        raise OSError(errno.EAGAIN, "others publish at the same time", newest)


def _read_or_too_large(store: ObjectStore, key: str, limit: int) -> bytes | None:
    """Return a file, empty where it is too large; `None`: there is none."""
    try:
        return store.read(key, limit=limit)
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        return b""


def _keep(store: ObjectStore, place: str, at: datetime, data: bytes) -> None:
    """Write a sight that is kept, in place of no other."""
    for number in range(1, _WITHIN_SECOND + 1):
        key = _sight(place, KeptLook(at, number))
        if store.create(key, data):
            return
        # Who was killed after that had written this very one.
        if _read_or_too_large(store, key, len(data)) == data:
            return
    raise OSError(errno.EEXIST, "too many looks began within one second", key)


def _replaced(store: ObjectStore, key: str, before: bytes | None, data: bytes) -> bool:
    """Write a file in place of what was read; say whether it was."""
    if before is None:
        return store.create(key, data)
    # What cannot be swapped is replaced: of two who do that at once the last
    # one stays, and both are kept.
    if not 0 < len(before) <= SWAPPED:
        store.write(key, data)
        return True
    return store.swap(key, before, data)


def published_sight(
    uri: str,
    place: str,
    kept: KeptLook | None = None,
    *,
    limit: int,
    timeout: timedelta = USUAL_TIMEOUT,
) -> bytes | None:
    """Return a sight of a place; `None`: there is none.

    Parameters
    ----------
    uri
        Path or ``s3://`` URI.
    place
        The repository.
    kept
        One of `published_sights`; `None`: the newest.
    limit
        Bytes beyond which it is not read.
    timeout
        How long the store may be silent.

    Raises
    ------
    InvalidStateError
        It is neither a path nor an ``s3://`` URI.
    UnreachableError
        The store does not answer.
    """
    key = _newest_sight(place)
    if kept:
        key = _sight(place, kept)
    return _read(uri, key, limit, timeout)


def published_sights(uri: str, place: str, *, timeout: timedelta = USUAL_TIMEOUT) -> list[KeptLook]:
    """Return the looks whose sights are kept, the newest first.

    Parameters
    ----------
    uri
        Path or ``s3://`` URI.
    place
        The repository.
    timeout
        How long the store may be silent.

    Raises
    ------
    InvalidStateError
        It is neither a path nor an ``s3://`` URI.
    UnreachableError
        The store does not answer.
    """
    store = open_store(uri, timeout)
    with reached(store, "What was published there cannot be read."):
        store.look()
        names = store.files(_sights(place))
    kept: list[KeptLook] = []
    for name in names:
        parts = _SIGHT.fullmatch(name)
        if parts is None:
            continue
        moment, number = parts.groups()
        # A name may look like a moment that no calendar has.
        with suppress(ValueError):
            began = datetime.strptime(moment, _STAMP).replace(tzinfo=UTC)
            kept.append(KeptLook(began, int(number or 1)))
    return sorted(kept, reverse=True)


def publish_watch(uri: str, site: str, data: bytes, *, timeout: timedelta = USUAL_TIMEOUT) -> None:
    """Keep how the loop of a site goes on, in place of how it went.

    Parameters
    ----------
    uri
        Path or ``s3://`` URI.
    site
        Whose loop it is.
    data
        The file; it is there in full or not at all.
    timeout
        How long the store may be silent.

    Raises
    ------
    InvalidStateError
        It is neither a path nor an ``s3://`` URI.
    UnreachableError
        The store does not answer.
    """
    store = open_store(uri, timeout)
    with reached(store, "How the loop goes on was not written."):
        store.look()
        store.resume("watch")
        store.write(_watch(site), data)


def published_watch(uri: str, site: str, *, limit: int, timeout: timedelta = USUAL_TIMEOUT) -> bytes | None:
    """Return how the loop of a site goes on; `None`: it has none.

    Parameters
    ----------
    uri
        Path or ``s3://`` URI.
    site
        Whose loop it is.
    limit
        Bytes beyond which it is not read.
    timeout
        How long the store may be silent.

    Raises
    ------
    InvalidStateError
        It is neither a path nor an ``s3://`` URI.
    UnreachableError
        The store does not answer.
    """
    return _read(uri, _watch(site), limit, timeout)


def _watch(site: str) -> str:
    return f"watch/{site}.json"


def _read(uri: str, key: str, limit: int, timeout: timedelta) -> bytes | None:
    store = open_store(uri, timeout)
    with reached(store, "What was published there cannot be read."):
        store.look()
        return store.read(key, limit=limit)


class _FileJournal(Journal):
    """A journal in a folder; lines are appended."""

    def __init__(self, store: Folder, key: str) -> None:
        self._store = store
        self._key = key

    @property
    @override
    def name(self) -> str:
        return _name(self._key)

    @override
    def write(self, line: JournalLine) -> None:
        with reached(self._store):
            self._store.append(self._key, _text(line))


class _ObjectJournal(Journal):
    """A journal in a bucket; an object cannot be appended to."""

    def __init__(self, store: ObjectStore, key: str) -> None:
        self._store = store
        self._key = key
        self._written = b""

    @property
    @override
    def name(self) -> str:
        return _name(self._key)

    @override
    def write(self, line: JournalLine) -> None:
        lines = self._written + _text(line)
        with reached(self._store):
            self._store.write(self._key, lines)
        self._written = lines


def _name(key: str) -> str:
    """Return the name of a journal, as `log` calls it."""
    return key.removeprefix("journal/").removesuffix(".jsonl")


def _review(place: str) -> str:
    return f"reviews/{place}.json"


def _sights(place: str) -> str:
    return f"sights/{place}"


def _newest_sight(place: str) -> str:
    return f"{_sights(place)}/newest.json"


def _sight(place: str, kept: KeptLook) -> str:
    # Without colons, which not every file system takes; sorted by time.
    name = f"{kept.began.astimezone(UTC):{_STAMP}}"
    # An underscore sorts behind the dot of the first of this second.
    if kept.number > 1:
        name += f"_{kept.number:02}"
    return f"{_sights(place)}/{name}.json"


def _observation(place: str) -> str:
    # Words may hold dots, so that only a folder tells site and repository.
    return f"observations/{place}.json"


def _exposures(place: str) -> str:
    return f"exposures/{place}.json"


def _now() -> datetime:
    return datetime.now(UTC)


def _text(line: JournalLine) -> bytes:
    text = line.model_dump_json(exclude_none=True)
    return f"{text}\n".encode()


@contextmanager
def reached(
    store: ObjectStore,
    why: str = "Without locks and a journal nothing may be changed.",
) -> Iterator[None]:
    """Tell troubles of a store of records in our words.

    Parameters
    ----------
    store
        Where the records are.
    why
        What is not done now.

    Raises
    ------
    UnreachableError
        It does not answer.
    """
    try:
        yield
    except OSError as error:
        raise UnreachableError(
            Diagnostic(
                "Records cannot be reached",
                f"{store.uri}: {reason(error)}. {why}",
                hint="Try again when they can be written from here, or mend `records`, of the site or in "
                "calibstate.yaml.",
                public=_for_anybody(error),
            )
        ) from error


def _for_anybody(error: OSError) -> str:
    """Return what the system says, without the names of its places."""
    if error.errno is None:
        return ""
    return f"records cannot be reached ({os.strerror(error.errno)})"
