"""Validity ranges ``[begin, end)`` in TAI, as the butler counts them.

A bound is an integer count of nanoseconds of TAI since 1970-01-01T00:00:00
TAI.  The butler has no infinity: `UNBOUNDED_BEGIN` and `UNBOUNDED_END` stand
for it, and a range whose begin is after its end is EMPTY (``Timespan`` of
lsst.daf.butler).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

__all__ = [
    "EMPTY",
    "TAI_AHEAD",
    "UNBOUNDED",
    "UNBOUNDED_BEGIN",
    "UNBOUNDED_END",
    "Range",
    "format_bound",
    "format_moment",
    "format_range",
    "parse_tai",
    "tai_of",
]

Range = tuple[int, int]
"""Begin and end, in integer nanoseconds of TAI."""

UNBOUNDED_BEGIN = 0
UNBOUNDED_END = 4102444800000000000
UNBOUNDED: Range = (UNBOUNDED_BEGIN, UNBOUNDED_END)
EMPTY: Range = (UNBOUNDED_END, UNBOUNDED_BEGIN)

TAI_AHEAD = timedelta(seconds=37)
"""Of UTC, since 2017; a leap second more is announced half a year before."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TAI = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?")


def parse_tai(text: str) -> int:
    """Return nanoseconds of TAI for ``YYYY-MM-DDTHH:MM:SS[.fffffffff]``.

    Raises
    ------
    ValueError
        The text is not such a moment.
    """
    match = _TAI.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not a TAI moment YYYY-MM-DDTHH:MM:SS[.fffffffff]")
    day, time, fraction = match.groups()
    # The calendar is used as a ruler: TAI has no leap seconds, nor has this.
    since = datetime.fromisoformat(f"{day}T{time}+00:00") - _EPOCH
    # In whole numbers: a float has no room for nanoseconds of our time.
    seconds = since.days * 86400 + since.seconds
    digits = (fraction or "").ljust(9, "0")
    return seconds * 1_000_000_000 + int(digits)


def tai_of(moment: datetime) -> int:
    """Return a moment of our time, since 2017, in nanoseconds of TAI.

    Parameters
    ----------
    moment
        With its zone.
    """
    since = moment.astimezone(UTC) + TAI_AHEAD - _EPOCH
    return (since // timedelta(microseconds=1)) * 1_000


@lru_cache(maxsize=4096)
def format_bound(bound: int) -> str | None:
    """Return a bound as TAI text without a zone; `None` where unbounded."""
    if bound in UNBOUNDED:
        return None
    return format_moment(bound)


def format_moment(moment_in_ns: int) -> str:
    """Return a moment as TAI text without a zone, wherever it lies.

    Parameters
    ----------
    moment_in_ns
        Nanoseconds of TAI.
    """
    seconds, nanoseconds = divmod(moment_in_ns, 1_000_000_000)
    moment = _EPOCH + timedelta(seconds=seconds)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    if not nanoseconds:
        return text
    fraction = f"{nanoseconds:09d}".rstrip("0")
    return f"{text}.{fraction}"


def format_range(span: Range) -> str:
    """Return a range for people: ``[begin, end)``, ``…`` where unbounded."""
    begin, end = span
    if begin >= end:
        return "[empty)"
    first = format_bound(begin) or "…"
    last = format_bound(end) or "…"
    return f"[{first}, {last})"
