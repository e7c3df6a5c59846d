"""While a window is closed nothing is changed there, and then it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from typing import Any

import pytest

from calibstate.factory import clock
from tests.commands.sites import EMBARGO, ORIGIN, SUMMIT, TOP, Sites
from tests.golden import Golden
from tests.tree import Ran

NIGHT = {
    "deny": "summit",
    "from": "0 18 * * *",
    "for": "14h",
    "zone": "America/Santiago",
    "because": "observing",
}
AT_TWO, A_MINUTE_TO_EIGHT, AT_EIGHT = (
    datetime(2025, 2, 12, 5, tzinfo=UTC),
    datetime(2025, 2, 12, 10, 59, tzinfo=UTC),
    datetime(2025, 2, 12, 11, tzinfo=UTC),
)
EVENING = datetime(2025, 2, 12, 20, 59, tzinfo=UTC)
AT_SIX = datetime(2025, 2, 12, 21, tzinfo=UTC)

OLD, NEW = f"{TOP}/DM-1", f"{TOP}/DM-2"

Clock = Callable[[Callable[[], datetime]], None]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return what has the commands ask another clock."""

    one_at_a_time = Lock()

    def ask(source: Callable[[], datetime]) -> None:
        # Looks side by side ask the clock, and some clocks look into a butler.
        def now() -> datetime:
            with one_at_a_time:
                return source()

        monkeypatch.setattr(clock, "source", now)

    return ask


@pytest.fixture
def frozen(sites: Sites) -> Sites:
    """Return sites with everything to do, and nights at the summit."""
    sites.tree.settings(windows=[NIGHT])
    return sites


def test_at_night_the_summit_is_left_alone_and_in_the_morning_it_is_done(
    frozen: Sites, set_clock: Clock, golden: Golden
) -> None:
    set_clock(lambda: AT_TWO)
    ran = frozen.apply()
    assert ran.code == 3
    golden("windows/at-two.txt", ran.err + ran.out)
    assert not frozen.has(SUMMIT, OLD)
    assert frozen.chain(EMBARGO) == (NEW, OLD)

    before = frozen.snapshot("repo")
    set_clock(lambda: A_MINUTE_TO_EIGHT)
    assert frozen.apply().code == 3
    assert frozen.snapshot("repo") == before

    set_clock(lambda: AT_EIGHT)
    assert frozen.apply().code == 0
    assert frozen.chain(SUMMIT) == (NEW, OLD)


def without_ages(ran: Ran) -> dict[str, Any]:
    """Return a document without when repositories were seen."""
    document: dict[str, Any] = ran.json
    assert document.pop("seen")
    return document


def test_a_plan_is_the_same_at_any_time_and_tells_of_the_window(frozen: Sites, set_clock: Clock) -> None:
    set_clock(lambda: AT_TWO)
    at_night = frozen.run("plan", "--format", "json")
    set_clock(lambda: AT_EIGHT)
    by_day = frozen.run("plan", "--format", "json")

    assert without_ages(at_night) == without_ages(by_day)
    assert (at_night.code, by_day.code) == (2, 2)
    assert "note: Place is closed" in at_night.err
    assert "it opens at 2025-02-12 08:00 (America/Santiago), 2025-02-12T11:00:00Z" in at_night.err
    assert "closed" not in by_day.err

    frozen.tree.settings()
    assert without_ages(frozen.run("plan", "--format", "json")) == without_ages(by_day)


def test_a_window_that_closes_during_a_run_stops_the_next_step(frozen: Sites, set_clock: Clock) -> None:
    begun: list[str] = []
    set_clock(lambda: AT_SIX if frozen.has(SUMMIT, f"{OLD}/bias.20240101a") else EVENING)

    ran = frozen.apply("--format", "json")

    assert ran.code == 3
    for line in ran.out.splitlines():
        begun += [line] if f'"{SUMMIT}:' in line and '"result":"begun"' in line else []
    assert len(begun) == 1
    assert frozen.of_ticket(SUMMIT, "DM-1")
    assert not frozen.has(SUMMIT, OLD)
    assert not frozen.has(SUMMIT, TOP)

    set_clock(lambda: AT_EIGHT)
    assert frozen.apply().code == 0
    assert frozen.chain(SUMMIT) == (NEW, OLD)


def test_a_saved_plan_is_refused_at_night_and_done_in_the_morning(frozen: Sites, set_clock: Clock) -> None:
    set_clock(lambda: AT_TWO)
    plan = str(frozen.tree.folder / "plan.json")
    assert frozen.run("plan", "-o", plan).code == 2
    assert frozen.apply(plan, "--site", "usdf").code == 0
    assert frozen.apply(plan, "--site", "summit").code == 3
    assert not frozen.has(SUMMIT, OLD)

    set_clock(lambda: AT_EIGHT)
    assert frozen.apply(plan, "--site", "summit").code == 0


def test_it_is_overridden_with_a_reason_that_is_kept(frozen: Sites, set_clock: Clock) -> None:
    set_clock(lambda: AT_TWO)

    ran = frozen.apply("--override", "the night is lost without it")

    assert ran.code == 0
    assert "closed" not in ran.err
    assert frozen.chain(SUMMIT) == frozen.chain(ORIGIN)
    (run,) = frozen.run("log", "--format", "json").json["runs"]
    began: Any = next(line["began"] for line in run["lines"] if line["began"])
    assert began["allowed"] == {"guards": ["wave", "window"], "because": "the night is lost without it"}
    assert "allowed wave, window: the night is lost without it" in frozen.run("log").out


def test_an_override_has_one_reason(frozen: Sites) -> None:
    for arguments in (["--override", " "], ["--override", "a", "--because", "b"], ["--allow", "window"]):
        assert frozen.apply(*arguments).code == 64
