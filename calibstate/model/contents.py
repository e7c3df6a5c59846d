"""What collections hold: rows of certified or stored datasets.

Rows come in hundreds of thousands, so they are plain tuples, and are fetched
only where a fingerprint does not tell enough.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import NamedTuple, overload

from typing_extensions import override

from ..errors import Diagnostic, UnreachableError
from .fingerprints import collection_fingerprint

__all__ = [
    "Block",
    "CollectionType",
    "HeldDigest",
    "Holding",
    "Row",
    "RowsOnDemand",
    "format_data_id",
    "parse_data_id",
]

_BETWEEN = re.compile(r",(?=[A-Za-z_][A-Za-z0-9_]*=)")
"""What stands between two pairs of a data ID; a value may hold a comma."""


class CollectionType(Enum):
    """The butler's types of collections."""

    RUN = "RUN"
    TAGGED = "TAGGED"
    CHAINED = "CHAINED"
    CALIBRATION = "CALIBRATION"


class Row(NamedTuple):
    """One dataset in one validity range of one collection.

    In a RUN or TAGGED collection the range is unbounded.
    """

    dataset_type: str
    data_id: str
    """``key=value`` of the required dimensions, by key, joined with ``,``."""
    uuid: str
    begin: int
    """Nanoseconds of TAI."""
    end: int
    """Nanoseconds of TAI; a begin after the end is an EMPTY range."""


class Block(NamedTuple):
    """Data IDs of one type that a collection certifies alike.

    A camera has hundreds of data IDs, and a certification is nearly always
    made for all of them at once.
    """

    dataset_type: str
    data_ids: frozenset[str]
    """As a `Row` has them."""
    uuid: str
    """As a `Row` has it; where rows have their RUN for it, that."""
    begin: int
    """Nanoseconds of TAI."""
    end: int
    """Nanoseconds of TAI; a begin after the end is an EMPTY range."""


def format_data_id(required: Mapping[str, int | str]) -> str:
    """Return a data ID as fingerprints and messages write it."""
    return ",".join(f"{key}={required[key]}" for key in sorted(required))


def parse_data_id(text: str) -> dict[str, str]:
    """Return the keys and values of a data ID; what `format_data_id` had."""
    # Of hundreds of thousands, so without a loop of statements.
    pairs = (pair.partition("=") for pair in _BETWEEN.split(text) if pair)
    return {key: value for key, _, value in pairs}


class RowsOnDemand(Sequence[Row]):
    """The rows of a collection, fetched once somebody looks at one.

    How many there are and what they come to is known before.  What is fetched
    has to come to the same: one look shows one state of a collection.

    Parameters
    ----------
    collection
        Whose.
    count
        How many.
    fingerprint
        Their fingerprint, of `~calibstate.model.fingerprints`.
    fetch
        Fetches them.
    """

    def __init__(
        self, collection: str, count: int, fingerprint: str, fetch: Callable[[], Iterable[Row]]
    ) -> None:
        self._collection = collection
        self._count = count
        self.fingerprint = fingerprint
        self._fetch = fetch

    @cached_property
    def _rows(self) -> tuple[Row, ...]:
        rows = tuple(self._fetch())
        # Others may have written since the rows were counted.
        if collection_fingerprint(rows) != self.fingerprint:
            problem = Diagnostic(
                "Collection was changed meanwhile",
                f"{self._collection} was changed by others while it was looked at; look again.",
            )
            raise UnreachableError(problem)
        return rows

    @override
    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Row, ...]: ...

    @override
    def __getitem__(self, index: int | slice) -> Row | tuple[Row, ...]:
        return self._rows[index]

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._rows == tuple(other)

    @override
    def __hash__(self) -> int:
        return hash(self._rows)


@dataclass(frozen=True)
class HeldDigest:
    """What is told of a collection without its rows."""

    type: CollectionType
    fingerprint: str
    count: int
    """Number of its rows."""
    unrecorded: frozenset[str]
    """UUIDs of datasets in it that the datastore has no record of."""


@dataclass(frozen=True)
class Holding:
    """What one collection holds, as a place showed it."""

    collection: str
    """Name of the collection."""

    type: CollectionType
    """Its type; never CHAINED."""

    rows: Sequence[Row]
    """What it holds, in any order; or `RowsOnDemand`."""

    unrecorded: frozenset[str] = frozenset()
    """UUIDs of datasets in it that the datastore has no record of."""

    sizes: Mapping[str, int | None] = field(default_factory=dict)
    """Size of each dataset's file in bytes by UUID, `None` where the file is
    gone; empty when files were not looked at."""

    recorded: Mapping[str, int] = field(default_factory=dict)
    """Size of each dataset's file as the datastore recorded it, by UUID; those
    are left out of which none was recorded, and all when files were not
    looked at."""

    @cached_property
    def altered(self) -> frozenset[str]:
        """UUIDs of datasets whose files have not the recorded size."""
        altered: set[str] = set()
        for uuid, recorded in self.recorded.items():
            # A file that is gone is missing, and not altered.
            size = self.sizes.get(uuid)
            if size is not None and size != recorded:
                altered.add(uuid)
        return frozenset(altered)

    @cached_property
    def fingerprint(self) -> str:
        """Its fingerprint, of `~calibstate.model.fingerprints`."""
        if isinstance(self.rows, RowsOnDemand):
            return self.rows.fingerprint
        return collection_fingerprint(self.rows)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Its rows, as few as tell the same."""
        # Hundreds of rows differ by their data ID only, since calibrations
        # are nearly always certified for all detectors at once.
        alike: dict[tuple[str, str, int, int], set[str]] = {}
        for dataset_type, data_id, uuid, begin, end in self.rows:
            data_ids = alike.setdefault((dataset_type, uuid, begin, end), set())
            data_ids.add(data_id)
        blocks = []
        for (dataset_type, uuid, begin, end), data_ids in alike.items():
            blocks.append(Block(dataset_type, frozenset(data_ids), uuid, begin, end))
        return tuple(blocks)
