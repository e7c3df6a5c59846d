"""Stores to which instruments write their readings: folders, and buckets.

The Large File Annex is a bucket with a folder for each instrument and, in it,
one for each observing day.
"""

from __future__ import annotations

import errno
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from typing_extensions import override

from ..errors import Diagnostic, RefusedError, UnreachableError
from ..ports.progress import FILES, Watch, unwatched
from ..ports.silence import USUAL_TIMEOUT, hearing, listening
from ..ports.sources import LabelledFile, ListedFile, SourceStore
from .fitsheader import HeaderError, read_header
from .local import in_text
from .objectstores import open_store, reason

__all__ = ["DayFolders"]

_THREADS = 8
"""Files that are read at once."""

_LARGEST = 16 * 2**20
"""Bytes of the largest JSON file that is read."""

_LONGEST = 200
"""Characters of a value that are kept; names of exposures are shorter."""

_IN_DAY_FOLDER = re.compile(r"([0-9]{4})/([0-9]{2})/([0-9]{2})/([^/]+)", re.DOTALL)


class DayFolders(SourceStore):
    """A folder of days, on a disk or in a bucket.

    Parameters
    ----------
    uri
        A path, or ``s3://BUCKET/PREFIX``, or ``s3://PROFILE@BUCKET/PREFIX``.
    watch
        Told how many files have been read.
    timeout
        How long it may be silent.
    """

    def __init__(self, uri: str, watch: Watch = unwatched, timeout: timedelta = USUAL_TIMEOUT) -> None:
        self._store = open_store(uri, timeout)
        self.uri = self._store.uri
        """Its URI, without passwords, ended by ``/``."""
        self._watch = watch
        self._labels: dict[tuple[ListedFile, tuple[str, ...]], LabelledFile] = {}
        """What was read already in this run."""

    @override
    def listed(self, since: int, endings: Sequence[str]) -> Sequence[ListedFile]:
        # Folders of days sort as days do: a store is told where to begin.
        year, month, day = since // 10000, since // 100 % 100, since % 100
        files: list[ListedFile] = []
        with self._seen():
            self._store.look()
            paths = self._store.sizes("", since=f"{year:04d}/{month:02d}/{day:02d}")
        for path in paths:
            # Indices, notes and files that are being written lie there too.
            parts = _IN_DAY_FOLDER.fullmatch(path)
            if parts and path.endswith(tuple(endings)) and _is_day(parts[1], parts[2], parts[3]):
                number = int(f"{parts[1]}{parts[2]}{parts[3]}")
                files.append(ListedFile(number, in_text(parts[4]), self._uri(path)))
        return sorted(files)

    @override
    def labels(self, files: Sequence[ListedFile], keys: Sequence[str]) -> Mapping[ListedFile, LabelledFile]:
        wanted = tuple(keys)
        unread = [file for file in files if (file, wanted) not in self._labels]

        def read(file: ListedFile) -> None:
            self._labels[file, wanted] = self._label(file, wanted)

        if unread:
            self._several(read, unread)
        return {file: self._labels[file, wanted] for file in files}

    def _several(self, work: Callable[[ListedFile], None], files: Sequence[ListedFile]) -> None:
        """Do something with files, several at a time."""
        # What the threads hear from the store counts for all of us.
        with (
            self._seen(),
            ThreadPoolExecutor(_THREADS, initializer=listening, initargs=(hearing(),)) as threads,
        ):
            futures = [threads.submit(work, file) for file in files]
            try:
                for done, future in enumerate(as_completed(futures), 1):
                    future.result()
                    self._watch(FILES, done, len(files))
            finally:
                # After a failure the rest need not be tried.
                threads.shutdown(wait=False, cancel_futures=True)

    def _label(self, file: ListedFile, keys: Sequence[str]) -> LabelledFile:
        """Return what a file says; its trouble is its own.

        Raises
        ------
        OSError
            The store cannot be seen any more.
        """
        key = self._key(file)
        if not _is_text(key):
            return LabelledFile({}, "its name is no UTF-8, so that no URI tells where it is")
        try:
            if file.name.endswith(".json"):
                return self._label_of_json(key, keys)
            header = read_header(lambda begin, size: self._part(key, begin, size))
        except HeaderError as error:
            return LabelledFile({}, str(error))
        except OSError as error:
            # What has no number is no answer about this file: the store is
            # away, and so are all others.
            if error.errno is None:
                raise
            return LabelledFile({}, _trouble(error))
        return LabelledFile({name: header[name] for name in keys if name in header})

    def _label_of_json(self, key: str, keys: Sequence[str]) -> LabelledFile:
        data = self._store.read(key, limit=_LARGEST)
        if data is None:
            raise _gone(key)
        try:
            document = json.loads(data)
        except (ValueError, RecursionError):
            return LabelledFile({}, "it is no JSON")
        values: dict[str, str] = {}
        for name in keys:
            value = _within(document, name)
            if isinstance(value, str | int | float):
                values[name] = _shortened(str(value))
        return LabelledFile(values)

    def _part(self, key: str, begin: int, size: int) -> bytes:
        part = self._store.read_part(key, begin, size)
        if part is None:
            raise _gone(key)
        return part

    @override
    @contextmanager
    def copied(self, files: Sequence[ListedFile]) -> Iterator[str]:
        with tempfile.TemporaryDirectory(prefix="calibstate-") as folder:

            def copy(file: ListedFile) -> None:
                key = self._key(file)
                try:
                    data = self._store.read(key, limit=_LARGEST)
                    if data is None:
                        raise _gone(key)
                    # A bucket has names that are too long for a folder.
                    Path(folder, file.name).write_bytes(data)
                except OSError as error:
                    if error.errno is None:
                        raise
                    detail = f"{file.uri}: {_trouble(error)}."
                    raise RefusedError(Diagnostic("File cannot be read", detail)) from error

            self._several(copy, files)
            yield folder

    @override
    def now(self) -> datetime:
        return datetime.now(UTC)

    def _uri(self, path: str) -> str:
        # Of a URI `#`, `?` and `%` are not themselves, and line ends fall out.
        quoted = quote(os.fsencode(path), safe="/:")
        return f"{self.uri}{quoted}"

    def _key(self, file: ListedFile) -> str:
        return unquote(file.uri.removeprefix(self.uri), errors="surrogateescape")

    @contextmanager
    def _seen(self) -> Iterator[None]:
        """Tell that the store cannot be seen."""
        try:
            yield
        except OSError as error:
            raise UnreachableError(
                Diagnostic(
                    "Source cannot be seen",
                    f"{self.uri}: {reason(error)}. Which files it holds is not known.",
                    hint="Try again when it can be reached from here, or correct `from` of the source.",
                )
            ) from error


def _is_day(year: str, month: str, day: str) -> bool:
    """Say whether folders are a day with one before and one behind it."""
    try:
        there = date(int(year), int(month), int(day))
    except ValueError:
        return False
    return date.min < there < date.max


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shortened(text: str) -> str:
    """Return what a file says so that it can be told, however long it is."""
    # JSON has halves of characters, which no other document can hold.
    text = text[: _LONGEST + 1].encode(errors="replace").decode()
    if len(text) > _LONGEST:
        return f"{text[:_LONGEST]}…"
    return text


def _gone(key: str) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), key)


def _trouble(error: OSError) -> str:
    """Say why a file that is listed cannot be read."""
    if error.errno == errno.ENOENT:
        return "it is listed, and is not there"
    if error.errno == errno.EACCES:
        return "it is listed, and may not be read"
    return f"it cannot be read: {error.strerror}"


def _within(document: Any, name: str) -> Any:
    """Return a value of an object, or of objects in it; `None`: none."""
    for key in name.split("."):
        if not isinstance(document, dict):
            return None
        document = document.get(key)
    return document
