"""Whether a collection is whole: each dataset recorded, each with its file.

Registry, datastore and file system are three things, and each can lack what
the others have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..model.contents import Holding, Row
from ..model.timespans import format_range

__all__ = ["missing_files", "tell_rows"]

_NO_SIZES: Mapping[str, int] = {}


def tell_rows(rows: Iterable[Row], most: int = 3) -> str:
    """Name some datasets for people: type, data ID and range."""
    ordered = sorted(rows)
    told = [f"{r.dataset_type} {r.data_id} {format_range((r.begin, r.end))}" for r in ordered[:most]]
    more = f" and {len(ordered) - most} more" if len(ordered) > most else ""
    return "; ".join(told) + more


def missing_files(holding: Holding, bundled: Mapping[str, int] = _NO_SIZES) -> Iterator[str]:
    """Yield which datasets of a collection have no right file, for people.

    Parameters
    ----------
    holding
        What the collection holds.  Files that were not looked at are right.
    bundled
        Sizes in bytes that the files must have, by UUID, as far as they are
        known.
    """
    unrecorded, lost, resized, altered = [], [], [], []
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
