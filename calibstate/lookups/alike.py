"""Find data IDs that are in the same ranges everywhere, and try one of them.

Data IDs that are in the same blocks of all collections have the same winners
in the same ranges, whatever is searched in which order.  One of them stands
for all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..model.contents import Block, CollectionType, Holding, Row

__all__ = ["Alike"]

Names = tuple[str, ...]
"""Data IDs, sorted or in the order of their sets."""

_DataId = tuple[str, str]
"""Dataset type and data ID."""

_Set = tuple[str, frozenset[str]]
"""Dataset type and data IDs that a block has."""


class _Group(NamedTuple):
    """What data IDs have in common that are alike."""

    dataset_type: str

    numbers: tuple[int, ...]
    """Numbers of the sets that they are in."""


def _groups(sets: Sequence[_Set]) -> Mapping[_Group, list[str]]:
    """Return which data IDs are in the same sets, and so are alike.

    Parameters
    ----------
    sets
        What blocks have; each is known by its place.
    """
    # Sets have hundreds of thousands of data IDs in all, so that these loops
    # do as little as can be.
    numbers_of: defaultdict[_DataId, list[int]] = defaultdict(list)
    for number, (dataset_type, data_ids) in enumerate(sets):
        for data_id in data_ids:
            numbers_of[dataset_type, data_id].append(number)
    groups: defaultdict[_Group, list[str]] = defaultdict(list)
    for (dataset_type, data_id), numbers in numbers_of.items():
        group = _Group(dataset_type, tuple(numbers))
        groups[group].append(data_id)
    return groups


@dataclass(frozen=True)
class Alike:
    """Data IDs by the one that stands for them."""

    members: Mapping[_DataId, Names]
    """All data IDs that one stands for, sorted, by dataset type and it."""

    standing: Mapping[_Set, Names]
    """Those that stand for the data IDs of a block."""

    @classmethod
    def among(cls, blocks: Iterable[Block]) -> Alike:
        """Return which data IDs are alike.

        Parameters
        ----------
        blocks
            Of all collections that are compared.
        """
        # Most blocks have the same data IDs as others, so only sets that
        # differ are gone through.
        distinct: dict[_Set, None] = {}
        for block in blocks:
            distinct[block.dataset_type, block.data_ids] = None
        sets = list(distinct)
        members: dict[_DataId, Names] = {}
        standing: defaultdict[int, list[str]] = defaultdict(list)
        groups = _groups(sets)
        for group, data_ids in groups.items():
            # The first by name stands for its group.
            data_ids.sort()
            first = data_ids[0]
            key = (group.dataset_type, first)
            members[key] = tuple(data_ids)
            for number in group.numbers:
                standing[number].append(first)
        firsts_of: dict[_Set, Names] = {}
        for number, data_ids_of_block in enumerate(sets):
            firsts = standing[number]
            firsts_of[data_ids_of_block] = tuple(firsts)
        return cls(members, firsts_of)

    def narrowed(
        self,
        collection: str,
        blocks: Iterable[Block],
    ) -> Holding:
        """Return what a collection holds for those that stand for others.

        Parameters
        ----------
        collection
            Its name.
        blocks
            What it holds.
        """
        rows: list[Row] = []
        # Blocks are few, but each may come to hundreds of rows.
        for dataset_type, data_ids, uuid, begin, end in blocks:
            for data_id in self.standing[dataset_type, data_ids]:
                row = Row(dataset_type, data_id, uuid, begin, end)
                rows.append(row)
        # Whether it is a RUN does not matter; a range is a range.
        return Holding(
            collection,
            CollectionType.CALIBRATION,
            tuple(rows),
        )

    def all_of(
        self,
        dataset_type: str,
        standing: Iterable[str],
    ) -> Names:
        """Return all data IDs that some stand for, sorted.

        Parameters
        ----------
        dataset_type
            Name of the dataset type.
        standing
            Data IDs that stand for others.
        """
        data_ids: list[str] = []
        for first in standing:
            key = (dataset_type, first)
            data_ids += self.members[key]
        data_ids.sort()
        return tuple(data_ids)
