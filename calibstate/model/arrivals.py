"""How far the files that Rucio carries have come to one RSE."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Arrival"]


@dataclass(frozen=True)
class Arrival:
    """Files of all that was looked at, at one RSE."""

    rse: str

    there: int
    """Files that are there."""

    on_their_way: int
    """Files that are not there, and whose transfers go on."""

    stuck: int
    """Files whose transfers failed."""
