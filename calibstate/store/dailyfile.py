"""What is kept of a day's verification, as a file in ``records``."""

from __future__ import annotations

from pydantic import ValidationError

from ..errors import Diagnostic, InvalidStateError
from ..model.dailyrecords import DailyRecord
from .observationfile import first_mistake

__all__ = ["LARGEST", "dumps", "loads"]

LARGEST = 64 * 1024 * 1024
"""Bytes beyond which a file is not one of ours; 100 exposures of 200
detectors take 10 MB."""

_OURS = ("kind", "format_version")


def dumps(record: DailyRecord) -> bytes:
    """Write what is kept of a day.

    Parameters
    ----------
    record
        Of one instrument.
    """
    return record.model_dump_json().encode() + b"\n"


def loads(data: bytes, name: str, *, instrument: str, day: int) -> DailyRecord:
    """Read what is kept of a day.

    Parameters
    ----------
    data
        What `dumps` wrote.
    name
        The file, for messages.
    instrument, day
        Whose it must be.

    Raises
    ------
    InvalidStateError
        It is no such record, is of another day, or not of this version.
    """
    why = ""
    record: DailyRecord | None = None
    try:
        record = DailyRecord.model_validate_json(data, strict=True)
    except ValidationError as error:
        why = first_mistake(error)
    else:
        # Both have defaults, so pydantic does not miss them.
        for word in _OURS:
            if word not in record.model_fields_set:
                why = f"{word}: Field required"
        if (record.instrument, record.day) != (instrument, day):
            why = f"it is of {record.instrument} on {record.day}"
    if record and not why:
        return record
    raise InvalidStateError(
        Diagnostic(
            "Not a record of a day",
            f"{name} cannot be read as what is kept of a day's verification: {why}",
            hint="Move it away; what the repository shows is written anew, but not what it was verified "
            "against, nor what was sent.",
        )
    )
