"""What a command looked at, where that is not all."""

from __future__ import annotations

from ..model.looked_at import LookedAt
from .messages import count

__all__ = ["by", "looked_at", "of_all"]


def looked_at(part: LookedAt | None) -> str:
    """Return what was looked at; nothing where all was.

    ``1 of 4 repositories, 9 tickets (CALIBSTATE_SITE)``

    Parameters
    ----------
    part
        What a command was narrowed to; `None`: nobody knows.
    """
    if part is None or not part.is_narrowed:
        return ""
    repositories = of_all(len(part.repositories), part.of_repositories, "repository")
    tickets = of_all(part.tickets, part.of_tickets, "ticket")
    return f"{repositories}, {tickets}{by(part)}"


def by(part: LookedAt) -> str:
    """Return what left the rest out, in brackets; nothing if nobody knows."""
    names = ", ".join(part.narrowed_by)
    if not names:
        return ""
    return f" ({names})"


def of_all(number: int, total: int, noun: str) -> str:
    """Return a number of things, and of how many if it is not all.

    Parameters
    ----------
    number, total
        How many, and how many there are.
    noun
        What they are called, of which there is one.
    """
    if number == total:
        return count(number, noun)
    return f"{number} of {count(total, noun)}"
