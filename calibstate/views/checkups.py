"""What a checkup found, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.text import Text

from ..model.checkups import Check, Health
from ..model.results.places_looked_at import Checkup
from .markdown import row
from .messages import count

__all__ = ["as_markdown", "as_text", "tally"]

_STYLES = {Health.OK: "green", Health.WARNING: "yellow", Health.FAILED: "red"}


def as_text(result: Checkup) -> Iterator[Text | str]:
    """Yield the checks of each place, and how much of it is well."""
    for place, group in groupby(result.checks, key=lambda check: check.place):
        yield Text(place, "bold")
        for check in group:
            line = Text("  ").append(f"{check.health.value:8}", _STYLES[check.health])
            yield line.append(f"{check.check:11}{check.said}")
            if check.hint:
                yield Text(f"{'':21}{check.hint}", "dim")
    yield tally(result.checks)


def as_markdown(result: Checkup) -> Iterator[str]:
    """Yield a table of the checks."""
    yield row("place", "check", "", "found", "what to do")
    yield "|---|---|---|---|---|"
    for check in result.checks:
        yield row(check.place, check.check, check.health.value, check.said, check.hint)


def tally(checks: Sequence[Check]) -> str:
    """Return how much of it is well."""
    failed = sum(check.health is Health.FAILED for check in checks)
    warnings = sum(check.health is Health.WARNING for check in checks)
    if not failed and not warnings:
        return "All is well."
    parts = [f"{failed} failed"] if failed else []
    return f"{', '.join([*parts, *([count(warnings, 'warning')] if warnings else [])])}."
