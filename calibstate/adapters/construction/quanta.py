"""How many quanta are done, as the logs of the middleware tell."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Quanta", "quanta_in", "quanta_planned"]

_DONE = re.compile(rb"Executed (\d+) quanta successfully, (\d+) failed and (\d+) remain out of total (\d+)")
_PLANNED = re.compile(rb"QuantumGraph contains (\d+) quant")

_HEAD = 1 << 18
"""Bytes at the beginning of a log in which the size of the graph stands."""

_TAIL = 1 << 15
"""Bytes at its end in which the last count stands."""


@dataclass(frozen=True)
class Quanta:
    """A count of one log."""

    done: int
    total: int


def quanta_in(log: Path) -> Quanta | None:
    """Return what the last count of a log says.

    Parameters
    ----------
    log
        Log of ``pipetask run``, or of one job of BPS.
    """
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - _TAIL))
            counts = _DONE.findall(stream.read())
    except OSError:
        return None
    if not counts:
        return None
    succeeded, failed, _, total = (int(number) for number in counts[-1])
    return Quanta(succeeded + failed, total)


def quanta_planned(log: Path) -> int | None:
    """Return how many quanta the graph has of which a log tells.

    Parameters
    ----------
    log
        Log of ``bps submit``.
    """
    try:
        with log.open("rb") as stream:
            match = _PLANNED.search(stream.read(_HEAD))
    except OSError:
        return None
    if match is None:
        return None
    return int(match[1])
