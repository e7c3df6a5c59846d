"""How far long work has come is told in words, and of bytes how fast."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from calibstate.cli import screen
from calibstate.ports.progress import BYTES, FILES
from calibstate.views.counts import Counts

GB = 10**9


@dataclass
class Clock:
    """A clock that stands still unless it is set."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_files_bytes_and_their_rate_are_told_together(clock: Clock) -> None:
    counts = Counts(clock)
    counts.take(FILES, 1, 2870)
    clock.now += 15
    counts.take(FILES, 1204, 2870)
    counts.take(BYTES, 3_100_000_000, 7_400_000_000)
    assert str(counts) == "1,204 of 2,870 files, 3.1 of 7.4 GB, 207 MB/s"
    assert counts.foremost == (3_100_000_000, 7_400_000_000)


@pytest.mark.parametrize(
    ("done", "total", "seconds", "words"),
    [
        (0, 0, 5, "0 of 0 B, 0 B/s"),
        (5, 999, 5, "5 of 999 B, 1 B/s"),
        (500, 1000, 2, "0.5 of 1.0 kB, 250 B/s"),
        (9_900_000, 12_000_000, 1, "9.9 of 12.0 MB, 9.9 MB/s"),
        (GB, 1500 * GB, 100, "0.0 of 1.5 TB, 10 MB/s"),
        (GB, 4 * GB, 0, "1.0 of 4.0 GB"),
    ],
)
def test_amounts_are_told_in_units_of_their_size(
    clock: Clock, done: int, total: int, seconds: int, words: str
) -> None:
    counts = Counts(clock)
    clock.now += seconds
    counts.take(BYTES, done, total)
    assert str(counts) == words


def test_what_is_not_of_bytes_has_no_rate(clock: Clock) -> None:
    counts = Counts(clock)
    clock.now += 60
    counts.take("tickets", 3, 1_001)
    assert str(counts) == "3 of 1,001 tickets"
    assert counts.foremost == (3, 1001)


def test_a_rate_is_that_of_the_last_half_minute(clock: Clock) -> None:
    counts = Counts(clock)
    for second in range(1, 101):
        clock.now += 1
        counts.take(BYTES, second * 10**8, 100 * GB)
    assert counts.rate == 10**8
    clock.now += 20
    # Nothing has passed for 20 of the last 30 seconds.
    assert counts.rate == pytest.approx(10**8 / 3, rel=0.1)
    clock.now += 100
    counts.take(BYTES, 100 * 10**8, 100 * GB)
    clock.now += 30
    assert str(counts) == "10.0 of 100.0 GB, 0 B/s"


def test_a_log_is_told_once_a_minute_and_of_short_work_nothing(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI", "true")
    with screen.progress("import-bundle", "summit/LSSTCam:collection:LSSTCam/DM-1", clock) as watch:
        for second in range(1, 131):
            clock.now += 1
            watch(BYTES, second * 10**8, 74 * GB)
            watch(FILES, second, 2870)
    assert capsys.readouterr().err.splitlines() == [
        "import-bundle summit/LSSTCam:collection:LSSTCam/DM-1: 59 of 2,870 files, 6.0 of 74.0 GB, 100 MB/s",
        "import-bundle summit/LSSTCam:collection:LSSTCam/DM-1: 119 of 2,870 files, 12.0 of 74.0 GB, 100 MB/s",
    ]
    with screen.progress("import-bundle", "summit", clock) as watch:
        clock.now += 59
        watch(FILES, 1, 1)
    assert capsys.readouterr().err == ""


def test_a_terminal_is_shown_the_same_words_behind_a_bar(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    with screen.progress("import-bundle", "summit/LSSTCam:collection:LSSTCam/DM-1", clock) as watch:
        clock.now += 15
        watch(FILES, 1204, 2870)
        watch(BYTES, 3_100_000_000, 7_400_000_000)
    shown = capsys.readouterr().err
    assert "1,204 of 2,870 files, 3.1 of 7.4 GB, 207 MB/s" in shown
    assert "summit" not in shown
