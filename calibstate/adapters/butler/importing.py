"""Adding a bundle to a repository.

Files first, the registry in one transaction after them: whatever moment a
run is cut off at, nothing is recorded that is not there, and the next run
completes it.  (The stock import copies within its transaction, and takes
files that were there before away when that fails.)  Files that others have
brought are the same import without a source: nothing can be placed, and what
is there is recorded by its URI.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from .placing import clear_leftovers, place
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
        root = store.root
        survey = self._survey(store)
        tally = self._tally(survey)
        self._refuse_conflicts(survey, tally)
        # What others bring was never on its way by us.
        clear_leftovers(root, survey.expected if survey.source is not None else ())
        if survey.nothing_lacks:
            return ImportCount(0, 0, 0)
        self._place(root, survey, tally)
        with as_only_datastore(self.butler, store):
            self._record(survey)
        certified = 0
        for spans in survey.uncertified.values():
            certified += sum(len(uuids) for uuids in spans.values())
        return ImportCount(len(survey.placements), len(survey.unrecorded), certified)

    def _survey(self, store: FileStore) -> Survey:
        """Look at what there is."""
        translation = translate(self.contents, self.butler.dimensions)
        source, home = self._way(store.root)
        with self._refusing():
            return survey(self.butler, store, home, self.manifest, self.contents, source, translation)

    def _tally(self, survey: Survey) -> Tally:
        """Return what counts the files that are read, with what is copied."""
        to_read = [*survey.unvouched.values(), *(placement.file for placement in survey.placements)]
        return Tally(self.watch, [file.size for file in to_read])

    def _refuse_conflicts(self, survey: Survey, tally: Tally) -> None:
        """Refuse what does not fit what there is."""
        rules = Rules(self._bookkeeping_is_as_sealed, self.formatters)
        problems = [
            Diagnostic(d.summary, f"{self.name}: {d.detail}", hint=d.hint)
            for d in conflicts(survey, rules, tally)
        ]
        if problems:
            raise RefusedError(*problems)

    @cached_property
    def _reading(self) -> Reading:
        return reading_of(self.contents, [collection.name for collection in self.manifest.collections])

    @property
    def _bookkeeping_is_as_sealed(self) -> bool:
        return self.sealed is None or self.sealed.rest == self._reading.rest

    @property
    def _docs_are_as_sealed(self) -> bool:
        return self.sealed is None or self.sealed.docs == self._reading.docs

    def _way(self, root: ResourcePath) -> tuple[ResourcePath | None, ResourcePath]:
        """Return where files come from, and where they are or go to."""
        if self.in_place is not None:
            return None, ResourcePath(self.in_place, forceDirectory=True)
        return ResourcePath(self.source, forceDirectory=True), root

    def _place(self, root: ResourcePath, survey: Survey, tally: Tally) -> None:
        """Put the files that are not there in their places."""
        if survey.placements:
            place(root, survey.placements, tally, self.fence, self.timeout)

    def _record(self, survey: Survey) -> None:
        """Tell the registry, all of it or nothing."""
        with self._refusing():
            self.fence()
            for dataset_type in survey.translation.types.values():
                # Makes tables, which a transaction cannot.
                if dataset_type.name not in survey.types:
                    self.butler.registry.registerDatasetType(dataset_type)
            # Whoever registers a type that somebody else registers just now
            # is left with a stale idea of its tables.
            self.butler.registry.refresh()
            with self.butler.transaction():
                for element, records in survey.new_records.items():
                    self.butler.registry.insertDimensionData(element, *records, skip_existing=True)
                self._register_collections(survey)
                for files in _some_at_a_time(_unrecorded_files(survey)):
                    self.butler.ingest(
                        *files, transfer="direct" if survey.source is None else None, skip_existing=True
                    )
                self._certify(survey)
                # What is told so far is undone if we are not alone any more.
                self.fence()

    def _register_collections(self, survey: Survey) -> None:
        for names, type_ in (
            (survey.runs, ButlerCollectionType.RUN),
            (survey.calibrations, ButlerCollectionType.CALIBRATION),
        ):
            for name in names:
                if name not in survey.collections:
                    sealed_collections = self.contents.collections if self._docs_are_as_sealed else {}
                    doc = sealed_collections[name][1] if name in sealed_collections else None
                    self.butler.collections.register(name, type_, doc=doc)

    def _certify(self, survey: Survey) -> None:
        for collection, spans in survey.uncertified.items():
            for span, uuids in spans.items():
                refs = [survey.translation.refs[uuid] for uuid in uuids]
                self.butler.registry.certify(collection, refs, timespan_of(span))

    @contextmanager
    def _refusing(self) -> Iterator[None]:
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


def _some_at_a_time(files: Sequence[FileDataset]) -> Iterator[Sequence[FileDataset]]:
    # The butler looks at each file before it tells the database of any, and
    # nothing would be heard of it meanwhile.
    for start in range(0, len(files), _INGESTED):
        yield files[start : start + _INGESTED]
        heard()


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
