"""Statistics out of the tables of cp_verify, where it leaves out all else.

With ``doDropStats`` only ``verifyBiasResults`` and its like are written: one
row an amplifier, with a column ``BIAS_VERIFY_NOISE`` for each test.  What
failed is told from them in the form in which statistics are merged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["statistics_in"]

_TEST = "_VERIFY_"


def statistics_in(table: Any, names: Mapping[int, str]) -> Mapping[str, Any]:
    """Return what a table says, as merged statistics would.

    Parameters
    ----------
    table
        An `astropy.table.Table` of results.
    names
        Names of the detectors by number.

    Returns
    -------
    Mapping
        ``{exposure: {SUCCESS, FAILURES}, SUCCESS}``, or by detector where no
        exposures were reduced; empty where it has no test.
    """
    tests = {name: name.partition(_TEST)[2] for name in table.colnames if _TEST in name}
    if not tests:
        return {}
    failures: dict[str, list[str]] = {}
    for row in table:
        detector = names.get(int(row["detector"]), f"detector {row['detector']}")
        place = str(row["exposure"]) if "exposure" in table.colnames else detector
        of_place = failures.setdefault(place, [])
        words = [str(row["amplifier"])] if "amplifier" in table.colnames else []
        if place != detector:
            words.insert(0, detector.replace(" ", ""))
        for column, test in tests.items():
            # What was never measured of an amplifier is masked in its row.
            if test != "SUCCESS" and _is_false(row[column]):
                of_place.append(" ".join([*words, test]))
    parts: dict[str, Any] = {}
    for place, listed in failures.items():
        parts[place] = {"SUCCESS": not listed, "FAILURES": listed}
    parts["SUCCESS"] = not any(failures.values())
    return parts


def _is_false(value: Any) -> bool:
    """Return whether a test was made, and failed."""
    return str(value) in {"False", "0", "0.0"}
