"""An alarm is a row of nights: what ends one, and what does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from typing_extensions import override

from calibstate.constructing.alarms import alarms_of
from calibstate.model.daily import Daily
from calibstate.model.dailyrecords import DailyRecord
from calibstate.ports.daily import DailyRecords

TONIGHT = 20241210


class Kept(DailyRecords):
    """Records in memory, and which of them were read."""

    def __init__(self, *records: DailyRecord) -> None:
        self.records = {record.day: record for record in records}
        self.was_read: list[int] = []

    @override
    def days(self) -> Sequence[int]:
        return sorted(self.records)

    @override
    def read(self, day: int) -> DailyRecord | None:
        self.was_read.append(day)
        return self.records[day]

    @override
    def keep(self, record: DailyRecord) -> None:
        raise AssertionError("nothing is kept")


def daily(**alarms: int) -> Daily:
    return Daily(
        instrument="LSSTCam",
        chain="LSSTCam/calib",
        raws="LSSTCam/raw/all",
        since="2024-12-01",
        verify={"bias": "verifyBias", "dark": "verifyDark", "flat": "verifyFlat"},
        alarms=alarms,
    )


def night(
    day: int,
    *failed: str,
    detector: str = "R22_S11",
    kind: Any = "bias",
    physical_filter: str = "",
    passed: Sequence[str] = (),
) -> DailyRecord:
    """Return a night with one exposure, of which tests failed."""
    result = {
        "kind": kind,
        "exposure": day * 100000 + 1,
        "uuid": f"{day}",
        "run": "run",
        "against": {"types": [], "fingerprint": "1234", "physical_filter": physical_filter},
        "detectors": {
            **{name: {} for name in passed},
            detector: {"failed": dict.fromkeys(failed, ("C07",))},
        },
    }
    return DailyRecord.model_validate(
        {
            "instrument": "LSSTCam",
            "day": day,
            "repository": "usdf/main",
            "chain": "LSSTCam/calib",
            "results": (result,),
        }
    )


def nights(declared: Daily, tonight: DailyRecord, *before: DailyRecord) -> list[tuple[str, tuple[int, ...]]]:
    return [(alarm.test, alarm.nights) for alarm in alarms_of(declared, tonight, Kept(*before))]


FAILED = night(TONIGHT, "MEAN")


def test_a_row_of_nights_alarms_when_it_is_long_enough() -> None:
    before = [night(20241208, "MEAN"), night(20241209, "MEAN")]

    assert nights(daily(MEAN=3), FAILED, *before) == [("MEAN", (20241208, 20241209, TONIGHT))]
    assert nights(daily(MEAN=4), FAILED, *before) == []


@pytest.mark.parametrize(
    "between",
    [
        night(20241209),
        night(20241209, "NOISE"),
        night(20241209, "MEAN", detector="R22_S12", passed=["R22_S11"]),
    ],
    ids=["nothing failed", "another test", "another detector"],
)
def test_a_night_on_which_it_did_not_fail_ends_the_row(between: DailyRecord) -> None:
    assert nights(daily(MEAN=2), FAILED, night(20241208, "MEAN"), between) == []


def test_a_night_without_such_an_exposure_ends_no_row() -> None:
    darks = night(20241209, kind="dark")

    assert nights(daily(MEAN=2), FAILED, night(20241208, "MEAN"), darks) == [("MEAN", (20241208, TONIGHT))]


def test_a_night_on_which_the_detector_was_not_verified_ends_no_row() -> None:
    others = night(20241209, "MEAN", detector="R22_S12")

    assert nights(daily(MEAN=2), FAILED, night(20241208, "MEAN"), others) == [("MEAN", (20241208, TONIGHT))]


def test_flats_of_one_filter_make_a_row_whatever_others_are_taken_between() -> None:
    def flat(day: int, *failed: str, of: str) -> DailyRecord:
        return night(day, *failed, kind="flat", physical_filter=of)

    tonight = flat(TONIGHT, "MEAN", of="r_03")
    of_r, of_g = flat(20241208, "MEAN", of="r_03"), flat(20241209, of="g_01")

    assert nights(daily(MEAN=2), tonight, of_r, of_g) == [("MEAN", (20241208, TONIGHT))]
    assert nights(daily(MEAN=2), tonight, flat(20241209, "MEAN", of="g_01")) == []
    (alarm,) = alarms_of(daily(MEAN=2), tonight, Kept(of_r))
    assert alarm.key == "flat r_03 MEAN R22_S11"


def test_what_is_in_front_of_a_closed_shutter_makes_no_difference() -> None:
    tonight = night(TONIGHT, "MEAN", physical_filter="r_03")

    assert nights(daily(MEAN=2), tonight, night(20241209, "MEAN", physical_filter="g_01")) == [
        ("MEAN", (20241209, TONIGHT))
    ]


def test_a_dark_adds_nothing_to_a_row_of_biases() -> None:
    assert nights(daily(MEAN=2), FAILED, night(20241209, "MEAN", kind="dark")) == []


def test_nights_that_come_later_do_not_count() -> None:
    assert nights(daily(MEAN=2), FAILED, night(20241211, "MEAN")) == []


def test_a_failure_that_names_no_test_always_alarms() -> None:
    assert nights(daily(MEAN=3), night(TONIGHT, "?")) == [("?", (TONIGHT,))]


def test_no_more_nights_are_read_than_are_needed() -> None:
    kept = Kept(*(night(day, "MEAN", "NOISE") for day in range(20241201, 20241210)))
    tonight = night(TONIGHT, "MEAN", "NOISE")

    assert len(alarms_of(daily(MEAN=3, NOISE=2), tonight, kept)) == 2
    assert kept.was_read == [20241209, 20241208]


def test_a_night_on_which_nothing_failed_reads_nothing() -> None:
    kept = Kept(night(20241209, "MEAN"))

    assert alarms_of(daily(MEAN=1), night(TONIGHT), kept) == ()
    assert kept.was_read == []
