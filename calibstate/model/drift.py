"""Drift: the distance between what is declared and what is live."""

from __future__ import annotations

from enum import Enum

from ..errors import Where
from .names import Address, Noun
from .reasons import Reason

__all__ = ["Drift", "Unseen", "What"]


class What(Enum):
    """How live departs from declared."""

    MISSING = "missing"
    CHANGED = "changed"
    """It is there, with content that was not declared or exported."""
    MISORDERED = "misordered"
    UNWANTED = "unwanted"
    """Searched, though declared as retired or skipped."""
    EXTRA = "extra"
    """Searched, though no file names it; kept."""
    UNREACHABLE = "unreachable"
    """The place did not answer; nothing is known."""
    PENDING = "pending"
    """It waits for something that is not done here and now."""


class Drift(Noun):
    """One way in which a resource is not as declared."""

    target: Address
    """The resource."""

    what: What
    """How it departs."""

    subject: str
    """The collection, child or ticket that it is about."""

    detail: str = ""
    """What was found and what was expected, in a sentence."""

    reason: str = ""
    """Why it is not made as declared, in a word; empty: a step would do it."""

    hint: str = ""
    """What to do, where that is known."""

    declared_at: Where | None = None
    """The line that asks for it."""

    @classmethod
    def because_of(cls, problem: Reason, *, target: Address, what: What, subject: str) -> Drift:
        """Return drift that is explained by what stands in its way.

        Parameters
        ----------
        problem
            Why it is not made as declared.
        target, subject
            As of the drift.
        what
            How it departs, unless it waits for what is on its way.
        """
        if problem.is_awaited:
            what = What.PENDING
        return cls(
            target=target,
            what=what,
            subject=subject,
            detail=problem.detail,
            reason=problem.code.value,
            hint=problem.hint,
        )


class Unseen(Noun):
    """A place that could not be seen, and that nothing asked for needs."""

    place: str

    detail: str = ""
    """Why it could not be seen."""
