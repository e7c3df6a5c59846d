"""Files as instruments write them to a Large File Annex, without a stack.

An electrometer writes FITS files with a header of its own and a table; the
shutter writes JSON.  ts_electrometer and ip_isr say what is in them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["electrometer_file", "electrometer_path", "folder_of", "shutter_file", "shutter_path"]

_BLOCK = 2880


def folder_of(day: int) -> str:
    """Return the folder of a day, given as ``YYYYMMDD``."""
    digits = str(day)
    return f"{digits[:4]}/{digits[4:6]}/{digits[6:]}"


def electrometer_path(day: int, number: int, index: int = 103) -> str:
    """Return the path of a file of an electrometer, below ``fits``."""
    return f"{folder_of(day)}/EM{index}_O_{day}_{number:06d}.fits"


def electrometer_file(
    group: str | None, index: int = 103, *, more: Mapping[str, str] | None = None, data: bytes = b""
) -> bytes:
    """Return the bytes of a file of an electrometer.

    Parameters
    ----------
    group
        Its ``GROUPID``; `None`: it has none.
    index
        Index of the electrometer.
    more
        Other cards of the header.
    data
        What stands behind the header.
    """
    cards = {
        "FORMAT_V": "1",
        "INSTRUME": f"Electrometer_index_{index}",
        "LOCATN": "MainTel",
        "TIMESYS": "TAI",
        **(more or {}),
    }
    if group is not None:
        cards["GROUPID"] = group
    lines = [f"SIMPLE  = {'T':>20}", f"BITPIX  = {8:>20}", f"NAXIS   = {0:>20}"]
    for keyword, value in cards.items():
        text = value.replace("'", "''")
        lines.append(f"{keyword:8}= '{text:8}' / as it was written")
    header = "".join(f"{line:80}" for line in (*lines, "END")).encode()
    header += b" " * (-len(header) % _BLOCK)
    return header + data + b"\0" * (-len(data) % _BLOCK)


def shutter_path(day: int, obs_id: str, way: str) -> str:
    """Return the path of a motion profile, by ``Open`` or ``Close``."""
    return f"{folder_of(day)}/{obs_id}_shutterMotionProfile{way}.json"


def shutter_file(obs_id: str | None, *, is_open: bool | None) -> bytes:
    """Return the bytes of a motion profile."""
    profile: dict[str, Any] = {
        "startTime": {"tai": {"isot": "2025-06-07T23:00:00", "mjd": 60833.0}},
        "side": "MINUSX",
        "encodeSamples": [],
        "hallTransitions": [],
        "fitResults": {},
    }
    if is_open is not None:
        profile["isOpen"] = is_open
    document: dict[str, Any] = {"fileType": "shutterMotionProfile", "version": 2.0, "motionProfile": profile}
    if obs_id is not None:
        document["obsId"] = obs_id
    return json.dumps(document).encode()
