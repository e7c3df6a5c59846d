"""Sources: stores from which readings of instruments come into a repository.

The electrometers of the flat field and the shutter write files of their own
for exposures.  They are no calibrations: each is a dataset of its exposure,
in a RUN that all of them share (DMTN-222, sections 3.6 and 5.1).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from .names import CollectionName, InstrumentName, Noun
from .policy import day
from .values import Duration, Words, span_of

__all__ = ["Feed", "Sources"]


def _in_the_calendar(text: str) -> str:
    if day(text) is None or len(text) != len("2025-06-07"):
        raise ValueError(f"`{text}` is no day; write it as 2025-06-07")
    return text


class Feed(Noun):
    """Readings of one sort, from where, and into which RUN."""

    model_config = ConfigDict(populate_by_name=True)

    stores: Annotated[Words, Field(alias="from")]
    """Folders of days, paths or ``s3://`` URIs; of several that have a file
    for one exposure the first counts.  A relative path starts at this file."""

    since: Annotated[str, AfterValidator(_in_the_calendar)]
    """The first observing day, ``YYYY-MM-DD``; what is older is left alone."""

    into: CollectionName
    """The RUN."""

    delay: Duration = "24h"
    """How long after the end of its observing day a file may wait for its
    exposure."""

    ignore: dict[str, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    """Files that are left alone, by name, each with the reason."""

    @property
    def since_day(self) -> int:
        """The first observing day as a number, ``YYYYMMDD``."""
        return int(self.since.replace("-", ""))

    @property
    def waits(self) -> timedelta:
        """How long a file may wait for its exposure."""
        return span_of(self.delay)


class Sources(Noun):
    """Readings of the instruments around a camera."""

    instrument: InstrumentName
    """The camera whose exposures they are about."""

    at: Words
    """Sites or repositories that ingest them."""

    photodiode: Feed | None = None
    """Currents of photodiodes, as electrometers measure them."""

    shutter_motion: Feed | None = None
    """Profiles of the shutter's motion: one when it opens, one when it
    closes."""
