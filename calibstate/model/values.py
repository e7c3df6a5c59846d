"""Values as people write them in files: durations, and lists of one."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler

__all__ = ["LONGEST", "Duration", "Words", "span_of"]

LONGEST = timedelta(days=366)
"""The longest duration; what is to last for longer is meant for ever."""

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class _AlsoAWord:
    """Tells the JSON Schema that a list of one may be its word."""

    def __get_pydantic_json_schema__(self, core: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, handler(core)]}


def _listed(words: Any) -> Any:
    """Accept ``summit`` for ``[summit]``."""
    if isinstance(words, str):
        return (words,)
    return words


def _duration(words: str) -> str:
    if not re.fullmatch(r"([0-9]{1,6})([mhd])", words):
        raise ValueError(f"`{words}` is no duration; write 90m, 14h or 3d")
    lasts = span_of(words)
    if not timedelta() < lasts <= LONGEST:
        raise ValueError(f"`{words}` is not between 1m and {LONGEST.days}d: {lasts}")
    return words


def span_of(words: str) -> timedelta:
    """Return how long a `Duration` is."""
    number = int(words[:-1])
    unit = _UNITS[words[-1]]
    return timedelta(**{unit: number})


Duration = Annotated[str, AfterValidator(_duration)]
"""How long something lasts, such as ``90m``, ``14h`` or ``3d``."""

Words = Annotated[tuple[str, ...], Field(min_length=1), BeforeValidator(_listed), _AlsoAWord()]
"""One word, or a list of them."""
