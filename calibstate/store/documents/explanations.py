"""Which calibration a lookup gets, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ...model.explanations import Answer, Explained, Outcome, Since, Weighed, Why
from ...model.names import Noun, RepositoryAddress
from ...model.results.lookups import ExplanationsFound
from ...model.seen import Seen
from ...model.timespans import format_bound
from .base import FORMAT

__all__ = [
    "CandidateEntry",
    "ExplanationDocument",
    "ExplanationEntry",
    "SinceEntry",
    "WinnerEntry",
    "explanation_document",
]


class CandidateEntry(Noun):
    """A dataset that a lookup could get."""

    rank: int
    """Place of its collection in the search order, counted from 1."""

    collection: str
    ticket: str | None
    """The declared ticket that the collection belongs to."""

    begin: str | None
    """TAI; null: unbounded."""

    end: str | None
    """TAI; null: unbounded."""

    uuid: str
    wins: bool
    why: Why
    detail: str
    """The same for people."""


class SinceEntry(Noun):
    """When what wins began to be searched there, as the journals tell it."""

    at: str | None = None
    """UTC, with ``Z``."""

    run: str | None = None
    """Name of the run, for ``calibstate log RUN``."""

    commit: str | None = None
    """Commit of the state tree that it was made from."""

    unknown: str | None = None
    """Why it is not known."""


class WinnerEntry(CandidateEntry):
    """The dataset that a lookup gets."""

    run: str | None
    """Its RUN; null where it is not known."""

    since: SinceEntry | None = None
    """When it began to be searched there."""


class ExplanationEntry(Noun):
    """What one lookup gets through one chain of a repository, and why."""

    repository: str
    """Address."""

    chain: str
    data_id: str
    """Keys and values of the dataset type, by key."""

    begin: str | None
    """What a range must overlap: one nanosecond, or an exposure.  TAI."""

    end: str | None
    """TAI."""

    outcome: Outcome
    winner: WinnerEntry | None
    candidates: tuple[CandidateEntry, ...]
    """In search order."""

    searched: tuple[str, ...]
    """All collections that the chain comes to, in search order."""

    nearest: CandidateEntry | None = None
    """Where nothing is valid then, what is nearest in time."""

    known: Mapping[str, tuple[str, ...]] = {}
    """Where nothing is there for the data ID: values by key for each of which
    there would be something; ``dataset_type`` is a key too."""


class ExplanationDocument(Noun):
    """Which calibration a lookup gets at each repository, and why."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["explanation"] = "explanation"

    instrument: str
    dataset_type: str
    at: str | None
    """The moment that was asked about, TAI."""

    exposure: int | None
    """The exposure that was asked about."""

    explanations: tuple[ExplanationEntry, ...]
    """By chain, then by repository."""

    differing: tuple[str, ...] = ()
    """Repositories that get another dataset than most."""

    remarks: tuple[str, ...] = ()
    unreachable: Mapping[str, str] = {}
    """Why repositories could not be seen, by address."""

    seen: Mapping[RepositoryAddress, Seen] = {}
    """When each repository was seen, and by whom, by address."""

    last_seen: tuple[ExplanationEntry, ...] = ()
    """What a lookup got at repositories that were seen too long ago."""


def explanation_document(result: ExplanationsFound) -> ExplanationDocument:
    """Return the document of what was explained."""
    explained = result.explained
    question = explained.question
    entries = []
    for answer, since in result.dated():
        entries.append(_entry(explained, answer, since))
    unreachable: dict[str, str] = {}
    for address, trouble in explained.unreachable.items():
        unreachable[address] = trouble.for_anybody
    last_seen = tuple(_entry(explained, answer, None) for answer in result.last_seen)
    # A moment before 1970 has no words, and the butler begins with that day.
    at = None
    if question.moment is not None:
        at = format_bound(question.moment) or "1970-01-01T00:00:00"
    return ExplanationDocument(
        instrument=question.instrument,
        dataset_type=question.dataset_type,
        at=at,
        exposure=question.exposure,
        explanations=tuple(entries),
        differing=_differing(explained),
        remarks=explained.remarks,
        unreachable=unreachable,
        seen=result.ages,
        last_seen=last_seen,
    )


def _differing(explained: Explained) -> tuple[str, ...]:
    """Return the repositories that get another dataset than most."""
    repositories: set[str] = set()
    chains = {answer.explanation.chain for answer in explained.answers}
    for chain in chains:
        _, others = explained.differing(chain)
        for answer in others:
            repositories.add(answer.repository)
    return tuple(sorted(repositories))


def _entry(explained: Explained, answer: Answer, since: Since | None) -> ExplanationEntry:
    explanation = answer.explanation
    candidates = []
    winner = None
    for weighed in explanation.candidates:
        candidate = _candidate(explained, weighed)
        candidates.append(candidate)
        # Of several that win, as where it is ambiguous, the first.
        if candidate.wins and winner is None:
            values = dict(candidate)
            values["run"] = answer.run
            values["since"] = _since(since)
            winner = WinnerEntry.model_validate(values)
    nearest = None
    if explanation.nearest:
        nearest = _candidate(explained, explanation.nearest)
    begin, end = explanation.span
    return ExplanationEntry(
        repository=answer.repository,
        chain=explanation.chain,
        data_id=explanation.data_id,
        begin=format_bound(begin),
        end=format_bound(end),
        outcome=explanation.outcome,
        winner=winner,
        candidates=tuple(candidates),
        searched=explanation.searched or (),
        nearest=nearest,
        known=explanation.alternatives,
    )


def _since(since: Since | None) -> SinceEntry | None:
    if since is None:
        return None
    return SinceEntry(
        at=since.at or None,
        run=since.run or None,
        commit=since.commit,
        unknown=since.unknown or None,
    )


def _candidate(explained: Explained, weighed: Weighed) -> CandidateEntry:
    return CandidateEntry(
        rank=weighed.rank + 1,
        collection=weighed.collection,
        ticket=explained.tickets.get(weighed.collection),
        begin=format_bound(weighed.row.begin),
        end=format_bound(weighed.row.end),
        uuid=weighed.row.uuid,
        wins=weighed.why is Why.WINS,
        why=weighed.why,
        detail=weighed.detail,
    )
