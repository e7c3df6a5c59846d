"""A place is closed or open, and opens when it is told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cronsim import CronSim
from hypothesis import example, given
from hypothesis import strategies as st

from calibstate.engine.windows import closed, closed_until
from calibstate.model.desired import DesiredState, Lines, Written
from calibstate.model.repositories import Repository, Site
from calibstate.model.settings import Settings
from calibstate.model.windows import Window
from calibstate.store.statefile import load
from tests.engine.convergence_test import thorough
from tests.tree import Tree

SANTIAGO = "America/Santiago"
SUMMIT = "summit/LSSTCam"

# In Chile clocks go back at the end of a Saturday, and forward at its end.
BACK = datetime(2025, 4, 6, 3, tzinfo=UTC)
FORWARD = datetime(2025, 9, 7, 4, tzinfo=UTC)

MINUTE = timedelta(minutes=1)


def window(closes: str, lasts: str, zone: str = SANTIAGO, deny: str = "summit") -> Window:
    return Window(deny=(deny,), closes=closes, lasts=lasts, zone=zone, because="observing")


def declared(*windows: Window) -> DesiredState:
    repository = Repository(butler="./repo", instruments=("LSSTCam",))
    site = Site(site="summit", repositories={"LSSTCam": repository})
    said = Settings(version=1, archive="archive", records="records", windows=windows)
    return DesiredState(
        "/state", Written(said, Lines("calibstate.yaml")), {"summit": Written(site, Lines("s"))}, {}, {}
    )


times = st.builds(
    "{} {} {} * {}".format,
    st.sampled_from(["0", "30", "59", "*/20"]),
    st.sampled_from(["0", "1", "2", "18", "23", "22-23", "0,12", "*"]),
    st.sampled_from(["*", "*", "1-7"]),
    st.sampled_from(["*", "*", "SAT", "1-5"]),
)
windows = st.builds(
    window,
    times,
    st.sampled_from(["1m", "20m", "59m", "1h", "90m", "14h", "2d"]),
    st.sampled_from([SANTIAGO, "UTC", "Australia/Lord_Howe", "America/New_York"]),
)
near_changes = st.builds(
    lambda change, minutes: change + timedelta(minutes=minutes),
    st.sampled_from(
        [BACK, FORWARD, datetime(2025, 3, 9, 7, tzinfo=UTC), datetime(2025, 4, 5, 15, tzinfo=UTC)]
    ),
    st.integers(-300, 300),
)
moments = near_changes | st.builds(
    lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes),
    st.integers(0, 3 * 365 * 1440),
)


def closings(one: Window, moment: datetime) -> list[datetime]:
    """Return the closings that hold a moment, found by going forward."""
    first = (moment - one.span - timedelta(days=1)).astimezone(one.clock)
    found: list[datetime] = []
    for tick in CronSim(one.closes, first):
        if (began := tick.astimezone(UTC)) > moment + timedelta(hours=4):
            return found
        found += [began] if began <= moment < began + one.span else []
    return found


@thorough
@given(one=windows, moment=moments)
@example(window("30 23 * * *", "90m"), BACK + timedelta(minutes=15))
@example(window("0 0 * * *", "1m"), FORWARD)
@example(window("30 0 * * *", "1m"), FORWARD)
@example(window("*/20 0 * * *", "14h", "Australia/Lord_Howe"), BACK)
def test_it_is_closed_if_and_only_if_a_closing_holds_the_moment(one: Window, moment: datetime) -> None:
    held_by = closings(one, moment)

    assert closed_until(one, moment) == (held_by[-1] + one.span if held_by else None)


@thorough
@given(several=st.lists(windows, min_size=1, max_size=3), moment=moments)
def test_it_opens_when_it_is_told_to_and_not_a_minute_before(several: list[Window], moment: datetime) -> None:
    desired = declared(*several)
    found = closed(desired, SUMMIT, moment)

    assert (found is None) == all(not closings(one, moment) for one in several)
    if found and found.opens:
        assert found.opens > moment
        assert closed(desired, SUMMIT, found.opens) is None
        just_before = max(moment, found.opens - MINUTE)
        assert (closed(desired, SUMMIT, just_before) or found).opens == found.opens
        assert closed(desired, SUMMIT, just_before)


@pytest.mark.parametrize(
    ("closes", "moment", "opens"),
    [
        # The night in which clocks go back has an hour more on the wall.
        ("0 18 * * *", "2025-04-05T21:00", "2025-04-06T11:00"),
        ("0 18 * * *", "2025-04-06T10:59", "2025-04-06T11:00"),
        ("0 18 * * *", "2025-04-06T21:59", None),
        ("0 18 * * *", "2025-04-06T22:00", "2025-04-07T12:00"),
        # That in which they go forward has one less.
        ("0 18 * * *", "2025-09-06T22:00", "2025-09-07T12:00"),
        ("0 18 * * *", "2025-09-07T20:59", None),
        ("0 18 * * *", "2025-09-07T21:00", "2025-09-08T11:00"),
        # There is no midnight then: the day begins at one.
        ("0 0 7 9 *", "2025-09-07T03:59", None),
        ("0 0 7 9 *", "2025-09-07T04:00", "2025-09-07T18:00"),
        # And of two hours of one name, the first counts.
        ("30 23 5 4 *", "2025-04-06T02:29", None),
        ("30 23 5 4 *", "2025-04-06T03:15", "2025-04-06T16:30"),
        ("30 23 5 4 *", "2025-04-06T16:30", None),
    ],
)
def test_a_night_lasts_as_long_when_clocks_change(closes: str, moment: str, opens: str | None) -> None:
    desired = declared(window(closes, "14h"))
    found = closed(desired, SUMMIT, datetime.fromisoformat(moment).replace(tzinfo=UTC))
    assert (f"{found.opens:%Y-%m-%dT%H:%M}" if found else None) == opens


def test_closings_without_a_gap_are_one_and_the_opening_is_behind_them() -> None:
    desired = declared(window("* * * * 1-5", "1m", "UTC"), window("0 0 * * 6", "6h", "UTC"))
    found = closed(desired, SUMMIT, datetime(2025, 2, 12, 3, tzinfo=UTC))
    assert found
    assert found.opens == datetime(2025, 2, 15, 6, tzinfo=UTC)


def test_what_never_opens_is_told_so() -> None:
    found = closed(declared(window("0 * * * *", "1h", "UTC")), SUMMIT, datetime(2025, 2, 12, 3, tzinfo=UTC))
    assert found
    assert found.detail == "summit/LSSTCam is closed (observing); it does not open within a year"


def test_the_opening_is_told_by_the_clock_at_the_place() -> None:
    found = closed(declared(window("0 18 * * *", "14h")), SUMMIT, datetime(2025, 2, 12, 5, tzinfo=UTC))
    assert found
    assert found.opening == "it opens at 2025-02-12 08:00 (America/Santiago), 2025-02-12T11:00:00Z"


@pytest.mark.parametrize(
    ("deny", "shut"),
    [("summit", True), (SUMMIT, True), ("usdf", False), ("summit/LATISS", False)],
)
def test_it_denies_a_site_or_a_repository(deny: str, shut: bool) -> None:
    desired = declared(window("* * * * *", "2m", deny=deny))
    night = datetime(2025, 2, 12, 5, tzinfo=UTC)
    assert bool(closed(desired, SUMMIT, night)) is shut
    assert closed(desired, "archive", night) is None


def test_a_window_changes_no_plan() -> None:
    assert declared(window("0 18 * * *", "14h")).digest == declared().digest


NIGHT = {"deny": "summit", "from": "0 18 * * *", "for": "14h", "zone": SANTIAGO, "because": "observing"}


@pytest.mark.parametrize(
    ("said", "line", "told"),
    [
        ({"deny": "sumit"}, 8, "`sumit` is neither a site nor a repository"),
        ({"deny": ["usdf", "summit/LSSTCam2"]}, 10, "`summit/LSSTCam2` is neither a site nor a repository"),
        ({"from": "0 18 * *"}, 9, "is no time of cron: minute, hour"),
        ({"from": "0 0 31 2 *"}, 9, "is no time of cron"),
        ({"for": "all night"}, 10, "is no duration; write 90m, 14h or 3d"),
        ({"for": "400d"}, 10, "is not between 1m and 366d"),
        ({"zone": "America/Santjago"}, 11, "did you mean `America/Santiago`?"),
        ({"because": " "}, 12, "A window without a reason"),
        ({"form": "0 18 * * *"}, 13, "`form` is not a key"),
    ],
)
def test_what_no_clock_can_tell_does_not_validate(
    tmp_path: Path, said: dict[str, Any], line: int, told: str
) -> None:
    from calibstate.errors import InvalidStateError

    tree = Tree(tmp_path)
    tree.settings(windows=[{**NIGHT, **said}])
    tree.site("usdf", {"main": "origin"})
    tree.site("summit", {"LSSTCam": "copy"})
    with pytest.raises(InvalidStateError) as caught:
        load(tree.state)
    (problem,) = caught.value.diagnostics
    assert told in f"{problem.detail} {problem.hint}"
    assert problem.where
    assert (problem.where.file, problem.where.line) == ("calibstate.yaml", line)
