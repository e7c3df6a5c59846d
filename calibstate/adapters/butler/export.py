"""What ``export.yaml`` says of a ticket, and where its files are.

The butler writes the text.  Left to itself it would leave out a RUN whose
datasets are certified nowhere, and take in a chain as it is just now.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from lsst.daf.butler import Butler, CollectionInfo, DatasetRef, FileDataset
from lsst.resources import ResourcePath

from ...errors import Diagnostic, RefusedError
from ...model.contents import CollectionType
from ...ports.butler import Export, ExportedFile, StoredFile
from ...store.bundle import path_problem
from .datastore import datastore_root, locations
from .holdings import find_collections

__all__ = ["list_stored", "write_export"]

_EXPORTED = {CollectionType.CALIBRATION.value, CollectionType.RUN.value}


def write_export(butler: Butler, name: str, collections: Sequence[str], chain: str | None) -> Export:
    """Return the description of collections, and where their files are.

    Parameters
    ----------
    butler
        The origin.
    name
        What messages call it.
    collections
        CALIBRATION and RUN collections.
    chain
        A ticket chain over them to be described too.

    Raises
    ------
    RefusedError
        A collection does not exist, a dataset has no file of its own, or the
        datastore is not a single one of files.
    """
    datastore_root(butler, name)
    refs = _datasets(butler, _existing(butler, name, collections))
    paths = _Paths(_files(butler, name, refs))
    with TemporaryDirectory(prefix="calibstate-") as folder:
        file = Path(folder) / "export.yaml"
        with butler.export(filename=str(file), transfer=None) as export:
            for collection in collections:
                export.saveCollection(collection)
            export.saveDatasets(refs, rewrite=paths.made_relative)
        text = file.read_text()
    if chain is not None:
        text += _described_chain(butler, chain, collections)
    return Export(text, tuple(ExportedFile(path, uri) for path, uri in sorted(paths.uris.items())))


def list_stored(butler: Butler, name: str, collections: Sequence[str]) -> list[StoredFile]:
    """Return the datasets of collections, each with its file.

    Parameters
    ----------
    butler
        The origin.
    name
        What messages call it.
    collections
        CALIBRATION and RUN collections.

    Raises
    ------
    RefusedError
        As of `write_export`.
    """
    datastore_root(butler, name)
    refs = _datasets(butler, _existing(butler, name, collections))
    files = _files(butler, name, refs)
    return [StoredFile(str(ref.id), str(files[str(ref.id)]), ref.to_json()) for ref in refs]


@dataclass
class _Paths:
    """Gives each file one relative path."""

    files: dict[str, ResourcePath]
    """Where each dataset's file is, by UUID."""
    uris: dict[str, str] = field(default_factory=dict)
    """URI by path."""
    _elsewhere: dict[str, str] = field(default_factory=dict)
    """Path by URI, of files that cannot keep theirs."""

    def made_relative(self, file: FileDataset) -> FileDataset:
        """Return a file of the export with a relative path."""
        (ref,) = file.refs
        uri, path = str(self.files[str(ref.id)]), str(file.path)
        if ResourcePath(path, forceAbsolute=False).isabs() or path_problem(path):
            # Recorded by its URI, or by a name that is not safe in every
            # place.  Several datasets may share the file.
            path = self._elsewhere.setdefault(uri, _path_for(ref, self.files[str(ref.id)]))
        file.path = path
        self.uris[path] = uri
        return file


def _path_for(ref: DatasetRef, file: ResourcePath) -> str:
    return f"{ref.run}/{ref.datasetType.name}/{ref.id}{file.getExtension()}"


def _existing(butler: Butler, name: str, collections: Sequence[str]) -> list[CollectionInfo]:
    found = {info.name: info for info in find_collections(butler, collections, with_types=True)}
    problems = [f"{c} does not exist" for c in collections if c not in found]
    problems += [
        f"{info.name} is a {info.type.name} collection"
        for info in found.values()
        if info.type.name not in _EXPORTED
    ]
    if problems:
        raise _refused(
            "Collections cannot be exported",
            f"{name}: {', '.join(problems)}.",
            "A ticket lists CALIBRATION and RUN collections that its origin has.",
        )
    return list(found.values())


def _datasets(butler: Butler, infos: Iterable[CollectionInfo]) -> list[DatasetRef]:
    within: dict[str, list[str]] = {}
    for info in infos:
        for dataset_type in info.dataset_types or ():
            within.setdefault(dataset_type, []).append(info.name)
    refs: dict[DatasetRef, None] = {}
    with butler.query() as query:
        for dataset_type, names in sorted(within.items()):
            found = query.datasets(dataset_type, names, find_first=False)
            refs.update(dict.fromkeys(found.with_dimension_records()))
    return sorted(refs)


def _files(butler: Butler, name: str, refs: Sequence[DatasetRef]) -> dict[str, ResourcePath]:
    where = locations(butler, refs)
    if unrecorded := [ref for ref in refs if str(ref.id) not in where]:
        raise _refused(
            "Datasets are not in the datastore",
            f"{name}: the datastore has no record of {_some(unrecorded)}; there is no file to export.",
            "Restore them at the origin, or take them out of the ticket's collections.",
        )
    if parts := [ref for ref in refs if len(where[str(ref.id)]) > 1 or where[str(ref.id)][0].fragment]:
        raise _refused(
            "Datasets have no files of their own",
            f"{name}: {_some(parts)} are kept in several files, or within a zip file.",
            "Datasets of a ticket must have been ingested as files.",
        )
    return {uuid: file for uuid, (file,) in where.items()}


def _described_chain(butler: Butler, chain: str, children: Sequence[str]) -> str:
    # By hand: the butler would write the children that it has now.  JSON is
    # YAML, and the entries are the last thing in the file.
    entry = {"type": "collection", "collection_type": "CHAINED", "name": chain, "children": list(children)}
    for info in find_collections(butler, [chain]):
        if doc := butler.collections.get_info(info.name).doc:
            entry["doc"] = doc
    return f"- {json.dumps(entry, ensure_ascii=False)}\n"


def _some(refs: Sequence[DatasetRef]) -> str:
    rest = f" and {len(refs) - 3} more" if len(refs) > 3 else ""
    return ", ".join(f"{r.datasetType.name} {dict(r.dataId.required)} of {r.run}" for r in refs[:3]) + rest


def _refused(summary: str, detail: str, hint: str) -> RefusedError:
    return RefusedError(Diagnostic(summary, detail, hint=hint))
