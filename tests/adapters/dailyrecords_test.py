"""Records of daily verification are kept in a folder and in a bucket alike."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from calibstate.errors import InvalidStateError, UnreachableError
from calibstate.factory.asking import Asking
from calibstate.factory.daily import KeptDaily
from calibstate.model.dailyrecords import DailyRecord
from calibstate.model.names import Place
from calibstate.ports.daily import DailyRecords

INSTRUMENT = "LSSTCam"


@pytest.fixture(params=["folder", "s3"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "s3":
        return str(request.getfixturevalue("s3").bucket("records") + "/records")
    (tmp_path / "records").mkdir()
    return str(tmp_path / "records")


def records(uri: str, instrument: str = INSTRUMENT) -> DailyRecords:
    return KeptDaily(uri, instrument, Asking(timedelta(seconds=20)))


def a_night(day: int, *sent: str) -> DailyRecord:
    return DailyRecord(
        instrument=INSTRUMENT,
        day=day,
        repository=Place("usdf/main"),
        chain="LSSTCam/calib",
        sent=sent,
    )


def test_a_day_is_read_as_it_was_kept(uri: str) -> None:
    kept = records(uri)
    assert (kept.days(), kept.read(20241201)) == ([], None)

    for day in (20241203, 20241201):
        kept.keep(a_night(day))
    kept.keep(a_night(20241201, "a", "b"))

    assert kept.days() == [20241201, 20241203]
    assert kept.read(20241201) == a_night(20241201, "a", "b")
    assert records(uri, "LATISS").days() == []


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda text: text[:40], "JSON"),
        (lambda text: text.replace('"1.0"', '"2.0"'), "format_version"),
        (lambda text: text.replace("20241201", "20241202"), "it is of LSSTCam on 20241202"),
        (lambda text: text.replace('"kind":"daily-record",', ""), "kind: Field required"),
    ],
)
def test_what_is_no_record_is_refused_by_the_name_of_its_file(
    tmp_path: Path, damage: object, says: str
) -> None:
    assert callable(damage)
    kept = records(str(tmp_path))
    kept.keep(a_night(20241201))
    file = tmp_path / f"daily/{INSTRUMENT}/20241201.json"
    file.write_text(damage(file.read_text()))

    with pytest.raises(InvalidStateError, match=says) as error:
        kept.read(20241201)

    assert f"daily/{INSTRUMENT}/20241201.json" in str(error.value)


def test_a_store_that_is_away_is_told(tmp_path: Path) -> None:
    file = tmp_path / "records"
    file.write_text("no folder")

    with pytest.raises(UnreachableError, match="Records cannot be reached"):
        records(str(file)).keep(a_night(20241201))
