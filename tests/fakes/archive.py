"""An archive in memory, for tests of what uses one."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from typing_extensions import override

from calibstate.errors import Diagnostic, NotAsRecordedError, PlanIsStaleError, RefusedError
from calibstate.model.bundles import BundleFile, Contents, Manifest, bundle_folder
from calibstate.model.damage import DamagedFile
from calibstate.model.names import TicketKey
from calibstate.model.readings import Reading
from calibstate.ports.archive import ArchiveWriter
from calibstate.ports.butler import Export, ExportedFile
from calibstate.ports.progress import Pace, Tally, Watch, unlimited, unwatched
from calibstate.ports.records import Fence, unfenced
from calibstate.store import bundle
from calibstate.store.bundle import check, check_content, check_export, check_text, manifest_from

__all__ = ["MemoryArchive"]

read_contents = lru_cache(64)(bundle.read_contents)
"""What is read again and again is never changed."""


class MemoryArchive(ArchiveWriter):
    """Bundles in a dictionary.

    Parameters
    ----------
    origin
        Bytes by URI, of files that exist only in a test's mind; other URIs
        are read from the disk.
    clock
        What time it is.
    """

    def __init__(
        self,
        origin: Mapping[str, bytes] | None = None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._origin = {} if origin is None else origin
        self._clock = clock
        self.manifests: dict[str, Manifest] = {}
        """Manifests by folder."""
        self.exports: dict[str, str] = {}
        """Exports by folder."""
        self.files: dict[str, bytes] = {}
        """Files by URI."""
        self.kept_aside: list[bytes] = []
        """What was found in the place of files that were restored."""

    @override
    def bundles(self, tickets: Iterable[TicketKey]) -> Mapping[TicketKey, tuple[Manifest, ...]]:
        newest_first = sorted(self.manifests.values(), key=lambda m: (m.made_at, m.fingerprint), reverse=True)
        found = {
            key: tuple(m for m in newest_first if (m.instrument, m.ticket) == key) for key in set(tickets)
        }
        return {key: manifests for key, manifests in found.items() if manifests}

    @override
    def contents(self, manifest: Manifest) -> Contents:
        text = self.exports.get(manifest.folder)
        if text is None:
            raise RefusedError(
                Diagnostic("Bundle is damaged", f"export.yaml of {manifest.folder} is missing.")
            )
        check_text(text.encode(), manifest)
        contents = read_contents(text)
        check(contents, manifest)
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
        contents = read_contents(export.text)
        files = [
            _bundle_file(
                file.path,
                self._whole(file),
                tuple(d.uuid for d in contents.datasets if d.path == file.path),
            )
            for file in export.files
        ]
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
        return f"memory://archive/{manifest.folder}/"

    @override
    def sizes(self, manifest: Manifest) -> Mapping[str, int]:
        source = self.source(manifest)
        return {uri.removeprefix(source): len(data) for uri, data in self.files.items() if source in uri}

    @override
    def read_file(self, manifest: Manifest, file: BundleFile, pace: Pace = unlimited) -> DamagedFile | None:
        data = self.files.get(f"{self.source(manifest)}{file.path}")
        if data is None:
            return DamagedFile(file=file)
        pace(len(data))
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 == file.sha256:
            return None
        return DamagedFile(file=file, found_size=len(data), found_sha256=sha256)

    @override
    def restore_file(
        self, manifest: Manifest, damaged: DamagedFile, source: str, *, fence: Fence = unfenced
    ) -> None:
        data, uri = self._read(source), f"{self.source(manifest)}{damaged.file.path}"
        if hashlib.sha256(data).hexdigest() != damaged.file.sha256:
            raise RefusedError(Diagnostic("File holds other bytes", source))
        now = self.read_file(manifest, damaged.file)
        if now is None:
            return
        if not damaged.is_as_found(now):
            raise PlanIsStaleError(Diagnostic("File is not as it was found", uri))
        fence()
        self.kept_aside += [self.files[uri]] if uri in self.files else []
        self.files[uri] = data

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
        contents = read_contents(export.text)
        check_export(contents, ticket, collections, fingerprint)
        if {d.path for d in contents.datasets} != {f.path for f in export.files}:
            raise RefusedError(Diagnostic("Export is not what was asked for", "Its files are others."))
        folder = bundle_folder(ticket, fingerprint)
        if folder in self.manifests:
            check_content(self.manifests[folder], content, reading)
            return self.manifests[folder]
        files = []
        tally = Tally(watch, [file.size for file in export.files])
        for file in export.files:
            data = self._whole(file)
            uuids = tuple(d.uuid for d in contents.datasets if d.path == file.path)
            files.append(_bundle_file(file.path, data, uuids))
            if not by_reference:
                self.files[f"memory://archive/{folder}/{file.path}"] = data
            tally.passed(len(data))
            tally.file_done()
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
        fence()
        self.exports[folder] = export.text
        self.manifests[folder] = manifest
        return self.manifests[folder]

    @override
    def clear_leftovers(self) -> None:
        # A dictionary is never cut off in the middle of a file.
        pass

    def _now(self) -> str:
        return self._clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _whole(self, file: ExportedFile) -> bytes:
        data = self._read(file.uri)
        checksum = hashlib.blake2b(data).hexdigest()
        if file.size not in {None, len(data)} or file.checksum not in {None, checksum}:
            raise NotAsRecordedError(Diagnostic("File is not as recorded", file.uri))
        return data

    def _read(self, uri: str) -> bytes:
        if uri in self._origin:
            return self._origin[uri]
        try:
            return Path(unquote(urlsplit(uri).path) if uri.startswith("file:") else uri).read_bytes()
        except FileNotFoundError as error:
            raise RefusedError(Diagnostic("File of a dataset is gone", uri)) from error


def _bundle_file(path: str, data: bytes, uuids: tuple[str, ...]) -> BundleFile:
    return BundleFile(
        path=path,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        adler32=f"{zlib.adler32(data):08x}",
        datasets=uuids,
    )
