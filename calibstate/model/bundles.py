"""A bundle: a ticket exported to the archive.

``manifest.json`` is written last and makes the bundle complete; the rest is
``export.yaml``, which the stock ``butler import`` reads, and the files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, overload

from pydantic import AfterValidator
from typing_extensions import override

from .contents import CollectionType, Holding, Row, format_data_id
from .fingerprints import digest_of_lines
from .names import CollectionName, InstrumentName, Noun, TicketKey, Word
from .readings import Reading
from .timespans import UNBOUNDED, Range

__all__ = [
    "DEFAULT_NAMESPACE",
    "EXPORT",
    "BundleFile",
    "BundledCollection",
    "Contents",
    "FilesOnDemand",
    "Manifest",
    "StoredDataset",
    "bundle_folder",
    "content_line",
    "content_of",
]


EXPORT = "export.yaml"
"""Name of the export within a bundle."""

DEFAULT_NAMESPACE = "daf_butler"
"""Namespace of the dimensions of an export that names none."""


def bundle_folder(ticket: TicketKey, fingerprint: str) -> str:
    """Return the folder of a bundle within the archive."""
    # By what it holds, so that another content never replaces a bundle.
    instrument, name = ticket
    digits = fingerprint.removeprefix("sha256:")
    return f"{instrument}/{name}/{digits[:16]}"


class BundleFile(Noun):
    """A file of a bundle."""

    path: str
    """Path within the bundle; also the path in a destination's datastore."""

    size: int
    """Bytes."""

    sha256: str
    """Hex SHA-256 of its bytes."""

    adler32: str
    """Adler-32 as eight hex digits, as Rucio writes it."""

    datasets: tuple[str, ...]
    """UUIDs of the datasets in it."""


def content_line(uuid: str, size: int, sha256: str) -> str:
    """Return what the digest of a bundle's bytes takes of one dataset.

    Parameters
    ----------
    uuid
        The dataset.
    size
        Bytes of its file.
    sha256
        Hex SHA-256 of its file.
    """
    return f"{uuid}\t{size}\t{sha256}"


def content_of(lines: Iterable[str]) -> str:
    """Return the digest of a bundle's bytes: over sorted `content_line`."""
    return digest_of_lines(sorted(lines))


class FilesOnDemand(Sequence[BundleFile]):
    """The files of a bundle, which are read once somebody asks for them.

    A ticket has thousands, and most that is asked of a bundle its head tells.
    Whoever asks meets what is wrong with them, as an error of whatever reads
    them.

    Parameters
    ----------
    read
        Reads and checks them.
    content_lines
        Reads their `content_line`, as they stand there.
    """

    def __init__(
        self, read: Callable[[], tuple[BundleFile, ...]], content_lines: Callable[[], Iterable[str]]
    ) -> None:
        self._read = read
        self._content_lines = content_lines

    @cached_property
    def _files(self) -> tuple[BundleFile, ...]:
        return self._read()

    @cached_property
    def content(self) -> str:
        """Digest of the bytes of the bundle."""
        return content_of(self._content_lines())

    @override
    def __len__(self) -> int:
        return len(self._files)

    @overload
    def __getitem__(self, index: int) -> BundleFile: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[BundleFile, ...]: ...

    @override
    def __getitem__(self, index: int | slice) -> BundleFile | tuple[BundleFile, ...]:
        return self._files[index]

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._files == tuple(other)

    @override
    def __hash__(self) -> int:
        return hash(self._files)


class BundledCollection(Noun):
    """A collection of a bundle's ticket."""

    name: CollectionName
    type: CollectionType
    fingerprint: str
    datasets: int
    """Number of rows behind the fingerprint."""


class Manifest(Noun):
    """``manifest.json``: what a bundle holds."""

    format_version: Literal["1.0"] = "1.0"
    kind: Literal["bundle"] = "bundle"

    instrument: InstrumentName
    ticket: Word
    fingerprint: str
    """Of the ticket."""

    made_at: str
    """When it was exported, UTC with ``Z``."""

    exported_from: str
    """Address of the origin."""

    by_reference: bool = False
    """Whether the files stayed where they are."""

    collections: tuple[BundledCollection, ...]
    """In search order."""

    # `FilesOnDemand` where only the head was read.
    files: Annotated[Sequence[BundleFile], AfterValidator(tuple)]
    """By path."""

    export: str | None = None
    """Hex SHA-256 of ``export.yaml``; `None` in a bundle of before."""

    reading: Reading | None = None
    """How its files are read; `None` in a bundle of before."""

    @property
    def folder(self) -> str:
        """Folder of the bundle within the archive."""
        return bundle_folder(TicketKey(self.instrument, self.ticket), self.fingerprint)

    @property
    def fingerprints(self) -> dict[str, str]:
        """Fingerprint of each collection."""
        return {collection.name: collection.fingerprint for collection in self.collections}

    @property
    def content(self) -> str:
        """Digest of its bytes."""
        # Files that were not read yet tell it by less than all of them.
        if isinstance(self.files, FilesOnDemand):
            return self.files.content
        lines: list[str] = []
        for file in self.files:
            # A file with several datasets has a line for each.
            for uuid in file.datasets:
                lines.append(content_line(uuid, file.size, file.sha256))
        return content_of(lines)

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Size in bytes of each dataset's file, by UUID."""
        sizes: dict[str, int] = {}
        for file in self.files:
            for uuid in file.datasets:
                sizes[uuid] = file.size
        return sizes


@dataclass(frozen=True)
class StoredDataset:
    """A dataset with its file, as an export tells it."""

    uuid: str
    dataset_type: str
    run: str
    data_id: Mapping[str, int | str]
    """Required dimensions."""
    path: str
    formatter: str
    """Full name of the formatter class."""


@dataclass(frozen=True)
class Contents:
    """What ``export.yaml`` says, in plain data.

    Within dimension records, `~calibstate.store.bundle.nodes.Tagged` values
    stand for what only the butler can construct.
    """

    universe_namespace: str
    """Namespace of the dimensions."""
    universe_version: int
    dimensions: tuple[tuple[str, tuple[Mapping[str, Any], ...]], ...]
    """Element and its records, in the order of the file."""
    dataset_types: Mapping[str, tuple[tuple[str, ...], str, bool]]
    """Dimensions, storage class and whether a calibration, by name."""
    collections: Mapping[str, tuple[CollectionType, str | None, tuple[str, ...]]]
    """Type, documentation and children (of a CHAINED one), by name."""
    datasets: tuple[StoredDataset, ...]
    certifications: Mapping[str, tuple[tuple[Range, tuple[str, ...]], ...]]
    """Ranges with the UUIDs certified for them, by CALIBRATION collection."""

    def holding(self, collection: str) -> Holding:
        """Return what a collection holds according to the export."""
        by_uuid = self._by_uuid
        type_, _, _ = self.collections[collection]
        rows: list[Row] = []
        if type_ is CollectionType.CALIBRATION:
            # It holds datasets of RUNs, each as often as it is certified.
            for (begin, end), uuids in self.certifications.get(collection, ()):
                for uuid in uuids:
                    rows.append(by_uuid[uuid]._replace(begin=begin, end=end))
        else:
            for dataset in self.datasets:
                if dataset.run == collection:
                    rows.append(by_uuid[dataset.uuid])
        return Holding(collection, type_, tuple(rows))

    @cached_property
    def _by_uuid(self) -> dict[str, Row]:
        rows: dict[str, Row] = {}
        for dataset in self.datasets:
            data_id = format_data_id(dataset.data_id)
            rows[dataset.uuid] = Row(dataset.dataset_type, data_id, dataset.uuid, *UNBOUNDED)
        return rows
