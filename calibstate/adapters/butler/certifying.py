"""Certifying datasets in one transaction, on the ground that was seen.

The butler's own ``certify`` takes an empty range, and two datasets for one
data ID; its ``decertify`` cuts whatever it meets in two.  So what is there is
read before and after, and all is undone that was not expected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from lsst.daf.butler import Butler, DatasetRef
from lsst.daf.butler.registry import (  # type: ignore[attr-defined]
    CollectionType as ButlerCollectionType,
)
from lsst.daf.butler.registry import ConflictingDefinitionError

from ...errors import Diagnostic, PlanIsStaleError, RefusedError
from ...model.contents import Row, format_data_id
from ...model.timespans import Range, format_range
from ...ports.records import Fence
from .holdings import read_holdings
from .lookups import find_refs
from .translation import timespan_of

__all__ = ["CertificationOf"]

_SHOWN = 5
"""Datasets that a message names."""


@dataclass(frozen=True)
class CertificationOf:
    """Datasets on their way into one CALIBRATION collection."""

    butler: Butler

    name: str
    """What messages call the repository."""

    collection: str
    uuids: Sequence[str]
    """The datasets."""

    span: Range
    """For which they are certified."""

    expected: frozenset[Row]
    """What the collection holds now."""

    decertified: frozenset[Row]
    """What of that it is to hold no more."""

    fence: Fence

    def run(self) -> int:
        """Certify what is not certified yet, and return how many that were.

        Raises
        ------
        PlanIsStaleError
            The collection does not hold what is expected, nor what it is to
            hold; nothing changed.
        RefusedError
            It cannot be done; nothing changed.
        """
        self._refuse_what_is_wrong_already()
        with self.butler.transaction():
            self._register()
            present = self._rows()
            if present == self._after:
                return 0
            if present != self.expected:
                raise self._stale(present, self.expected)
            self._refuse_conflicts()
            self.fence()
            self._decertify()
            # A transaction is undone if we are not alone any more.
            self.fence()
            number = self._certify()
            # The butler locks its table only when it writes.  What others
            # wrote between our look and that is seen now, and no later.
            present = self._rows()
            if present != self._after:
                raise self._stale(present, self._after)
            return number

    @cached_property
    def _refs(self) -> dict[str, DatasetRef]:
        """The datasets, by UUID; those that are not there are left out."""
        return find_refs(self.butler, self.uuids)

    @cached_property
    def _wanted(self) -> frozenset[Row]:
        """What is to be certified."""
        rows: set[Row] = set()
        for ref in self._refs.values():
            data_id = format_data_id(dict(ref.dataId.required))
            row = Row(ref.datasetType.name, data_id, str(ref.id), *self.span)
            rows.add(row)
        return frozenset(rows)

    @cached_property
    def _kept(self) -> frozenset[Row]:
        """What is there and stays."""
        return self.expected - self.decertified

    @cached_property
    def _after(self) -> frozenset[Row]:
        """What the collection is to hold in the end."""
        return self._kept | self._wanted

    def _refuse_what_is_wrong_already(self) -> None:
        """Refuse what no look at the collection would change."""
        begin, end = self.span
        if begin >= end:
            raise self._refused(
                "Validity range ends before it begins",
                f"{self.collection} would certify for an empty range",
                "No exposure would ever find these. Correct `begin` or `end`.",
            )
        empty = [row for row in sorted(self.decertified) if row.begin >= row.end]
        if empty:
            examples = _some([_words(row) for row in empty])
            raise self._refused(
                "Certification cannot be undone",
                f"{self.collection} holds an empty range, which the butler never finds again: {examples}",
                "Certify under another name.",
            )
        unknown = [uuid for uuid in self.uuids if uuid not in self._refs]
        if unknown or not self.uuids:
            examples = _some(unknown) or "nothing"
            raise self._refused(
                "Dataset is not there",
                f"to {self.collection} would be certified {examples}",
                "Look again: somebody may have removed the RUN.",
            )
        others: set[str] = set()
        for ref in self._refs.values():
            if not ref.datasetType.isCalibration():
                others.add(ref.datasetType.name)
        if others:
            examples = _some(sorted(others))
            raise self._refused(
                "Dataset type is no calibration",
                f"{examples} cannot be certified to {self.collection}",
                "A dataset type is a calibration from when it is registered, or never.",
            )

    def _register(self) -> None:
        """Register the collection, where it does not exist."""
        # A name that is taken is no error to the butler, whatever has it.
        if self.butler.collections.register(self.collection, ButlerCollectionType.CALIBRATION):
            return
        taken = self.butler.collections.get_info(self.collection).type
        if taken is not ButlerCollectionType.CALIBRATION:
            raise self._refused(
                "Collection has another type",
                f"{self.collection} is a {taken.name} collection, not a CALIBRATION collection",
                "Rename or remove that collection, or certify under another name.",
            )

    def _rows(self) -> frozenset[Row]:
        """Return what the collection holds at this moment."""
        held = read_holdings(self.butler, [self.collection], calibrations_only=True)
        return frozenset(held[self.collection].rows)

    def _refuse_conflicts(self) -> None:
        """Refuse two datasets for one data ID at one time."""
        by_data_id: dict[tuple[str, str], list[Row]] = {}
        for row in sorted(self._kept):
            by_data_id.setdefault((row.dataset_type, row.data_id), []).append(row)
        conflicts: list[str] = []
        for row in sorted(self._wanted - self._kept):
            others = by_data_id.setdefault((row.dataset_type, row.data_id), [])
            for other in others:
                if max(row.begin, other.begin) < min(row.end, other.end):
                    conflicts.append(_words(other))
            others.append(row)
        if conflicts:
            examples = _some(conflicts)
            span = format_range(self.span)
            raise self._refused(
                "Validity ranges conflict",
                f"{self.collection} would have two datasets at once for {examples}; "
                f"{span} is to be certified",
                "What is certified stays. Certify for another range, or under another name.",
            )

    def _decertify(self) -> None:
        """Decertify what is to go, all of a dataset type and range at once."""
        groups: dict[tuple[str, Range], list[str]] = {}
        for row in sorted(self.decertified):
            span = (row.begin, row.end)
            groups.setdefault((row.dataset_type, span), []).append(row.uuid)
        for (dataset_type, span), uuids in groups.items():
            # Ranges of one data ID never overlap, so this is that row, whole.
            refs = find_refs(self.butler, uuids)
            self.butler.registry.decertify(
                self.collection,
                dataset_type,
                timespan_of(span),
                dataIds=[ref.dataId for ref in refs.values()],
            )

    def _certify(self) -> int:
        """Certify what is not certified yet, and return how many that are."""
        new = {row.uuid for row in self._wanted - self._kept}
        refs = [ref for uuid, ref in self._refs.items() if uuid in new]
        try:
            self.butler.registry.certify(self.collection, refs, timespan_of(self.span))
        except ConflictingDefinitionError as error:
            # Not so when it was looked at, so somebody was quicker.
            raise self._changed(str(error).rstrip(".")) from error
        return len(refs)

    def _stale(
        self,
        present: frozenset[Row],
        should_be: frozenset[Row],
    ) -> PlanIsStaleError:
        """Return the error that others have certified, or decertified."""
        differences: list[str] = []
        for row in sorted(present - should_be):
            differences.append(f"{_words(row)} came")
        for row in sorted(should_be - present):
            differences.append(f"{_words(row)} is gone")
        return self._changed(_some(differences))

    def _changed(self, differences: str) -> PlanIsStaleError:
        return PlanIsStaleError(
            Diagnostic(
                "Certifications have changed",
                f"{self.name}: {self.collection} is not as it was seen: {differences}. Nothing was written.",
                hint="Plan again.",
            )
        )

    def _refused(self, summary: str, detail: str, hint: str) -> RefusedError:
        return RefusedError(Diagnostic(summary, f"{self.name}: {detail}. Nothing was written.", hint=hint))


def _words(row: Row) -> str:
    """Return a certification as messages name it."""
    span = format_range((row.begin, row.end))
    return f"{row.dataset_type} {row.data_id} {row.uuid} {span}"


def _some(items: Sequence[str]) -> str:
    """Name the first of some things, and how many more there are."""
    some = "; ".join(items[:_SHOWN])
    others = len(items) - _SHOWN
    return f"{some} and {others} more" if others > 0 else some
