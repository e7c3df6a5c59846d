"""What is kept of a day's verification: what it was verified against.

What a pipeline found is in the repository.  Kept beside it, in ``records``,
is what a repository cannot tell later: which calibrations were effective
then, and which metrics were sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from pydantic import Field

from .daily import DailyKind
from .names import CollectionName, InstrumentName, Noun, RepositoryAddress

__all__ = [
    "Against",
    "Alarm",
    "DailyAttempt",
    "DailyRecord",
    "DetectorResult",
    "ExposureResult",
    "Measured",
    "Sort",
]


class Against(Noun):
    """What was effective for exposures on an observing day."""

    types: tuple[str, ...]
    """Dataset types that it takes, sorted; none: all that the chain has."""

    fingerprint: str
    """Effective fingerprint of the chain: of these types, that day, and the
    filter and the detectors below."""

    selects: str = ""
    """Digest of which ticket wins on that day, of these types, by which pages
    tell what is stale; empty: nobody wrote that down."""

    physical_filter: str = ""
    """Whose calibrations count, of types that have filters; empty: of all."""

    detectors: str = ""
    """Whose calibrations count, of types that have detectors, such as
    ``0..8``; empty: of all."""


class Sort(NamedTuple):
    """Exposures that are alike, so that a test of them makes a row."""

    kind: str
    """Bias, dark or flat."""

    physical_filter: str = ""
    """The filter that a flat is of; empty: it is none, or nobody wrote that
    down."""

    @property
    def name(self) -> str:
        """What a sentence calls them, such as ``flat r_03``."""
        return f"{self.kind} {self.physical_filter}".rstrip()


class DailyAttempt(Noun):
    """One run of a pipeline, written down before it began.

    Exposures that take other calibrations, such as flats of another filter,
    stand in another one, with the same output.
    """

    kind: DailyKind
    """Sort of the exposures."""

    exposures: tuple[int, ...]
    """Which of them."""

    raws: tuple[int, ...]
    """How many raws each of them had."""

    output: CollectionName
    """CHAINED collection that it wrote to."""

    against: Against
    """What was effective when it began."""

    begun: str
    """UTC, with ``Z``."""


class Measured(Noun):
    """What one test measured on the amplifiers of a detector.

    In the unit of the test: ``MEAN`` and ``NOISE`` are in electrons where
    gains were applied, else in ADU.
    """

    least: float
    """The smallest value of an amplifier."""

    median: float
    """The median of the amplifiers."""

    most: float
    """The largest value of an amplifier."""


class DetectorResult(Noun):
    """What cp_verify says of one detector of an exposure."""

    number: int | None = None
    """Its number; null: its statistics were left out."""

    uuid: str = ""
    """UUID of its statistics; empty: they were left out."""

    failed: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Amplifiers by test that failed; without any: the whole detector."""

    measured: dict[str, Measured] = Field(default_factory=dict)
    """By test; none where cp_verify left its statistics out."""


class ExposureResult(Noun):
    """What cp_verify says of one exposure."""

    kind: DailyKind
    """Its sort."""

    exposure: int
    """Its number, ``YYYYMMDDNNNNN``."""

    uuid: str
    """UUID of the dataset that says so."""

    run: CollectionName
    """The RUN that holds that dataset."""

    against: Against | None
    """What was effective when its run began; null: nobody wrote that down."""

    raws: int | None = None
    """How many raws its run was given; null: nobody wrote that down."""

    detectors: dict[str, DetectorResult]
    """By name, such as ``R22_S01``; an empty name: the exposure as a whole."""

    @property
    def sort(self) -> Sort:
        """What it is alike to."""
        # What is in front of a closed shutter makes no difference.
        if self.kind != "flat" or self.against is None:
            return Sort(self.kind)
        return Sort(self.kind, self.against.physical_filter)

    @property
    def has_failed(self) -> bool:
        """Whether a test failed."""
        return any(detector.failed for detector in self.detectors.values())

    def without(self, detectors: Iterable[int]) -> set[int]:
        """Return which detectors have no result, as far as anybody knows.

        Parameters
        ----------
        detectors
            Numbers of those that have a raw.
        """
        verified: set[int] = set()
        for detector in self.detectors.values():
            # Where statistics were left out nobody knows of whom they were.
            if detector.number is None:
                return set()
            verified.add(detector.number)
        return set(detectors) - verified


class DailyRecord(Noun):
    """The verification of one instrument on one observing day."""

    format_version: Literal["1.0"] = "1.0"
    kind: Literal["daily-record"] = "daily-record"

    instrument: InstrumentName
    """The camera."""

    day: int
    """Observing day, ``YYYYMMDD``."""

    repository: RepositoryAddress
    """Where it was verified."""

    chain: CollectionName
    """The chain that it was verified with."""

    attempts: tuple[DailyAttempt, ...] = ()
    """Runs that were begun, the oldest first."""

    results: tuple[ExposureResult, ...] = ()
    """The newest of each exposure, sorted; also where its RUN is gone, or its
    sort is verified no more."""

    sent: tuple[str, ...] = ()
    """Ids of the metrics that were sent, sorted."""

    told: tuple[str, ...] = ()
    """Alarms of which people were told, as `Alarm.key` has them, each with the
    way by which they were, sorted."""

    def with_told(self, keys: Iterable[str]) -> DailyRecord:
        """Return the record with more alarms that people were told of."""
        in_order = sorted({*self.told, *keys})
        return self.model_copy(update={"told": tuple(in_order)})

    def with_attempt(self, attempt: DailyAttempt) -> DailyRecord:
        """Return the record with one more run that is begun."""
        attempts = (*self.attempts, attempt)
        return self.model_copy(update={"attempts": attempts})

    def with_results(self, results: Iterable[ExposureResult]) -> DailyRecord:
        """Return the record with these results in place of older ones."""
        by_exposure = {result.exposure: result for result in self.results}
        for result in results:
            by_exposure[result.exposure] = result
        in_order = sorted(by_exposure.values(), key=lambda result: result.exposure)
        return self.model_copy(update={"results": tuple(in_order)})

    def with_sent(self, ids: Iterable[str]) -> DailyRecord:
        """Return the record with more metrics that were sent."""
        sent = sorted({*self.sent, *ids})
        return self.model_copy(update={"sent": tuple(sent)})

    def result_of(self, exposure: int) -> ExposureResult | None:
        """Return what is kept of an exposure."""
        for result in self.results:
            if result.exposure == exposure:
                return result
        return None

    def against(self, output: str, exposure: int) -> Against | None:
        """Return what an exposure was last verified against in an output."""
        # The newest run that took it is the one whose result counts.
        for attempt in reversed(self.attempts):
            if attempt.output == output and exposure in attempt.exposures:
                return attempt.against
        return None

    def raws_of(self, exposure: int) -> int | None:
        """Return how many raws an exposure had when it was last verified.

        `None` where nobody wrote that down.
        """
        for attempt in reversed(self.attempts):
            if exposure in attempt.exposures:
                return attempt.raws[attempt.exposures.index(exposure)]
        return None

    def of_sort(self, sort: Sort) -> Iterator[ExposureResult]:
        """Yield the results of exposures that are alike."""
        for result in self.results:
            if result.sort == sort:
                yield result

    def failed_detectors(self, sort: Sort, test: str) -> Iterator[str]:
        """Yield the detectors for which a test failed in any exposure."""
        for result in self.of_sort(sort):
            for name, detector in result.detectors.items():
                if test in detector.failed:
                    yield name


@dataclass(frozen=True, order=True)
class Alarm:
    """A test that failed for a detector on so many nights in a row."""

    sort: Sort
    """Of the exposures."""

    test: str
    detector: str
    """Its name; empty: exposures as a whole."""

    nights: tuple[int, ...]
    """Observing days on which it was verified, the first one first."""

    @property
    def key(self) -> str:
        """What it is about, whatever the nights."""
        return f"{self.sort.name} {self.test} {self.detector}".rstrip()
