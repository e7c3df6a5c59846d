"""The files of a butler: where they are recorded to be, and whether they are.

The datastore's records and its files are two things; each can be there
without the other.  A file may be a member of a zip file: its URI has a
fragment then, and is the place of no file.  A repository may chain several
datastores; what any of them has is there.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from lsst.daf.butler import Butler, DatasetRef
from lsst.daf.butler.datastores.chainedDatastore import ChainedDatastore
from lsst.daf.butler.datastores.fileDatastore import FileDatastore
from lsst.resources import ResourcePath

from ...errors import Diagnostic, RefusedError
from ..batches import TOGETHER, for_each
from ..local import size_at

__all__ = [
    "Artifact",
    "FileStore",
    "artifacts",
    "as_only_datastore",
    "by_distance",
    "file_stores",
    "first_writable",
    "has_datastore",
    "is_in_zip",
    "lack_of_files",
    "others_recorded_at",
    "recorded",
    "size_of",
    "sizes_of",
    "unrecorded_below",
]

_IN_ZIP = "zip-path="
"""How the fragment of a URI begins that names a member of a zip file."""

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Artifact:
    """A file, or a member of a zip file, that a dataset is recorded in."""

    uri: ResourcePath
    """Where it is; with a fragment where it is within another file."""

    formatter: str
    """Full name of the class that reads it; empty where nothing is
    recorded."""

    size: int | None = None
    """Recorded size in bytes; `None`: not recorded."""

    checksum: str | None = None
    """Recorded BLAKE2b of its bytes, in hex; `None`: not recorded."""


@dataclass(frozen=True)
class FileStore:
    """A datastore of files, alone or within a chain."""

    datastore: FileDatastore
    root: ResourcePath

    @property
    def is_writable(self) -> bool:
        """Whether files may be put there, as far as it can be told."""
        if not self.root.isLocal:
            return True
        folder = Path(self.root.ospath)
        # A datastore that nothing was ever put into has no folder yet.
        existing = next(above for above in (folder, *folder.parents) if above.is_dir())
        return os.access(existing, os.W_OK)


def file_stores(butler: Butler) -> tuple[FileStore, ...]:
    """Return the datastores of files, in the order in which they are asked."""
    # A butler behind a server has none of its own.
    datastore = getattr(butler, "_datastore", None)
    return tuple(FileStore(child, child.root) for child in _children(datastore))


def has_datastore(butler: Butler) -> bool:
    """Say whether a butler tells where files are recorded to be."""
    # One behind a server has no datastore of its own.
    return getattr(butler, "_datastore", None) is not None


def _children(datastore: Any) -> Iterator[FileDatastore]:
    if isinstance(datastore, ChainedDatastore):
        for child in datastore.datastores:
            yield from _children(child)
    elif isinstance(datastore, FileDatastore):
        yield datastore


def first_writable(butler: Butler, name: str) -> FileStore:
    """Return the datastore that files are put into.

    Parameters
    ----------
    butler
        Whose.
    name
        What messages call it.

    Raises
    ------
    RefusedError
        None of its datastores keeps files.
    """
    if none := lack_of_files(butler, name):
        raise RefusedError(none)
    stores = file_stores(butler)
    # Where none may be written, whoever tries is told why.
    return next((store for store in stores if store.is_writable), stores[0])


def lack_of_files(butler: Butler, name: str) -> Diagnostic | None:
    """Say that a repository has no datastore of files; `None`: it has.

    Parameters
    ----------
    butler
        Whose.
    name
        What messages call it.
    """
    if file_stores(butler):
        return None
    datastores = ", ".join(butler.get_datastore_names()) or "none"
    return Diagnostic(
        "Datastore is not one of files",
        f"{name} has the datastores {datastores}; none of them keeps files that can be copied.",
        hint="Only repositories with a datastore of files can be exported or changed.",
    )


@contextmanager
def as_only_datastore(butler: Butler, store: FileStore) -> Iterator[None]:
    """Let a butler record files in one of its datastores only.

    A chain of datastores would look for the file in each of its children,
    and refuse it for those whose folder it is not in.
    """
    whole = butler._datastore
    butler._datastore = store.datastore
    try:
        yield
    finally:
        butler._datastore = whole


def artifacts(butler: Butler, refs: Iterable[DatasetRef]) -> dict[str, tuple[Artifact, ...]]:
    """Return the files in which datasets are recorded.

    Parameters
    ----------
    butler
        Where.
    refs
        Datasets; those that no datastore has a record of are left out of the
        answer.

    Returns
    -------
    dict
        By UUID; more than one where a dataset was written in components.
        Where several datastores have a dataset, those of the first in which
        no file is gone: the butler falls back on it too.
    """
    wanted = list(refs)
    if not wanted:
        return {}
    stores = file_stores(butler)
    answers: dict[str, tuple[Artifact, ...]] = {}
    again: dict[str, list[tuple[Artifact, ...]]] = {}
    for store in stores:
        # Datastores of a chain may share a table of records; the butler knows
        # besides by name which of them a dataset is in.
        located = _located(store.datastore, wanted) if len(stores) > 1 else {}
        for uuid, files in located.items():
            if uuid in answers:
                again.setdefault(uuid, [answers[uuid]]).append(files)
            else:
                answers[uuid] = files
    for store in stores:
        # That name changes where a folder is moved, and records are enough.
        missing = [ref for ref in wanted if str(ref.id) not in answers]
        answers |= _recorded_in(store.datastore, missing) if missing else {}
    for uuid, choices in again.items():
        answers[uuid] = choices[0]
        for files in choices:
            if all(size_of(file.uri) is not None for file in files):
                answers[uuid] = files
                break
    return answers


def _located(datastore: FileDatastore, refs: Sequence[DatasetRef]) -> dict[str, tuple[Artifact, ...]]:
    """Return the files of those datasets that are in a datastore by name."""
    answers: dict[str, tuple[Artifact, ...]] = {}
    for data in datastore.export_records(refs).values():
        for uuid, by_table in data.records.items():
            infos: list[Any] = []
            for recorded_there in by_table.values():
                infos += recorded_there
            answers[str(uuid)] = tuple(_artifact(info, datastore) for info in infos)
    return answers


def _recorded_in(datastore: FileDatastore, refs: Sequence[DatasetRef]) -> dict[str, tuple[Artifact, ...]]:
    """Return the files of those datasets that a datastore has records of."""
    # The butler has no public question for sizes, formatters and checksums.
    records = datastore._get_stored_records_associated_with_refs(refs, ignore_datastore_records=True)
    answers: dict[str, tuple[Artifact, ...]] = {}
    for uuid, infos in records.items():
        if infos:
            answers[str(uuid)] = tuple(_artifact(info, datastore) for info in infos)
    missing = [ref for ref in refs if str(ref.id) not in answers]
    if missing and datastore.trustGetRequest:
        # It has files that it has no record of, and finds them by their names.
        for ref, uris in datastore.getManyURIs(missing, allow_missing=True).items():
            files = (uris.primaryURI,) if uris.primaryURI else tuple(uris.componentURIs.values())
            answers[str(ref.id)] = tuple(Artifact(uri, "") for uri in files)
    return answers


def _artifact(info: Any, datastore: FileDatastore) -> Artifact:
    return Artifact(
        info.file_location(datastore.locationFactory).uri,
        info.formatter,
        info.file_size if info.file_size is not None and info.file_size >= 0 else None,
        info.checksum or None,
    )


def others_recorded_at(store: FileStore, file: ResourcePath, excluded: Iterable[str]) -> list[str]:
    """Return the datasets besides known ones that are recorded in a file.

    Parameters
    ----------
    store
        The datastore that the file is in.
    file
        The file.
    excluded
        UUIDs of datasets that are not told.
    """
    path = file.relative_to(store.root)
    if path is None:
        return []
    by_path = store.datastore._refs_associated_with_artifacts([path])
    datasets: set[str] = set()
    for uuids in by_path.values():
        datasets.update(str(uuid) for uuid in uuids)
    return sorted(datasets - set(excluded))


def unrecorded_below(butler: Butler, folder: str) -> tuple[str, ...]:
    """Return the files below a folder of the datastores that are of nobody.

    Parameters
    ----------
    butler
        Whose.
    folder
        Relative to the roots, such as the name of a RUN.
    """
    nobodys: list[str] = []
    for store in file_stores(butler):
        below = store.root.join(f"{folder}/", forceDirectory=True)
        if below.isLocal and not Path(below.ospath).is_dir():
            continue
        files: dict[str, ResourcePath] = {}
        for file in ResourcePath.findFileResources([below]):
            path = file.relative_to(store.root)
            if path is not None:
                files[path] = file
        # The butler has no public question for who has a file.
        owners = store.datastore._refs_associated_with_artifacts(list(files)) if files else {}
        for path, file in files.items():
            if not owners.get(path):
                nobodys.append(file.ospath if file.isLocal else str(file))
    return tuple(sorted(nobodys))


def recorded(butler: Butler, refs: Iterable[DatasetRef]) -> set[str]:
    """Return the UUIDs of those datasets that the datastore has a record of.

    Parameters
    ----------
    butler
        Where.
    refs
        Datasets.
    """
    wanted = list(refs)
    if not has_datastore(butler):
        # A server does not tell, and what is not known is not missing.
        return {str(ref.id) for ref in wanted}
    if not wanted:
        # A repository that was never written to has no table of records.
        return set()
    # The butler has no public question for this that does not also make a
    # URI for each (four times as long) or look at each file.
    has_record = butler._datastore.knows_these(wanted)
    return {str(ref.id) for ref, is_recorded in has_record.items() if is_recorded}


def is_in_zip(uri: ResourcePath) -> bool:
    """Say whether a URI names a part of a file, and no file."""
    return bool(uri.fragment)


def size_of(file: ResourcePath) -> int | None:
    """Return the size of a file in bytes; `None` where there is none."""
    if is_in_zip(file):
        return _sizes_in_zip(file, [file])[file]
    if file.isLocal:
        return size_at(file.ospath)
    try:
        return file.size()
    except (FileNotFoundError, NotADirectoryError):
        return None


def sizes_of(files: Iterable[ResourcePath]) -> dict[ResourcePath, int | None]:
    """Return the sizes of files in bytes; `None` where there is none."""
    wanted = list(dict.fromkeys(files))
    whole = [file for file in wanted if not is_in_zip(file)]
    sizes: dict[ResourcePath, int | None] = {}
    for some, together in by_distance(whole, lambda file: file):
        sizes |= zip(some, for_each(size_of, some, together=together), strict=True)
    within: dict[ResourcePath, list[ResourcePath]] = {}
    for file in wanted:
        if is_in_zip(file):
            within.setdefault(file.replace(fragment=""), []).append(file)
    for answer in for_each(lambda item: _sizes_in_zip(*item), list(within.items())):
        sizes.update(answer)
    return sizes


def by_distance(
    items: Iterable[_Item], file_of: Callable[[_Item], ResourcePath]
) -> Iterator[tuple[list[_Item], int]]:
    """Yield what is on this machine and what is not.

    Parameters
    ----------
    items
        Files, or what goes with them.
    file_of
        Returns the file of one.

    Yields
    ------
    list
        Some of them.
    int
        How many of them `~calibstate.adapters.batches.for_each` may ask
        together.
    """
    here: list[_Item] = []
    elsewhere: list[_Item] = []
    for item in items:
        (here if file_of(item).isLocal else elsewhere).append(item)
    yield here, TOGETHER
    yield elsewhere, 1


def _sizes_in_zip(zip_file: ResourcePath, members: Sequence[ResourcePath]) -> dict[ResourcePath, int | None]:
    """Return the sizes of some members of a zip file."""
    try:
        with zip_file.open("rb") as stream, zipfile.ZipFile(stream) as archive:
            sizes: dict[str, int] = {info.filename: info.file_size for info in archive.infolist()}
    except (FileNotFoundError, NotADirectoryError, zipfile.BadZipFile):
        # What no longer is a zip file has no members.
        sizes = {}
    return {member: sizes.get(_path_in_zip(member)) for member in members}


def _path_in_zip(uri: ResourcePath) -> str:
    """Return the path of a member within its zip file."""
    return uri.unquoted_fragment.removeprefix(_IN_ZIP)
