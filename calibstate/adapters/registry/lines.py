"""Ranges and the lines of fingerprints, as expressions of a database.

A database makes of each row of a table of associations the line that
`~calibstate.model.fingerprints` would make of it, so no row has to leave it.
In these expressions ``a`` is the table, and ``t`` the dataset type.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...model.timespans import UNBOUNDED_BEGIN, UNBOUNDED_END
from .tried import NotTriedError

__all__ = [
    "DIGITS",
    "NOT_DIMENSIONS",
    "SHA256_OF_LINES",
    "bounds",
    "is_odd",
    "line_in_postgres",
    "line_in_sqlite",
]

NOT_DIMENSIONS = frozenset(
    {"id", "dataset_type_id", "dataset_id", "collection_id", "timespan", "timespan_begin", "timespan_end"}
)
"""Columns of the tables of associations besides those of the data ID."""

DIGITS = 32
"""How many a UUID has; SQLite keeps it as these."""

SHA256_OF_LINES = (
    "encode(sha256(convert_to(string_agg(line || E'\\n', '' ORDER BY line COLLATE \"C\"), 'UTF8')), 'hex')"
)
"""Digest of all lines together, in PostgreSQL; by code point, as `sorted`."""

_WORD = re.compile(r"[A-Za-z0-9_]+")

_UUID_IN_SQLITE = (
    "a.dataset_id",
    "substr(a.dataset_id, 9, 4)",
    "substr(a.dataset_id, 13, 4)",
    "substr(a.dataset_id, 17, 4)",
    "substr(a.dataset_id, 21)",
)
"""The parts between the dashes; of the first, the line takes 8 digits."""

_BOUNDS_IN_SQLITE = (
    f"CASE a.timespan_begin WHEN {UNBOUNDED_BEGIN} THEN '-' ELSE a.timespan_begin END",
    f"CASE a.timespan_end WHEN {UNBOUNDED_END} THEN '-' ELSE a.timespan_end END",
)

_BOUNDS_OF_RANGE = (
    f"CASE WHEN isempty(a.timespan) THEN {UNBOUNDED_END} "
    f"ELSE coalesce(lower(a.timespan), {UNBOUNDED_BEGIN}) END",
    f"CASE WHEN isempty(a.timespan) THEN {UNBOUNDED_BEGIN} "
    f"ELSE coalesce(upper(a.timespan), {UNBOUNDED_END}) END",
)
"""In PostgreSQL; an EMPTY range is one that ends before it begins."""

_BEGIN = f"coalesce(lower(a.timespan), {UNBOUNDED_BEGIN})"
_END = f"coalesce(upper(a.timespan), {UNBOUNDED_END})"
_BOUNDS_IN_POSTGRES = (
    "CASE WHEN isempty(a.timespan) THEN E'empty\\tempty' ELSE "
    f"CASE WHEN {_BEGIN} = {UNBOUNDED_BEGIN} THEN '-' ELSE {_BEGIN}::text END || E'\\t' || "
    f"CASE WHEN {_END} = {UNBOUNDED_END} THEN '-' ELSE {_END}::text END END"
)


def bounds(columns: Sequence[str]) -> tuple[str, str]:
    """Return the expressions of begin and end of the range of a row.

    Parameters
    ----------
    columns
        Those of the table.
    """
    if "timespan_begin" in columns:
        return "a.timespan_begin", "a.timespan_end"
    if "timespan" in columns:
        return _BOUNDS_OF_RANGE
    # What a RUN holds, it holds for every moment.
    return str(UNBOUNDED_BEGIN), str(UNBOUNDED_END)


def line_in_sqlite(columns: Sequence[str]) -> str:
    """Return the expression of the line of a row, in SQLite.

    ``printf`` takes two thirds of the time of ``||``.

    Parameters
    ----------
    columns
        Those of the table.

    Raises
    ------
    NotTriedError
        A column is called what no dimension is.
    """
    dimensions = _dimensions(columns)
    data_id = ",".join(f"{dimension}=%s" for dimension in dimensions)
    values = ["t.name"]
    for dimension in dimensions:
        values.append(f'a."{dimension}"')
    values += _UUID_IN_SQLITE
    values += _BOUNDS_IN_SQLITE if "timespan_begin" in columns else ("'-'", "'-'")
    arguments = ", ".join(values)
    return f"printf('%s\t{data_id}\t%.8s-%.4s-%.4s-%.4s-%s\t%s\t%s', {arguments})"


def is_odd(columns: Sequence[str]) -> str:
    """Return the expression that SQLite makes another line of a row.

    Its UUID has not the usual number of digits, or its range is EMPTY: that
    can be certified many times, and is told once.

    Parameters
    ----------
    columns
        Those of the table.
    """
    has_odd_uuid = f"length(a.dataset_id) <> {DIGITS}"
    if "timespan_begin" not in columns:
        return has_odd_uuid
    return f"{has_odd_uuid} OR a.timespan_begin >= a.timespan_end"


def line_in_postgres(columns: Sequence[str]) -> str:
    """Return the expression of the line of a row, in PostgreSQL.

    Parameters
    ----------
    columns
        Those of the table.

    Raises
    ------
    NotTriedError
        A column is called what no dimension is.
    """
    pairs: list[str] = []
    for dimension in _dimensions(columns):
        pairs.append(f"'{dimension}=' || a.\"{dimension}\"")
    data_id = " || ',' || ".join(pairs) or "''"
    bounds = _BOUNDS_IN_POSTGRES if "timespan" in columns else "E'-\\t-'"
    return " || E'\\t' || ".join(["t.name", data_id, "a.dataset_id::text", bounds])


def _dimensions(columns: Sequence[str]) -> list[str]:
    """Return the columns of a data ID, in the order of its text."""
    dimensions = sorted(column for column in columns if column not in NOT_DIMENSIONS)
    for dimension in dimensions:
        # What comes into a statement as a name must end as that name.
        if not _WORD.fullmatch(dimension):
            raise NotTriedError("its dimensions have other names")
    return dimensions
