"""Fingerprints: equal ones mean the same calibrations.

A collection fingerprint is ``sha256:`` and the hex SHA-256 of its sorted
lines, each in UTF-8 and ended by a newline::

    {dataset type}\\t{data ID}\\t{dataset UUID}\\t{begin}\\t{end}

begin and end being integer nanoseconds of TAI, ``-`` where unbounded, and
``empty`` twice for an EMPTY range.  A ticket fingerprint is the same over
``{collection}\\t{collection fingerprint}`` in search order, with the full
names of the collections.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from .timespans import UNBOUNDED_BEGIN, UNBOUNDED_END

__all__ = ["collection_fingerprint", "digest_of_lines", "ticket_fingerprint"]


def digest_of_lines(lines: Iterable[str]) -> str:
    """Return ``sha256:…`` over lines, each ended by a newline."""
    # One text: a digest that is fed line by line takes twice as long.
    text = "\n".join([*lines, ""])
    digest = hashlib.sha256(text.encode())
    return f"sha256:{digest.hexdigest()}"


def collection_fingerprint(rows: Iterable[tuple[str, str, str, int, int]]) -> str:
    """Return the fingerprint of a collection that holds ``rows``.

    Parameters
    ----------
    rows
        Dataset type, data ID, UUID, begin and end (nanoseconds of TAI) of
        each certification, or of each dataset of a RUN; in any order.
    """
    ranges = _Ranges()
    # Of hundreds of thousands: one comprehension, and no more a row than it
    # takes to write it.
    lines = [f"{t}\t{d}\t{uuid}\t{ranges[b, e]}" for t, d, uuid, b, e in rows]
    lines.sort()
    return digest_of_lines(lines)


def ticket_fingerprint(collections: Iterable[tuple[str, str]]) -> str:
    """Return the fingerprint of a ticket.

    Parameters
    ----------
    collections
        Full name and fingerprint of each collection, in search order.
    """
    lines = [f"{name}\t{fingerprint}" for name, fingerprint in collections]
    return digest_of_lines(lines)


class _Ranges(dict[tuple[int, int], str]):
    """How ranges are written; there are few, in many lines."""

    def __missing__(self, span: tuple[int, int]) -> str:
        begin, end = span
        first = str(begin)
        last = str(end)
        if begin == UNBOUNDED_BEGIN:
            first = "-"
        if end == UNBOUNDED_END:
            last = "-"
        text = f"{first}\t{last}"
        # Whatever its bounds are, an EMPTY range holds no moment.
        if begin >= end:
            text = "empty\tempty"
        self[span] = text
        return text
