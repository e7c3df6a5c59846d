"""Which calibration a lookup gets, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ...model.explanations import Outcome, Why
from ...model.names import Noun
from .base import FORMAT

__all__ = ["CandidateEntry", "ExplanationDocument", "ExplanationEntry", "SinceEntry", "WinnerEntry"]


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
