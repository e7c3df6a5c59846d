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

_EXAMPLES = 3
"""Datasets that a message names."""

_Fields = Mapping[str, Any]
"""Fields of a dimension record, by name."""

_Records = tuple[tuple[str, tuple[_Fields, ...]], ...]
"""Dimension records by element, as an export has them."""


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
    paths = _Paths(files)
    with TemporaryDirectory(prefix="calibstate-") as folder:
        file = Path(folder) / "export.yaml"
        with butler.export(filename=str(file), transfer=None) as export:
            for collection in collections:
                export.saveCollection(collection)
            export.saveDatasets(refs, rewrite=paths.make_relative)
        text = file.read_text()
    if chain is not None:
        # By hand: the butler would write the children that it has now.  JSON
        # is YAML, and the entries are the last thing in the file.
        entry = {
            "type": "collection",
            "collection_type": "CHAINED",
            "name": chain,
            "children": list(collections),
        }
        for info in find_collections(butler, [chain]):
            doc = butler.collections.get_info(info.name).doc
            if doc:
                entry["doc"] = doc
        as_json = json.dumps(entry, ensure_ascii=False)
        text += f"- {as_json}\n"
    # Several datasets may share a file, which is told of once.
    by_uri = {str(artifact.uri): artifact for artifact in files.values()}
    exported: list[ExportedFile] = []
    for path, uri in sorted(paths.uris.items()):
        file_exported = ExportedFile(
            path=path,
            uri=uri,
            size=by_uri[uri].size,
            checksum=by_uri[uri].checksum,
        )
        exported.append(file_exported)
    return Export(text, tuple(exported))


def list_stored(
    butler: Butler,
    name: str,
    collections: Sequence[str],
) -> list[StoredFile]:
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
    stored: list[StoredFile] = []
    for ref in refs:
        uuid = str(ref.id)
        file = StoredFile(
            uuid=uuid,
            uri=str(files[uuid].uri),
            sidecar=ref.to_json(),
        )
        stored.append(file)
    return stored


def check_export(
    butler: Butler,
    name: str,
    collections: Sequence[str],
    formatters: Sequence[str],
) -> None:
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
    recorded: list[StoredDataset] = []
    for ref in refs:
        uuid = str(ref.id)
        dataset = _described(ref, files[uuid])
        # Without a record of the class, the butler says which it is.
        if dataset.formatter:
            recorded.append(dataset)
    for formatter, why in not_allowed(recorded, formatters).items():
        raise _refused(
            "Formatter class is not allowed",
            f"{name}: its files are read by {formatter}; {why}.",
            ALLOW_IT,
        )


def describe(
    butler: Butler,
    name: str,
    collections: Sequence[str],
) -> Contents | None:
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
    # A butler behind a server does not tell where files are.
    recorded = artifacts(butler, refs) if has_datastore(butler) else {}
    datasets: list[StoredDataset] = []
    types: dict[str, tuple[tuple[str, ...], str, bool]] = {}
    for ref in refs:
        files = recorded.get(str(ref.id), ())
        if len(files) != 1:
            return None
        datasets.append(_described(ref, files[0]))
        type_ = ref.datasetType
        if type_.name not in types:
            dimensions = tuple(type_.dimensions.required)
            types[type_.name] = (
                dimensions,
                type_.storageClass_name,
                type_.isCalibration(),
            )
    return Contents(
        universe_namespace=butler.dimensions.namespace,
        universe_version=butler.dimensions.version,
        dimensions=_dimension_records(refs),
        dataset_types=types,
        collections={info.name: (CollectionType[info.type.name], None, ()) for info in infos},
        datasets=tuple(datasets),
        certifications={},
    )


def _described(ref: DatasetRef, file: Artifact) -> StoredDataset:
    """Return a dataset as an export describes it."""
    uri = file.uri
    data_id: Any = dict(ref.dataId.required)
    return StoredDataset(
        uuid=str(ref.id),
        dataset_type=ref.datasetType.name,
        run=str(ref.run),
        data_id=data_id,
        path=uri.unquoted_fragment if is_in_zip(uri) else uri.unquoted_path,
        formatter=file.formatter,
    )


def _dimension_records(refs: Iterable[DatasetRef]) -> _Records:
    """Return the records of all that data IDs name."""
    # Thousands of datasets have a few data IDs, and these fewer records.
    by_element: dict[str, dict[DataCoordinate, _Fields]] = {}
    for data_id in {ref.dataId for ref in refs}:
        for element in data_id.dimensions.required:
            record = data_id.records[element]
            if record is None or not record.definition.has_own_table:
                continue
            records = by_element.setdefault(element, {})
            if record.dataId not in records:
                records[record.dataId] = _exported_fields(record)
    return tuple((element, tuple(records.values())) for element, records in by_element.items())


def _exported_fields(record: DimensionRecord) -> _Fields:
    """Return the fields of a record, as they are read from an export."""
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

    files: Mapping[str, Artifact]
    """Each dataset's file, by UUID."""
    uris: dict[str, str] = field(default_factory=dict)
    """URI by path."""
    _elsewhere: dict[str, str] = field(default_factory=dict)
    """Path by URI, of files that cannot keep theirs."""

    def make_relative(self, file: FileDataset) -> FileDataset:
        """Return a file of the export with a relative path."""
        (ref,) = file.refs
        recorded = self.files[str(ref.id)].uri
        uri = str(recorded)
        path = str(file.path)
        is_absolute = ResourcePath(path, forceAbsolute=False).isabs()
        if is_absolute or path_problem(path) or is_in_zip(recorded):
            # Recorded by its URI, within a zip file, or by a name that is not
            # safe in every place.  Several datasets may share the file.
            named = recorded
            if is_in_zip(recorded):
                # Of the member of a zip file, the member's extension.
                named = ResourcePath(recorded.unquoted_fragment, forceAbsolute=False)
            extension = named.getExtension()
            dataset_type = ref.datasetType.name
            own_path = f"{ref.run}/{dataset_type}/{ref.id}{extension}"
            path = self._elsewhere.setdefault(uri, own_path)
        file.path = path
        self.uris[path] = uri
        return file


def _existing(
    butler: Butler,
    name: str,
    collections: Sequence[str],
) -> list[CollectionInfo]:
    """Return collections, all of which can be exported.

    Raises
    ------
    RefusedError
        One does not exist, or has another type.
    """
    infos = find_collections(butler, collections, with_types=True)
    existing = {info.name: info for info in infos}
    problems: list[str] = []
    for collection in collections:
        if collection not in existing:
            problems.append(f"{collection} does not exist")
    for info in existing.values():
        type_ = info.type.name
        if type_ not in _EXPORTED:
            problems.append(f"{info.name} is a {type_} collection")
    if problems:
        all_of_them = ", ".join(problems)
        raise _refused(
            "Collections cannot be exported",
            f"{name}: {all_of_them}.",
            "A ticket lists CALIBRATION and RUN collections that its origin has.",
        )
    return list(existing.values())


def _datasets(butler: Butler, infos: Iterable[CollectionInfo]) -> list[DatasetRef]:
    """Return the datasets of collections, each once, with their records."""
    collections_of: dict[str, list[str]] = {}
    for info in infos:
        for dataset_type in info.dataset_types or ():
            collections_of.setdefault(dataset_type, []).append(info.name)
    refs: dict[DatasetRef, None] = {}
    with butler.query() as query:
        for dataset_type, names in sorted(collections_of.items()):
            datasets = query.datasets(dataset_type, names, find_first=False)
            refs.update(dict.fromkeys(datasets.with_dimension_records()))
    return sorted(refs)


def _files(
    butler: Butler,
    name: str,
    refs: Sequence[DatasetRef],
    *,
    to_read: bool,
) -> dict[str, Artifact]:
    """Return the one file of each dataset, by UUID.

    Raises
    ------
    RefusedError
        Files are not told of, or a dataset has no file of its own.
    """
    if not has_datastore(butler):
        raise _refused(
            "Butler server does not tell of files",
            f"{name}: it is a butler server; where files are, and how they are recorded, can be asked of the "
            "repository itself only.",
            "Run this where the repository itself can be opened.",
        )
    recorded = artifacts(butler, refs)
    unrecorded = [ref for ref in refs if str(ref.id) not in recorded]
    if unrecorded:
        examples = _some(unrecorded)
        raise _refused(
            "Datasets are not in the datastore",
            f"{name}: the datastore has no record of {examples}; there is no file to export.",
            "Restore them at the origin, or take them out of the ticket's collections.",
        )
    without_own: list[DatasetRef] = []
    for ref in refs:
        files = recorded[str(ref.id)]
        # Whoever only reads takes a member of a zip file for what it is.
        is_alone = len(files) == 1
        if not is_alone or (is_in_zip(files[0].uri) and not to_read):
            without_own.append(ref)
    if without_own:
        examples = _some(without_own)
        raise _refused(
            "Datasets have no files of their own",
            f"{name}: {examples} are kept in several files, or within a zip file.",
            "Datasets of a ticket must have been ingested as files.",
        )
    return {uuid: artifact for uuid, (artifact,) in recorded.items()}


def _some(refs: Sequence[DatasetRef]) -> str:
    """Return some datasets as examples, and how many more there are."""
    examples: list[str] = []
    for ref in refs[:_EXAMPLES]:
        data_id = dict(ref.dataId.required)
        examples.append(f"{ref.datasetType.name} {data_id} of {ref.run}")
    some = ", ".join(examples)
    others = len(refs) - _EXAMPLES
    return f"{some} and {others} more" if others > 0 else some


def _refused(summary: str, detail: str, hint: str) -> RefusedError:
    return RefusedError(Diagnostic(summary, detail, hint=hint))
