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

__all__ = ["Answer", "Explained", "Explanation", "Outcome", "Question", "Since", "Weighed", "Why"]


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
        for candidate in self.candidates:
            if candidate.why is Why.WINS:
                return candidate
        return None

    @property
    def outcome(self) -> Outcome:
        """What the lookup comes to."""
        if self.searched is None:
            return Outcome.NO_CHAIN
        if self.winner:
            return Outcome.FOUND
        # The butler refuses to choose among several of one collection,
        # whatever is searched behind it.
        reasons = {candidate.why for candidate in self.candidates}
        if Why.AMBIGUOUS in reasons:
            return Outcome.AMBIGUOUS
        return Outcome.NOTHING

    @property
    def without(self) -> tuple[tuple[int, str], ...]:
        """Collections that hold nothing for the data ID, with their ranks."""
        holding = {candidate.collection for candidate in self.candidates}
        without: list[tuple[int, str]] = []
        for rank, collection in enumerate(self.searched or ()):
            if collection not in holding:
                without.append((rank, collection))
        return tuple(without)

    @property
    def nearest(self) -> Weighed | None:
        """Where nothing is found, the candidate that is nearest in time."""
        if self.outcome is not Outcome.NOTHING:
            return None
        begin, end = self.span
        nearest: Weighed | None = None
        shortest = 0
        for candidate in self.candidates:
            # An EMPTY range is at no time, and so near to none.
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
class Answer:
    """An explanation, and what is told of it by its repository alone."""

    repository: RepositoryAddress
    explanation: Explanation

    run: str | None = None
    """RUN of the winner; `None` where it is not known."""

    expected: bool = True
    """Whether what is searched is declared there."""

    @property
    def content(self) -> tuple[Outcome, str]:
        """What the lookup gets: its outcome, and the dataset by its UUID."""
        outcome = self.explanation.outcome
        winner = self.explanation.winner
        if winner is None:
            return outcome, ""
        return outcome, winner.row.uuid


@dataclass(frozen=True)
class Explained:
    """One lookup at several repositories."""

    question: Question

    answers: tuple[Answer, ...]
    """By chain, then by address."""

    tickets: Mapping[str, str] = field(default_factory=dict)
    """The ticket of each collection that is declared."""

    remarks: tuple[str, ...] = ()
    """What a reader should know."""

    unreachable: Mapping[RepositoryAddress, Diagnostic] = field(default_factory=dict)

    origins: frozenset[RepositoryAddress] = frozenset()
    """Repositories where calibrations are made."""

    def differing(self, chain: str) -> tuple[tuple[Answer, ...], tuple[Answer, ...]]:
        """Return where a chain gives the same as most, and where it does not.

        Of several that as many repositories have, that of the origin counts,
        else that of the first by address.  A chain that is missing where it
        is not declared makes no difference.
        """
        counted: list[Answer] = []
        by_content: dict[tuple[Outcome, str], list[Answer]] = {}
        for answer in self.answers:
            explanation = answer.explanation
            if explanation.chain != chain:
                continue
            # Where nobody declares the chain nobody misses it.
            if explanation.outcome is Outcome.NO_CHAIN and not answer.expected:
                continue
            counted.append(answer)
            alike = by_content.setdefault(answer.content, [])
            alike.append(answer)

        def weight(answer: Answer) -> tuple[int, bool]:
            alike = by_content[answer.content]
            return len(alike), answer.repository in self.origins

        # Of equal weights max takes the first, which is that by address.
        usual = max(counted, key=weight).content
        others = tuple(answer for answer in counted if answer.content != usual)
        return tuple(by_content[usual]), others
