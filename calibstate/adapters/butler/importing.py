"""Adding a bundle to a repository.

Files first, the registry in one transaction after them: whatever moment a
run is cut off at, nothing is recorded that is not there, and the next run
completes it.  (The stock import copies within its transaction, and takes
files that were there before away when that fails.)  Files that others have
brought are the same import without a source: nothing can be placed, and what
is there is recorded by its URI.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from lsst.daf.butler import Butler, FileDataset
from lsst.daf.butler.registry import (  # type: ignore[attr-defined]
    CollectionType as ButlerCollectionType,
)
from lsst.daf.butler.registry import ConflictingDefinitionError
from lsst.resources import ResourcePath
from sqlalchemy.exc import DataError

from ...errors import Diagnostic, PlanIsStaleError, RefusedError
from ...model.bundles import Contents, Manifest, StoredDataset
from ...model.readings import Reading
from ...ports.butler import ImportCount
from ...ports.progress import Tally, Watch
from ...ports.records import Fence, unfenced
from ...ports.silence import USUAL_TIMEOUT, heard
from ...store.bundle import reading_of
from .conflicts import Rules, conflicts
from .datastore import FileStore, as_only_datastore, first_writable
from .incoming import clear_leftovers
from .placing import place
from .survey import Survey, survey
from .translation import timespan_of, translate

__all__ = ["BundleImport"]

_INGESTED = 1000
"""Files that are ingested at once."""


@dataclass(frozen=True)
class BundleImport:
    """One bundle on its way into one repository."""

    butler: Butler
    name: str
    """What messages call the repository."""
    manifest: Manifest
    contents: Contents
    source: str
    """URI of the bundle's folder."""
    in_place: str | None
    """URI of the folder that others have put its files in."""
    sealed: Reading | None
    """How its files are read, as it was sealed; `None`: no seal tells."""
    formatters: tuple[str, ...]
    """Packages whose formatter classes may be imported."""
    watch: Watch
    fence: Fence = unfenced
    timeout: timedelta = USUAL_TIMEOUT
    """How long an object store may be silent."""

    def run(self) -> ImportCount:
        """Add what the repository lacks, and say how much that was.

        Raises
        ------
        RefusedError
            Something contradicts the bundle; nothing was written.
        """
        store = first_writable(self.butler, self.name)
        survey = self._survey(store)
        # Files that are read to be compared count as much as those copied.
        sizes = [file.size for file in survey.unvouched.values()]
        sizes += [placement.file.size for placement in survey.placements]
        tally = Tally(self.watch, sizes)
        self._refuse_conflicts(survey, tally)
        # What others bring was never on its way by us.
        placed_by_us = survey.expected if survey.source is not None else ()
        clear_leftovers(store.root, placed_by_us)
        if survey.nothing_lacks:
            return ImportCount(0, 0, 0)
        if survey.placements:
            place(store.root, survey.placements, tally, self.fence, self.timeout)
        with as_only_datastore(self.butler, store):
            self._record(survey)
        certified = 0
        for spans in survey.uncertified.values():
            certified += sum(map(len, spans.values()))
        return ImportCount(
            placed=len(survey.placements),
            recorded=len(survey.unrecorded),
            certified=certified,
        )

    def _survey(self, store: FileStore) -> Survey:
        """Return what there is of the bundle."""
        source: ResourcePath | None = None
        if self.in_place is None:
            source = ResourcePath(self.source, forceDirectory=True)
            home = store.root
        else:
            # Others have put its files where they are read.
            home = ResourcePath(self.in_place, forceDirectory=True)
        translation = translate(self.contents, self.butler.dimensions)
        with self._refusing():
            return survey(
                self.butler,
                store,
                home,
                self.manifest,
                self.contents,
                source,
                translation,
            )

    def _refuse_conflicts(self, survey: Survey, tally: Tally) -> None:
        """Refuse what does not fit what there is."""
        rules = Rules(
            bookkeeping_is_as_sealed=self.sealed is None or self.sealed.rest == self._reading.rest,
            formatters=self.formatters,
        )
        problems: list[Diagnostic] = []
        for conflict in conflicts(survey, rules, tally):
            detail = f"{self.name}: {conflict.detail}"
            problems.append(Diagnostic(conflict.summary, detail, hint=conflict.hint))
        if problems:
            raise RefusedError(*problems)

    @cached_property
    def _reading(self) -> Reading:
        """How the files of the bundle are read, by what it says now."""
        names = [collection.name for collection in self.manifest.collections]
        return reading_of(self.contents, names)

    def _record(self, survey: Survey) -> None:
        """Write to the registry all that the bundle says, or nothing."""
        registry = self.butler.registry
        with self._refusing():
            self.fence()
            for dataset_type in survey.translation.types.values():
                # Makes tables, which a transaction cannot.
                if dataset_type.name not in survey.types:
                    registry.registerDatasetType(dataset_type)
            # Whoever registers a type that somebody else registers just now
            # is left with a stale idea of its tables.
            registry.refresh()
            # Records before the data IDs that need them, collections before
            # the datasets in them, and datasets before they are certified.
            with self.butler.transaction():
                for element, records in survey.new_records.items():
                    registry.insertDimensionData(element, *records, skip_existing=True)
                self._register(survey, survey.runs, ButlerCollectionType.RUN)
                self._register(survey, survey.calibrations, ButlerCollectionType.CALIBRATION)
                self._ingest(survey)
                for collection, spans in survey.uncertified.items():
                    for span, uuids in spans.items():
                        refs = [survey.translation.refs[uuid] for uuid in uuids]
                        registry.certify(collection, refs, timespan_of(span))
                # What is written so far is undone if we are not alone any
                # more.
                self.fence()

    def _register(
        self,
        survey: Survey,
        names: Iterable[str],
        type_: ButlerCollectionType,
    ) -> None:
        """Register those of some collections that do not exist."""
        for name in names:
            if name in survey.collections:
                continue
            doc = None
            in_bundle = self.contents.collections.get(name)
            # What was not sealed is not written as if it had been.
            if in_bundle and (self.sealed is None or self.sealed.docs == self._reading.docs):
                _, doc, _ = in_bundle
            self.butler.collections.register(name, type_, doc=doc)

    def _ingest(self, survey: Survey) -> None:
        """Record the files of datasets that are not recorded."""
        # What others brought is recorded by its URI, wherever that is; ours
        # is in its place by now.
        transfer = "direct" if survey.source is None else None
        files = _unrecorded_files(survey)
        # The butler looks at each file before it tells the database of any,
        # and nothing would be heard of it meanwhile.
        for start in range(0, len(files), _INGESTED):
            some = files[start : start + _INGESTED]
            self.butler.ingest(*some, transfer=transfer, skip_existing=True)
            heard()

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Raise what the butler refuses as errors of our own."""
        try:
            yield
        except ConflictingDefinitionError as error:
            raise PlanIsStaleError(
                Diagnostic(
                    "Repository changed meanwhile",
                    f"{self.name}: somebody changed it during the import: {error}. "
                    "Files may have been placed; nothing was recorded.",
                    hint="Look again and make a new plan.",
                )
            ) from error
        except (OverflowError, DataError) as error:
            # Databases have no integers of more than 64 bits.
            line = str(error).strip().splitlines()[0].rstrip(".")
            raise RefusedError(
                Diagnostic(
                    "Value does not fit the database",
                    f"{self.name} cannot hold what the bundle says: {line}. Nothing was recorded.",
                    hint="Correct it at the origin, in a new ticket, or have the bundle restored.",
                )
            ) from error


def _unrecorded_files(survey: Survey) -> list[FileDataset]:
    """Return what the datastore is to be told, file by file.

    A file is named once for each dataset type in it, since the butler keeps
    one storage class for all datasets of a `FileDataset`.
    """
    together: dict[tuple[str, str, str], list[StoredDataset]] = {}
    for dataset in survey.unrecorded:
        key = (dataset.path, dataset.formatter, dataset.dataset_type)
        together.setdefault(key, []).append(dataset)
    files: list[FileDataset] = []
    for (path, formatter, _), datasets in together.items():
        refs = [survey.translation.refs[dataset.uuid] for dataset in datasets]
        files.append(FileDataset(survey.target_of(path), refs, formatter=formatter))
    return files
