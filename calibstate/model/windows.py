"""A freeze window: when nothing is to be changed at a place, and why.

It closes when a clock on the wall at the place says so, and stays closed for
a time that no change of clocks makes longer or shorter: a night does not
know of them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, ConfigDict, Field

from .names import Noun, nearest
from .values import Duration, Words, span_of

__all__ = ["Window"]


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

    deny: Words
    """Sites or repositories at which no step is begun while it is closed."""

    closes: Annotated[str, AfterValidator(_cron), Field(alias="from")]
    """When it closes, as cron has it: minute, hour, day of month, month, day
    of week."""

    lasts: Annotated[Duration, Field(alias="for")]
    """How long it stays closed, such as ``14h``; time that passes, whatever
    becomes of the clocks."""

    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    """Time zone of ``from``, as IANA calls it."""

    because: str
    """What goes on meanwhile."""

    @property
    def span(self) -> timedelta:
        """How long it stays closed."""
        return span_of(self.lasts)

    @cached_property
    def clock(self) -> ZoneInfo:
        """The clock on the wall."""
        return ZoneInfo(self.zone)
