"""How old a sight is, in words."""

from __future__ import annotations

from ..model.observations import duration
from ..model.seen import Seen

__all__ = ["when_last_seen"]


def when_last_seen(age: Seen) -> str:
    """Return that something was so when a repository was seen last.

    Parameters
    ----------
    age
        When that was.
    """
    if age.age < 0:
        return f"when last seen, by a clock that is ahead ({age.at})"
    return f"when last seen, {duration(age.since)} ago ({age.at})"
