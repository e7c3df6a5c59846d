"""What a repository showed, small: all that a page and a history need of it.

An observation holds every row of every collection; of a camera of ten years
that is hundreds of megabytes.  A sight holds what came of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cached_property
from typing import Annotated

from pydantic import Field, StringConstraints

from .contents import CollectionType
from .names import Noun, RepositoryAddress
from .observations import CLOCKS_AGREE, Moment, Name, ObservationHead, SeenEntry, SkymapHash, stamp
from .timelines import Timeline
from .timespans import UNBOUNDED

__all__ = [
    "Beside",
    "Count",
    "Fingerprint",
    "Ingested",
    "KeptLook",
    "Sight",
    "SightHistory",
    "SightOfChain",
    "SightOfCollection",
    "SightOfTicket",
    "children_of",
]

_WORD = r"[A-Za-z0-9._-]+"
_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TAI_AHEAD = timedelta(seconds=37)
"""Of UTC, since 2017: no butler has recorded anything before."""

Fingerprint = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]


class SightOfChain(Noun):
    """A declared chain, as it was found live."""

    children: tuple[Name, ...]
    """In search order, as the repository lists them."""

    searched: tuple[Name, ...]
    """What is searched through it: the chain flattened, in search order.  The
    collection of a ticket stands for all of its own, where these are searched
    one after the other as they are declared."""

    selected: tuple[Name, ...] = ()
    """Those of ``searched`` that decide a lookup anywhere, in that order."""

    effective: Fingerprint
    """The effective fingerprint."""

    timeline: Timeline
    """Which ticket wins when."""


class Ingested(Noun):
    """When the datasets of a ticket arrived, as the butler recorded it."""

    first: Moment
    """UTC."""

    last: Moment
    """UTC."""

    @classmethod
    def between(cls, first: int, last: int) -> Ingested:
        """Return when datasets arrived, as a butler counts.

        Parameters
        ----------
        first, last
            Nanoseconds of TAI.

        Raises
        ------
        ValueError
            One of them is no moment of a calendar.
        """
        return cls(first=_stamp(first), last=_stamp(last))

    def joined(self, other: Ingested | None) -> Ingested:
        """Return when the datasets of both arrived.

        Parameters
        ----------
        other
            Of others; `None`: there are none.
        """
        if other is None:
            return self
        # Stamps are sorted as the moments that they stand for.
        return Ingested(first=min(self.first, other.first), last=max(self.last, other.last))


class SightOfCollection(Noun):
    """What a collection came to."""

    type: CollectionType

    count: Count
    """Certifications, or datasets of a RUN."""

    fingerprint: Fingerprint


class SightOfTicket(Noun):
    """A ticket, as far as it was found."""

    fingerprint: Fingerprint
    """Over those of its collections that are there, by name; equal ones hold
    the same."""

    collections: Count
    """How many of its collections are there."""

    of_collections: Count
    """How many are declared."""

    ingested: Ingested | None = None
    """`None`: nothing is there, or the repository does not tell."""

    whole: bool = False
    """Whether all is there as its seal and its file say: collections and their
    chain, and files as far as they were looked at."""


class Sight(Noun):
    """What one repository showed, small."""

    address: Annotated[RepositoryAddress, StringConstraints(pattern=f"^{_WORD}/{_WORD}$")]
    """The repository: ``SITE/REPOSITORY``."""

    at: Moment
    """When the look began, in UTC."""

    version: Name
    """Version of calibstate."""

    declared: Name
    """Digest of the declared state that it was made with."""

    butler: Name
    """Digest of how its butler was declared."""

    chains: Mapping[Name, SightOfChain | None]
    """Declared chains of the repository, by name; `None`: absent."""

    tickets: Mapping[Name, SightOfTicket] = {}
    """Declared tickets of the repository, as ``INSTRUMENT/TICKET``."""

    others: Mapping[Name, SightOfCollection] = {}
    """Collections that are searched and hold something, and are no declared
    ticket's; or a ticket's that is not there as it was sealed."""

    listed: Mapping[Name, SeenEntry | None] | None = None
    """Collections that were asked for, by name, but for those of tickets that
    are there whole; `None` for one that was absent.  `None` altogether: the
    sight does not tell."""

    skymaps: Mapping[Name, SkymapHash] | None = None
    """Hash of each registered skymap, by name; `None`: nobody asked."""

    @property
    def moment(self) -> datetime:
        """When the look began."""
        return datetime.fromisoformat(self.at)

    def is_of(self, observation: ObservationHead) -> bool:
        """Say whether it was made of an observation.

        Parameters
        ----------
        observation
            One of a repository.
        """
        mine = (self.address, self.butler, self.at, self.version, self.declared)
        its = (
            observation.address,
            observation.butler,
            observation.at,
            observation.version,
            observation.declared,
        )
        return mine == its

    def shows_the_same_as(self, other: Sight) -> bool:
        """Say whether the repository showed the same.

        When it was looked at, by which version and with which declaration is
        left aside.

        Parameters
        ----------
        other
            Another sight of it.
        """
        return self._shown == other._shown

    def beside(self, newest: Sight, now: datetime) -> Beside:
        """Say what this is beside the one that was published before.

        Parameters
        ----------
        newest
            That one.
        now
            The present moment; what is of the future is of a clock that goes
            wrong, and is not newer.
        """
        same = self.shows_the_same_as(newest)
        if self.moment < newest.moment <= now + CLOCKS_AGREE:
            return Beside.LATE_AND_SAME if same else Beside.LATE
        return Beside.SAME if same else Beside.NEW

    @cached_property
    def _shown(self) -> tuple[object, ...]:
        return self.address, self.butler, self.chains, self.tickets, self.others


class Beside(Enum):
    """What a look is beside the one that was published before it."""

    SAME = "same"
    """It shows the same, and takes its place."""

    NEW = "new"
    """It shows something else, and takes its place."""

    LATE = "late"
    """It began before that one, and shows something else."""

    LATE_AND_SAME = "late and same"
    """It began before that one, and shows the same."""

    @property
    def is_kept(self) -> bool:
        """Whether it is kept for good."""
        return self in {Beside.NEW, Beside.LATE}

    @property
    def is_newest(self) -> bool:
        """Whether it takes the place of the one before."""
        return self in {Beside.NEW, Beside.SAME}


@dataclass(frozen=True, order=True)
class KeptLook:
    """A look whose sight is kept for good."""

    began: datetime
    """To the second, with its zone."""

    number: int = 1
    """Counts those that began within one second, as they were written."""


@dataclass(frozen=True)
class SightHistory:
    """What a repository showed whenever that changed.

    Nothing is read before somebody asks for it.
    """

    address: RepositoryAddress
    """The repository."""

    kept: Sequence[KeptLook]
    """The looks that showed something else than the one before, the newest
    first."""

    newest: Sight | None
    """What it showed last; `None`: nobody published that."""

    read: Callable[[KeptLook], Sight | None]
    """Reads what was seen at one of ``kept``; `None`: somebody deleted it.

    It raises `~calibstate.errors.UnreachableError` where that cannot be read.
    """

    def __iter__(self) -> Iterator[Sight]:
        """Yield what it showed, the newest first, read one by one."""
        return self._until(None)

    def at(self, moment: datetime | None) -> Sight | None:
        """Return what was seen last at a moment; `None`: nothing was by then.

        Parameters
        ----------
        moment
            With its zone; `None`: now.
        """
        return next(self._until(moment), None)

    def after(self, moment: datetime) -> datetime | None:
        """Return when a look first showed something else after a moment.

        Parameters
        ----------
        moment
            With its zone.

        Returns
        -------
        datetime or None
            `None`: no look did.
        """
        later = [look.began for look in self.kept if look.began > moment]
        return min(later, default=None)

    def since(self, chain: str, sight: Sight) -> datetime:
        """Return when a chain was first seen as it was in a sight.

        Only looks at the same butler, without a break, count: what came back
        is new again.

        Parameters
        ----------
        chain
            Name of the chain.
        sight
            One of this history.
        """
        children = children_of(sight, chain)
        first = sight.moment
        for before in self._until(sight.moment):
            # It was not declared then, so that nobody asked for it.
            if chain not in before.chains:
                continue
            if before.butler != sight.butler or children_of(before, chain) != children:
                break
            first = before.moment
        return first

    def _until(self, moment: datetime | None) -> Iterator[Sight]:
        """Yield what it showed up to a moment, the newest first."""
        newest = self.newest
        if newest and moment and newest.moment > moment:
            newest = None
        for look in self.kept:
            if moment and look.began > moment:
                continue
            # Who was killed had kept a look that is not the newest yet.
            if newest and newest.moment > look.began:
                yield newest
                newest = None
            sight = self.read(look)
            if sight is None:
                continue
            if sight == newest:
                newest = None
            yield sight
        if newest:
            yield newest


def children_of(sight: Sight, chain: str) -> tuple[str, ...] | None:
    """Return the children that a chain was seen with; `None`: it was absent.

    Parameters
    ----------
    sight
        What a repository showed.
    chain
        Name of a chain.
    """
    live = sight.chains.get(chain)
    if live is None:
        return None
    return live.children


def _stamp(nanoseconds: int) -> str:
    if nanoseconds in UNBOUNDED:
        raise ValueError("an unbounded moment is none")
    try:
        moment = _UNIX_EPOCH + timedelta(microseconds=nanoseconds // 1000) - _TAI_AHEAD
    except OverflowError:
        raise ValueError(f"{nanoseconds} is of no calendar") from None
    return stamp(moment)
