"""What is said of a bundle that is refused."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import Diagnostic, RefusedError

__all__ = ["RESTORE", "refused", "some", "unreadable"]

RESTORE = (
    "The bundle was altered after it was made. Move its folder away; it is made anew from the origin, "
    "or can be brought back from a copy of the archive."
)
"""What to do with a bundle that is not as it was made."""


def refused(summary: str, detail: str, hint: str) -> RefusedError:
    """Return what refuses a bundle or an export."""
    return RefusedError(Diagnostic(summary, detail, hint=hint))


def unreadable(name: str, why: str) -> RefusedError:
    """Return what refuses an export that is none."""
    return refused(
        "Export cannot be read",
        f"{name}: {why}.",
        "Nothing of it was used.",
    )


def some(items: Sequence[str]) -> str:
    """Name the first few of some items."""
    if not items:
        return "nothing"
    words = ", ".join(items[:3])
    more = len(items) - 3
    if more > 0:
        words += f" and {more} more"
    return words
