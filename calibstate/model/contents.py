"""What collections hold: rows of certified or stored datasets.

Rows come in hundreds of thousands, so they are plain tuples.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import NamedTuple

from .fingerprints import collection_fingerprint

__all__ = ["Block", "CollectionType", "Holding", "Row", "format_data_id", "parse_data_id"]

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
    pairs = (pair.partition("=") for pair in _BETWEEN.split(text) if pair)
    return {key: value for key, _, value in pairs}


@dataclass(frozen=True)
class Holding:
    """What one collection holds, as a place showed it."""

    collection: str
    """Name of the collection."""

    type: CollectionType
    """Its type; never CHAINED."""

    rows: tuple[Row, ...]
    """What it holds, in any order."""

    unrecorded: frozenset[str] = frozenset()
    """UUIDs of datasets in it that the datastore has no record of."""

    sizes: Mapping[str, int | None] = field(default_factory=dict)
    """Size of each dataset's file in bytes by UUID, `None` where the file is
    gone; empty when files were not looked at."""

    recorded: Mapping[str, int] = field(default_factory=dict)
    """Size of each dataset's file as the datastore recorded it, by UUID; those
    are left out of which none was recorded, and all when files were not
    looked at."""

    @property
    def altered(self) -> frozenset[str]:
        """UUIDs of datasets whose files have not the recorded size."""
        return frozenset(
            uuid for uuid, size in self.recorded.items() if self.sizes.get(uuid) not in {None, size}
        )

    @cached_property
    def fingerprint(self) -> str:
        """Its fingerprint, of `~calibstate.model.fingerprints`."""
        return collection_fingerprint(self.rows)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Its rows, as few as tell the same."""
        data_ids: dict[tuple[str, str, int, int], set[str]] = {}
        for dataset_type, data_id, uuid, begin, end in self.rows:
            data_ids.setdefault((dataset_type, uuid, begin, end), set()).add(data_id)
        return tuple(
            Block(dataset_type, frozenset(alike), uuid, begin, end)
            for (dataset_type, uuid, begin, end), alike in data_ids.items()
        )
