"""What people and other programs do in a repository behind our back.

`RealHands` does in a real repository what `~tests.fakes.butler.MemoryButler`
does in memory, by the same names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any
from uuid import UUID

from lsst.daf.butler import Butler, DatasetType
from lsst.daf.butler.registry import CollectionType as ButlerCollectionType  # type: ignore[attr-defined]
from lsst.resources import ResourcePath

from calibstate.model.contents import CollectionType
from calibstate.model.timespans import UNBOUNDED, Range
from tests import world
from tests.calibrations import DETECTORS, INSTRUMENT, TYPES, YAML_FORMATTER, detector_record


class RealHands:
    """A client of its own on a real repository.

    Parameters
    ----------
    folder
        The repository.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder

    @cached_property
    def butler(self) -> Butler:
        """The client, opened when it is first needed."""
        return Butler.from_config(self._folder, writeable=True)

    def add_run(
        self,
        run: str,
        dataset_type: str,
        *,
        detectors: Iterable[int] = range(DETECTORS),
        formatter: str = YAML_FORMATTER,
    ) -> list[str]:
        refs = world.add_run(self.butler, run, dataset_type, detectors=detectors, formatter=formatter)
        return [str(ref.id) for ref in refs]

    def add_calibration(
        self,
        collection: str,
        dataset_type: str,
        *ranges: Range,
        run: str | None = None,
        formatter: str = YAML_FORMATTER,
    ) -> list[str]:
        refs = world.add_calibration(
            self.butler, collection, dataset_type, *ranges, run=run, formatter=formatter
        )
        return [str(ref.id) for ref in refs]

    def add_tagged(self, collection: str, run: str) -> None:
        self.butler.collections.register(collection, ButlerCollectionType.TAGGED)
        for name in self.butler.collections.get_info(run, include_summary=True).dataset_types or ():
            refs = self.butler.query_datasets(name, collections=run)
            self.butler.registry.associate(collection, refs)

    def add_empty(self, name: str, type_: CollectionType) -> None:
        self.butler.collections.register(name, ButlerCollectionType[type_.name])

    def add_chain(self, name: str, children: Sequence[str]) -> None:
        world.add_chain(self.butler, name, children, doc=f"chain {name}")

    def add_exposure(self, day_obs: int, seq: int = 1, physical_filter: str = "g_01", **fields: Any) -> int:
        (number,) = world.add_exposures(self.butler, day_obs, seq, physical_filter=physical_filter, **fields)
        return number

    def add_skymap(self, name: str, hash_: str) -> None:
        world.add_skymap(self.butler, name, hash_)

    def add_reading(self, run: str, dataset_type: str, exposure: int) -> None:
        world.add_reading(self.butler, run, dataset_type, exposure)

    def remove(self, name: str) -> None:
        if self.butler.collections.get_info(name).type is ButlerCollectionType.RUN:
            self.butler.removeRuns([name])
        else:
            self.butler.collections.x_remove(name)

    def forget(self, uuid: str) -> None:
        ref = self.butler.get_dataset(UUID(uuid))
        assert ref is not None
        self.butler.pruneDatasets([ref], disassociate=False, unstore=True)

    def certify_by_hand(self, collection: str, uuid: str, span: Range = UNBOUNDED) -> None:
        ref = self.butler.get_dataset(UUID(uuid))
        assert ref is not None
        self.butler.registry.certify(collection, [ref], world.timespan(span))

    def decertify(self, collection: str, uuid: str, span: Range = UNBOUNDED) -> None:
        ref = self.butler.get_dataset(UUID(uuid))
        assert ref is not None
        self.butler.registry.decertify(
            collection, ref.datasetType, world.timespan(span), dataIds=[ref.dataId]
        )

    def write_file(self, path: str, data: bytes | None) -> None:
        file = self._file(path)
        if data is None:
            file.remove()
        else:
            file.parent().mkdir()
            file.write(data)

    def read_file(self, path: str) -> bytes | None:
        file = self._file(path)
        return file.read() if file.exists() else None

    def redefine_type(self, name: str, storage_class: str) -> None:
        dimensions, _, is_calibration = TYPES[name]
        dims = self.butler.dimensions.conform(dimensions)
        type_ = DatasetType(name, dims, storage_class, isCalibration=is_calibration)
        self.butler.registry.registerDatasetType(type_)

    def change_detector(self, number: int, **fields: int | str) -> None:
        record = {**detector_record(INSTRUMENT, number), **fields}
        self.butler.registry.syncDimensionData("detector", record, update=True)

    def _file(self, path: str) -> ResourcePath:
        (root,) = self.butler.get_datastore_roots().values()
        assert root is not None
        return root.join(path)
