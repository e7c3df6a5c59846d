"""What a repository has of a bundle already, and what it lacks.

Asked before anything is written, so that a repeated import is a look.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from lsst.daf.butler import (
    Butler,
    DataCoordinate,
    DatasetRef,
    DatasetType,
    DimensionElement,
    DimensionRecord,
    MissingDatasetTypeError,
)
from lsst.resources import ResourcePath

from ...model.bundles import BundleFile, Contents, Manifest, StoredDataset
from ...model.contents import CollectionType, Holding, Row, format_data_id
from ...model.timespans import Range
from .datastore import FilesByUuid, FileStore, artifacts, is_in_zip, sizes_of
from .holdings import find_collections, read_holdings
from .placing import Placement
from .translation import Translation

__all__ = ["Survey", "find_dataset_types", "find_records", "needed_records", "survey"]

_Spans = dict[Range, tuple[str, ...]]
"""UUIDs of datasets by the range that they are certified for."""

_DataIDs = dict[DimensionElement, set[DataCoordinate]]
_Records = dict[DimensionElement, dict[DataCoordinate, DimensionRecord]]
"""Dimension records by what they describe."""


@dataclass(frozen=True)
class Survey:
    """A bundle, and what a repository has of it."""

    manifest: Manifest
    contents: Contents
    source: ResourcePath | None
    """Folder that files come from; `None` where others bring them."""
    store: FileStore
    """Datastore that unrecorded datasets are recorded in."""
    home: ResourcePath
    """Folder that files of unrecorded datasets are in, or go to."""
    translation: Translation

    types: dict[str, DatasetType]
    """Dataset types of the bundle as the repository has them."""
    collections: dict[str, CollectionType]
    """Types of the bundle's collections, where they exist."""
    holdings: Mapping[str, Holding]
    """What they hold."""
    refs: dict[str, DatasetRef]
    """Datasets that have a UUID of the bundle, wherever they are."""
    where: FilesByUuid
    """Recorded files of those."""
    records: _Records
    """Dimension records that the bundle describes or needs."""

    @cached_property
    def runs(self) -> tuple[str, ...]:
        """RUNs of the bundle, some of which hold a certified dataset only."""
        return _runs(self.contents)

    @cached_property
    def calibrations(self) -> tuple[str, ...]:
        """CALIBRATION collections of the bundle."""
        return _of_type(self.contents, CollectionType.CALIBRATION)

    @cached_property
    def unrecorded(self) -> tuple[StoredDataset, ...]:
        """Datasets without a record of a file."""
        datasets = self.contents.datasets
        return tuple(dataset for dataset in datasets if dataset.uuid not in self.where)

    @cached_property
    def expected(self) -> dict[ResourcePath, BundleFile]:
        """What must be where: as recorded, else at the bundle's path."""
        files = {file.path: file for file in self.manifest.files}
        expected: dict[ResourcePath, BundleFile] = {}
        for dataset in self.contents.datasets:
            file = files.get(dataset.path)
            if file is None:
                continue
            artifacts_there = self.where.get(dataset.uuid, ())
            for artifact in artifacts_there:
                expected[artifact.uri] = file
            if not artifacts_there:
                expected[self.target_of(dataset.path)] = file
        return expected

    @cached_property
    def sizes(self) -> dict[ResourcePath, int | None]:
        """Sizes of those files that are there."""
        return sizes_of(self.expected)

    @cached_property
    def recorded_files(self) -> frozenset[ResourcePath]:
        """Files that datasets of the bundle are recorded to have."""
        files: set[ResourcePath] = set()
        for artifacts_there in self.where.values():
            files.update(artifact.uri for artifact in artifacts_there)
        return frozenset(files)

    @cached_property
    def unvouched(self) -> dict[ResourcePath, BundleFile]:
        """Files that are there, of the right size, and nobody recorded."""
        unvouched: dict[ResourcePath, BundleFile] = {}
        for target, file in self.expected.items():
            is_right = self.sizes[target] == file.size
            if is_right and target not in self.recorded_files:
                unvouched[target] = file
        return unvouched

    @cached_property
    def absent(self) -> dict[ResourcePath, BundleFile]:
        """Files that are not there."""
        absent: dict[ResourcePath, BundleFile] = {}
        for target, file in self.expected.items():
            if self.sizes[target] is None:
                absent[target] = file
        return absent

    @cached_property
    def placements(self) -> tuple[Placement, ...]:
        """Files that are to be put there."""
        if self.source is None:
            return ()
        placements: list[Placement] = []
        for target, file in self.absent.items():
            # Nothing can be put into a zip file, and nothing in its place.
            if is_in_zip(target):
                continue
            placement = Placement(
                file=file,
                source=self.source.join(file.path, forceDirectory=False),
                target=target,
            )
            placements.append(placement)
        return tuple(placements)

    @cached_property
    def uncertified(self) -> dict[str, _Spans]:
        """UUIDs by range that are not certified, by CALIBRATION collection."""
        uncertified: dict[str, _Spans] = {}
        for name in self.calibrations:
            held = {(row.uuid, row.begin, row.end) for row in self.rows(name)}
            missing: _Spans = {}
            for span, uuids in self.contents.certifications.get(name, ()):
                new = [uuid for uuid in uuids if (uuid, *span) not in held]
                if new:
                    missing[span] = tuple(new)
            if missing:
                uncertified[name] = missing
        return uncertified

    @cached_property
    def new_records(self) -> dict[DimensionElement, list[DimensionRecord]]:
        """Dimension records that are not there."""
        new: dict[DimensionElement, list[DimensionRecord]] = {}
        for element, records in self.translation.records.items():
            records_here = self.records[element]
            new[element] = [record for record in records if record.dataId not in records_here]
        return new

    @property
    def nothing_lacks(self) -> bool:
        """Whether all of the bundle is there."""
        if self.absent or self.unrecorded or self.uncertified:
            return False
        if any(self.new_records.values()):
            return False
        if len(self.types) < len(self.contents.dataset_types):
            return False
        names = {*self.runs, *self.calibrations}
        return names <= self.collections.keys()

    def rows(self, collection: str) -> tuple[Row, ...]:
        """Return what a collection holds, nothing where it does not exist."""
        holding = self.holdings.get(collection)
        return () if holding is None else tuple(holding.rows)

    def target_of(self, path: str) -> ResourcePath:
        """Return where the file of an unrecorded dataset is to be."""
        if path not in self._targets:
            self._targets[path] = self.home.join(path, forceDirectory=False)
        return self._targets[path]

    @cached_property
    def _targets(self) -> dict[str, ResourcePath]:
        # They are asked for several times, and each takes a while to make.
        return {}

    def data_id(self, uuid: str) -> str:
        """Return the data ID of a dataset of the bundle."""
        return self._data_ids[uuid]

    @cached_property
    def _data_ids(self) -> dict[str, str]:
        data_ids: dict[str, str] = {}
        for dataset in self.contents.datasets:
            data_ids[dataset.uuid] = format_data_id(dataset.data_id)
        return data_ids


def survey(
    butler: Butler,
    store: FileStore,
    home: ResourcePath,
    manifest: Manifest,
    contents: Contents,
    source: ResourcePath | None,
    translation: Translation,
) -> Survey:
    """Look at what a repository has of a bundle.

    Parameters
    ----------
    butler
        The repository.
    store
        Datastore that unrecorded datasets are recorded in.
    home
        Folder that files of unrecorded datasets are in, or go to.
    manifest, contents
        The bundle.
    source
        Folder that files come from; `None` where others bring them.
    translation
        The bundle in the repository's words.
    """
    names = list(dict.fromkeys([*contents.collections, *_runs(contents)]))
    infos = find_collections(butler, names)
    uuids = [dataset.uuid for dataset in contents.datasets]
    refs = {str(ref.id): ref for ref in butler.get_many_datasets(uuids)}
    return Survey(
        manifest,
        contents,
        source,
        store,
        home,
        translation,
        types=find_dataset_types(butler, contents.dataset_types),
        collections={info.name: CollectionType[info.type.name] for info in infos},
        holdings=read_holdings(butler, names),
        refs=refs,
        where=artifacts(butler, refs.values()),
        records=find_records(butler, translation),
    )


def find_dataset_types(
    butler: Butler,
    names: Iterable[str],
) -> dict[str, DatasetType]:
    """Return those of some dataset types that a repository has."""
    types = {}
    for name in names:
        try:
            types[name] = butler.get_dataset_type(name)
        except MissingDatasetTypeError:
            continue
    return types


def find_records(butler: Butler, translation: Translation) -> _Records:
    """Return the records of all that the bundle describes or names."""
    keys: _DataIDs = {}
    for element, described in translation.records.items():
        keys[element] = {record.dataId for record in described}
    for element, data_ids in needed_records(translation).items():
        keys.setdefault(element, set()).update(data_ids)
    records_here: _Records = {}
    for element, data_ids in keys.items():
        records_here[element] = {}
        if not data_ids:
            continue
        with butler.query() as query:
            joined = query.join_data_coordinates(data_ids)
            for record in joined.dimension_records(element.name):
                records_here[element][record.dataId] = record
    return records_here


def needed_records(translation: Translation) -> _DataIDs:
    """Return the data IDs of records without which datasets mean nothing."""
    needed: _DataIDs = {}
    for data_id in {ref.dataId for ref in translation.refs.values()}:
        for name in data_id.dimensions.required:
            element = data_id.universe.elements[name]
            if not element.has_own_table:
                continue
            described = data_id.subset(element.minimal_group)
            needed.setdefault(element, set()).add(described)
    return needed


def _runs(contents: Contents) -> tuple[str, ...]:
    """Return the RUNs of a bundle: those that it names, then those it uses."""
    runs = dict.fromkeys(_of_type(contents, CollectionType.RUN))
    for dataset in contents.datasets:
        runs.setdefault(dataset.run)
    return tuple(runs)


def _of_type(contents: Contents, wanted: CollectionType) -> tuple[str, ...]:
    """Return the collections of a bundle that have a type."""
    names: list[str] = []
    for name, (type_, _, _) in contents.collections.items():
        if type_ is wanted:
            names.append(name)
    return tuple(names)
