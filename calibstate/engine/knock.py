"""Ask every store that a command will need whether it is there, all at once.

A command needs one place after the other: who holds it, what it shows, what
others published.  Were each waited for when its turn comes, several silent
stores would cost one limit each.  So all are asked first, side by side, and
who says nothing is not asked again in this run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from .side_by_side import side_by_side

__all__ = ["knock"]


def knock(
    stores: Mapping[str, Callable[[], object]],
    timeout: timedelta,
    progress: Callable[[int, int, Sequence[str]], None] = lambda done, total, awaited: None,
) -> None:
    """Ask stores whether they are there; it is told when they are needed.

    Parameters
    ----------
    stores
        What asks each of them, by what messages call it.
    timeout
        How long one of them may be silent.
    progress
        Told how many have answered, of how many, and who says nothing.
    """
    # Told again and again, with who has not answered yet.
    done = 0

    def wait_for(awaited: Sequence[str]) -> None:
        progress(done, len(stores), awaited)

    for _ in side_by_side(stores, timeout, wait_for):
        done += 1
