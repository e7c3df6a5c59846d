"""Say whether a place is closed at a moment, and when it opens.

A plan knows no time, so that what was approved by day is the same at night;
the windows are asked before each step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from cronsim import CronSim

from ..errors import Where
from ..model.desired import DesiredState
from ..model.observations import stamp
from ..model.windows import Window

__all__ = ["Closed", "closed", "closed_until"]

_FAR = timedelta(days=366)
"""Within this a place opens, or it is told that it does not."""

_MOST = 20_000
"""Closings that follow each other without a gap; a week has half as many
minutes."""

_A_SECOND = timedelta(seconds=1)

_CLOCKS_GO_BACK = timedelta(hours=3)
"""More than clocks are ever set back at once."""


@dataclass(frozen=True)
class Closed:
    """Why no step is begun at a place, and until when."""

    place: str

    window: Window
    """The window that says so; of several the one that lasts longest."""

    where: Where
    """Its line."""

    opens: datetime | None
    """When steps may be begun again, in UTC; `None`: not within a year."""

    @property
    def opening(self) -> str:
        """When it opens, by the clock at the place and in UTC."""
        if self.opens is None:
            return "it does not open within a year"
        local = self.opens.astimezone(self.window.clock)
        return f"it opens at {local:%Y-%m-%d %H:%M} ({self.window.zone}), {stamp(self.opens)}"

    @property
    def detail(self) -> str:
        """All of it, in a sentence."""
        return f"{self.place} is closed ({self.window.because}); {self.opening}"


def closed(desired: DesiredState, place: str, now: datetime) -> Closed | None:
    """Return why no step is begun at a place now; `None`: it is open.

    Parameters
    ----------
    desired
        What is declared, windows included.
    place
        A repository, ``archive`` or ``rucio``; the latter two have no windows.
    now
        The moment, with its time zone.
    """
    if place not in desired.repositories:
        return None
    # A window names a repository, or a site and so all that it has.
    site, _, _ = place.partition("/")
    names = {place, site}
    settings = desired.settings
    denying: list[Window] = []
    longest: Closed | None = None
    latest = now
    for number, window in enumerate(settings.noun.windows):
        if names.isdisjoint(window.deny):
            continue
        denying.append(window)
        end = closed_until(window, now)
        # Whatever is closed now ends later than now.
        if end and end > latest:
            latest = end
            where = settings.lines.at("windows", number)
            longest = Closed(place, window, where, end)
    if longest is None:
        return None
    # Where others close when it ends, it opens later than that.
    opens = _opening(denying, latest)
    return replace(longest, opens=opens)


def closed_until(window: Window, moment: datetime) -> datetime | None:
    """Return when the closing ends that holds a moment; `None`: none does.

    It may close again at once.

    Parameters
    ----------
    window
        The window.
    moment
        The moment, with its time zone.

    Returns
    -------
    datetime or None
        In UTC.
    """
    moment = moment.astimezone(UTC)
    whole_second = moment.replace(microsecond=0)
    ahead = (whole_second + _A_SECOND).astimezone(window.clock)
    if ahead.fold:
        # Clocks were set back, and cron does its work in the first of the two
        # hours of one name; asked in the second, what was then comes ahead.
        ahead = (whole_second + _CLOCKS_GO_BACK).astimezone(window.clock)
    began: datetime | None = None
    for tick in CronSim(window.closes, ahead, reverse=True):
        began = tick.astimezone(UTC)
        if began <= moment:
            break
    if began is None or began > moment:
        return None
    # Going backward, what came shortly before a change of clocks is overlooked
    # where that is of half an hour.
    local = began.astimezone(window.clock)
    for tick in CronSim(window.closes, local):
        later = tick.astimezone(UTC)
        if later > moment:
            break
        began = later
    end = began + window.span
    if moment >= end:
        return None
    return end


def _opening(windows: Sequence[Window], end: datetime) -> datetime | None:
    """Return when no window is closed any more, one after the other."""
    latest = end + _FAR
    for _ in range(_MOST):
        later = end
        for window in windows:
            closes_again = closed_until(window, end)
            if closes_again:
                later = max(later, closes_again)
        # Whatever is closed at a moment ends later than that.
        if later == end:
            return end
        if later > latest:
            break
        # At this moment another window may be closed already.
        end = later
    return None
