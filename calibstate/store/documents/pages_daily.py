"""Daily verification as pages tell it: night by night, and test by test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Literal

from ...model.dailyrecords import Against, DailyRecord, Measured, Sort
from ...model.names import InstrumentName, Noun
from ...model.nights import While
from ...model.pages import DailyNights, PageContent
from ...model.timelinecompare import digest_within
from .pages import PageDocument, head

__all__ = [
    "AlarmPart",
    "DailyPage",
    "NightPart",
    "TestPart",
    "TrendPage",
    "TrendPart",
    "daily_page",
    "trend_pages_of",
    "trends_of",
]


class NightPart(Noun):
    """How one night stands."""

    night: int
    """Observing day, ``YYYYMMDD``."""

    exposures: int
    """Exposures that were verified."""

    failed: int
    """Those in which a test failed."""

    stale: int | None
    """Those that were verified when another ticket won for that night, of what
    their pipeline takes; null: nobody can tell."""


class TestPart(Noun):
    """One test of one sort of exposure."""

    exposure_kind: str
    physical_filter: str | None
    """The filter that flats are of; null: they are none."""

    test: str

    failed: tuple[str, ...]
    """Detectors for which it failed on the newest night that has it."""


class AlarmPart(Noun):
    """A test that failed for a detector on too many nights in a row."""

    exposure_kind: str
    physical_filter: str | None
    """The filter that flats are of; null: they are none."""

    test: str
    detector: str
    """Its name; empty: exposures as a whole."""

    nights: tuple[int, ...]


class DailyPage(PageDocument):
    """How daily verification stands."""

    kind: Literal["page-daily"] = "page-daily"

    instrument: str
    repository: str
    """Where it is verified."""

    chain: str
    """The chain that it was verified with."""

    alarms: tuple[AlarmPart, ...]
    """Those of the newest night."""

    tests: tuple[TestPart, ...]
    """By sort and name; each has a page."""

    nights: tuple[NightPart, ...]
    """The newest first."""


class TrendPart(Noun):
    """One detector; its lists are of the nights that have a value."""

    detector: str
    """Its name."""

    at: tuple[int, ...]
    """Places among ``nights``."""

    least: tuple[float, ...]
    """The smallest value of an amplifier in any exposure of the night."""

    median: tuple[float, ...]
    """Of the medians of the night's exposures."""

    most: tuple[float, ...]
    """The largest value of an amplifier in any exposure of the night."""

    failed: tuple[int, ...]
    """Places among ``nights`` of those on which the test failed."""


class TrendPage(PageDocument):
    """How one test went, detector by detector."""

    kind: Literal["page-trend"] = "page-trend"

    instrument: str
    exposure_kind: str
    physical_filter: str | None
    """The filter that flats are of; null: they are none."""

    test: str

    nights: tuple[int, ...]
    """Observing days, the oldest first."""

    detectors: tuple[TrendPart, ...]
    """By name."""


def daily_page(content: PageContent, instrument: InstrumentName) -> DailyPage:
    """Return how daily verification of an instrument stands.

    Parameters
    ----------
    content
        All that is known.
    instrument
        One that was verified.
    """
    kept = content.daily[instrument]
    newest = kept.records[-1]
    nights = []
    for record in reversed(kept.records):
        failed = [result for result in record.results if result.has_failed]
        night = NightPart(
            night=record.day,
            exposures=len(record.results),
            failed=len(failed),
            stale=_stale(content, record),
        )
        nights.append(night)
    alarms = []
    for alarm in kept.alarms:
        part = AlarmPart(
            exposure_kind=alarm.sort.kind,
            physical_filter=alarm.sort.physical_filter or None,
            test=alarm.test,
            detector=alarm.detector,
            nights=alarm.nights,
        )
        alarms.append(part)
    return DailyPage.model_validate(
        {
            **head(content),
            "instrument": instrument,
            "repository": newest.repository,
            "chain": newest.chain,
            "alarms": tuple(alarms),
            "tests": tuple(_tests(kept)),
            "nights": tuple(nights),
        }
    )


def _stale(content: PageContent, record: DailyRecord) -> int | None:
    """Return how many exposures were verified with what wins no more."""
    live = content.live.get(record.repository, {}).get(record.chain)
    if live is None:
        return None
    span = While.of_number(record.day).span
    now: dict[Against, str] = {}
    stale = 0
    for result in record.results:
        against = result.against
        if against is None or not against.selects:
            return None
        if against not in now:
            now[against] = digest_within(
                live.timeline,
                span,
                against.types,
                physical_filter=against.physical_filter,
                detectors=against.detectors,
            )
        stale += now[against] != against.selects
    return stale


def _tests(kept: DailyNights) -> Iterator[TestPart]:
    """Yield the tests that have been measured, and where they failed."""
    newest: dict[tuple[Sort, str], DailyRecord] = {}
    for record in kept.records:
        for result in record.results:
            for detector in result.detectors.values():
                # The newest night comes last, and stays.
                for test in detector.measured:
                    newest[result.sort, test] = record
    for sort, test in sorted(newest):
        record = newest[sort, test]
        failed = sorted(set(record.failed_detectors(sort, test)))
        yield TestPart(
            exposure_kind=sort.kind,
            physical_filter=sort.physical_filter or None,
            test=test,
            failed=tuple(failed),
        )


def trend_pages_of(content: PageContent, instrument: InstrumentName) -> Iterator[TrendPage]:
    """Yield how each test of an instrument went.

    Parameters
    ----------
    content
        All that is known.
    instrument
        One that was verified.
    """
    kept = content.daily[instrument]
    for part in _tests(kept):
        # A night without such an exposure has no place in the pictures.
        nights = []
        for record in kept.records:
            if any(record.of_sort(_sort_of(part))):
                nights.append(record)
        yield TrendPage.model_validate(
            {
                **head(content),
                "instrument": instrument,
                "exposure_kind": part.exposure_kind,
                "physical_filter": part.physical_filter,
                "test": part.test,
                "nights": tuple(record.day for record in nights),
                "detectors": tuple(trends_of(nights, part)),
            }
        )


def trends_of(nights: Sequence[DailyRecord], part: TestPart) -> Iterator[TrendPart]:
    """Yield the trend of each detector, by name.

    Parameters
    ----------
    nights
        What is kept of them, the oldest first.
    part
        Which test of which sort of exposure.
    """
    by_detector: dict[str, dict[int, Sequence[Measured]]] = {}
    failed: dict[str, list[int]] = {}
    for place, record in enumerate(nights):
        # All exposures of a night are one point.
        for name, measured in _measured(record, part).items():
            of_detector = by_detector.setdefault(name, {})
            of_detector[place] = measured
        for name in sorted(set(record.failed_detectors(_sort_of(part), part.test))):
            failed.setdefault(name, []).append(place)
    for name, by_night in sorted(by_detector.items()):
        least = []
        middle = []
        most = []
        for measured in by_night.values():
            least.append(_short(min(each.least for each in measured)))
            middle.append(_short(median(each.median for each in measured)))
            most.append(_short(max(each.most for each in measured)))
        yield TrendPart(
            detector=name,
            at=tuple(by_night),
            least=tuple(least),
            median=tuple(middle),
            most=tuple(most),
            failed=tuple(failed.get(name, ())),
        )


def _sort_of(part: TestPart) -> Sort:
    """Return of which exposures a test is."""
    return Sort(part.exposure_kind, part.physical_filter or "")


def _short(value: float) -> float:
    """Return a value with as many digits as a picture can show."""
    return float(f"{value:.5g}")


def _measured(record: DailyRecord, part: TestPart) -> Mapping[str, Sequence[Measured]]:
    """Return what exposures of a night measured, by detector."""
    measured: dict[str, list[Measured]] = {}
    for result in record.of_sort(_sort_of(part)):
        for name, detector in result.detectors.items():
            if part.test in detector.measured:
                values = measured.setdefault(name, [])
                values.append(detector.measured[part.test])
    return measured
