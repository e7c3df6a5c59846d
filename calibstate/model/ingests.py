"""Files that come into a RUN of the origin by a table, with ids that repeat.

Of the ids that a butler makes, those by dataset type, RUN and data ID are the
same wherever and however often they are made (``DATAID_TYPE_RUN``).  So what
an ingest will hold is known from its table, before it is there.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from .contents import Row, format_data_id
from .names import CollectionName, Noun
from .timespans import UNBOUNDED

__all__ = ["FileRow", "FileTable", "Ingest", "reproducible_rows"]

_LSST_ORG = uuid.UUID("840b31d9-05cd-5161-b2c8-00d32b280d0f")
"""Namespace of the butler's reproducible ids, as `DatasetIdFactory` has it."""

_Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Ingest(Noun):
    """How the datasets of one type come into a RUN."""

    run: CollectionName
    """The RUN; a collection of the ticket."""

    type: _Name
    """Name of the dataset type."""

    dimensions: tuple[_Name, ...]
    """All that a data ID has to name."""

    storage_class: _Name
    """Storage class of the type."""

    table: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*\.(csv|ecsv)$")]
    """Name of the table beside the ticket's file: in its first column the
    files, in the others the dimensions."""

    transfer: Literal["direct", "copy", "link", "hardlink", "symlink", "relsymlink"]
    """How the files become the datastore's; ``direct`` leaves them."""

    prefix: Annotated[str, Field(min_length=1)] | None = None
    """Folder in which the table's relative paths begin, as a URI or a path; a
    relative one starts at the ticket's file."""

    formatter: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")] | None = None
    """Class that reads the files; `None`: the one that the repository's
    configuration has for the storage class."""


class FileRow(NamedTuple):
    """A file, and the dataset that it is."""

    file: str
    """Its URI or path."""

    values: tuple[str, ...]
    """Values of the dimensions, in the order of the table's columns."""


class FileTable(NamedTuple):
    """A table of files, as it is read."""

    path: str
    """Where it is on this host."""

    digest: str
    """``sha256:…`` of its bytes."""

    dimensions: tuple[str, ...]
    """Names of the columns behind the first."""

    rows: tuple[FileRow, ...]

    @property
    def data_ids(self) -> Iterable[Mapping[str, str]]:
        """The data ID of each row."""
        for row in self.rows:
            yield dict(zip(self.dimensions, row.values, strict=True))


def reproducible_rows(run: CollectionName, dataset_type: str, table: FileTable) -> frozenset[Row]:
    """Return the datasets that a RUN holds once a table is ingested.

    Parameters
    ----------
    run, dataset_type
        Into which RUN, and of which type.
    table
        Its columns are the required dimensions of the type.
    """
    begin, end = UNBOUNDED
    rows: set[Row] = set()
    for values in table.data_ids:
        data_id = format_data_id(values)
        # The words and their order are those of the butler.
        parts = [f"dataset_type={dataset_type}", f"run={run}"]
        if data_id:
            parts.append(data_id)
        name = ",".join(parts)
        dataset = uuid.uuid5(_LSST_ORG, name)
        rows.add(Row(dataset_type, data_id, str(dataset), begin, end))
    return frozenset(rows)
