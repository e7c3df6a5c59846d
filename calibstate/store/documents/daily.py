"""How the verification of a day stands."""

from __future__ import annotations

from typing import Literal

from ...model.names import Noun
from ...model.results.daily import DailyShown, ExposureVerdict
from .base import FORMAT, Problem, problem

__all__ = ["AlarmOf", "DailyDocument", "DetectorOf", "ExposureOf", "SendingOf", "daily_document"]

Known = Literal["passed", "failed", "stale", "running", "no result"]


class DetectorOf(Noun):
    """What is known of one detector of an exposure."""

    detector: str
    """Its name; empty: the exposure as a whole."""

    verdict: Known
    """What is known of it."""

    failed: dict[str, tuple[str, ...]]
    """Amplifiers by test that failed; none of them: the whole detector."""


class ExposureOf(Noun):
    """What is known of one exposure."""

    exposure_kind: str
    """Its sort: ``bias``, ``dark`` or ``flat``."""

    exposure: int
    """Its number."""

    verdict: Known
    """What is known of it."""

    failed: bool
    """Whether a test failed, also where that is stale."""

    new: bool
    """Whether it was verified just now."""

    run: str | None
    """The RUN that tells so; null: none does."""

    against: str | None
    """Effective fingerprint that it was verified against; null: nobody
    knows."""

    effective: str
    """The same now; empty: it was not asked."""

    detectors: tuple[DetectorOf, ...]
    """By name."""

    physical_filter: str | None
    """The filter in front of the camera; null: nobody wrote it down."""

    without: str
    """Detectors that have a raw and no result, such as ``0..3,5``, of an
    exposure that has one; empty: none."""


class AlarmOf(Noun):
    """A test that failed for a detector on too many nights in a row."""

    exposure_kind: str
    """Sort of the exposures."""

    physical_filter: str | None
    """The filter that flats are of; null: they are none."""

    test: str
    """As cp_verify calls it."""

    detector: str
    """Its name; empty: exposures as a whole."""

    nights: tuple[int, ...]
    """Observing days, the first one first."""


class SendingOf(Noun):
    """What became of metrics that were to be sent."""

    address: str
    """The proxy."""

    sent: int
    """Metrics that it took just now."""

    before: int
    """Metrics that it took before."""

    unsent: int
    """Metrics that are still to be sent."""

    problem: Problem | None
    """Why; null: all were sent."""


class DailyDocument(Noun):
    """How the verification of a day stands."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["daily"] = "daily"

    instrument: str
    """The camera."""

    repository: str
    """Where it is verified."""

    chain: str
    """The chain that it is verified with."""

    day: int
    """Observing day, ``YYYYMMDD``."""

    exposures: tuple[ExposureOf, ...]
    """By sort and number."""

    alarms: tuple[AlarmOf, ...]
    """Tests that failed on too many nights in a row."""

    problems: tuple[Problem, ...]
    """What kept exposures from being verified."""

    sending: SendingOf | None
    """What became of metrics; null: none were to be sent."""


def daily_document(result: DailyShown) -> DailyDocument:
    """Return the document of a day."""
    alarms = []
    for alarm in result.alarms:
        alarms.append(
            AlarmOf(
                exposure_kind=alarm.sort.kind,
                physical_filter=alarm.sort.physical_filter or None,
                test=alarm.test,
                detector=alarm.detector,
                nights=alarm.nights,
            )
        )
    sending = None
    # Whoever sends nothing has none to speak of.
    if result.sending:
        why = None
        if result.sending.problem:
            why = problem(result.sending.problem)
        sending = SendingOf(
            address=result.sending.address,
            sent=result.sending.sent,
            before=result.sending.before,
            unsent=result.sending.unsent,
            problem=why,
        )
    return DailyDocument(
        instrument=result.instrument,
        repository=result.repository,
        chain=result.chain,
        day=result.day,
        exposures=tuple(map(_exposure, result.exposures)),
        alarms=tuple(alarms),
        problems=tuple(map(problem, result.problems)),
        sending=sending,
    )


def _exposure(exposure: ExposureVerdict) -> ExposureOf:
    detectors = []
    for name, detector in exposure.detectors.items():
        detectors.append(
            DetectorOf(
                detector=name,
                verdict=exposure.verdict_of(name).value,
                failed=detector.failed,
            )
        )
    # Nobody makes up what was never written down.
    against = None
    if exposure.against:
        against = exposure.against.fingerprint
    return ExposureOf(
        exposure_kind=exposure.kind,
        exposure=exposure.exposure,
        verdict=exposure.verdict.value,
        failed=exposure.has_failed,
        new=exposure.is_new,
        run=exposure.run,
        against=against,
        effective=exposure.now,
        detectors=tuple(detectors),
        physical_filter=exposure.physical_filter or None,
        without=exposure.without,
    )
