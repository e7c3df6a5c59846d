"""How old a sight is, in words."""

from __future__ import annotations

from ..model.observations import duration
from ..model.seen import Seen

__all__ = ["when_last_seen"]


def when_last_seen(seen: Seen) -> str:
    """Return that something was so when a repository was seen last.

    Parameters
    ----------
    seen
        When that was.
    """
    if seen.age < 0:
        return f"when last seen, by a clock that is ahead ({seen.at})"
    return f"when last seen, {duration(seen.since)} ago ({seen.at})"
