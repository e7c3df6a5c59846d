"""Why a lookup gets what it gets.

A candidate is whatever a searched collection holds for the data ID; one of
them wins or none does, and each of the others has one reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from ..errors import Diagnostic
from .contents import Row
from .names import RepositoryAddress
from .timespans import Range, format_bound

__all__ = ["Explained", "Explanation", "Outcome", "Question", "Since", "Told", "Weighed", "Why"]


class Why(Enum):
    """Why a candidate wins, or does not."""

    WINS = "wins"
    LATER = "searched-later"
    BEHIND = "behind-ambiguous"
    NOT_YET = "not-yet-valid"
    ENDED = "ended"
    EMPTY = "empty-range"
    AMBIGUOUS = "ambiguous"


class Outcome(Enum):
    """What a lookup comes to."""

    FOUND = "found"
    NOTHING = "nothing"
    AMBIGUOUS = "ambiguous"
    """The butler finds several in one collection and refuses to choose."""
    NO_CHAIN = "no-chain"
    """What was to be searched does not exist."""


@dataclass(frozen=True)
class Question:
    """What is looked up."""

    instrument: str
    dataset_type: str

    data_id: Mapping[str, str]
    """As it was asked, with names of detectors and bands."""

    moment: int | None = None
    """Nanoseconds of TAI."""

    exposure: int | None = None
    """Number of an exposure, in place of a moment."""

    chain: str | None = None
    """What is searched; `None`: what is declared."""


@dataclass(frozen=True)
class Weighed:
    """A candidate, and why it wins or does not."""

    rank: int
    """How many collections are searched before its own."""

    collection: str
    row: Row
    why: Why

    @property
    def span(self) -> Range:
        """Its validity range, in nanoseconds of TAI."""
        return self.row.begin, self.row.end

    @property
    def detail(self) -> str:
        """The reason, for people."""
        match self.why:
            case Why.WINS:
                return "wins"
            case Why.LATER:
                return "searched later than the winner"
            case Why.BEHIND:
                return "searched later than what is ambiguous"
            case Why.NOT_YET:
                return f"valid only from {format_bound(self.row.begin)}"
            case Why.ENDED:
                return f"ended {format_bound(self.row.end)}"
            case Why.EMPTY:
                return "its range is empty"
            case Why.AMBIGUOUS:
                return "overlaps another in the same collection (ambiguous)"


@dataclass(frozen=True)
class Explanation:
    """What one lookup gets through one chain, and why."""

    chain: str
    dataset_type: str

    data_id: str
    """As `~calibstate.model.contents.Row` has it."""

    span: Range
    """What a range must overlap, in nanoseconds of TAI."""

    searched: tuple[str, ...] | None = None
    """The collections in search order; `None`: the chain does not exist."""

    candidates: tuple[Weighed, ...] = ()
    """In search order."""

    alternatives: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Where there is no candidate: values by key, each of which there would be
    some for; ``dataset_type`` is a key too."""

    @cached_property
    def winner(self) -> Weighed | None:
        """The candidate that the lookup gets."""
        return next((candidate for candidate in self.candidates if candidate.why is Why.WINS), None)

    @property
    def outcome(self) -> Outcome:
        """What the lookup comes to."""
        if self.searched is None:
            return Outcome.NO_CHAIN
        if self.winner:
            return Outcome.FOUND
        refused = any(candidate.why is Why.AMBIGUOUS for candidate in self.candidates)
        if refused:
            return Outcome.AMBIGUOUS
        return Outcome.NOTHING

    @property
    def without(self) -> tuple[tuple[int, str], ...]:
        """Collections that hold nothing for the data ID, with their ranks."""
        holding = {candidate.collection for candidate in self.candidates}
        ranked = enumerate(self.searched or ())
        return tuple((rank, collection) for rank, collection in ranked if collection not in holding)

    @property
    def nearest(self) -> Weighed | None:
        """Where nothing is found, the candidate that is nearest in time."""
        if self.outcome is not Outcome.NOTHING:
            return None
        begin, end = self.span
        nearest: Weighed | None = None
        shortest = 0
        for candidate in self.candidates:
            if candidate.why is Why.EMPTY:
                continue
            row = candidate.row
            # One is negative: a range is before the moment, or behind it.
            away = max(row.begin - end + 1, begin - row.end + 1)
            if nearest is None or away < shortest:
                nearest = candidate
                shortest = away
        return nearest


@dataclass(frozen=True)
class Since:
    """When what wins began to be searched at a repository, and by whom."""

    at: str = ""
    """UTC, with ``Z``; empty where no journal tells."""

    run: str = ""
    """Name of the run, for ``calibstate log RUN``."""

    commit: str | None = None
    """Commit of the state tree that it was made from."""

    unknown: str = ""
    """Why it is not known, in a sentence."""


@dataclass(frozen=True)
class Told:
    """An explanation, and what is told of it by its repository alone."""

    repository: RepositoryAddress
    explanation: Explanation

    run: str | None = None
    """RUN of the winner; `None` where it is not known."""

    expected: bool = True
    """Whether what is searched is declared there."""


@dataclass(frozen=True)
class Explained:
    """One lookup at several repositories."""

    question: Question

    answers: tuple[Told, ...]
    """By chain, then by address."""

    tickets: Mapping[str, str] = field(default_factory=dict)
    """The ticket of each collection that is declared."""

    remarks: tuple[str, ...] = ()
    """What a reader should know."""

    unreachable: Mapping[RepositoryAddress, Diagnostic] = field(default_factory=dict)

    origins: frozenset[RepositoryAddress] = frozenset()
    """Repositories where calibrations are made."""

    def differing(self, chain: str) -> tuple[tuple[Told, ...], tuple[Told, ...]]:
        """Return where a chain gives the same as most, and where it does not.

        Of several that as many repositories have, that of the origin counts,
        else that of the first by address.  A chain that is missing where it
        is not declared makes no difference.
        """
        by_dataset: dict[tuple[Outcome, str], list[Told]] = {}
        counted = [answer for answer in self.answers if answer.explanation.chain == chain and _counts(answer)]
        for answer in counted:
            by_dataset.setdefault(_gets(answer.explanation), []).append(answer)

        def weight(answer: Told) -> tuple[int, bool]:
            alike = by_dataset[_gets(answer.explanation)]
            return len(alike), answer.repository in self.origins

        # Of equal weights max takes the first, which is that by address.
        usual = _gets(max(counted, key=weight).explanation)
        others = tuple(answer for answer in counted if _gets(answer.explanation) != usual)
        return tuple(by_dataset[usual]), others


def _counts(answer: Told) -> bool:
    return answer.expected or answer.explanation.outcome is not Outcome.NO_CHAIN


def _gets(explanation: Explanation) -> tuple[Outcome, str]:
    """Return what a lookup gets: its outcome, and the dataset by its UUID."""
    winner = explanation.winner
    if winner is None:
        return explanation.outcome, ""
    return explanation.outcome, winner.row.uuid
