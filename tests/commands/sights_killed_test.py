"""Killed while it publishes, or with another at the same time.

What was published last is readable at any moment, no look that showed
something else is lost, and the next run completes all.
"""

from __future__ import annotations

import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from calibstate.model.names import RepositoryAddress
from calibstate.model.sights import Sight, SightHistory, children_of
from calibstate.work.session import Session
from tests.commands import cut
from tests.commands.sights_test import date_back
from tests.commands.sites import SUMMIT, TOP, Sites, make_sites

KILLED = -signal.SIGKILL
ARGUMENTS = ("observe", "--publish", "summit")
NEW, OLD = f"{TOP}/DM-2", f"{TOP}/DM-1"
BEFORE, AFTER = (NEW, OLD), (OLD,)
"""Children of the chain, of the look before and of the one that is killed."""


@dataclass(frozen=True)
class Whole:
    """A run that nobody cut off."""

    sites: Sites
    """Before it."""

    moments: tuple[cut.Moment, ...]
    """Those at which it publishes."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    folder = tmp_path_factory.mktemp("whole")
    sites = make_sites(folder / "before", copies=(SUMMIT,), detectors=1)
    state = sites.tree.state
    assert cut.run(folder / "apply", cut.calibstate, state, "apply", "--yes").code == 0
    assert cut.run(folder / "first", cut.calibstate, state, *ARGUMENTS).code == 0
    # Else the next look could begin within the same second.
    date_back(sites, "20260101T000000Z")
    sites.change_chain(SUMMIT, lambda children: children[1:])
    sites.close()
    after = sites.copied_to(folder / "after")
    ended = cut.run(folder / "run", cut.calibstate, after.tree.state, *ARGUMENTS)
    assert ended.code == 0, ended.err
    yield Whole(sites, ended.moments)
    shutil.rmtree(folder)


def history_of(sites: Sites) -> SightHistory:
    """Return what was published, read as others read it."""
    return Session(sites.tree.state).places().sights(RepositoryAddress(SUMMIT))


def children_in(sights: SightHistory) -> list[tuple[str, ...] | None]:
    """Return the children of each look; those that follow each other once."""
    children: list[tuple[str, ...] | None] = []
    for sight in sights:
        seen = children_of(sight, TOP)
        if not children or children[-1] != seen:
            children.append(seen)
    return children


def newest_of(sights: SightHistory) -> Sight:
    assert sights.newest is not None
    return sights.newest


def check(whole: Whole, moment: cut.Moment, folder: Path) -> None:
    """Kill a run, read what it left, and run it again."""
    sites = whole.sites.copied_to(folder / "sites")
    first = newest_of(history_of(sites))
    killed = cut.run(folder / "killed", cut.calibstate, sites.tree.state, *ARGUMENTS, killed_at=moment)
    assert killed.code == KILLED, f"nobody was killed at {moment}"
    left = history_of(sites)
    assert children_of(newest_of(left), TOP) in {BEFORE, AFTER}, moment
    assert first in list(left), moment
    again = cut.run(folder / "again", cut.calibstate, sites.tree.state, *ARGUMENTS)
    assert again.code == 0, f"{moment}: {again.err}"
    completed = history_of(sites)
    assert children_of(newest_of(completed), TOP) == AFTER, moment
    assert children_in(completed) == [AFTER, BEFORE], moment
    # What is the newest now will be replaced by the next one.
    assert children_in(replace(completed, newest=None)) == [AFTER, BEFORE], moment
    assert list(completed)[-1] == first, moment
    assert sites.leftovers() == [], moment
    shutil.rmtree(folder)


def test_a_run_goes_through_moments_of_the_sight_that_is_kept_and_of_the_newest(whole: Whole) -> None:
    """Else the tests below would kill nobody."""
    times = Counter(what for what, _ in whole.moments)
    assert times["after os.link of .json"] >= 1, times
    assert times["before os.replace of .json"] >= 2, times
    assert times["before os.fsync"] >= 5, times


def test_killed_where_a_file_gets_its_name_nothing_is_lost(whole: Whole, tmp_path: Path) -> None:
    names = [moment for moment in whole.moments if moment[0].endswith(".json") and "os." in moment[0]]
    for number, moment in enumerate(names):
        check(whole, moment, tmp_path / str(number))


@pytest.mark.slow
def test_killed_at_any_moment_nothing_is_lost(whole: Whole, tmp_path: Path) -> None:
    for number, moment in enumerate(whole.moments):
        check(whole, moment, tmp_path / str(number))


def test_a_look_that_waits_while_another_publishes_is_kept_beside_it(whole: Whole, tmp_path: Path) -> None:
    sites = whole.sites.copied_to(tmp_path / "sites")
    state = sites.tree.state
    moment = ("before os.link of .json", 1)
    waiting = cut.start(tmp_path / "waiting", cut.calibstate, state, *ARGUMENTS, waits_at=moment)
    assert waiting.has_come_there()
    sites.change_chain(SUMMIT, lambda children: [])
    sites.close()

    other = cut.run(tmp_path / "other", cut.calibstate, state, *ARGUMENTS)
    waiting.go_on()

    assert (other.code, waiting.end().code) == (0, 0), other.err
    history = history_of(sites)
    assert set(children_in(replace(history, newest=None))) == {(), AFTER, BEFORE}
    assert children_in(history)[-1] == BEFORE
    assert sites.leftovers() == []
