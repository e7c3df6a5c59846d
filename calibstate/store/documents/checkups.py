"""Whether one can work with places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Literal

from ...model.checkups import Check
from ...model.names import Noun, RepositoryAddress
from ...model.results.places_looked_at import Checkup
from ...model.seen import Seen
from .base import FORMAT

__all__ = ["CheckupDocument", "checkup_document"]


class CheckupDocument(Noun):
    """Whether one can work with the places from here."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["checkup"] = "checkup"

    summary: Mapping[str, int]
    """Checks by health."""

    checks: tuple[Check, ...]
    """By place."""

    seen: Mapping[RepositoryAddress, Seen] = {}
    """When each repository was seen, and by whom, by address."""


def checkup_document(result: Checkup) -> CheckupDocument:
    """Return the document of what was checked."""
    tally = Counter(check.health.value for check in result.checks)
    return CheckupDocument(
        summary=dict(sorted(tally.items())),
        checks=result.checks,
        seen=result.ages,
    )
