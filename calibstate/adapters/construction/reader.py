"""What was made, as the registry of a real butler tells it."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from lsst.daf.butler import (
    Butler,
    DatasetRef,
    EmptyQueryResultError,
    InvalidQueryError,
    MissingCollectionError,
    MissingDatasetTypeError,
)
from typing_extensions import override

from ...errors import CalibstateError, Diagnostic, RefusedError
from ...model.contents import format_data_id, parse_data_id
from ...model.submissions import ExpectedOutput, SeenOutput
from ...ports.construction import ConstructionReader, Statistics
from ...ports.progress import Watch
from ...ports.silence import USUAL_TIMEOUT
from ..butler.holdings import find_collections
from ..butler.opening import Repository
from .results import statistics_in

__all__ = ["open_construction_reader"]

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

_RAW = "raw"
"""The dataset type of the exposures that calibrations are made of."""


def open_construction_reader(uri: str, timeout: timedelta = USUAL_TIMEOUT) -> ConstructionReader:
    """Return a repository in which what was made is looked at.

    Parameters
    ----------
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
    return _Reader(repository, repository.open(writeable=False))


class _Reader(ConstructionReader):
    """A repository to look at."""

    def __init__(self, repository: Repository, butler: Butler) -> None:
        self._repository = repository
        self._butler = butler

    @override
    def outputs(self, expected: Sequence[ExpectedOutput]) -> Mapping[str, SeenOutput]:
        with self._repository.asking():
            # What a batch has registered since is not known here yet.
            self._butler.registry.refresh()
            names = list(dict.fromkeys(output.output for output in expected))
            children = {info.name: info.children for info in find_collections(self._butler, names)}
            selections = _Selections(self._butler)
            outputs: dict[str, SeenOutput] = {}
            for output in expected:
                outputs[output.output] = self._output(output, children.get(output.output), selections)
            return outputs

    def _output(
        self,
        expected: ExpectedOutput,
        children: Sequence[str] | None,
        selections: _Selections,
    ) -> SeenOutput:
        data_ids = selections.data_ids(expected)
        exposures = len(selections.exposures(expected.raws, expected.where))
        if children is None:
            return SeenOutput(expected=data_ids, exposures=exposures)
        # A chain of pipetask's has its RUNs in front, the newest first, and
        # behind them for ever what it searched when it was made.
        prefix = f"{expected.output}/"
        runs = [child for child in children if child.startswith(prefix)]
        inputs = [child for child in children if not child.startswith(prefix)]
        newest = runs[0] if runs else None
        if expected.run is not None:
            newest = expected.run if expected.run in runs else None
        older = tuple(run for run in runs if run != newest)
        datasets = {}
        if newest is not None:
            datasets = self._uuids(newest, expected.dataset_type)
            if not datasets and expected.otherwise:
                datasets = self._uuids(newest, expected.otherwise)
        return SeenOutput(
            is_there=True,
            newest=newest,
            older=older,
            inputs=tuple(inputs),
            exposures=exposures,
            expected=data_ids,
            datasets=datasets,
        )

    def _uuids(self, run: str, dataset_type: str) -> dict[str, str]:
        """Return the UUIDs of datasets in a RUN, by data ID."""
        return {_data_id(ref): str(ref.id) for ref in self._datasets(run, dataset_type)}

    def _datasets(self, run: str, dataset_type: str, where: str = "") -> list[DatasetRef]:
        """Return the datasets of a type in one collection."""
        try:
            return list(
                self._butler.query_datasets(
                    dataset_type,
                    collections=run,
                    where=where,
                    find_first=False,
                    limit=None,
                    explain=False,
                )
            )
        except (EmptyQueryResultError, MissingCollectionError, MissingDatasetTypeError):
            return []

    @override
    def types(self, collections: Sequence[str]) -> frozenset[str]:
        types: set[str] = set()
        with self._repository.asking():
            self._butler.registry.refresh()
            for info in find_collections(self._butler, list(collections), with_types=True):
                types.update(info.dataset_types or ())
        return frozenset(types)

    @override
    def exposures(self, raws: str, where: str) -> Sequence[int]:
        with self._repository.asking():
            return _Selections(self._butler).exposures(raws, where)

    @override
    def used(self, run: str, intermediate: str) -> Sequence[int]:
        with self._repository.asking():
            self._butler.registry.refresh()
            exposures = {ref.dataId["exposure"] for ref in self._datasets(run, intermediate)}
        return sorted(int(exposure) for exposure in exposures)

    @override
    def statistics(self, run: str, expected: ExpectedOutput) -> Sequence[Statistics]:
        with self._repository.asking():
            self._butler.registry.refresh()
            refs = self._datasets(run, expected.dataset_type)
            statistics = [Statistics(_data_id(ref), str(ref.id), self._butler.get(ref)) for ref in refs]
            if not refs and expected.otherwise:
                statistics = list(self._out_of_tables(run, expected.otherwise))
        return sorted(statistics, key=lambda dataset: dataset.data_id)

    def _out_of_tables(self, run: str, dataset_type: str) -> Iterator[Statistics]:
        """Yield what tables tell in place of statistics."""
        for ref in self._datasets(run, dataset_type):
            names = self._names(str(ref.dataId["instrument"]))
            try:
                values = statistics_in(self._butler.get(ref), names)
            except (ImportError, KeyError):
                # Without pyarrow no table is read; then there is no verdict.
                continue
            if values:
                yield Statistics(_data_id(ref), str(ref.id), values)

    @override
    def detectors(self, instrument: str) -> Mapping[int, str]:
        with self._repository.asking():
            return self._names(instrument)

    def _names(self, instrument: str) -> dict[int, str]:
        records = self._butler.query_dimension_records("detector", instrument=instrument, explain=False)
        return {record.id: record.full_name for record in records}

    @override
    def software(self, run: str) -> Mapping[str, str]:
        with self._repository.asking():
            self._butler.registry.refresh()
            refs = self._datasets(run, "packages")
            if not refs:
                return {}
            packages: Mapping[str, Any] = self._butler.get(refs[0])
            return {name: str(packages[name]) for name in sorted(packages)}

    @override
    def registered(self, run: str, dataset_type: str) -> tuple[str, str] | None:
        field = f"{dataset_type}.ingest_date"
        times: list[Any] = []
        with self._repository.asking():
            self._butler.registry.refresh()
            try:
                with self._butler.query() as query:
                    searched = query.join_dataset_search(dataset_type, [run])
                    rows = searched.general(
                        ["detector"], dataset_fields={dataset_type: {"ingest_date"}}, find_first=False
                    )
                    times = [row[field] for row in rows]
            except (EmptyQueryResultError, MissingCollectionError, MissingDatasetTypeError):
                return None
        if not times:
            return None
        # The butler counts in TAI; journals and people count in UTC.
        first, last = min(times), max(times)
        return f"{first.utc.isot[:19]}Z", f"{last.utc.isot[:19]}Z"

    @override
    def retrieve(
        self,
        run: str,
        dataset_type: str,
        where: str,
        folder: Path,
        watch: Watch,
    ) -> Sequence[Path]:
        files: list[Path] = []
        with _keeping(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with self._repository.asking(), _taking(where), _keeping(folder):
            self._butler.registry.refresh()
            refs = self._datasets(run, dataset_type, where)
            for done, ref in enumerate(sorted(refs, key=_data_id)):
                watch("images", done, len(refs))
                # The butler gives each its own name; one that is there already
                # is fetched again, since nobody knows whether it is whole.
                copies = self._butler.retrieveArtifacts(
                    [ref], folder, transfer="copy", preserve_path=False, overwrite=True
                )
                files.extend(Path(copy.ospath) for copy in copies)
            watch("images", len(refs), len(refs))
        return files


class _Selections:
    """What selections find among the raws, each asked once."""

    def __init__(self, butler: Butler) -> None:
        self._butler = butler
        self._projected: dict[tuple[str, ...], frozenset[str]] = {}

    def data_ids(self, expected: ExpectedOutput) -> frozenset[str]:
        """Return the data IDs that an output should have."""
        dimensions = tuple(sorted(expected.dimensions))
        data_ids = self._project(expected.raws, expected.where, dimensions)
        if not expected.but_for:
            return data_ids
        excused = self._numbers(expected.instrument, expected.but_for)
        return frozenset(id_ for id_ in data_ids if parse_data_id(id_).get("detector") not in excused)

    def _numbers(self, instrument: str, detectors: Sequence[str]) -> set[str]:
        """Return the numbers of detectors that may be called by name."""
        numbers = set(detectors)
        records = self._butler.query_dimension_records("detector", instrument=instrument, explain=False)
        for record in records:
            if record.full_name in numbers:
                numbers.add(str(record.id))
        return numbers

    def exposures(self, raws: str, where: str) -> list[int]:
        """Return the exposures that a selection finds, sorted."""
        data_ids = self._project(raws, where, ("exposure",))
        return sorted(int(data_id.split(",")[0].removeprefix("exposure=")) for data_id in data_ids)

    def _project(self, raws: str, where: str, dimensions: tuple[str, ...]) -> frozenset[str]:
        key = (raws, where, *dimensions)
        if key not in self._projected:
            self._projected[key] = self._query(raws, where, ("instrument", *dimensions))
        return self._projected[key]

    def _query(self, raws: str, where: str, dimensions: tuple[str, ...]) -> frozenset[str]:
        try:
            with _taking(where), self._butler.query() as query:
                selected = query.join_dataset_search(_RAW, [raws]).where(where)
                data_ids = selected.data_ids(dimensions)
                return frozenset(format_data_id(_plain(data_id.required)) for data_id in data_ids)
        except (EmptyQueryResultError, MissingCollectionError, MissingDatasetTypeError):
            return frozenset()


@contextmanager
def _taking(where: str) -> Iterator[None]:
    """Tell which expression the butler does not take."""
    try:
        yield
    except InvalidQueryError as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise RefusedError(
            Diagnostic(
                "Selection cannot be asked for",
                f"The butler does not take `{where}`: {reason}.",
                hint="Correct it in the ticket's `construction`.",
            )
        ) from error


@contextmanager
def _keeping(folder: Path) -> Iterator[None]:
    """Tell that files cannot be kept here, which is no fault of the butler."""
    try:
        yield
    except OSError as error:
        is_of_the_folder = str(error.filename or "").startswith(str(folder))
        if not is_of_the_folder and error.errno not in _FULL:
            raise
        raise CalibstateError(
            Diagnostic(
                "Images cannot be kept",
                f"{folder}: {error.strerror}.",
                hint="Make room for them, or say another `scratch` under `construction` in the site's file.",
            )
        ) from error


def _data_id(ref: DatasetRef) -> str:
    return format_data_id(_plain(ref.dataId.required))


def _plain(required: Mapping[str, Any]) -> dict[str, int | str]:
    """Return a data ID with numbers and text only."""
    plain: dict[str, int | str] = {}
    for key, value in required.items():
        plain[key] = value if isinstance(value, int) else str(value)
    return plain
