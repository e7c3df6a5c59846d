"""The policy of a state tree: which rules count, how much, and for whom not.

An exception is a promise to come back: it has a reason and an end.  One for
what was captured needs no end: what others made years ago is not made again.
"""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
    model_validator,
)

from .names import Noun

__all__ = ["CAPTURED", "Exemption", "Level", "PolicySettings", "day", "is_of_making"]


CAPTURED = "captured"
"""Stands where an exception names a ticket, for all that were captured."""

_OF_MAKING = ("N", "V", "D")
"""Families whose rules can be kept only where calibrations are made."""


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


def is_of_making(code: str) -> bool:
    """Say whether a rule can be kept only where calibrations are made."""
    return code.startswith(_OF_MAKING)


class _AlsoAWord:
    """Tells the JSON Schema that a single rule may stand without a list."""

    def __get_pydantic_json_schema__(self, core: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, handler(core)]}


def _as_list(rules: Any) -> Any:
    """Accept ``N102`` for ``[N102]``."""
    if isinstance(rules, str):
        return [rules]
    return rules


class Exemption(Noun):
    """An exception to rules."""

    rule: Annotated[
        tuple[str, ...],
        Field(min_length=1),
        BeforeValidator(_as_list),
        _AlsoAWord(),
    ]
    """Code of the rule, or several."""

    of: Annotated[str, Field(min_length=1)]
    """The ticket, the chain or the repository that it is made for; or
    ``captured``, for all tickets that were captured."""

    because: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    """Why."""

    until: _Day | None = None
    """Last day on which it counts, in UTC; `None`: always, for what was
    captured."""

    @model_validator(mode="after")
    def _ends(self) -> Exemption:
        """Refuse an exception that nobody would come back to."""
        if self.until is not None:
            return self
        if self.of == CAPTURED and all(map(is_of_making, self.rule)):
            return self
        raise ValueError(
            "give `until`, the last day on which it counts; without one are only exceptions to N…, V… and D… "
            f"of `{CAPTURED}`"
        )


class PolicySettings(Noun):
    """``policy`` in ``calibstate.yaml``."""

    levels: dict[str, Level] = Field(default_factory=dict)
    """Levels of rules, by code, where not as they come."""

    exceptions: tuple[Exemption, ...] = ()
    """Findings that are not told for a while."""
