"""A freeze window: when nothing is to be changed at a place, and why.

It closes when a clock on the wall at the place says so, and stays closed for
a time that no change of clocks makes longer or shorter: a night does not
know of them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler

from .names import Noun, nearest

__all__ = ["LONGEST", "Window"]

LONGEST = timedelta(days=366)
"""How long a window may stay closed; what is frozen for longer is on hold."""

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class _AlsoAWord:
    """Tells the JSON Schema that a list of one may be its word."""

    def __get_pydantic_json_schema__(self, core: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, handler(core)]}


def _listed(deny: Any) -> Any:
    """Accept ``summit`` for ``[summit]``."""
    if isinstance(deny, str):
        return (deny,)
    return deny


def _cron(words: str) -> str:
    if len(words.split()) != 5:
        raise ValueError(f"`{words}` is no time of cron: minute, hour, day of month, month, day of week")
    # What can be read may still never come, as the 30th of February.
    some_day = datetime(2025, 1, 1, tzinfo=UTC)
    try:
        next(CronSim(words, some_day))
    except CronSimError as error:
        detail = str(error).lower()
        raise ValueError(f"`{words}` is no time of cron: {detail}") from None
    except StopIteration:
        raise ValueError(f"`{words}` never comes") from None
    return words


def _lasts(words: str) -> str:
    if not re.fullmatch(r"([0-9]{1,6})([mhd])", words):
        raise ValueError(f"`{words}` is no duration; write 90m, 14h or 3d")
    lasts = _span(words)
    if not timedelta() < lasts <= LONGEST:
        raise ValueError(f"`{words}` is not between 1m and {LONGEST.days}d: {lasts}")
    return words


def _span(words: str) -> timedelta:
    number = int(words[:-1])
    unit = _UNITS[words[-1]]
    return timedelta(**{unit: number})


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = nearest(name, available_timezones())
        hint = ""
        if near:
            hint = f"; did you mean `{near}`?"
        raise ValueError(f"no time zone is called `{name}`{hint}") from None
    return name


class Window(Noun):
    """When nothing is to be changed, and where."""

    model_config = ConfigDict(populate_by_name=True)

    deny: Annotated[
        tuple[str, ...],
        Field(min_length=1),
        BeforeValidator(_listed),
        _AlsoAWord(),
    ]
    """Sites or repositories at which no step is begun while it is closed."""

    closes: Annotated[str, AfterValidator(_cron), Field(alias="from")]
    """When it closes, as cron has it: minute, hour, day of month, month, day
    of week."""

    lasts: Annotated[str, AfterValidator(_lasts), Field(alias="for")]
    """How long it stays closed, such as ``14h``; time that passes, whatever
    becomes of the clocks."""

    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    """Time zone of ``from``, as IANA calls it."""

    because: str
    """What goes on meanwhile."""

    @property
    def span(self) -> timedelta:
        """How long it stays closed."""
        return _span(self.lasts)

    @cached_property
    def clock(self) -> ZoneInfo:
        """The clock on the wall."""
        return ZoneInfo(self.zone)
