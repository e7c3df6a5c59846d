"""Which tests failed on so many nights in a row that somebody must know.

A night counts for a detector when the test failed in any exposure of its
sort.  Nights without such an exposure neither count nor end a row: a camera
that takes biases twice a week can still alarm.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..model.daily import Daily
from ..model.dailyrecords import Alarm, DailyRecord
from ..ports.daily import DailyRecords
from .failures import UNTOLD

__all__ = ["alarms_of"]


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
    failures: set[tuple[str, str, str]] = set()
    for result in tonight.results:
        for name, detector_result in result.detectors.items():
            for failed_test in detector_result.failed:
                failure = (
                    result.kind,
                    failed_test,
                    name,
                )
                failures.add(failure)
    before = _Before(tonight.day, records)
    alarms = []
    for kind, test, detector in sorted(failures):
        needed = daily.nights_until_alarm(test)
        # What failed and has no name is never passed over.
        if test == UNTOLD:
            needed = 1
        if needed is None:
            continue
        nights = before.nights(
            kind,
            test,
            detector,
            most=needed - 1,
        )
        # This night is one of them.
        if len(nights) < needed - 1:
            continue
        alarm = Alarm(
            kind,
            test,
            detector,
            (*sorted(nights), tonight.day),
        )
        alarms.append(alarm)
    return tuple(alarms)


class _Before:
    """The nights before another, the newest first, each read once."""

    def __init__(self, day: int, records: DailyRecords) -> None:
        self._day = day
        self._records = records
        self._days: list[int] | None = None
        self._read: list[DailyRecord] = []

    def nights(self, kind: str, test: str, detector: str, most: int) -> Sequence[int]:
        """Return the nights in a row on which a test failed before.

        Parameters
        ----------
        kind, test, detector
            What failed.
        most
            How many are looked for.
        """
        nights: list[int] = []
        number = 0
        while len(nights) < most:
            record = self.record(number)
            number += 1
            if record is None:
                break
            kinds = {result.kind for result in record.results}
            # A night without such an exposure ends no row.
            if kind not in kinds:
                continue
            if detector not in record.failed_detectors(kind, test):
                break
            nights.append(record.day)
        return nights

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
