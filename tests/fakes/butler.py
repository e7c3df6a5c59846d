"""A butler in memory, for tests of what uses one.

It is held to ``tests/contracts/butler_test.py`` together with the real one.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from typing_extensions import override

from calibstate.adapters.registry.on_demand import holdings_on_demand
from calibstate.errors import Diagnostic, PlanIsStaleError, RefusedError, UsageError
from calibstate.model.bundles import BundleFile, Contents, Manifest
from calibstate.model.contents import CollectionType, HeldDigest, Holding, Row, format_data_id, parse_data_id
from calibstate.model.exposures import NightOfExposures
from calibstate.model.observations import stamp
from calibstate.model.readings import Reading, means_something
from calibstate.model.sights import Ingested
from calibstate.model.timespans import UNBOUNDED, Range, format_bound
from calibstate.ports.butler import (
    ButlerWriter,
    DayOfExposures,
    Export,
    ExportedFile,
    ImportCount,
    SeenCollection,
    SeenExposure,
    StoredFile,
    TakenExposure,
)
from calibstate.ports.progress import Tally, Watch, unwatched
from calibstate.ports.records import Fence, unfenced
from calibstate.store.bundle import read_contents
from tests.calibrations import (
    DETECTORS,
    FILTERS,
    INSTRUMENT,
    STAND_IN,
    TYPES,
    YAML_FORMATTER,
    DataId,
    content,
    data_ids,
    dataset_uuid,
    datastore_path,
    detector_record,
    exposure_number,
    exposure_span,
    filter_records,
    instrument_record,
)

__all__ = ["Dataset", "MemoryButler"]

_KEYS = {"instrument": ("name",), "physical_filter": ("instrument", "name"), "detector": ("instrument", "id")}
"""Fields that tell one dimension record from another."""

Key = tuple[str, int | str]


@dataclass(frozen=True)
class Dataset:
    """A dataset in the registry."""

    uuid: str
    dataset_type: str
    run: str
    data_id: DataId
    formatter: str
    path: str | None
    """Path of its file, or URI of one that others keep; `None` where the
    datastore has no record of it."""
    size: int | None = None
    """Size of its file as the datastore recorded it."""
    arrived: str = field(default_factory=lambda: stamp(datetime.now(UTC)), compare=False)
    """When it was recorded here."""

    @property
    def meaning(self) -> tuple[str, str, str]:
        return (self.run, self.dataset_type, format_data_id(self.data_id))

    def row(self, span: Range = UNBOUNDED) -> Row:
        return Row(self.dataset_type, format_data_id(self.data_id), self.uuid, *span)


class MemoryButler(ButlerWriter):
    """A repository in dictionaries.

    Parameters
    ----------
    name
        Distinguishes the URIs of its files.
    uris
        Bytes by URI, shared with other places in memory: its own files are
        added, and those of bundles looked for, here.  What is not here is
        looked for on the disk.
    instrument, detectors
        Instrument that is registered, if any, and how many detectors it has.
    """

    def __init__(
        self,
        name: str = "memory",
        uris: MutableMapping[str, bytes] | None = None,
        *,
        instrument: str | None = INSTRUMENT,
        detectors: int = DETECTORS,
    ) -> None:
        self.name = name
        self.uris = {} if uris is None else uris
        self.seen: dict[str, SeenCollection] = {}
        self.docs: dict[str, str | None] = {}
        self.types: dict[str, tuple[tuple[str, ...], str, bool]] = {}
        self.records: dict[str, dict[Key, dict[str, int | str]]] = {element: {} for element in _KEYS}
        self.datasets: dict[str, Dataset] = {}
        self.members: dict[str, list[tuple[str, Range]]] = {}
        """UUIDs and ranges by CALIBRATION or TAGGED collection."""
        self.taken: dict[int, SeenExposure] = {}
        """Exposures by number."""
        self.registered: dict[str, str] = {}
        """Hashes of skymaps in hex, by name."""
        self.called: dict[int, TakenExposure] = {}
        """The same, by what readings of instruments call them."""
        if instrument:
            self._add_records("instrument", [instrument_record(instrument)])
            self._add_records("physical_filter", filter_records(instrument))
            self._add_records("detector", [detector_record(instrument, n) for n in range(detectors)])

    # What a hand does there

    def add_skymap(self, name: str, hash_: str) -> None:
        """Register a skymap."""
        self.registered[name] = hash_

    def add_run(
        self,
        run: str,
        dataset_type: str,
        *,
        detectors: Iterable[int] = range(DETECTORS),
        formatter: str = YAML_FORMATTER,
    ) -> list[str]:
        """Store one dataset per data ID in a RUN; return the UUIDs."""
        self._register(run, CollectionType.RUN)
        self.types[dataset_type] = TYPES[dataset_type]
        made = []
        for data_id in data_ids(dataset_type, INSTRUMENT, detectors):
            id_ = dataset_uuid(run, dataset_type, data_id)
            path = datastore_path(run, dataset_type, data_id)
            data = content(dataset_type, id_)
            self.uris[self.uri(path)] = data
            self.datasets[str(id_)] = Dataset(
                str(id_), dataset_type, run, data_id, formatter, path, len(data)
            )
            made.append(str(id_))
        return made

    def add_ingested(self, run: str, rows: Iterable[Row]) -> None:
        """Have datasets in a RUN whose files others keep."""
        self._register(run, CollectionType.RUN)
        for row in rows:
            uri = f"memory://elsewhere/{row.uuid}"
            self.uris[uri] = row.uuid.encode()
            data_id: DataId = dict(parse_data_id(row.data_id))
            self.types[row.dataset_type] = (tuple(data_id), "SimpleCatalog", False)
            self.datasets[row.uuid] = Dataset(
                row.uuid, row.dataset_type, run, data_id, YAML_FORMATTER, uri, len(self.uris[uri])
            )

    def add_calibration(
        self,
        collection: str,
        dataset_type: str,
        *ranges: Range,
        run: str | None = None,
        formatter: str = YAML_FORMATTER,
    ) -> list[str]:
        """Store datasets and certify each for every one of ``ranges``."""
        uuids = self.add_run(run or f"{collection}.run", dataset_type, formatter=formatter)
        doc = f"{dataset_type} calibrations of {collection}"
        self._register(collection, CollectionType.CALIBRATION, doc=doc)
        spans = ranges or (UNBOUNDED,)
        self.members[collection] += [(uuid_, span) for span in spans for uuid_ in uuids]
        return uuids

    def add_tagged(self, collection: str, run: str) -> None:
        """Make a TAGGED collection of what a RUN holds."""
        self._register(collection, CollectionType.TAGGED)
        self.members[collection] += [(d.uuid, UNBOUNDED) for d in self.datasets.values() if d.run == run]

    def add_empty(self, name: str, type_: CollectionType) -> None:
        """Make a collection that holds nothing."""
        self._register(name, type_)

    def add_chain(self, name: str, children: Sequence[str]) -> None:
        """Make a chain, or give it these children."""
        self._register(name, CollectionType.CHAINED, children=tuple(children), doc=f"chain {name}")

    def add_exposure(self, day_obs: int, seq: int = 1, physical_filter: str = "g_01", **fields: Any) -> int:
        """Record an exposure; return its number."""
        number = exposure_number(day_obs, seq)
        data_id = {"instrument": INSTRUMENT, "exposure": str(number), "physical_filter": physical_filter}
        data_id["band"] = FILTERS[physical_filter]
        self.taken[number] = SeenExposure(number, day_obs, data_id, *exposure_span(day_obs, seq))
        self.called[number] = TakenExposure(
            number,
            day_obs,
            fields.get("obs_id", f"MC_O_{day_obs}_{seq:06d}"),
            fields.get("group", f"{day_obs}_{seq}"),
            fields.get("observation_type") == "flat",
        )
        return number

    def add_reading(self, run: str, dataset_type: str, exposure: int) -> None:
        """Store a dataset of an exposure in a RUN."""
        self._register(run, CollectionType.RUN)
        data_id: DataId = {"instrument": INSTRUMENT, "exposure": exposure}
        id_ = str(dataset_uuid(run, dataset_type, data_id))
        path = datastore_path(run, dataset_type, data_id)
        self.datasets[id_] = Dataset(id_, dataset_type, run, data_id, STAND_IN, path, 0)

    def remove(self, name: str) -> None:
        """Remove a collection; with a RUN its files and certifications."""
        gone = {u for u, d in self.datasets.items() if d.run == name}
        for uuid_ in gone:
            self._delete(self.datasets[uuid_].path)
        self.datasets = {u: d for u, d in self.datasets.items() if u not in gone}
        self.members = {
            c: [m for m in held if m[0] not in gone] for c, held in self.members.items() if c != name
        }
        del self.seen[name]

    def forget(self, uuid_: str) -> None:
        """Take a dataset out of the datastore; the registry keeps it."""
        path = self.datasets[uuid_].path
        self.datasets[uuid_] = replace(self.datasets[uuid_], path=None)
        self._delete(path)

    def certify_by_hand(self, collection: str, uuid_: str, span: Range = UNBOUNDED) -> None:
        """Certify a dataset as others do."""
        self.members[collection].append((uuid_, span))

    def decertify(self, collection: str, uuid_: str, span: Range = UNBOUNDED) -> None:
        """Take a dataset out of a CALIBRATION collection, within a range."""
        begin, end = span
        self.members[collection] = [
            (u, held)
            for u, held in self.members[collection]
            if u != uuid_ or held[1] <= begin or held[0] >= end
        ]

    def write_file(self, path: str, data: bytes | None) -> None:
        """Put other bytes into a file, or remove it."""
        if data is None:
            del self.uris[self.uri(path)]
        else:
            self.uris[self.uri(path)] = data

    def read_file(self, path: str) -> bytes | None:
        """Return the bytes of a file, one of the datastore or elsewhere."""
        return self._at(self.uri(path))

    def redefine_type(self, name: str, storage_class: str) -> None:
        """Register a dataset type that is not as `TYPES` has it."""
        dimensions, _, is_calibration = TYPES[name]
        self.types[name] = (dimensions, storage_class, is_calibration)

    def change_detector(self, number: int, **fields: int | str) -> None:
        """Make a detector another one than everywhere."""
        self.records["detector"][(INSTRUMENT, number)] |= fields

    def uri(self, path: str) -> str:
        """Return the URI of a file, one of the datastore or elsewhere."""
        return path if _is_elsewhere(path) else f"memory://{self.name}/{path}"

    # What calibstate asks

    @override
    def collections(self, names: Iterable[str]) -> Mapping[str, SeenCollection]:
        return {name: self.seen[name] for name in dict.fromkeys(names) if name in self.seen}

    @override
    def names_below(self, folder: str) -> Sequence[str]:
        return sorted(name for name in self.seen if name.startswith(f"{folder}/"))

    @override
    def holdings(
        self, names: Iterable[str], *, files: Iterable[str] = (), calibrations_only: bool = False
    ) -> Mapping[str, Holding]:
        looked_at = set(files)
        return {
            name: self._holding(name, with_sizes=name in looked_at, calibrations_only=calibrations_only)
            for name, seen in self.collections(names).items()
            if seen.type is not CollectionType.CHAINED
        }

    @override
    def digests(self, names: Iterable[str], *, calibrations_only: bool = False) -> Mapping[str, Holding]:
        held = self.holdings(names, calibrations_only=calibrations_only)
        digests = {
            name: HeldDigest(h.type, h.fingerprint, len(h.rows), h.unrecorded) for name, h in held.items()
        }
        fetch = partial(self.holdings, calibrations_only=calibrations_only)
        return holdings_on_demand(digests, fetch)

    @override
    def export(
        self, collections: Sequence[str], *, chain: str | None = None, to_read: bool = False
    ) -> Export:
        datasets = self._exportable(collections)
        files = sorted({(_exported(d), self.uri(d.path), d.size) for d in datasets if d.path})
        text = "".join(self._described(collections, datasets, chain))
        return Export(text, tuple(ExportedFile(path, uri, size) for path, uri, size in files))

    @override
    def check_change(self) -> None:
        pass

    @override
    def check_export(self, collections: Sequence[str]) -> None:
        self._exportable(collections)

    @override
    def objections(self, contents: Contents) -> Sequence[Diagnostic]:
        return list(self._other_definitions(contents))

    @override
    def described(self, collections: Sequence[str]) -> Contents | None:
        uuids = {row.uuid for c in collections for row in self._holding(c).rows}
        if any(self.datasets[uuid_].path is None for uuid_ in uuids):
            return None
        return replace(read_contents(self.export(collections).text), certifications={})

    @override
    def stored(self, collections: Sequence[str]) -> Sequence[StoredFile]:
        return [
            StoredFile(d.uuid, self.uri(d.path), self._sidecar(d))
            for d in self._exportable(collections)
            if d.path
        ]

    @override
    def lookup(self, chain: str, dataset_type: str, data_id: str, span: Range) -> str | None:
        wanted = self._required(dataset_type, data_id)
        for name in dict.fromkeys([chain, *self._below(chain)]) if wanted else ():
            found = [
                row
                for row in self._rows(name)
                if (row.dataset_type, row.data_id) == (dataset_type, wanted)
                and _overlap((row.begin, row.end), span)
            ]
            if len(found) > 1:
                raise _refused("Lookup is ambiguous", f"{name}: {dataset_type} {data_id}")
            if found:
                return found[0].uuid
        return None

    @override
    def looking_up(self) -> AbstractContextManager[None]:
        return nullcontext()

    @override
    def ingested(self, names: Iterable[str]) -> Mapping[str, Ingested]:
        ingested: dict[str, Ingested] = {}
        for name, held in self.holdings(names).items():
            for row in held.rows:
                arrived = self.datasets[row.uuid].arrived
                alone = Ingested(first=arrived, last=arrived)
                ingested[name] = alone.joined(ingested.get(name))
        return ingested

    @override
    def runs(self, uuids: Iterable[str]) -> Mapping[str, str]:
        return {uuid_: self.datasets[uuid_].run for uuid_ in uuids if uuid_ in self.datasets}

    @override
    def detectors(self, instrument: str) -> Mapping[int, str]:
        records = [r for r in self.records["detector"].values() if r["instrument"] == instrument]
        return {int(record["id"]): str(record["full_name"]) for record in records}

    @override
    def filters(self, instrument: str) -> Mapping[str, str]:
        records = [r for r in self.records["physical_filter"].values() if r["instrument"] == instrument]
        return {str(record["name"]): str(record["band"]) for record in records}

    @override
    def instruments(self) -> Sequence[str]:
        return sorted(str(record["name"]) for record in self.records["instrument"].values())

    @override
    def skymaps(self) -> Mapping[str, str]:
        return dict(self.registered)

    @override
    def exposures(self, instrument: str, where: str = "") -> Sequence[SeenExposure]:
        conditions = [_condition(one) for one in where.split(" AND ")] if where else []
        return [
            self.taken[number]
            for number in sorted(self.taken)
            if self.taken[number].data_id["instrument"] == instrument
            and all(_meets(self.taken[number], condition) for condition in conditions)
        ]

    @override
    def nights(self, instrument: str) -> Sequence[NightOfExposures]:
        by_filter: dict[tuple[int, str], list[SeenExposure]] = {}
        for exposure in self.exposures(instrument):
            by_filter.setdefault((exposure.day_obs, exposure.data_id["physical_filter"]), []).append(exposure)
        return [
            NightOfExposures(
                day,
                physical_filter,
                exposures[0].data_id["band"],
                len(exposures),
                min(exposure.begin for exposure in exposures),
                max(exposure.end for exposure in exposures),
            )
            for (day, physical_filter), exposures in sorted(by_filter.items())
        ]

    @override
    def exposures_by_day(
        self, instrument: str, run: str, dataset_type: str, since: int
    ) -> Mapping[int, DayOfExposures]:
        with_dataset = self.exposures_with(instrument, run, dataset_type)
        days: dict[int, DayOfExposures] = {}
        for exposure in self._called(instrument):
            if exposure.day_obs < since:
                continue
            day = days.get(exposure.day_obs, DayOfExposures(0, 0))
            has_dataset = exposure.exposure in with_dataset
            lacks = exposure.is_flat and not has_dataset
            days[exposure.day_obs] = DayOfExposures(day.datasets + has_dataset, day.flats_without + lacks)
        return days

    @override
    def exposures_with(self, instrument: str, run: str, dataset_type: str) -> frozenset[int]:
        exposures = set()
        for dataset in self.datasets.values():
            is_of_type = (dataset.run, dataset.dataset_type) == (run, dataset_type)
            if is_of_type and dataset.data_id["instrument"] == instrument and "exposure" in dataset.data_id:
                exposures.add(int(dataset.data_id["exposure"]))
        return frozenset(exposures)

    @override
    def taken_exposures(self, instrument: str, days: Iterable[int]) -> Sequence[TakenExposure]:
        wanted = set(days)
        return [exposure for exposure in self._called(instrument) if exposure.day_obs in wanted]

    def _called(self, instrument: str) -> list[TakenExposure]:
        here = [
            number for number in sorted(self.called) if self.taken[number].data_id["instrument"] == instrument
        ]
        return [self.called[number] for number in here]

    @override
    def set_chain(
        self,
        name: str,
        children: Sequence[str],
        *,
        expected: Sequence[str] | None,
        fence: Fence = unfenced,
    ) -> None:
        have = self.seen.get(name)
        if have and have.type is not CollectionType.CHAINED:
            raise _refused("Chain cannot be written", f"{name} is a {have.type.value} collection")
        if (tuple(have.children) if have else None) != (None if expected is None else tuple(expected)):
            raise PlanIsStaleError(Diagnostic("Chain has changed", f"{name} is {have}, expected {expected}"))
        for child in children:
            if child not in self.seen and child != name:
                raise _refused("Chain cannot be written", f"{child} does not exist")
            if name in (child, *self._below(child)):
                raise _refused("Chain cannot be written", f"{name} would hold itself")
        fence()
        self._register(name, CollectionType.CHAINED, children=tuple(children))

    @override
    def certify(
        self,
        collection: str,
        uuids: Sequence[str],
        span: Range,
        *,
        expected: Collection[Row] = (),
        decertified: Collection[Row] = (),
        fence: Fence = unfenced,
    ) -> int:
        seen = self.seen.get(collection)
        if seen and seen.type is not CollectionType.CALIBRATION:
            raise _refused("Collection has another type", f"{collection} is a {seen.type.value} collection")
        if span[0] >= span[1]:
            raise _refused("Validity range ends before it begins", f"{collection}: an empty range")
        if any(row.begin >= row.end for row in decertified):
            raise _refused("Certification cannot be undone", collection)
        if not uuids or set(uuids) - self.datasets.keys():
            raise _refused("Dataset is not there", f"{collection}: {uuids}")
        if not all(self._is_calibration(self.datasets[uuid_].dataset_type) for uuid_ in uuids):
            raise _refused("Dataset type is no calibration", collection)
        wanted = {self.datasets[uuid_].row(span) for uuid_ in uuids}
        kept = set(expected) - set(decertified)
        present = set(self._rows(collection))
        if present == kept | wanted:
            return 0
        if present != set(expected):
            raise PlanIsStaleError(Diagnostic("Certifications have changed", f"{collection}: {present}"))
        new = wanted - kept
        for row, other in product(new, kept | new):
            is_another = row[:2] == other[:2] and row != other
            if is_another and _overlap((row.begin, row.end), (other.begin, other.end)):
                raise _refused("Validity ranges conflict", f"{collection}: {row.data_id}")
        fence()
        fence()
        self._register(collection, CollectionType.CALIBRATION)
        self.members[collection] = [(row.uuid, (row.begin, row.end)) for row in sorted(kept | wanted)]
        return len(new)

    @override
    def import_bundle(
        self,
        manifest: Manifest,
        contents: Contents,
        source: str,
        *,
        in_place: str | None = None,
        sealed: Reading | None = None,
        watch: Watch = unwatched,
        fence: Fence = unfenced,
    ) -> ImportCount:
        home = "" if in_place is None else f"{in_place.rstrip('/')}/"
        wanted = self._wanted(manifest, contents, home)
        absent = {path: file for path, file in wanted.items() if self.read_file(path) is None}
        recorded = self._recorded()
        unvouched = [f for p, f in wanted.items() if self._size(p) == f.size and p not in recorded]
        lacking = {} if home else absent
        to_read = [*unvouched, *lacking.values()]
        tally = Tally(watch, [file.size for file in to_read])
        for file in unvouched:
            tally.passed(file.size)
            tally.file_done()
        problems = list(self._conflicts(manifest, contents, wanted, home))
        problems += self._not_arrived(absent) if home else self._not_in(source, manifest, lacking)
        if problems:
            raise RefusedError(*problems)
        fence()
        for path, file in lacking.items():
            data = self._read(source, file.path)
            assert data is not None
            self.uris[self.uri(path)] = data
            tally.passed(len(data))
            tally.file_done()
        fence()
        return ImportCount(len(lacking), *self._record(contents, home))

    # How it does it

    def _register(
        self, name: str, type_: CollectionType, *, children: tuple[str, ...] = (), doc: str | None = None
    ) -> None:
        if name not in self.seen:
            self.docs[name] = doc
        self.seen[name] = SeenCollection(name, type_, children)
        self.members.setdefault(name, [])

    def _add_records(self, element: str, records: Iterable[Mapping[str, int | str]]) -> None:
        for record in records:
            self.records[element].setdefault(_key(element, record), dict(record))

    def _below(self, name: str) -> Iterator[str]:
        for child in self.seen[name].children if name in self.seen else ():
            yield child
            yield from self._below(child)

    def _holding(self, name: str, *, with_sizes: bool = False, calibrations_only: bool = False) -> Holding:
        rows = self._rows(name)
        if calibrations_only:
            rows = tuple(row for row in rows if self._is_calibration(row.dataset_type))
        paths = {row.uuid: self.datasets[row.uuid].path for row in rows}
        unrecorded = frozenset(
            uuid_ for uuid_, path in paths.items() if path is None and not calibrations_only
        )
        sizes = {uuid_: self._size(path) for uuid_, path in paths.items()} if with_sizes else {}
        recorded = {row.uuid: self.datasets[row.uuid].size for row in rows} if with_sizes else {}
        known = {uuid_: size for uuid_, size in recorded.items() if size is not None and paths[uuid_]}
        return Holding(name, self.seen[name].type, rows, unrecorded, sizes, known)

    def _rows(self, name: str) -> tuple[Row, ...]:
        if name in self.seen and self.seen[name].type is CollectionType.RUN:
            return tuple(d.row() for d in self.datasets.values() if d.run == name)
        return tuple(self.datasets[u].row(span) for u, span in self.members.get(name, ()))

    def _required(self, dataset_type: str, data_id: str) -> str:
        """Return of a data ID what a dataset type needs; nothing if unknown.

        Raises
        ------
        UsageError
            It lacks what the type needs.
        """
        if dataset_type not in self.types:
            return ""
        given = dict(pair.split("=", 1) for pair in data_id.split(",") if pair)
        dimensions, _, _ = self.types[dataset_type]
        if lacking := [key for key in dimensions if key not in given]:
            raise UsageError(Diagnostic("Data ID does not fit", f"{data_id} lacks {', '.join(lacking)}"))
        return format_data_id({key: given[key] for key in dimensions})

    def _is_calibration(self, dataset_type: str) -> bool:
        _, _, is_calibration = self.types[dataset_type]
        return is_calibration

    def _exportable(self, collections: Sequence[str]) -> list[Dataset]:
        exportable = {CollectionType.CALIBRATION, CollectionType.RUN}
        if bad := [c for c in collections if c not in self.seen or self.seen[c].type not in exportable]:
            raise _refused("Collections cannot be exported", ", ".join(bad))
        uuids = sorted({row.uuid for c in collections for row in self._holding(c).rows})
        datasets = sorted((self.datasets[u] for u in uuids), key=lambda d: d.meaning)
        if unrecorded := [d.uuid for d in datasets if d.path is None]:
            raise _refused("Datasets are not in the datastore", ", ".join(unrecorded))
        return datasets

    def _sidecar(self, dataset: Dataset) -> str:
        dimensions, storage_class, is_calibration = self.types[dataset.dataset_type]
        records = {
            element: record
            for element, known in self.records.items()
            for record in known.values()
            if element in dimensions and _means(element, record, dataset.data_id)
        }
        return json.dumps(
            {
                "id": dataset.uuid,
                "datasetType": {
                    "name": dataset.dataset_type,
                    "storageClass": storage_class,
                    "dimensions": list(dimensions),
                    "isCalibration": is_calibration,
                },
                "dataId": {"dataId": dict(dataset.data_id), "records": records},
                "run": dataset.run,
            }
        )

    def _size(self, path: str | None) -> int | None:
        data = self.read_file(path) if path else None
        return None if data is None else len(data)

    def _described(
        self, collections: Sequence[str], datasets: Sequence[Dataset], chain: str | None
    ) -> Iterator[str]:
        yield "description: Butler Data Repository Export\nversion: 1.0.2\n"
        yield "universe_version: 8\nuniverse_namespace: daf_butler\ndata:\n"
        for element, records in self.records.items():
            used = [r for r in records.values() if any(_means(element, r, d.data_id) for d in datasets)]
            yield _entry(type="dimension", element=element, records=used)
        for name in sorted({*collections, *(d.run for d in datasets)}):
            type_ = self.seen[name].type.value
            times = dict.fromkeys(("host", "timespan_begin", "timespan_end")) if type_ == "RUN" else {}
            yield _entry(type="collection", collection_type=type_, name=name, doc=self.docs[name], **times)
        if chain is not None:
            yield _entry(type="collection", collection_type="CHAINED", name=chain, children=list(collections))
        for name in sorted({d.dataset_type for d in datasets}):
            dims, storage_class, is_calibration = self.types[name]
            yield _entry(
                type="dataset_type",
                name=name,
                dimensions=list(dims),
                storage_class=storage_class,
                is_calibration=is_calibration,
            )
        for dataset in datasets:
            yield (
                f"- type: dataset\n  dataset_type: {dataset.dataset_type}\n  run: {dataset.run}\n  records:\n"
                f"  - dataset_id: [{_uuid(dataset.uuid)}]\n"
                f"    data_id: [{json.dumps(dict(dataset.data_id))}]\n"
                f"    path: {json.dumps(_exported(dataset))}\n    formatter: {dataset.formatter}\n"
            )
        for name in collections:
            if self.members[name]:
                yield f"- type: associations\n  collection: {name}\n  collection_type: CALIBRATION\n"
                yield "  validity_ranges:\n"
            for span in dict.fromkeys(span for _, span in self.members[name]):
                uuids = [_uuid(u) for u, other in self.members[name] if other == span]
                yield f"  - timespan: {_timespan(span)}\n    dataset_ids: [{', '.join(uuids)}]\n"

    def _wanted(self, manifest: Manifest, contents: Contents, home: str) -> dict[str, BundleFile]:
        """Return the files that must be there, by path or URI."""
        files = {file.path: file for file in manifest.files}
        return {self._path_of(d.uuid) or home + d.path: files[d.path] for d in contents.datasets}

    def _recorded(self) -> set[str | None]:
        return {dataset.path for dataset in self.datasets.values()}

    def _path_of(self, uuid_: str) -> str | None:
        return self.datasets[uuid_].path if uuid_ in self.datasets else None

    def _conflicts(
        self, manifest: Manifest, contents: Contents, wanted: Mapping[str, BundleFile], home: str
    ) -> Iterator[Diagnostic]:
        yield from self._other_definitions(contents)
        yield from self._other_datasets(contents)
        yield from self._overlaps(contents)
        for path, file in wanted.items():
            data = self.read_file(path)
            if data is not None and path in self._recorded() and len(data) != file.size:
                yield Diagnostic("Recorded file was altered", path)
            elif data is not None and path not in self._recorded() and not _is(data, file):
                yield Diagnostic("Arrived file is damaged" if home else "A file is in the way", path)

    def _not_arrived(self, absent: Iterable[str]) -> Iterator[Diagnostic]:
        for path in absent:
            recorded = path in self._recorded()
            yield Diagnostic("Recorded file is gone" if recorded else "File has not arrived", path)

    def _not_in(
        self, source: str, manifest: Manifest, lacking: Mapping[str, BundleFile]
    ) -> Iterator[Diagnostic]:
        if manifest.by_reference:
            yield Diagnostic("Bundle has no files", manifest.folder)
        for file in lacking.values():
            data = self._read(source, file.path)
            if data is None:
                yield Diagnostic("File of the bundle is missing", file.path)
            elif not _is(data, file):
                yield Diagnostic("File of the bundle was altered", file.path)

    def _other_definitions(self, contents: Contents) -> Iterator[Diagnostic]:
        for name, definition in contents.dataset_types.items():
            if self.types.get(name, definition) != definition:
                yield Diagnostic("Dataset type differs", f"{name}: {self.types[name]}, {definition}")
        for element, records in contents.dimensions:
            for record in records:
                have = self.records[element].get(_key(element, record), record)
                if any(have[k] != record[k] for k in have if means_something(element, k)):
                    yield Diagnostic("Dimension record differs", f"{element}: {have}, {record}")
        for name, (type_, _, _) in contents.collections.items():
            if name in self.seen and self.seen[name].type is not type_:
                yield Diagnostic("Collection has another type", name)

    def _other_datasets(self, contents: Contents) -> Iterator[Diagnostic]:
        meanings = {d.meaning: d.uuid for d in self.datasets.values()}
        for d in contents.datasets:
            if any(isinstance(value, int) and value >= 2**63 for value in d.data_id.values()):
                yield Diagnostic("Value does not fit the database", f"{d.uuid} {d.data_id}")
            meaning = (d.run, d.dataset_type, format_data_id(d.data_id))
            if d.uuid in self.datasets and self.datasets[d.uuid].meaning != meaning:
                yield Diagnostic("UUID means another dataset", f"{d.uuid} {meaning}")
            elif meanings.get(meaning, d.uuid) != d.uuid:
                yield Diagnostic("Dataset has another UUID", f"{d.uuid} {meaning}")
            if self._path_of(d.uuid) is None and not d.formatter.startswith(("lsst.daf.butler.", "tests.")):
                yield Diagnostic("Formatter class cannot be imported", d.formatter)

    def _overlaps(self, contents: Contents) -> Iterator[Diagnostic]:
        for name, given in contents.certifications.items():
            held = [(self.datasets[u].row(span)) for u, span in self.members.get(name, ())]
            for row in contents.holding(name).rows if given else ():
                if row.begin >= row.end:
                    yield Diagnostic("Validity range ends before it begins", f"{name}: {row}")
                for other in held:
                    same = row[:2] == other[:2] and row != other
                    if same and max(row.begin, other.begin) < min(row.end, other.end):
                        yield Diagnostic("Validity ranges overlap", f"{name}: {row}, {other}")

    def _record(self, contents: Contents, home: str) -> tuple[int, int]:
        """Register what is missing; return how much was."""
        self.types |= contents.dataset_types
        for element, records in contents.dimensions:
            self._add_records(element, records)
        for name, (type_, doc, _) in contents.collections.items():
            if type_ is not CollectionType.CHAINED and name not in self.seen:
                self._register(name, type_, doc=doc)
        recorded = certified = 0
        for d in contents.datasets:
            if self._path_of(d.uuid) is None:
                path = home + d.path
                self.datasets[d.uuid] = Dataset(
                    d.uuid, d.dataset_type, d.run, d.data_id, d.formatter, path, self._size(path)
                )
                recorded += 1
        for name, given in contents.certifications.items():
            for span, uuids in given:
                new = [(u, span) for u in uuids if (u, span) not in self.members[name]]
                self.members[name] += new
                certified += len(new)
        return recorded, certified

    def _delete(self, path: str | None) -> None:
        # Files elsewhere are not the datastore's to delete.
        if path and not _is_elsewhere(path):
            del self.uris[self.uri(path)]

    def _read(self, source: str, path: str) -> bytes | None:
        return self._at(f"{source.rstrip('/')}/{path}")

    def _at(self, uri: str) -> bytes | None:
        if uri in self.uris:
            return self.uris[uri]
        file = Path(unquote(urlsplit(uri).path) if uri.startswith("file:") else uri)
        return file.read_bytes() if file.exists() else None


def _overlap(held: Range, span: Range) -> bool:
    """Say whether a lookup finds a range; an unbounded one finds all."""
    return span == UNBOUNDED or max(held[0], span[0]) < min(held[1], span[1])


def _condition(text: str) -> tuple[str, str]:
    """Return key and value of ``KEY = VALUE``, all that is understood."""
    match = re.fullmatch(r"(day_obs|exposure|physical_filter) = ('?)(\w+)\2", text.strip())
    if match is None:
        raise UsageError(Diagnostic("Expression is not understood", text))
    return match[1], match[3]


def _meets(exposure: SeenExposure, condition: tuple[str, str]) -> bool:
    key, value = condition
    return str({**exposure.data_id, "day_obs": exposure.day_obs}[key]) == value


def _is_elsewhere(path: str) -> bool:
    return "://" in path or path.startswith("/")


def _exported(dataset: Dataset) -> str:
    """Return the path of a dataset's file in an export."""
    path = dataset.path or ""
    if _is_elsewhere(path):
        return f"{dataset.run}/{dataset.dataset_type}/{dataset.uuid}{Path(path).suffix}"
    return path


def _is(data: bytes, file: BundleFile) -> bool:
    return hashlib.sha256(data).hexdigest() == file.sha256


def _key(element: str, record: Mapping[str, int | str]) -> Key:
    return tuple(record[field] for field in _KEYS[element])  # type: ignore[return-value]


def _means(element: str, record: Mapping[str, int | str], data_id: DataId) -> bool:
    named = {"instrument": record.get("instrument", record.get("name"))}
    if element != "instrument":
        named[element] = record.get("id", record.get("name"))
    return all(data_id.get(dimension) == value for dimension, value in named.items())


def _entry(**said: object) -> str:
    # JSON is YAML.
    return f"- {json.dumps(said)}\n"


def _uuid(text: str) -> str:
    return f"!uuid '{uuid.UUID(text)}'"


def _timespan(span: Range) -> str:
    if span[0] >= span[1]:
        return "!lsst.daf.butler.Timespan EMPTY"
    begin, end = (_moment(bound) for bound in span)
    return f"!lsst.daf.butler.Timespan {{begin: {begin}, end: {end}}}"


def _moment(bound: int) -> str:
    text = format_bound(bound)
    return "null" if text is None else f"!butler_time/tai/iso '{text.replace('T', ' ')}'"


def _refused(summary: str, detail: str) -> RefusedError:
    return RefusedError(Diagnostic(summary, detail))
