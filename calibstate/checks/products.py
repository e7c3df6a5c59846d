"""Names of collections, taken apart: what is in them, and made when.

DMTN-222, section 2: a generation, a verification and a certification
collection tell their calibration type and their iteration, ``YYYYMMDDv``.
Real names add what tells the parts of one type apart: ``flat-r``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

__all__ = ["Iteration", "is_generation", "is_verification", "iteration", "product_of"]

_TYPE = r"[A-Za-z][A-Za-z0-9]*"
_PART = r"(?:-[A-Za-z0-9_]+)?"
_ITERATION = re.compile(rf"(?P<what>{_TYPE}{_PART})\.(?P<day>[0-9]{{8}})(?P<again>[a-z]{{1,2}})")
_GENERATION = re.compile(rf"{_TYPE}Gen{_PART}(\..*)?")
# Analysis of what was verified is published beside it (section 3.2).
_VERIFICATION = re.compile(r"(?i:verify).+|atools[A-Z].*")

_SAME = {
    "bfkernel": "bfk",
    "brighterfatterkernel": "bfk",
    "defect": "defects",
    "linearity": "linearizer",
}
"""Other words for one product, as dataset types and RUNs have them."""


@dataclass(frozen=True, order=True)
class Iteration:
    """The last part of a collection's name."""

    day: date
    """When it was made."""

    again: str
    """Which attempt of that day: ``a``, ``b`` …"""

    what: str
    """The type with its part: ``flat-r``."""


def iteration(segment: str) -> Iteration | None:
    """Return what ``TYPE.YYYYMMDDv`` tells; `None`: it has another form."""
    match = _ITERATION.fullmatch(segment)
    if not match:
        return None
    try:
        day = date.fromisoformat(match["day"])
    except ValueError:
        return None
    return Iteration(day, match["again"], match["what"])


def is_generation(segment: str) -> bool:
    """Say whether a part of a name is that of a generation, ``biasGen.…``."""
    return _GENERATION.fullmatch(segment) is not None


def is_verification(segment: str) -> bool:
    """Say whether it is that of a verification, ``verifyBias.…``."""
    return _VERIFICATION.fullmatch(segment) is not None


def product_of(name: str) -> str:
    """Return which calibration a dataset type or the end of a name is.

    Parameters
    ----------
    name
        Such as ``flat-r.20241107a``, ``bfKernel`` or ``defectGen.20250207a``.
    """
    word = re.split(r"[.-]", name, maxsplit=1)[0].removesuffix("Gen").casefold()
    return _SAME.get(word, word)
