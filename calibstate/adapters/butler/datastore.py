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
from contextlib import contextmanager, suppress
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
    "Files",
    "FilesByUuid",
    "artifacts",
    "as_only_datastore",
    "by_distance",
    "file_stores",
    "files_of_nobody",
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

Sizes = dict[ResourcePath, int | None]
"""Sizes of files in bytes; `None` where there is none."""


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


Files = tuple[Artifact, ...]
"""The files of a dataset; several where it was written in components."""

FilesByUuid = dict[str, Files]


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
    return tuple(_file_stores_in(datastore))


def has_datastore(butler: Butler) -> bool:
    """Say whether a butler tells where files are recorded to be."""
    # One behind a server has no datastore of its own.
    return getattr(butler, "_datastore", None) is not None


def _file_stores_in(datastore: Any) -> Iterator[FileStore]:
    """Yield a datastore of files, or those within a chain of datastores."""
    if isinstance(datastore, ChainedDatastore):
        for child in datastore.datastores:
            yield from _file_stores_in(child)
    elif isinstance(datastore, FileDatastore):
        yield FileStore(datastore, datastore.root)


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
    none = lack_of_files(butler, name)
    if none:
        raise RefusedError(none)
    stores = file_stores(butler)
    for store in stores:
        if store.is_writable:
            return store
    # Where none may be written, whoever tries is told why.
    return stores[0]


def lack_of_files(butler: Butler, name: str) -> Diagnostic | None:
    """Return why a repository keeps no files; `None`: it does.

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


def artifacts(butler: Butler, refs: Iterable[DatasetRef]) -> FilesByUuid:
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
    files_of: FilesByUuid = {}
    # First by the name of the datastore that the butler has a dataset in:
    # datastores of a chain may share a table of records, and only the name
    # tells them apart.  Alone, a datastore has no other to be mistaken for.
    choices_of = _choices(stores, wanted) if len(stores) > 1 else {}
    for uuid, choices in choices_of.items():
        files_of[uuid] = choices[0]
    # Then by their records alone: that name changes where a folder is moved.
    for store in stores:
        missing = [ref for ref in wanted if str(ref.id) not in files_of]
        if missing:
            files_of |= _recorded_in(store.datastore, missing)
    # Of several choices the first with all files; to look takes a while, so
    # it is left to the end, and to those that have a choice.
    for uuid, choices in choices_of.items():
        if len(choices) > 1:
            whole = (files for files in choices if _are_there(files))
            files_of[uuid] = next(whole, choices[0])
    return files_of


def _choices(
    stores: Iterable[FileStore],
    refs: Sequence[DatasetRef],
) -> dict[str, list[Files]]:
    """Return the files of datasets in each datastore that has them by name.

    Parameters
    ----------
    stores
        Datastores, in the order in which the butler asks them.
    refs
        The datasets.
    """
    choices_of: dict[str, list[Files]] = {}
    for store in stores:
        datastore = store.datastore
        for data in datastore.export_records(refs).values():
            for uuid, by_table in data.records.items():
                infos: list[Any] = []
                for recorded_there in by_table.values():
                    infos += recorded_there
                files = _artifacts(infos, datastore)
                choices_of.setdefault(str(uuid), []).append(files)
    return choices_of


def _are_there(files: Files) -> bool:
    return all(size_of(file.uri) is not None for file in files)


def _recorded_in(
    datastore: FileDatastore,
    refs: Sequence[DatasetRef],
) -> FilesByUuid:
    """Return the files of those datasets that a datastore has records of."""
    # The butler has no public question for sizes, formatters and checksums.
    records = datastore._get_stored_records_associated_with_refs(refs, ignore_datastore_records=True)
    files_of: FilesByUuid = {}
    for uuid, infos in records.items():
        if infos:
            files_of[str(uuid)] = _artifacts(infos, datastore)
    missing = [ref for ref in refs if str(ref.id) not in files_of]
    if missing and datastore.trustGetRequest:
        # It has files that it has no record of, and finds them by their names.
        for ref, uris in datastore.getManyURIs(missing, allow_missing=True).items():
            whole = uris.primaryURI
            parts = [whole] if whole else list(uris.componentURIs.values())
            files_of[str(ref.id)] = tuple(Artifact(uri, "") for uri in parts)
    return files_of


def _artifacts(infos: Iterable[Any], datastore: FileDatastore) -> Files:
    """Return the files of a dataset, as a datastore recorded them."""
    files: list[Artifact] = []
    for info in infos:
        location = info.file_location(datastore.locationFactory)
        size = info.file_size
        # A negative one stands for none that was recorded.
        if size is not None and size < 0:
            size = None
        file = Artifact(
            uri=location.uri,
            formatter=info.formatter,
            size=size,
            checksum=info.checksum or None,
        )
        files.append(file)
    return tuple(files)


def others_recorded_at(
    store: FileStore,
    file: ResourcePath,
    excluded: Iterable[str],
) -> list[str]:
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
        datasets.update(map(str, uuids))
    return sorted(datasets.difference(excluded))


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
    for _, file in files_of_nobody(butler, folder):
        nobodys.append(file.ospath if file.isLocal else str(file))
    return tuple(sorted(nobodys))


def files_of_nobody(butler: Butler, folder: str) -> Iterator[tuple[str, ResourcePath]]:
    """Yield the files below a folder that no dataset is recorded in.

    Parameters
    ----------
    butler
        Whose.
    folder
        Relative to the roots of its datastores.

    Yields
    ------
    str
        Path of a file, relative to the root that it is below.
    ResourcePath
        The file.
    """
    for store in file_stores(butler):
        below = store.root.join(f"{folder}/", forceDirectory=True)
        if below.isLocal and not Path(below.ospath).is_dir():
            continue
        files: dict[str, ResourcePath] = {}
        for file in ResourcePath.findFileResources([below]):
            path = file.relative_to(store.root)
            # In an object store a folder may be an object without bytes.
            is_folder = file.path.endswith("/")
            if path is not None and not is_folder:
                files[path] = file
        # The butler has no public question for who has a file.
        owners = store.datastore._refs_associated_with_artifacts(list(files)) if files else {}
        for path, file in files.items():
            if not owners.get(path):
                yield path, file


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
    uuids: set[str] = set()
    for ref, is_recorded in has_record.items():
        if is_recorded:
            uuids.add(str(ref.id))
    return uuids


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


def sizes_of(files: Iterable[ResourcePath]) -> Sizes:
    """Return the sizes of files in bytes; `None` where there is none."""
    whole: list[ResourcePath] = []
    members_of: dict[ResourcePath, list[ResourcePath]] = {}
    for file in dict.fromkeys(files):
        if is_in_zip(file):
            zip_file = file.replace(fragment="")
            members_of.setdefault(zip_file, []).append(file)
        else:
            whole.append(file)
    sizes: Sizes = {}
    for some, together in by_distance(whole, lambda file: file):
        sizes |= zip(some, for_each(size_of, some, together=together), strict=True)
    # A zip file is opened once, however many members are asked for.
    answers = for_each(lambda item: _sizes_in_zip(*item), list(members_of.items()))
    for answer in answers:
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
        if file_of(item).isLocal:
            here.append(item)
        else:
            elsewhere.append(item)
    yield here, TOGETHER
    yield elsewhere, 1


def _sizes_in_zip(zip_file: ResourcePath, members: Sequence[ResourcePath]) -> Sizes:
    """Return the sizes of some members of a zip file."""
    size_by_path: dict[str, int] = {}
    # What is gone, or no longer is a zip file, has no members.
    with (
        suppress(FileNotFoundError, NotADirectoryError, zipfile.BadZipFile),
        zip_file.open("rb") as stream,
        zipfile.ZipFile(stream) as archive,
    ):
        for info in archive.infolist():
            size_by_path[info.filename] = info.file_size
    sizes: Sizes = {}
    for member in members:
        path = member.unquoted_fragment.removeprefix(_IN_ZIP)
        sizes[member] = size_by_path.get(path)
    return sizes
