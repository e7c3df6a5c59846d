"""All that a repository keeps of calibrations, as its registry tells it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lsst.daf.butler import Butler, CollectionInfo, DatasetRef
from lsst.daf.butler.registry import CollectionType as ButlersType  # type: ignore[attr-defined]
from lsst.resources import ResourcePath
from typing_extensions import override

from ...model.contents import CollectionType, Holding
from ...model.names import RepositoryAddress
from ...model.retention import Inventory, LitterFile, StoredAs
from ...ports.retention import RetentionReader
from ...ports.silence import USUAL_TIMEOUT, heard
from ..batches import for_each
from .datastore import artifacts, by_distance, files_of_nobody, has_datastore, sizes_of
from .holdings import read_rows
from .opening import Repository

__all__ = ["open_retention_reader"]


def open_retention_reader(
    address: RepositoryAddress, uri: str, timeout: timedelta = USUAL_TIMEOUT
) -> RetentionReader:
    """Return a repository in which all that it keeps is looked at.

    Parameters
    ----------
    address
        What it is called.
    uri
        URI or path of the repository.
    timeout
        How long it may be silent.

    Raises
    ------
    UnreachableError
        It cannot be opened from here.
    """
    repository = Repository(uri, timeout)
    return _Reader(address, repository, repository.open(writeable=False))


class _Reader(RetentionReader):
    """A repository to look at."""

    def __init__(self, address: RepositoryAddress, repository: Repository, butler: Butler) -> None:
        self._address = address
        self._repository = repository
        self._butler = butler

    @override
    def inventory(self, folders: Iterable[str]) -> Inventory:
        with self._repository.asking():
            # Dataset types may have been removed or defined again since.
            self._butler.registry.refresh()
            chains: dict[str, tuple[str, ...]] = {}
            for info in self._infos("*", ButlersType.CHAINED):
                chains[info.name] = tuple(info.children)
            # Of all collections only these are looked at whole.
            patterns = [f"{folder}/*" for folder in dict.fromkeys(folders)]
            runs: dict[str, CollectionInfo] = {}
            types: set[str] = set()
            for info in self._infos(patterns, ButlersType.RUN, with_types=True):
                runs[info.name] = info
                types.update(info.dataset_types or ())
            # Somebody may have certified or tagged their datasets anywhere;
            # of TAGGED collections full of raws nothing more is asked.
            collections = [
                *runs.values(),
                *self._infos("*", ButlersType.CALIBRATION, with_types=True, only=types),
                *self._infos("*", ButlersType.TAGGED, with_types=True, only=types),
            ]
            names: list[str] = []
            collections_of: dict[str, list[str]] = {}
            for info in collections:
                names.append(info.name)
                for dataset_type in types.intersection(info.dataset_types or ()):
                    having = collections_of.setdefault(dataset_type, [])
                    having.append(info.name)
            answers = read_rows(self._butler, names, collections_of)
            holdings: dict[str, Holding] = {}
            for info in collections:
                rows = tuple(answers.rows[info.name])
                type_ = CollectionType[info.type.name]
                holdings[info.name] = Holding(info.name, type_, rows)
            stored: Mapping[str, StoredAs] | None = None
            # A server tells of no files.
            if has_datastore(self._butler):
                refs = answers.refs_in(runs)
                stored = self._files(refs)
            litter = tuple(self._litter(runs))
            return Inventory(self._address, chains, holdings, stored, litter)

    def _infos(
        self,
        expression: str | list[str],
        type_: ButlersType,
        *,
        with_types: bool = False,
        only: Iterable[str] | None = None,
    ) -> Sequence[CollectionInfo]:
        if expression == []:
            return ()
        return self._butler.collections.query_info(
            expression,
            collection_types=type_,
            include_summary=with_types,
            summary_datasets=only,
        )

    def _files(self, refs: Sequence[DatasetRef]) -> Mapping[str, StoredAs]:
        """Return the files of datasets, with their sizes."""
        files = artifacts(self._butler, refs)
        # Few have no size on record; only those are looked at.
        unsized: list[ResourcePath] = []
        for of_dataset in files.values():
            unsized += [file.uri for file in of_dataset if file.size is None]
        actual = sizes_of(unsized)
        real = _RealPaths()
        stored: dict[str, StoredAs] = {}
        for uuid, of_dataset in files.items():
            size = 0
            uris: list[str] = []
            for file in of_dataset:
                size += file.size or actual.get(file.uri) or 0
                uris.append(real.uri(file.uri))
            stored[uuid] = StoredAs(tuple(uris), size)
        return stored

    def _litter(self, runs: Iterable[str]) -> Iterator[LitterFile]:
        """Yield the files below the folders of RUNs that no dataset has."""
        names = set(runs)
        # The folder of a RUN may be within that of another, and no folder is
        # listed twice.
        folders: list[str] = []
        for name in sorted(names):
            parent, _, _ = name.rpartition("/")
            if _innermost(parent, names) is None:
                folders.append(name)
        run_of: dict[ResourcePath, str] = {}
        for folder in folders:
            # To list many folders takes a while, in which no database answers.
            heard()
            for path, file in files_of_nobody(self._butler, folder):
                run = _innermost(path, names)
                if run:
                    run_of[file] = run
        real = _RealPaths()
        for some, together in by_distance(run_of, lambda file: file):
            answers = for_each(_status_of, some, together=together)
            for file, status in zip(some, answers, strict=True):
                # It may have gone meanwhile.
                if status:
                    yield LitterFile(run_of[file], real.uri(file), status.size, status.changed)


class _RealPaths:
    """Tells where files really are, whatever links their paths go through.

    Two repositories may spell the path of one file each in its own way.
    """

    def __init__(self) -> None:
        self._folders: dict[str, tuple[str, frozenset[str]]] = {}

    def uri(self, file: ResourcePath) -> str:
        """Return the URI of a file, without links in it."""
        if not file.isLocal:
            return str(file)
        folder, name = os.path.split(file.ospath)
        if folder not in self._folders:
            self._folders[folder] = _real_folder(folder)
        real, links = self._folders[folder]
        path = Path(real, name)
        # To ask for each file would take minutes where there are many.
        if name in links:
            path = path.resolve()
        uri = path.as_uri()
        if file.fragment:
            uri = f"{uri}#{file.fragment}"
        return uri


def _real_folder(folder: str) -> tuple[str, frozenset[str]]:
    """Return where a folder really is, and the links in it by name."""
    real = os.path.realpath(folder)
    try:
        with os.scandir(real) as entries:
            return real, frozenset(entry.name for entry in entries if entry.is_symlink())
    except OSError:
        # It is gone, or nobody may list it.
        return real, frozenset()


@dataclass(frozen=True)
class _Status:
    """The size of a file in bytes, and when it was written, if told."""

    size: int
    changed: datetime | None


def _status_of(file: ResourcePath) -> _Status | None:
    """Return how a file is; `None`: it is gone."""
    try:
        if file.isLocal:
            status = Path(file.ospath).stat()
            return _Status(status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))
        # The first versions 30 of lsst-resources tell no times.
        ask = getattr(file, "get_info", None)
        if ask is None:
            return _Status(file.size(), None)
        info = ask()
        return _Status(info.size, info.last_modified)
    except FileNotFoundError:
        return None


def _innermost(path: str, names: Set[str]) -> str | None:
    """Return the longest of some names that a path is below, or is."""
    # There may be thousands of names, and a path has few parts.
    while path:
        if path in names:
            return path
        path, _, _ = path.rpartition("/")
    return None
