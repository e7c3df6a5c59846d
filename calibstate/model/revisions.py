"""A commit of the main branch: when it became so, and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..errors import Diagnostic
from .changes import Changes
from .desired import DesiredState
from .timespans import TAI_AHEAD, parse_tai

__all__ = ["Changed", "CheckedOut", "Revision", "Then", "instant"]

_DAY_ENDS = timedelta(days=1, hours=12)
"""After the midnight that an observing day is called after."""


@dataclass(frozen=True)
class CheckedOut:
    """From which commit a state tree is."""

    commit: str | None = None
    """Hex digest; `None` where it is in no commit, or that is not known."""

    dirty: bool = False
    """Whether it declares something that the commit does not."""

    unknown: str = ""
    """Why the commit is not known; empty where there is none, or it is."""


@dataclass(frozen=True)
class Revision:
    """A commit on the first-parent line of the main branch."""

    commit: str
    """Hex digest."""

    at: str
    """When it was committed there, in UTC with ``Z``: of a merge, when it was
    merged."""

    title: str
    """Its subject; of a merge by pull request, the title of that."""

    authors: tuple[str, ...]
    """Who made the change; of a merge, of what was merged, the first first."""

    merged_by: str | None = None
    """Who merged; `None`: it is no merge."""

    pull_request: int | None = None
    """Its number, where the message tells."""


@dataclass(frozen=True)
class Then:
    """What a state tree said at a revision."""

    revision: Revision
    desired: DesiredState | None
    """`None`: it was not there, or had mistakes."""

    problems: tuple[Diagnostic, ...] = ()
    """Its mistakes."""


@dataclass(frozen=True)
class Changed:
    """What a revision says otherwise than the sound one before it."""

    revision: Revision
    changes: Changes
    problems: tuple[Diagnostic, ...] = ()
    """Mistakes: what it says is told of the next sound one."""


def instant(text: str) -> datetime | None:
    """Return the moment of UTC that a date names.

    An observing day (``2025-02-11``) means its end: noon of the next day in
    TAI (SITCOMTN-032).

    Parameters
    ----------
    text
        ``YYYY-MM-DD``, or ``YYYY-MM-DDTHH:MM[:SS]Z``.

    Returns
    -------
    datetime or None
        `None`: it is no date.

    Raises
    ------
    ValueError
        It is meant as one, and there is no such moment, or no zone.
    """
    if len(text) < len("2025-02-11") or not text[:4].isdecimal():
        return None
    if text[4:5] != "-" or text[7:8] != "-":
        return None
    if "T" in text:
        if not text.endswith("Z"):
            raise ValueError("moments of operation are UTC: end it with Z")
        return datetime.fromisoformat(text).astimezone(UTC)
    parse_tai(f"{text}T00:00:00")
    begins = datetime.fromisoformat(f"{text}T00:00:00+00:00")
    # The last day of the calendar has no next one to end in.
    left = datetime.max.replace(tzinfo=UTC) - begins
    return begins + min(_DAY_ENDS - TAI_AHEAD, left)
