"""Find data IDs that are in the same ranges everywhere, and try one of them.

Data IDs that are in the same blocks of all collections have the same winners
in the same ranges, whatever is searched in which order.  One of them stands
for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..model.contents import Block, CollectionType, Holding, Row

__all__ = ["Alike"]

_Set = tuple[str, frozenset[str]]
"""Dataset type and data IDs that a block has."""


@dataclass(frozen=True)
class Alike:
    """Data IDs by the one that stands for them."""

    members: Mapping[tuple[str, str], tuple[str, ...]]
    """All data IDs that one stands for, sorted, by dataset type and it."""

    standing: Mapping[_Set, tuple[str, ...]]
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
        sets = list(dict.fromkeys((block.dataset_type, block.data_ids) for block in blocks))
        sets_with: dict[tuple[str, str], list[int]] = {}
        for number, (dataset_type, data_ids) in enumerate(sets):
            for data_id in data_ids:
                sets_with.setdefault((dataset_type, data_id), []).append(number)
        # Data IDs that are in the same sets are alike.
        groups: dict[tuple[str, tuple[int, ...]], list[str]] = {}
        for (dataset_type, data_id), numbers in sets_with.items():
            groups.setdefault((dataset_type, tuple(numbers)), []).append(data_id)
        members: dict[tuple[str, str], tuple[str, ...]] = {}
        standing: dict[_Set, list[str]] = {key: [] for key in sets}
        for (
            dataset_type,
            numbers_of_sets,
        ), data_ids_alike in groups.items():
            # The first by name stands for its group.
            ordered = tuple(sorted(data_ids_alike))
            first = ordered[0]
            members[dataset_type, first] = ordered
            for number in numbers_of_sets:
                standing[sets[number]].append(first)
        return cls(
            members,
            {key: tuple(firsts) for key, firsts in standing.items()},
        )

    def narrowed(self, collection: str, blocks: Iterable[Block]) -> Holding:
        """Return what a collection holds for those that stand for others.

        Parameters
        ----------
        collection
            Its name.
        blocks
            What it holds.
        """
        rows = tuple(
            Row(
                block.dataset_type,
                data_id,
                block.uuid,
                block.begin,
                block.end,
            )
            for block in blocks
            for data_id in self.standing[block.dataset_type, block.data_ids]
        )
        # Whether it is a RUN does not matter; a range is a range.
        return Holding(collection, CollectionType.CALIBRATION, rows)

    def all_of(self, dataset_type: str, standing: Iterable[str]) -> tuple[str, ...]:
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
            data_ids += self.members[dataset_type, first]
        return tuple(sorted(data_ids))
