"""Which tests failed on so many nights in a row that somebody must know.

A night counts for a detector when the test failed in any exposure of its
sort, which for a flat is that of its filter.  Nights on which it was not
verified by such an exposure neither count nor end a row: a camera that takes
biases twice a week, and flats of another filter each day, can still alarm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..model.daily import Daily
from ..model.dailyrecords import Alarm, DailyRecord, Sort
from ..ports.daily import DailyRecords
from .failures import UNTOLD

__all__ = ["NightsBefore", "alarms_of"]

_FURTHEST = 366
"""Nights that are looked through, as many as a row may have."""


def alarms_of(daily: Daily, tonight: DailyRecord, records: DailyRecords) -> tuple[Alarm, ...]:
    """Return the alarms of a night.

    Parameters
    ----------
    daily
        It says which tests alarm, and when.
    tonight
        What the verification of the night says.
    records
        What is kept of the nights before; read only as far as needed.
    """
    failures: set[tuple[Sort, str, str]] = set()
    for result in tonight.results:
        # Of what is verified no more nobody wants to be told.
        if result.kind not in daily.verify:
            continue
        for name, detector_result in result.detectors.items():
            for failed_test in detector_result.failed:
                failure = (
                    result.sort,
                    failed_test,
                    name,
                )
                failures.add(failure)
    before = NightsBefore(tonight.day, records)
    alarms = []
    for sort, test, detector in sorted(failures):
        needed = daily.nights_until_alarm(test)
        # What failed and has no name is never passed over.
        if test == UNTOLD:
            needed = 1
        if needed is None:
            continue
        nights = before.nights(
            sort,
            test,
            detector,
            most=needed - 1,
        )
        # This night is one of them.
        if len(nights) < needed - 1:
            continue
        alarm = Alarm(
            sort,
            test,
            detector,
            (*sorted(nights), tonight.day),
        )
        alarms.append(alarm)
    return tuple(alarms)


class NightsBefore:
    """The nights before another, the newest first, each read once.

    Parameters
    ----------
    day
        Observing day of the other one.
    records
        What is kept of all.
    """

    def __init__(self, day: int, records: DailyRecords) -> None:
        self._day = day
        self._records = records
        self._days: list[int] | None = None
        self._read: list[DailyRecord] = []

    def nights(self, sort: Sort, test: str, detector: str, most: int) -> Sequence[int]:
        """Return the nights in a row on which a test failed before.

        Parameters
        ----------
        sort, test, detector
            What failed.
        most
            How many are looked for.
        """
        nights: list[int] = []
        # Where it was not verified, no row ends.
        verified = self.verified(sort, detector)
        while len(nights) < most:
            record = next(verified, None)
            if record is None:
                break
            failed = record.failed_detectors(sort, test)
            if detector not in failed:
                break
            nights.append(record.day)
        return nights

    def verified(self, sort: Sort, detector: str) -> Iterator[DailyRecord]:
        """Yield the nights with a result of a detector, the newest first.

        Parameters
        ----------
        sort
            Of the exposures.
        detector
            Its name; empty: exposures as a whole.
        """
        for number in range(_FURTHEST):
            record = self.record(number)
            if record is None:
                return
            for result in record.of_sort(sort):
                was_verified = not detector or detector in result.detectors
                if was_verified:
                    yield record
                    break

    def record(self, number: int) -> DailyRecord | None:
        """Return one of the records before; `None`: there are no more.

        Parameters
        ----------
        number
            How many are between it and the night.
        """
        if self._days is None:
            days = self._records.days()
            self._days = [day for day in days if day < self._day]
        while len(self._read) <= number:
            if not self._days:
                return None
            record = self._records.read(self._days.pop())
            if record:
                self._read.append(record)
        return self._read[number]
