"""What is effective: the dataset that a look-up gets, range by range.

A chain is searched in its order, and the first collection with a dataset
whose validity range holds the moment decides.  So each (dataset type, data
ID) has ranges that do not overlap, with one winner in each, and gaps in which
nothing is found.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from .contents import Row
from .fingerprints import collection_fingerprint
from .timespans import Range

__all__ = ["Ambiguity", "Candidate", "Effective", "Resolved"]


class Effective(NamedTuple):
    """One range in which one dataset wins for its type and data ID.

    They come in hundreds of thousands, so they are plain tuples.
    """

    dataset_type: str
    data_id: str
    """As `~calibstate.model.contents.Row` has it."""
    begin: int
    """Nanoseconds of TAI."""
    end: int
    """Nanoseconds of TAI, after the begin."""
    uuid: str
    """The winner."""
    collection: str
    """The searched collection through which it wins.  A dataset that wins
    through several in ranges that touch has one range, and the collection is
    that of them which is searched first."""


class Candidate(NamedTuple):
    """A dataset that could win, and where it stands in the search order."""

    rank: int
    """How many collections are searched before its own."""
    collection: str
    row: Row


@dataclass(frozen=True)
class Ambiguity:
    """Two certifications for one data ID that overlap in one collection.

    The butler certifies no such thing, and refuses to choose where it finds
    it.
    """

    collection: str
    dataset_type: str
    data_id: str
    uuids: tuple[str, str]
    """The two datasets, or one dataset twice; the first is preferred."""
    begin: int
    """Where the overlap begins, in nanoseconds of TAI."""
    end: int
    """Where the overlap ends, in nanoseconds of TAI."""


@dataclass(frozen=True)
class Resolved:
    """What is effective through a chain."""

    winners: tuple[Effective, ...]
    """By dataset type, data ID (as text) and begin; they do not overlap, and
    no two that touch have the same dataset."""

    ambiguities: tuple[Ambiguity, ...] = ()
    """By dataset type, data ID, search order and begin; also those that
    collections in front hide."""

    selected: frozenset[str] = frozenset()
    """Collections that decide a lookup anywhere.  All others that are searched
    are shadowed, or hold nothing."""

    parted: tuple[Effective, ...] | None = None
    """The winners, but each range through the only collection that decides it;
    `None`: they are that already."""

    @property
    def pieces(self) -> tuple[Effective, ...]:
        """The winners, each through the only collection that decides it."""
        return self.winners if self.parted is None else self.parted

    def with_each(self, change: Callable[[Sequence[Effective]], Iterable[Effective]]) -> Resolved:
        """Return the same with other winners.

        Parameters
        ----------
        change
            Gives, of winners in their order, those that are to be.
        """
        parted = None
        if self.parted is not None:
            parted = tuple(change(self.parted))
        return replace(self, winners=tuple(change(self.winners)), parted=parted)

    @cached_property
    def fingerprint(self) -> str:
        """The effective fingerprint: equal ones select the same datasets for
        every type, data ID and moment.
        """
        return collection_fingerprint(
            (w.dataset_type, w.data_id, w.uuid, w.begin, w.end) for w in self.winners
        )

    def at(self, dataset_type: str, data_id: str, moment: int) -> Effective | None:
        """Return what a look-up gets.

        Parameters
        ----------
        dataset_type
            Name of the dataset type.
        data_id
            Data ID as text.
        moment
            Nanoseconds of TAI.

        Returns
        -------
        Effective or None
            The range with the moment in it; `None` where nothing is found.
        """
        # Winners are sorted by type, data ID and begin: the last that begins
        # by then is the only one that can hold the moment.
        after = bisect_left(self.winners, (dataset_type, data_id, moment + 1))
        if after == 0:
            return None
        last = self.winners[after - 1]
        if last.dataset_type != dataset_type or last.data_id != data_id:
            return None
        # Ranges do not hold their end.
        if moment >= last.end:
            return None
        return last

    def overlapping(self, dataset_type: str, data_id: str, span: Range) -> Sequence[Effective]:
        """Return all that is effective in any part of a span, by begin.

        Parameters
        ----------
        dataset_type, data_id
            As for `at`.
        span
            Nanoseconds of TAI.
        """
        begin, end = span
        first = bisect_left(self.winners, (dataset_type, data_id, begin + 1))
        # One that began before may hold its first moment.
        if self.at(dataset_type, data_id, begin):
            first -= 1
        after = bisect_left(self.winners, (dataset_type, data_id, end))
        return self.winners[first:after]
