"""How far long work has come, in words."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from typing_extensions import override

from ..ports.progress import BYTES

__all__ = ["Counts"]

_RECENT = 30.0
"""Seconds over which a rate is taken: long enough to be read, and short
enough to show that something has come to a standstill."""

_A_MOMENT = 1.0
"""Seconds between what a rate is taken from."""


class _Unit(NamedTuple):
    """A unit that bytes are counted in."""

    name: str
    bytes: int


_UNITS = (
    _Unit("TB", 10**12),
    _Unit("GB", 10**9),
    _Unit("MB", 10**6),
    _Unit("kB", 10**3),
    _Unit("B", 1),
)


class _Count(NamedTuple):
    """How much of something is done."""

    done: int
    total: int


class _Passed(NamedTuple):
    """How much had passed at a moment."""

    at: float
    """Seconds of the clock."""

    bytes: int


class Counts:
    """How far several things have come that are counted at once.

    Parameters
    ----------
    clock
        Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: dict[str, _Count] = {}
        start = _Passed(clock(), 0)
        self._passed = deque([start])
        """Bytes that had passed at moments of the last while."""

    def take(self, unit: str, done: int, total: int) -> None:
        """Take what a watch of `calibstate.ports.progress` is given."""
        self._counts[unit] = _Count(done, total)
        if unit != BYTES:
            return
        # Hundreds come in a second; a few of them are enough for a rate.
        now = self._clock()
        latest = self._passed[-1]
        if now - latest.at >= _A_MOMENT:
            passed = _Passed(now, done)
            self._passed.append(passed)

    @property
    def foremost(self) -> tuple[int, int]:
        """How much is done of how much: of bytes, where they are counted."""
        if BYTES in self._counts:
            return self._counts[BYTES]
        # Else what was begun to be counted last: it is under way.
        for latest in reversed(self._counts.values()):
            return latest
        return 0, 0

    @property
    def rate(self) -> float | None:
        """Bytes a second in the last while; `None`: it cannot be told yet."""
        if BYTES not in self._counts:
            return None
        now = self._clock()
        # What passed before the last while is of no more use; but the rate is
        # taken from the last moment before it.
        while len(self._passed) > 1:
            if now - self._passed[1].at < _RECENT:
                break
            self._passed.popleft()
        earliest = self._passed[0]
        seconds = now - earliest.at
        if seconds < _A_MOMENT:
            return None
        done = self._counts[BYTES].done
        number = done - earliest.bytes
        return number / seconds

    @override
    def __str__(self) -> str:
        """Return them all: ``3 of 9 files, 0.2 of 1.4 GB, 212 MB/s``."""
        # Others may count on while this is shown.
        counts = self._counts.copy()
        passed = counts.pop(BYTES, None)
        words = []
        for unit, (done, total) in counts.items():
            words.append(f"{done:,} of {total:,} {unit}")
        if passed:
            words.append(_bytes(passed))
        rate = self.rate
        if rate is not None:
            amount = _amount(rate)
            words.append(f"{amount}/s")
        return ", ".join(words)


def _bytes(number: _Count) -> str:
    """Return how many bytes are done, in the unit of the whole."""
    done, total = number
    unit = _unit(total)
    name = unit.name
    if unit.bytes == 1:
        return f"{done} of {total} {name}"
    done_in_units = done / unit.bytes
    total_in_units = total / unit.bytes
    return f"{done_in_units:,.1f} of {total_in_units:,.1f} {name}"


def _amount(number: float) -> str:
    """Return a number of bytes in the largest unit that fits."""
    unit = _unit(number)
    name = unit.name
    amount = number / unit.bytes
    # A digit behind the point is of use only beside few in front of it.
    if unit.bytes == 1 or amount >= 10:
        return f"{amount:.0f} {name}"
    return f"{amount:.1f} {name}"


def _unit(number: float) -> _Unit:
    """Return the largest unit of which there is one at least."""
    for unit in _UNITS:
        if number >= unit.bytes:
            return unit
    return _UNITS[-1]
