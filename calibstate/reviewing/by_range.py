"""Put rows together that are of one dataset type, in one validity range.

A certification is made for many detectors at once, so what is wrong with it
is wrong for all of them, and is told once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from ..model.contents import Row
from ..model.effective import Effective

__all__ = ["TypeAndRange", "by_range"]


class TypeAndRange(NamedTuple):
    """What rows have in common that are told together."""

    dataset_type: str

    begin: int
    """Nanoseconds of TAI."""

    end: int
    """Nanoseconds of TAI."""


_Row = TypeVar("_Row", Row, Effective)


def by_range(rows: Iterable[_Row]) -> dict[TypeAndRange, list[_Row]]:
    """Return rows by dataset type and range, both in the order of the rows."""
    alike: dict[TypeAndRange, list[_Row]] = {}
    for row in rows:
        key = TypeAndRange(
            row.dataset_type,
            row.begin,
            row.end,
        )
        alike.setdefault(key, []).append(row)
    return alike
