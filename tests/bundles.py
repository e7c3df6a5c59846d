"""Bundles in folders, made of exports."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from calibstate.model.bundles import Contents, Manifest
from calibstate.model.fingerprints import ticket_fingerprint
from calibstate.model.names import TicketKey
from calibstate.ports.butler import ButlerReader
from calibstate.store.bundle import EXPORT
from tests.fakes.archive import MemoryArchive


@dataclass(frozen=True)
class BundleFolder:
    """A bundle on the disk."""

    manifest: Manifest
    contents: Contents
    folder: Path

    @property
    def source(self) -> str:
        return str(self.folder)

    def file_of(self, uuid: str) -> Path:
        """Return the file of a dataset."""
        return self.folder / self.path_of(uuid)

    def path_of(self, uuid: str) -> str:
        """Return the path of a dataset's file."""
        return next(file.path for file in self.manifest.files if uuid in file.datasets)


def bundle_from(
    origin: ButlerReader,
    folder: Path,
    collections: Sequence[str],
    *,
    ticket: TicketKey = TicketKey("LSSTComCam", "DM-1"),  # noqa: B008
    uris: MutableMapping[str, bytes] | None = None,
    chained: bool = True,
) -> BundleFolder:
    """Export a ticket's collections from an origin into a folder."""
    held = origin.holdings(collections)
    fingerprint = ticket_fingerprint((name, held[name].fingerprint) for name in collections)
    export = origin.export(collections, chain="/calib/".join(ticket) if chained else None)
    archive = MemoryArchive(uris)
    manifest = archive.add_bundle(ticket, collections, fingerprint, export, exported_from="usdf/main")
    source = archive.source(manifest)
    for uri, data in archive.files.items():
        file = folder / uri.removeprefix(source)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    (folder / EXPORT).write_text(export.text)
    return BundleFolder(manifest, archive.contents(manifest), folder)
