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
