"""How the verification of a day stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from typing_extensions import override

from ...errors import Diagnostic, ExitCode, first_of
from ..dailyrecords import Against, Alarm, DetectorResult
from ..names import RepositoryAddress
from .base import CommandResult, Footnote

__all__ = ["DailyShown", "DailyVerdict", "ExposureVerdict", "Sending"]


class DailyVerdict(Enum):
    """What is known of an exposure, or of a detector in it."""

    PASSED = "passed"

    FAILED = "failed"

    STALE = "stale"
    """Something else is effective now than when it was verified."""

    RUNNING = "running"
    """Its pipeline runs."""

    NONE = "no result"
    """It was not verified yet, or its pipeline failed."""


@dataclass(frozen=True)
class ExposureVerdict:
    """What is known of one exposure."""

    kind: str
    """Its sort."""

    exposure: int
    """Its number."""

    verdict: DailyVerdict

    run: str | None = None
    """The RUN that tells so; `None`: none does."""

    is_new: bool = False
    """Whether it was verified just now."""

    against: Against | None = None
    """What was effective when it was verified; `None`: nobody knows."""

    now: str = ""
    """Effective fingerprint of the same types now; empty: it was not asked."""

    detectors: Mapping[str, DetectorResult] = field(default_factory=dict)
    """What cp_verify says, by name of the detector."""

    physical_filter: str = ""
    """The filter in front of the camera; empty: nobody wrote it down."""

    without: str = ""
    """Detectors that have a raw and no result, such as ``0..3,5``, of an
    exposure that has one."""

    @property
    def has_failed(self) -> bool:
        """Whether a test failed, however long ago."""
        return any(detector.failed for detector in self.detectors.values())

    def verdict_of(self, detector: str) -> DailyVerdict:
        """Return what is known of one of its detectors."""
        if self.verdict is not DailyVerdict.FAILED:
            return self.verdict
        failed = self.detectors[detector].failed
        return DailyVerdict.FAILED if failed else DailyVerdict.PASSED


@dataclass(frozen=True)
class Sending:
    """What became of metrics that were to be sent."""

    address: str
    """The proxy."""

    sent: int = 0
    """Metrics that it took just now."""

    before: int = 0
    """Metrics that it took before."""

    unsent: int = 0
    """Metrics that are still to be sent."""

    problem: Diagnostic | None = None
    """Why; `None`: all were sent."""


@dataclass(frozen=True)
class DailyShown(CommandResult):
    """How the verification of a day stands."""

    instrument: str
    repository: RepositoryAddress
    """Where it is verified."""

    chain: str
    """The chain that it is verified with."""

    day: int
    """Observing day, ``YYYYMMDD``."""

    exposures: tuple[ExposureVerdict, ...]
    """By sort and number."""

    alarms: tuple[Alarm, ...] = ()
    """Tests that failed on too many nights in a row."""

    has_run: bool = False
    """Whether exposures without a result were to be verified."""

    is_interrupted: bool = False
    """Whether somebody wanted it to stop."""

    problems: tuple[Diagnostic, ...] = ()
    """What kept exposures from being verified."""

    sending: Sending | None = None
    """What became of metrics; `None`: none were to be sent."""

    def with_verdict(self, verdict: DailyVerdict) -> Iterator[ExposureVerdict]:
        """Yield the exposures of which the same is known."""
        for exposure in self.exposures:
            if exposure.verdict is verdict:
                yield exposure

    @property
    @override
    def exit_code(self) -> ExitCode:
        codes = []
        # What could have been verified just now, and was not, is an error.
        is_open = any(self.with_verdict(DailyVerdict.NONE))
        if self.problems or (self.has_run and is_open and not self.is_interrupted):
            codes.append(ExitCode.ERROR)
        if self.sending and self.sending.problem:
            codes.append(ExitCode.ERROR)
        if self.alarms:
            codes.append(ExitCode.DRIFT)
        if is_open or any(self.with_verdict(DailyVerdict.RUNNING)):
            codes.append(ExitCode.PENDING)
        return first_of(*codes)

    @property
    @override
    def footnotes(self) -> tuple[Footnote, ...]:
        notes: list[Footnote] = list(self.problems)
        if self.sending and self.sending.problem:
            notes.append(self.sending.problem)
        if self.is_interrupted:
            notes.append("Interrupted. A pipeline that was begun goes on; run the same command again later.")
        return tuple(notes)
