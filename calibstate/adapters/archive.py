"""The archive: bundles in a folder or in a bucket.

A bundle is complete once its manifest is there, so the manifest is written
last; from then on nothing in its folder is written again.
"""

from __future__ import annotations

import errno
import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import IO, Generic, TypeVar

from typing_extensions import override

from ..errors import (
    CalibstateError,
    Diagnostic,
    InvalidStateError,
    NotAsRecordedError,
    PlanIsStaleError,
    RefusedError,
    UnreachableError,
)
from ..model.bundles import BundleFile, Contents, Manifest, bundle_folder
from ..model.damage import DamagedFile
from ..model.names import TicketKey
from ..model.readings import Reading
from ..ports.archive import ArchiveWriter
from ..ports.butler import Export, ExportedFile
from ..ports.progress import Pace, Tally, Watch, unlimited, unwatched
from ..ports.records import Fence, unfenced
from ..ports.silence import USUAL_TIMEOUT, hearing, listening
from ..store.bundle import (
    EXPORT,
    MANIFEST,
    check,
    check_content,
    check_export,
    check_text,
    dump_manifest,
    load_head,
    load_manifest,
    manifest_from,
    read_contents,
)
from .objectstores import Digest, digest_of, open_store, opened, reason

__all__ = ["Archive"]

_LIMIT = 256 * 2**20
"""Bytes of an export or a manifest."""

_OF_ONE_FILE = {errno.EFBIG, errno.EINVAL, errno.EISDIR, errno.ELOOP}
"""What goes wrong with one manifest and says nothing of the others."""

_UNREADABLE = {*_OF_ONE_FILE, errno.EACCES, errno.EIO, errno.EPERM}
"""What goes wrong with one file and says nothing of the others."""

_DAMAGED = ".damaged"
"""Folder of what was found in the place of a bundle's file."""

_THREADS = 8

_KEPT = 4
"""Texts of a kind that are kept parsed; one of 2,870 datasets takes 4 MB."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


_Read = TypeVar("_Read")


class _Recent(Generic[_Read]):
    """What the last few texts say that were asked for."""

    def __init__(self) -> None:
        self._kept: dict[str, _Read] = {}
        """The one that was asked for last is the last."""
        self._reading = threading.Lock()

    def get(self, digest: str, read: Callable[[], _Read]) -> _Read:
        """Return what a text says.

        Parameters
        ----------
        digest
            What tells the text from all others.
        read
            Reads it, where it is not kept.
        """
        # Who asks for what is just being read waits, and has it then.
        with self._reading:
            answer = self._kept.pop(digest, None)
            if answer is None:
                answer = read()
            # It goes to the end, so the first is the one to give up.
            self._kept[digest] = answer
            if len(self._kept) > _KEPT:
                oldest = next(iter(self._kept))
                del self._kept[oldest]
        return answer


class Archive(ArchiveWriter):
    """Bundles in a folder or under a prefix of an S3 bucket.

    Parameters
    ----------
    uri
        A path, or ``s3://BUCKET/PREFIX`` as lsst.resources understands it.
        Nothing is read before the first question.
    clock
        What time it is, in UTC.
    in_time
        Asks for what is read again later, by whoever needs it.
    timeout
        How long the store may be silent.

    Raises
    ------
    InvalidStateError
        It is neither.
    """

    def __init__(
        self,
        uri: str,
        *,
        clock: Callable[[], datetime] = _utc_now,
        in_time: Callable[[Callable[[], str]], str] = lambda read: read(),
        timeout: timedelta = USUAL_TIMEOUT,
    ) -> None:
        self._store = open_store(uri, timeout)
        self._timeout = timeout
        self._clock = clock
        self._in_time = in_time
        # What a step imports was read when it was foreseen, and its manifest
        # is asked for before and after.  Each time the text is read anew.
        self._exports: _Recent[Contents] = _Recent()
        self._manifests: _Recent[Manifest] = _Recent()

    @override
    def bundles(self, tickets: Iterable[TicketKey]) -> Mapping[TicketKey, tuple[Manifest, ...]]:
        keys = list(dict.fromkeys(tickets))
        bundles = {}
        with self._seen():
            self._store.look()
            with _threads() as threads:
                all_manifests = threads.map(self._bundles, keys)
                for key, manifests in zip(keys, all_manifests, strict=True):
                    if manifests:
                        bundles[key] = manifests
        return bundles

    @override
    def contents(self, manifest: Manifest) -> Contents:
        name = f"{self.source(manifest)}{EXPORT}"
        with self._seen():
            data = self._store.read(f"{manifest.folder}/{EXPORT}", limit=_LIMIT)
        if data is None:
            raise RefusedError(
                Diagnostic(
                    "Bundle is damaged",
                    f"{name} is missing, though there is a manifest: somebody removed it.",
                    hint="Bring it back from a copy of the archive, or move the bundle's folder away; "
                    "it is then made anew from the origin.",
                )
            )
        check_text(data, manifest, name=name)
        digest = hashlib.sha256(data).hexdigest()

        def read() -> Contents:
            return read_contents(data.decode(errors="replace"), name=name)

        contents = self._exports.get(digest, read)
        try:
            check(contents, manifest, name=name)
        except InvalidStateError as error:
            # Its list of files is read only now.
            raise RefusedError(*error.diagnostics) from error
        return contents

    @override
    def describe(
        self,
        ticket: TicketKey,
        collections: Sequence[str],
        export: Export,
        *,
        exported_from: str,
        watch: Watch = unwatched,
    ) -> Manifest:
        name = f"The export of {'/'.join(ticket)} from {exported_from}"
        contents = read_contents(export.text, name=name)
        files = self._add_files("", contents, _sources(contents, export, name), watch)
        return manifest_from(
            ticket,
            collections,
            contents,
            files,
            made_at=self._now(),
            exported_from=exported_from,
            text=export.text,
        )

    @override
    def source(self, manifest: Manifest) -> str:
        return f"{self._store.uri}{manifest.folder}/"

    @override
    def sizes(self, manifest: Manifest) -> Mapping[str, int]:
        with self._seen():
            return self._store.sizes(manifest.folder)

    @override
    def read_file(self, manifest: Manifest, file: BundleFile, pace: Pace = unlimited) -> DamagedFile | None:
        key = f"{manifest.folder}/{file.path}"
        try:
            with self._seen():
                digest = self._store.digest(key, pace)
        except UnreachableError as error:
            cause = error.__cause__
            if not isinstance(cause, OSError) or cause.errno not in _UNREADABLE:
                raise
            detail = f"{self._store.uri}{key}: {reason(cause)}."
            raise InvalidStateError(Diagnostic("File of a bundle cannot be read", detail)) from cause
        if digest is None:
            return DamagedFile(file=file)
        if (digest.size, digest.sha256) == (file.size, file.sha256):
            return None
        return DamagedFile(file=file, found_size=digest.size, found_sha256=digest.sha256)

    @override
    def restore_file(
        self, manifest: Manifest, damaged: DamagedFile, source: str, *, fence: Fence = unfenced
    ) -> None:
        file = damaged.file
        key = f"{manifest.folder}/{file.path}"
        with ExitStack() as stack:
            stream = _opened(stack, source, self._timeout)
            # Before anything is moved aside: the source may be damaged too.
            digest = digest_of(stream)
            if (digest.size, digest.sha256) != (file.size, file.sha256):
                detail = f"{source} does not hold what the bundle held."
                raise RefusedError(Diagnostic("File holds other bytes", detail))
            stream.seek(0)
            now = self.read_file(manifest, file)
            if now is None:
                # Somebody was quicker.
                return
            if not damaged.is_as_found(now):
                raise PlanIsStaleError(
                    Diagnostic(
                        "File is not as it was found",
                        f"{self._store.uri}{key}: expected that {damaged.detail}; found that {now.detail}.",
                        hint="Nothing was written. Plan again.",
                    )
                )
            aside = None
            if now.found_sha256:
                aside = f"{_DAMAGED}/{key}-{now.found_sha256[:16]}"
            with self._kept():
                self._store.put_back(key, stream, digest, aside, fence)

    @override
    def add_bundle(
        self,
        ticket: TicketKey,
        collections: Sequence[str],
        fingerprint: str,
        export: Export,
        *,
        exported_from: str,
        by_reference: bool = False,
        content: str | None = None,
        reading: Reading | None = None,
        watch: Watch = unwatched,
        fence: Fence = unfenced,
    ) -> Manifest:
        name = f"The export of {'/'.join(ticket)} from {exported_from}"
        contents = read_contents(export.text, name=name)
        check_export(contents, ticket, collections, fingerprint, name=name)
        sources = _sources(contents, export, name)
        folder = bundle_folder(ticket, fingerprint)
        with self._seen():
            self._store.look()
            there = self._whole_manifest(folder)
        if there is not None:
            check_content(there, content, reading)
            return _same(there, fingerprint)
        # By reference the files stay where they are, and are only digested.
        into = folder
        if by_reference:
            into = ""
        with self._kept():
            fence()
            self._store.resume(folder)
            files = self._add_files(into, contents, sources, watch)
            fence()
            self._store.write(f"{folder}/{EXPORT}", export.text.encode())
            manifest = manifest_from(
                ticket,
                collections,
                contents,
                files,
                made_at=self._now(),
                exported_from=exported_from,
                text=export.text,
                by_reference=by_reference,
            )
            check_content(manifest, content, reading)
            self._store.settle(folder)
            text_of_manifest = dump_manifest(manifest).encode()
            fence()
            if self._store.create(f"{folder}/{MANIFEST}", text_of_manifest):
                return manifest
        # Somebody else has completed the bundle while we were at it.
        with self._seen():
            there = self._whole_manifest(folder)
        if there is None:
            error = FileNotFoundError(folder)
            raise self._unwritten("the manifest was there, and is gone", error)
        check_content(there, content)
        return _same(there, fingerprint)

    @override
    def clear_leftovers(self) -> None:
        with self._seen():
            self._store.clear_leftovers()

    def _now(self) -> str:
        now = self._clock().isoformat(timespec="milliseconds")
        return now.replace("+00:00", "Z")

    def _bundles(self, ticket: TicketKey) -> tuple[Manifest, ...]:
        """Return the bundles of a ticket, the newest first."""
        above = "/".join(ticket)
        complete = []
        for name in self._store.folders(above):
            manifest = self._manifest(f"{above}/{name}")
            # Without a manifest somebody is still at it, or was cut off.
            if manifest is not None:
                complete.append(manifest)
        complete.sort(key=_age, reverse=True)
        return tuple(complete)

    def _manifest(self, folder: str) -> Manifest | None:
        """Return the manifest of a folder by its head, if there is one."""
        data = self._read_manifest(folder)
        if data is None:
            return None
        digest = hashlib.sha256(data).digest()
        name = self._name_of_manifest(folder)

        def read_again() -> str:
            return self._in_time(lambda: self._read_again(folder, digest))

        def load() -> Manifest:
            text = data.decode(errors="replace")
            manifest = load_head(text, name=name, read_again=read_again)
            return _in_its_place(manifest, folder, name)

        return self._manifests.get(f"{folder} {digest.hex()}", load)

    def _whole_manifest(self, folder: str) -> Manifest | None:
        """Return the manifest of a folder with its files checked, if any."""
        data = self._read_manifest(folder)
        if data is None:
            return None
        text = data.decode(errors="replace")
        name = self._name_of_manifest(folder)
        manifest = load_manifest(text, name=name)
        return _in_its_place(manifest, folder, name)

    def _name_of_manifest(self, folder: str) -> str:
        return f"{self._store.uri}{folder}/{MANIFEST}"

    def _read_again(self, folder: str, digest: bytes) -> str:
        """Return the text of a manifest that was read before.

        It is not kept meanwhile, as there may be hundreds.

        Raises
        ------
        InvalidStateError
            It is another one now.
        """
        with self._seen():
            data = self._read_manifest(folder)
        if data is None or hashlib.sha256(data).digest() != digest:
            raise InvalidStateError(
                Diagnostic(
                    "Manifest was changed meanwhile",
                    f"{self._name_of_manifest(folder)} is not what it was when this run looked at it first; "
                    "a bundle is never rewritten by calibstate.",
                    hint="Find out who changes the archive, and run again.",
                )
            )
        return data.decode(errors="replace")

    def _read_manifest(self, folder: str) -> bytes | None:
        name = self._name_of_manifest(folder)
        try:
            return self._store.read(f"{folder}/{MANIFEST}", limit=_LIMIT)
        except OSError as error:
            if error.errno not in _OF_ONE_FILE:
                raise
            raise InvalidStateError(
                Diagnostic(
                    "Bundle cannot be read",
                    f"{name}: {reason(error)}.",
                    hint="Restore it, or move its folder away.",
                )
            ) from error

    def _add_files(
        self,
        folder: str,
        contents: Contents,
        sources: Mapping[str, ExportedFile],
        watch: Watch,
    ) -> list[BundleFile]:
        """Add files to a folder; to none, digest them where they are."""
        # A file can hold several datasets.
        uuids: dict[str, list[str]] = {path: [] for path in sources}
        for dataset in contents.datasets:
            uuids[dataset.path].append(dataset.uuid)
        sizes = [source.size for source in sources.values()]
        tally = Tally(watch, sizes)
        files = []
        with _threads() as threads:
            paths = {}
            for path, source in sources.items():
                future = threads.submit(self._add_file, folder, source)
                paths[future] = path
            try:
                for future in as_completed(paths):
                    path = paths[future]
                    digest = future.result()
                    file = BundleFile(
                        path=path,
                        size=digest.size,
                        sha256=digest.sha256,
                        adler32=digest.adler32,
                        datasets=tuple(uuids[path]),
                    )
                    files.append(file)
                    tally.passed(digest.size)
                    tally.file_done()
            finally:
                # After a failure the rest need not be tried.
                threads.shutdown(wait=False, cancel_futures=True)
        return files

    def _add_file(self, folder: str, source: ExportedFile) -> Digest:
        try:
            with ExitStack() as stack:
                stream = _opened(stack, source.uri, self._timeout)
                if folder:
                    key = f"{folder}/{source.path}"
                    digest = self._store.add(key, stream)
                else:
                    digest = digest_of(stream)
                _check_recorded(source, digest, stream)
        except OSError as error:
            what = f"{source.uri} could not be copied to {folder}/{source.path}"
            raise self._unwritten(what, error) from error
        return digest

    @contextmanager
    def _seen(self) -> Iterator[None]:
        """Tell what goes wrong while we look."""
        try:
            yield
        except OSError as error:
            raise UnreachableError(
                Diagnostic(
                    "Archive cannot be seen",
                    f"{self._store.uri}: {reason(error)}. Which bundles it holds is not known.",
                    hint="Try again when it can be reached from here, or mend `archive` in calibstate.yaml.",
                )
            ) from error

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """Tell what goes wrong while we write."""
        try:
            yield
        except OSError as error:
            raise self._unwritten("a bundle could not be written", error) from error

    def _unwritten(self, what: str, error: OSError) -> CalibstateError:
        return CalibstateError(
            Diagnostic(
                "Archive cannot be written",
                f"{self._store.uri}: {what}: {reason(error)}. Without a manifest there is no bundle.",
                hint="Mend the cause and run again; what is there already is not copied again.",
            )
        )


def _in_its_place(manifest: Manifest, folder: str, name: str) -> Manifest:
    """Return a manifest; refuse one that belongs to another folder."""
    if manifest.folder != folder:
        raise InvalidStateError(
            Diagnostic(
                "Bundle is not where it belongs",
                f"{name} is the manifest of {manifest.folder}; nobody knows which of the two is wrong.",
                hint="Move the folder away, or to where it belongs.",
            )
        )
    return manifest


def _opened(stack: ExitStack, uri: str, timeout: timedelta) -> IO[bytes]:
    try:
        return stack.enter_context(opened(uri, timeout))
    except FileNotFoundError as error:
        raise RefusedError(
            Diagnostic(
                "File of a dataset is gone",
                f"{uri} is not there, though the origin's datastore has a record of it.",
                hint="Restore the file at the origin; a bundle without it would be of no use.",
            )
        ) from error


def _check_recorded(source: ExportedFile, digest: Digest, stream: IO[bytes]) -> None:
    """Refuse a file that is not as the datastore recorded it.

    The butler refuses to read it at the origin.  Where it were brought to, it
    would be recorded as it is, and be read.

    Raises
    ------
    RefusedError
        It has another size or another checksum.
    """
    difference = ""
    if source.size not in {None, digest.size}:
        difference = f"has {digest.size} bytes, and was recorded with {source.size}"
    elif source.checksum:
        # The butler makes its checksums so.
        stream.seek(0)
        checksum = hashlib.file_digest(stream, "blake2b").hexdigest()  # type: ignore[arg-type]
        if source.checksum != checksum:
            difference = "has another checksum than was recorded"
    if not difference:
        return
    raise NotAsRecordedError(
        Diagnostic(
            "File is not as recorded",
            f"{source.uri} {difference}: it was cut off or altered after it was put there, and the butler "
            "refuses to read it.",
            hint="Bring the file back at the origin, or leave its dataset out of the ticket.",
        )
    )


def _sources(
    contents: Contents,
    export: Export,
    name: str,
) -> Mapping[str, ExportedFile]:
    """Return where the files of an export are, by path."""
    sources = {file.path: file for file in export.files}
    of_datasets = {dataset.path for dataset in contents.datasets}
    lacking = of_datasets - sources.keys()
    others = sources.keys() - of_datasets
    if lacking or others:
        raise RefusedError(
            Diagnostic(
                "Export is not what was asked for",
                f"{name} does not tell where to find {len(lacking)} files of datasets and tells of "
                f"{len(others)} others.",
            )
        )
    return sources


def _threads() -> ThreadPoolExecutor:
    """Return threads whose hearing from the store counts for all of us."""
    return ThreadPoolExecutor(_THREADS, initializer=listening, initargs=(hearing(),))


def _same(manifest: Manifest, fingerprint: str) -> Manifest:
    # Sixteen hex digits name the folder; two tickets' contents that share
    # them will not be met by chance.
    if manifest.fingerprint != fingerprint:
        raise RefusedError(
            Diagnostic(
                "Bundle of another content",
                f"{manifest.folder} holds {manifest.fingerprint}; {fingerprint} would go to the same folder.",
                hint="A bundle is never rewritten. Find out who made the one that is there.",
            )
        )
    return manifest


def _age(manifest: Manifest) -> tuple[datetime, str]:
    return datetime.fromisoformat(manifest.made_at), manifest.fingerprint
