"""What somebody who could see a repository wrote down about it.

An observation answers only what was asked when it was made.  A name that it
gives as `None` was asked for and is absent; of a name that it does not give
nothing is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, FailFast, Field, StringConstraints

from .contents import CollectionType, Holding, Row
from .names import Noun, RepositoryAddress
from .timespans import UNBOUNDED_BEGIN, UNBOUNDED_END

__all__ = [
    "CLOCKS_AGREE",
    "HeldEntry",
    "Observation",
    "ObservationHead",
    "ObservationsDocument",
    "ObservationsOfOthers",
    "SeenEntry",
    "duration",
    "stamp",
]

CLOCKS_AGREE = timedelta(minutes=5)
"""How far the clocks of two sites may be apart."""

_WORD = r"[A-Za-z0-9._-]+"


def stamp(moment: datetime) -> str:
    """Return a moment of operation as text: UTC, to the second, ``Z``."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _moment(text: str) -> str:
    # The pattern lets through what no calendar has, such as month 13.
    datetime.fromisoformat(text)
    return text


def _holds_datasets(kind: CollectionType) -> CollectionType:
    if kind is CollectionType.CHAINED:
        raise ValueError("a CHAINED collection holds no datasets")
    return kind


# A terminal that shows a name must not obey it.
Name = Annotated[
    str,
    StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+$"),
]
"""A name from a repository: any characters that can be shown."""

Uuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
"""UUID of a dataset."""

SkymapHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]*$")]
"""Hash of a skymap, in hex; empty where its record has none."""

Bound = Annotated[int, Field(ge=UNBOUNDED_BEGIN, le=UNBOUNDED_END)]
"""Nanoseconds of TAI, as the butler counts them."""

Moment = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"),
    AfterValidator(_moment),
]
"""A moment of operation, in UTC."""


class SeenEntry(Noun):
    """A collection, as the repository listed it."""

    type: CollectionType

    children: tuple[Name, ...] = ()
    """In search order; empty unless CHAINED."""


class HeldEntry(Noun):
    """What a collection held."""

    type: Annotated[CollectionType, AfterValidator(_holds_datasets)]

    # Hundreds of thousands: the first that is wrong is enough.
    rows: Annotated[tuple[tuple[Name, Name, Uuid, Bound, Bound], ...], FailFast()]
    """Dataset type, data ID, UUID, begin and end of each certification, or of
    each dataset of a RUN; sorted."""

    unrecorded: Annotated[tuple[Uuid, ...], FailFast()] = ()
    """Datasets of which the datastore had no record; sorted."""

    sizes: Mapping[Uuid, Annotated[int, Field(ge=0)] | None] = {}
    """Size of each dataset's file in bytes, `None` where the file was gone;
    empty where files were not looked at."""

    recorded: Mapping[Uuid, Annotated[int, Field(ge=0)]] = {}
    """Size of each dataset's file as the datastore recorded it, where it did
    and files were looked at."""

    @classmethod
    def of(cls, held: Holding) -> HeldEntry:
        """Return the entry of what a collection holds."""
        return cls(
            type=held.type,
            rows=tuple(sorted(held.rows)),
            unrecorded=tuple(sorted(held.unrecorded)),
            sizes=dict(sorted(held.sizes.items())),
            recorded=dict(sorted(held.recorded.items())),
        )

    def holding(self, collection: str) -> Holding:
        """Return what the collection of a name held."""
        # Of hundreds of thousands, so without a loop of statements.
        rows = tuple(map(Row._make, self.rows))
        return Holding(
            collection,
            self.type,
            rows,
            frozenset(self.unrecorded),
            self.sizes,
            self.recorded,
        )


class ObservationHead(Noun):
    """Whose an observation is, and when it was made."""

    address: Annotated[RepositoryAddress, StringConstraints(pattern=f"^{_WORD}/{_WORD}$")]
    """The repository: ``SITE/REPOSITORY``."""

    butler: Name
    """Digest of how its butler was declared; another butler tells nothing of
    this one."""

    at: Moment
    """When the look began, in UTC."""

    version: Name
    """Version of calibstate."""

    declared: Name
    """Digest of the declared state that it was made with."""

    @property
    def moment(self) -> datetime:
        """When the look began."""
        return datetime.fromisoformat(self.at)


class Observation(ObservationHead):
    """What one repository showed."""

    collections: Mapping[Name, SeenEntry | None]
    """Collections that were asked for, by name; `None`: absent."""

    holdings: Mapping[Name, HeldEntry | None]
    """What they held, by name; `None`: absent, or CHAINED."""

    calibrations: Mapping[Name, HeldEntry | None] = {}
    """The same without datasets of types that are no calibrations, where only
    that was asked, or it differs."""

    skymaps: Mapping[Name, SkymapHash] | None = None
    """Hash of each registered skymap, by name; `None`: nobody asked."""


class ObservationsDocument(Noun):
    """What repositories showed."""

    format_version: Literal["1.0"] = "1.0"
    kind: Literal["observations"] = "observations"

    observations: tuple[Observation, ...]
    """By address, each once."""


@dataclass(frozen=True)
class ObservationsOfOthers:
    """Observations that may stand in for places that cannot be seen."""

    given: Mapping[RepositoryAddress, Observation] = field(default_factory=dict)
    """Observations that the command was given."""

    published: bool = False
    """Whether those that were published count too."""

    by_sights: bool = False
    """Whether sights stand in for published observations that take long to
    read: they tell the same of what is as it should be."""

    max_age: timedelta = timedelta(hours=24)
    """Age from which one is too old: its repository is unreachable then."""

    def doubt(self, observation: ObservationHead, now: datetime) -> str | None:
        """Say why an observation is not to be relied on, if so: it *is …*

        Parameters
        ----------
        observation
            One of a repository.
        now
            The present moment.
        """
        age = now - observation.moment
        if age > self.max_age:
            return f"is older than {duration(self.max_age)}"
        # A little of the future is a clock that goes fast elsewhere.
        if age < -CLOCKS_AGREE:
            return "is of the future, so its age is not known"
        return None


def duration(span: timedelta) -> str:
    """Return a span of time for people: ``90s``, ``30m``, ``24h``, ``3d``.

    The largest unit of which there are two; what is left of it is dropped.
    """
    seconds = int(span.total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
