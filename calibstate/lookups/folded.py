"""Fold what seals tell: once for all data IDs that are certified alike.

A camera of ten years has more than a million certifications, and a few
hundred that differ in more than their detector.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from ..model.contents import Block, Holding
from ..model.impacts import Sources
from ..model.names import CollectionName
from ..model.pages import Held
from ..model.timelines import Timeline, filter_and_detector, fold
from .alike import Alike
from .comparing.chain_impact import blocks_of
from .resolve import resolve

__all__ = ["Folded"]


@dataclass(frozen=True)
class Folded:
    """What is effective by seals, and what it comes from."""

    timeline: Timeline
    """Without a fingerprint: seals have no UUIDs."""

    selected: frozenset[CollectionName]
    """Those that decide a lookup anywhere."""

    blocks: Mapping[CollectionName, Sequence[Block]]
    """What collections certify, in search order."""

    certifications: int
    """How many it was resolved from: those that are alike count once."""

    @classmethod
    def of(
        cls,
        sources: Sources,
        tickets: Mapping[CollectionName, str],
        types: Sequence[str] = (),
    ) -> Folded:
        """Return what is effective of what is searched.

        Parameters
        ----------
        sources
            Collections in search order, each with who tells what it holds.
        tickets
            Ticket of each collection.
        types
            Dataset types that are asked for; empty: all.
        """
        blocks: dict[CollectionName, list[Block]] = {}
        everywhere: list[Block] = []
        for leaf, source in sources:
            there = blocks_of(leaf, source)
            wanted: list[Block] = []
            for block in there:
                # What nobody asked for need not be resolved.
                if not types or block.dataset_type in types:
                    wanted.append(block)
            blocks[leaf] = wanted
            everywhere += wanted
        alike = Alike.among(everywhere)
        holdings: list[Holding] = []
        for leaf, wanted in blocks.items():
            narrowed = alike.narrowed(leaf, wanted)
            holdings.append(narrowed)
        resolved = resolve(holdings)
        timeline = fold(
            resolved,
            tickets,
            alike.members,
        )
        without_fingerprint = replace(timeline, fingerprint="")
        return cls(
            without_fingerprint,
            resolved.selected,
            blocks,
            sum(len(holding.rows) for holding in holdings),
        )

    @property
    def held(self) -> Iterator[Held]:
        """What collections hold, told once for all detectors."""
        filters = _Filters()
        for collection, there in self.blocks.items():
            held: set[Held] = set()
            for block in there:
                # What has an empty range is found by nobody.
                if block.begin >= block.end:
                    continue
                for filter in filters[block.data_ids]:
                    of_filter = Held(
                        collection,
                        block.dataset_type,
                        filter,
                        block.begin,
                        block.end,
                    )
                    held.add(of_filter)
            yield from sorted(held)


class _Filters(dict[frozenset[str], Set[str]]):
    """Filters of data IDs; most blocks have the same data IDs as others."""

    def __missing__(self, data_ids: frozenset[str]) -> Set[str]:
        filters: set[str] = set()
        for data_id in data_ids:
            filter, _ = filter_and_detector(data_id)
            filters.add(filter)
        self[data_ids] = filters
        return filters
