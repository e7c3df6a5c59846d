"""What a checkup found, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.text import Text

from ..model.checkups import Check, Health
from ..model.results.places_looked_at import Checkup
from .markdown import row
from .messages import count

__all__ = ["as_markdown", "as_text", "tally"]

_STYLES = {Health.OK: "green", Health.WARNING: "yellow", Health.FAILED: "red"}
_INDENT = " " * 21
"""In front of a hint, which stands under what was found."""


def as_text(result: Checkup) -> Iterator[Text | str]:
    """Yield the checks of each place, and how much of it is well."""
    for place, group in groupby(result.checks, key=lambda check: check.place):
        yield Text(place, "bold")
        for check in group:
            health = check.health
            yield Text.assemble(
                "  ",
                (f"{health.value:8}", _STYLES[health]),
                f"{check.check:11}{check.said}",
            )
            if check.hint:
                yield Text(_INDENT + check.hint, "dim")
    yield tally(result.checks)


def as_markdown(result: Checkup) -> Iterator[str]:
    """Yield a table of the checks."""
    yield row("place", "check", "", "found", "what to do")
    yield "|---|---|---|---|---|"
    for check in result.checks:
        yield row(
            check.place,
            check.check,
            check.health.value,
            check.said,
            check.hint,
        )


def tally(checks: Sequence[Check]) -> str:
    """Return how much of it is well."""
    numbers = Counter(check.health for check in checks)
    failed = numbers[Health.FAILED]
    warnings = numbers[Health.WARNING]
    parts = []
    if failed:
        parts.append(f"{failed} failed")
    if warnings:
        parts.append(count(warnings, "warning"))
    if not parts:
        return "All is well."
    return ", ".join(parts) + "."
