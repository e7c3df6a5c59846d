"""Whether one can work with places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from ...model.checkups import Check
from ...model.names import Noun
from .base import FORMAT

__all__ = ["CheckupDocument"]


class CheckupDocument(Noun):
    """Whether one can work with the places from here."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["checkup"] = "checkup"

    summary: Mapping[str, int]
    """Checks by health."""

    checks: tuple[Check, ...]
    """By place."""

    @classmethod
    def of(cls, checks: Sequence[Check]) -> CheckupDocument:
        """Return the document of some checks."""
        tally = Counter(check.health.value for check in checks)
        return cls(summary=dict(sorted(tally.items())), checks=tuple(checks))
