"""How far long work has come, in words."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from typing_extensions import override

from ..ports.progress import BYTES

__all__ = ["Counts"]

_RECENT = 30.0
"""Seconds over which a rate is taken: long enough to be read, and short
enough to tell of what has come to a standstill."""

_A_MOMENT = 1.0
"""Seconds between what a rate is taken from."""

_UNITS = (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3), ("B", 1))


class Counts:
    """How far several things have come that are counted at once.

    Parameters
    ----------
    clock
        Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: dict[str, tuple[int, int]] = {}
        self._passed = deque([(clock(), 0)])
        """Bytes that had passed at moments of the last while."""

    def take(self, unit: str, done: int, total: int) -> None:
        """Take what a watch of `calibstate.ports.progress` is told."""
        self._counts[unit] = done, total
        if unit == BYTES:
            now = self._clock()
            if now - self._passed[-1][0] >= _A_MOMENT:
                self._passed.append((now, done))

    @property
    def foremost(self) -> tuple[int, int]:
        """How much is done of how much: of bytes, where they are counted."""
        if BYTES in self._counts:
            return self._counts[BYTES]
        return next(reversed(self._counts.values()), (0, 0))

    @property
    def rate(self) -> float | None:
        """Bytes a second in the last while; `None`: it cannot be told yet."""
        if BYTES not in self._counts:
            return None
        now = self._clock()
        while len(self._passed) > 1 and now - self._passed[1][0] >= _RECENT:
            self._passed.popleft()
        since, before = self._passed[0]
        if now - since < _A_MOMENT:
            return None
        return (self._counts[BYTES][0] - before) / (now - since)

    @override
    def __str__(self) -> str:
        """Return them all: ``3 of 9 files, 0.2 of 1.4 GB, 212 MB/s``."""
        # Others may count on while this is shown.
        counts = self._counts.copy()
        passed = counts.pop(BYTES, None)
        words = [f"{done:,} of {total:,} {unit}" for unit, (done, total) in counts.items()]
        if passed:
            words.append(_bytes(*passed))
        if (rate := self.rate) is not None:
            words.append(f"{_amount(rate)}/s")
        return ", ".join(words)


def _bytes(done: int, total: int) -> str:
    name, unit = _unit(total)
    if unit == 1:
        return f"{done} of {total} {name}"
    return f"{done / unit:,.1f} of {total / unit:,.1f} {name}"


def _amount(count: float) -> str:
    name, unit = _unit(count)
    number = count / unit
    return f"{number:.0f} {name}" if unit == 1 or number >= 10 else f"{number:.1f} {name}"


def _unit(count: float) -> tuple[str, int]:
    return next((known for known in _UNITS if count >= known[1]), _UNITS[-1])
