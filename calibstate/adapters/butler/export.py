"""What ``export.yaml`` says of a ticket, and where its files are.

The butler writes the text.  Left to itself it would leave out a RUN whose
datasets are certified nowhere, and take in a chain as it is just now.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lsst.daf.butler import (
    Butler,
    CollectionInfo,
    DataCoordinate,
    DatasetRef,
    DimensionRecord,
    FileDataset,
)
from lsst.daf.butler.transfers import YamlRepoExportBackend
from lsst.resources import ResourcePath

from ...errors import Diagnostic, RefusedError
from ...model.bundles import Contents, StoredDataset
from ...model.contents import CollectionType
from ...model.formatters import ALLOW_IT, not_allowed
from ...ports.butler import Export, ExportedFile, StoredFile
from ...store.bundle import path_problem, read_contents
from .datastore import Artifact, artifacts, has_datastore, is_in_zip
from .holdings import find_collections

__all__ = ["check_export", "describe", "list_stored", "write_export"]

_PLAIN = (int, float, str, bytes, type(None))
"""Types of fields that an export has as they are."""

_EXPORTED = {CollectionType.CALIBRATION.value, CollectionType.RUN.value}


def write_export(
    butler: Butler, name: str, collections: Sequence[str], chain: str | None, *, to_read: bool = False
) -> Export:
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
    to_read
        Whether it is for somebody who only reads the files; those within zip
        files are told of, too.

    Raises
    ------
    RefusedError
        A collection does not exist, or a dataset has no file of its own.
    """
    refs = _datasets(butler, _existing(butler, name, collections))
    files = _files(butler, name, refs, to_read=to_read)
    paths = _Paths({uuid: artifact.uri for uuid, artifact in files.items()})
    with TemporaryDirectory(prefix="calibstate-") as folder:
        file = Path(folder) / "export.yaml"
        with butler.export(filename=str(file), transfer=None) as export:
            for collection in collections:
                export.saveCollection(collection)
            export.saveDatasets(refs, rewrite=paths.made_relative)
        text = file.read_text()
    if chain is not None:
        text += _described_chain(butler, chain, collections)
    by_uri = {str(artifact.uri): artifact for artifact in files.values()}
    exported = (
        ExportedFile(path, uri, by_uri[uri].size, by_uri[uri].checksum)
        for path, uri in sorted(paths.uris.items())
    )
    return Export(text, tuple(exported))


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
    refs = _datasets(butler, _existing(butler, name, collections))
    files = _files(butler, name, refs, to_read=True)
    return [StoredFile(str(ref.id), str(files[str(ref.id)].uri), ref.to_json()) for ref in refs]


def check_export(butler: Butler, name: str, collections: Sequence[str], formatters: Sequence[str]) -> None:
    """Look whether collections could be exported; no file is read.

    Parameters
    ----------
    butler
        The origin.
    name
        What messages call it.
    collections
        CALIBRATION and RUN collections.
    formatters
        Packages whose formatter classes may be imported.

    Raises
    ------
    RefusedError
        As of `write_export`; or a class is not allowed.
    """
    refs = _datasets(butler, _existing(butler, name, collections))
    files = _files(butler, name, refs, to_read=False)
    datasets = [_described(ref, files[str(ref.id)]) for ref in refs]
    # Without a record of the class, the butler says which it is.
    recorded = [dataset for dataset in datasets if dataset.formatter]
    for formatter, why in not_allowed(recorded, formatters).items():
        raise _refused(
            "Formatter class is not allowed", f"{name}: its files are read by {formatter}; {why}.", ALLOW_IT
        )


def describe(butler: Butler, name: str, collections: Sequence[str]) -> Contents | None:
    """Return what an export of collections would say of its datasets.

    To write an export and to read it takes many times as long.

    Parameters
    ----------
    butler
        Where.
    name
        What messages call it.
    collections
        CALIBRATION and RUN collections.

    Returns
    -------
    Contents or None
        Without certifications; `None` where not every dataset is recorded in
        one file, or in one member of a zip file.
    """
    infos = _existing(butler, name, collections)
    refs = _datasets(butler, infos)
    recorded = artifacts(butler, refs) if has_datastore(butler) else {}
    if any(len(recorded.get(str(ref.id), ())) != 1 for ref in refs):
        return None
    files = {uuid: artifact for uuid, (artifact,) in recorded.items()}
    types = {ref.datasetType.name: ref.datasetType for ref in refs}
    return Contents(
        universe_namespace=butler.dimensions.namespace,
        universe_version=butler.dimensions.version,
        dimensions=_dimension_records(refs),
        dataset_types={
            type_.name: (tuple(type_.dimensions.required), type_.storageClass_name, type_.isCalibration())
            for type_ in types.values()
        },
        collections={info.name: (CollectionType[info.type.name], None, ()) for info in infos},
        datasets=tuple(_described(ref, files[str(ref.id)]) for ref in refs),
        certifications={},
    )


def _described(ref: DatasetRef, file: Artifact) -> StoredDataset:
    data_id: Any = dict(ref.dataId.required)
    path = file.uri.unquoted_fragment if is_in_zip(file.uri) else file.uri.unquoted_path
    return StoredDataset(str(ref.id), ref.datasetType.name, str(ref.run), data_id, path, file.formatter)


def _dimension_records(refs: Iterable[DatasetRef]) -> tuple[tuple[str, tuple[Mapping[str, Any], ...]], ...]:
    """Return the records of all that data IDs name, as an export has them."""
    by_element: dict[str, dict[DataCoordinate, DimensionRecord]] = {}
    for data_id in {ref.dataId for ref in refs}:
        for element in data_id.dimensions.required:
            record = data_id.records[element]
            if record is not None and record.definition.has_own_table:
                by_element.setdefault(element, {})[record.dataId] = record
    exported: list[tuple[str, tuple[Mapping[str, Any], ...]]] = []
    for element, records in by_element.items():
        exported.append((element, tuple(map(_exported_fields, records.values()))))
    return tuple(exported)


def _exported_fields(record: DimensionRecord) -> Mapping[str, Any]:
    fields = record.toDict()
    if all(isinstance(value, _PLAIN) for value in fields.values()):
        return fields
    # Ranges and regions have their own way to be written.
    stream = StringIO()
    written = YamlRepoExportBackend(stream, record.definition.universe)
    written.saveDimensionData(record.definition, record)
    written.finish()
    ((_, records),) = read_contents(stream.getvalue()).dimensions
    return records[0]


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
        is_absolute = ResourcePath(path, forceAbsolute=False).isabs()
        if is_absolute or path_problem(path) or is_in_zip(self.files[str(ref.id)]):
            # Recorded by its URI, within a zip file, or by a name that is not
            # safe in every place.  Several datasets may share the file.
            path = self._elsewhere.setdefault(uri, _path_for(ref, self.files[str(ref.id)]))
        file.path = path
        self.uris[path] = uri
        return file


def _path_for(ref: DatasetRef, file: ResourcePath) -> str:
    # Of the member of a zip file, the member's extension.
    named = ResourcePath(file.unquoted_fragment, forceAbsolute=False) if is_in_zip(file) else file
    return f"{ref.run}/{ref.datasetType.name}/{ref.id}{named.getExtension()}"


def _existing(butler: Butler, name: str, collections: Sequence[str]) -> list[CollectionInfo]:
    infos = {info.name: info for info in find_collections(butler, collections, with_types=True)}
    problems = [f"{c} does not exist" for c in collections if c not in infos]
    problems += [
        f"{info.name} is a {info.type.name} collection"
        for info in infos.values()
        if info.type.name not in _EXPORTED
    ]
    if problems:
        raise _refused(
            "Collections cannot be exported",
            f"{name}: {', '.join(problems)}.",
            "A ticket lists CALIBRATION and RUN collections that its origin has.",
        )
    return list(infos.values())


def _datasets(butler: Butler, infos: Iterable[CollectionInfo]) -> list[DatasetRef]:
    within: dict[str, list[str]] = {}
    for info in infos:
        for dataset_type in info.dataset_types or ():
            within.setdefault(dataset_type, []).append(info.name)
    refs: dict[DatasetRef, None] = {}
    with butler.query() as query:
        for dataset_type, names in sorted(within.items()):
            datasets = query.datasets(dataset_type, names, find_first=False)
            refs.update(dict.fromkeys(datasets.with_dimension_records()))
    return sorted(refs)


def _files(butler: Butler, name: str, refs: Sequence[DatasetRef], *, to_read: bool) -> dict[str, Artifact]:
    if not has_datastore(butler):
        raise _refused(
            "Butler server does not tell of files",
            f"{name}: it is a butler server; where files are, and how they are recorded, can be asked of the "
            "repository itself only.",
            "Run this where the repository itself can be opened.",
        )
    recorded = artifacts(butler, refs)
    if unrecorded := [ref for ref in refs if str(ref.id) not in recorded]:
        raise _refused(
            "Datasets are not in the datastore",
            f"{name}: the datastore has no record of {_some(unrecorded)}; there is no file to export.",
            "Restore them at the origin, or take them out of the ticket's collections.",
        )
    if parts := [ref for ref in refs if not _has_its_own_file(recorded[str(ref.id)], to_read=to_read)]:
        raise _refused(
            "Datasets have no files of their own",
            f"{name}: {_some(parts)} are kept in several files, or within a zip file.",
            "Datasets of a ticket must have been ingested as files.",
        )
    return {uuid: artifact for uuid, (artifact,) in recorded.items()}


def _has_its_own_file(files: Sequence[Artifact], *, to_read: bool) -> bool:
    return len(files) == 1 and (to_read or not is_in_zip(files[0].uri))


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
