"""Exposures by their nights: few rows, where there are many exposures.

A site publishes them, so that who cannot see its repository can tell which
nights a change concerns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple

from pydantic import FailFast, Field, StringConstraints

from .names import InstrumentName, Noun, RepositoryAddress
from .observations import Bound, Moment, Name

__all__ = ["ExposuresDocument", "NightOfExposures"]

# A terminal that shows a word must not obey it.
_Word = Annotated[
    str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]*$")
]


class NightOfExposures(NamedTuple):
    """The exposures of one observing day through one filter."""

    day_obs: Annotated[int, Field(ge=10_000_101, le=99_991_231)]
    """The observing day, ``YYYYMMDD``."""

    physical_filter: _Word
    """Empty where they have none."""

    band: _Word
    """Empty where the filter has none."""

    exposures: Annotated[int, Field(ge=1)]
    """How many there are, of whatever type."""

    begin: Bound
    """When the first began, in nanoseconds of TAI."""

    end: Bound
    """When the last ended, in nanoseconds of TAI."""


class ExposuresDocument(Noun):
    """How many exposures one repository has, night by night."""

    format_version: Literal["1.0"] = "1.0"
    kind: Literal["exposures"] = "exposures"

    address: RepositoryAddress
    """The repository: ``SITE/REPOSITORY``."""

    at: Moment
    """When the look began, in UTC."""

    version: Name
    """Version of calibstate."""

    butler: Name
    """Digest of how its butler was declared."""

    # Tens of thousands: the first that is wrong is enough.
    nights: Mapping[InstrumentName, Annotated[tuple[NightOfExposures, ...], FailFast()]]
    """By instrument; of each observing day, filter, band, number of exposures,
    and the begin of the first and the end of the last, in nanoseconds of
    TAI."""
