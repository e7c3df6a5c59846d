"""The butler's own lookups, of everything that a repository holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from lsst.daf.butler import Butler, CalibrationLookupError, DatasetRef, Timespan

from calibstate.model.contents import format_data_id
from calibstate.model.timespans import UNBOUNDED, UNBOUNDED_END, Range

__all__ = ["AMBIGUOUS", "Asked", "associations", "everything", "look_up"]

AMBIGUOUS = "ambiguous"


@dataclass
class Asked:
    """A data ID of a dataset type, and where its ranges have edges."""

    dataset_type: str
    data_id: Mapping[str, int | str]
    edges: set[int] = field(default_factory=set)

    @property
    def text(self) -> str:
        return format_data_id(self.data_id)

    def moments(self) -> list[int]:
        """Return the edges, their neighbours, and what lies between."""
        edges = sorted({*UNBOUNDED, *self.edges})
        near = {edge + step for edge in edges for step in (-1, 0, 1)}
        between = {(one + other) // 2 for one, other in pairwise(edges)}
        return sorted(moment for moment in near | between if 0 <= moment < UNBOUNDED_END)


def associations(butler: Butler) -> Iterator[tuple[str, DatasetRef, Range]]:
    """Return collection, dataset and range of all calibrations there are."""
    for dataset_type in butler.registry.queryDatasetTypes():
        if dataset_type.isCalibration():
            for found in butler.registry.queryDatasetAssociations(dataset_type, collections=...):
                span = found.timespan.nsec if found.timespan is not None else UNBOUNDED
                yield found.collection, found.ref, span


def everything(butler: Butler) -> list[Asked]:
    """Return all data IDs of which there is a dataset, anywhere."""
    asked: dict[tuple[str, str], Asked] = {}
    for _, ref, span in associations(butler):
        one = Asked(ref.datasetType.name, dict(ref.dataId.required))
        asked.setdefault((one.dataset_type, one.text), one).edges.update(span)
    return [asked[key] for key in sorted(asked)]


def look_up(butler: Butler, asked: Asked, chain: str, moment: int) -> str | None:
    """Return what the butler finds in one nanosecond."""
    now = Timespan(None, None, _nsec=(moment, moment + 1))
    try:
        ref = butler.find_dataset(asked.dataset_type, asked.data_id, collections=chain, timespan=now)
    except CalibrationLookupError:
        return AMBIGUOUS
    return str(ref.id) if ref else None
