"""The policy of a state tree: which rules count, how much, and for whom not.

An exception is a promise to come back: it has a reason and an end.
"""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from .names import Noun

__all__ = ["Exemption", "Level", "PolicySettings", "day"]


class Level(Enum):
    """How much a rule weighs."""

    OFF = "off"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


def day(text: str) -> date | None:
    """Return the day that ``YYYY-MM-DD`` names; `None`: there is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _in_the_calendar(text: str) -> str:
    if day(text) is None:
        raise ValueError(f"{text} is in no calendar")
    return text


_Day = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_in_the_calendar)
]


class Exemption(Noun):
    """An exception to a rule."""

    rule: str
    """Code of the rule."""

    of: Annotated[str, Field(min_length=1)]
    """The ticket, the chain or the repository that it is made for."""

    because: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    """Why."""

    until: _Day
    """Last day on which it counts, in UTC."""


class PolicySettings(Noun):
    """``policy`` in ``calibstate.yaml``."""

    levels: dict[str, Level] = Field(default_factory=dict)
    """Levels of rules, by code, where not as they come."""

    exceptions: tuple[Exemption, ...] = ()
    """Findings that are not told for a while."""
