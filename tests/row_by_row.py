"""Impact as it was before data IDs were looked at together: row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest

from calibstate.lookups.comparing import chain_impact as module
from calibstate.model.contents import Block, CollectionType, Holding, Row
from calibstate.model.seals import Seal

__all__ = ["row_by_row"]


@contextmanager
def row_by_row() -> Iterator[None]:
    """Have impact resolve every row by itself, which takes its time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "blocks_of", _rows)
        patch.setattr(module, "Alike", _Apart)
        yield


def _rows(leaf: str, source: Holding | Seal) -> tuple[Block, ...]:
    held = source if isinstance(source, Holding) else source.holdings[leaf]
    return tuple(Block(type_, frozenset({id_}), uuid, *span) for type_, id_, uuid, *span in held.rows)


class _Apart:
    """Every data ID stands for itself alone."""

    @classmethod
    def among(cls, blocks: Iterable[Block]) -> _Apart:
        return cls()

    def narrowed(self, collection: str, blocks: Iterable[Block]) -> Holding:
        rows = tuple(
            Row(b.dataset_type, data_id, b.uuid, b.begin, b.end) for b in blocks for data_id in b.data_ids
        )
        return Holding(collection, CollectionType.CALIBRATION, rows)

    def all_of(self, dataset_type: str, standing: tuple[str, ...]) -> tuple[str, ...]:
        return standing
