"""A run of apply in formats that show each outcome as it comes."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.results.plans import Applied, ApplySummary

__all__ = ["no_document", "nothing_more", "told_already"]


def nothing_more(result: Applied) -> Iterator[str]:
    """Yield nothing: what became of each step was written when it ended."""
    return iter(())


def told_already(result: ApplySummary) -> Iterator[str]:
    """Yield nothing: people were told with the plan and the outcomes."""
    return iter(())


def no_document(result: Applied) -> None:
    """Return none: each outcome was a document of its own, in a line."""
