"""Whether a collection is whole: each dataset recorded, each with its file.

Registry, datastore and file system are three things, and each can lack what
the others have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..model.contents import Holding, Row
from ..model.seals import Coverage, cover
from ..model.timespans import Range, format_range

__all__ = ["missing_files", "tell_folded", "tell_rows"]

_NOT_DIMENSIONS = {"begin", "end"}

_NO_SIZES: Mapping[str, int] = {}


def tell_rows(rows: Iterable[Row], most: int = 3) -> str:
    """Name some datasets for people: type, data ID and range."""
    # In a fixed order, so that a plan is the same twice.
    ordered = sorted(rows)
    names = []
    for row in ordered[:most]:
        validity = format_range((row.begin, row.end))
        names.append(f"{row.dataset_type} {row.data_id} {validity}")
    examples = "; ".join(names)
    more = len(ordered) - most
    if more > 0:
        return f"{examples} and {more} more"
    return examples


def tell_folded(rows: Iterable[Row], instrument: str, most: int = 6) -> str:
    """Say of which types, data IDs and ranges some datasets are.

    Parameters
    ----------
    rows
        The datasets.
    instrument
        The instrument that is not repeated.
    most
        How many groups are told.
    """
    by_type: dict[str, list[tuple[str, Range]]] = {}
    for row in sorted(rows):
        data_ids = by_type.setdefault(row.dataset_type, [])
        data_ids.append((row.data_id, (row.begin, row.end)))
    groups: list[str] = []
    for dataset_type, data_ids in by_type.items():
        for entry in cover(data_ids, instrument):
            words = _in_words(entry)
            groups.append(f"{dataset_type}{words}")
    examples = "; ".join(groups[:most])
    more = len(groups) - most
    if more > 0:
        return f"{examples}; and {more} more"
    return examples


def _in_words(entry: Coverage) -> str:
    """Say for which data IDs and which range, behind a dataset type."""
    words = ""
    for dimension, values in entry.items():
        if dimension in _NOT_DIMENSIONS:
            continue
        if isinstance(values, list):
            values = " ".join(values)
        words += f" {dimension} {values}"
    begin = entry["begin"] or "…"
    end = entry["end"] or "…"
    return f"{words} [{begin}, {end})"


def missing_files(
    holding: Holding,
    bundled: Mapping[str, int] = _NO_SIZES,
) -> Iterator[str]:
    """Yield which datasets of a collection have no right file, for people.

    Parameters
    ----------
    holding
        What the collection holds.  Files that were not looked at are right.
    bundled
        Sizes in bytes that the files must have, by UUID, as far as they are
        known.
    """
    unrecorded: list[Row] = []
    lost: list[Row] = []
    resized: list[Row] = []
    altered: list[Row] = []
    # Each dataset is named once, with the worst that is wrong with it.
    for row in holding.rows:
        size = holding.sizes.get(row.uuid)
        if row.uuid in holding.unrecorded:
            unrecorded.append(row)
        elif row.uuid in holding.sizes and size is None:
            lost.append(row)
        elif size is not None and bundled.get(row.uuid, size) != size:
            resized.append(row)
        elif row.uuid in holding.altered:
            altered.append(row)
    if unrecorded:
        yield f"{len(unrecorded)} are not recorded in the datastore: {tell_rows(unrecorded)}"
    if lost:
        yield f"{len(lost)} have no file: {tell_rows(lost)}"
    if resized:
        yield f"{len(resized)} have a file of another size than the bundle says: {tell_rows(resized)}"
    if altered:
        # The butler itself refuses to read these.
        yield f"{len(altered)} have a file of another size than was recorded: {tell_rows(altered)}"
