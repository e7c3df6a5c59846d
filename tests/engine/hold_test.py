"""Places are held whole or not, waited for where told, and looked at."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from calibstate.engine import side_by_side
from calibstate.engine.converge import Run, converge
from calibstate.engine.hold import Holds, Patience
from calibstate.errors import LockedError, UnreachableError
from calibstate.model.names import Place
from calibstate.model.outcomes import Result
from calibstate.ports.silence import SilentError
from tests.engine.convergence_test import plan
from tests.engine.worlds import Situation
from tests.fakes.places import MemoryPlaces
from tests.fakes.records import Holder

PLACE = Place("summit/LSSTCam")


class Clock:
    """Time that passes by sleeping only."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self.told: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        self.meanwhile()

    def patience(self, seconds: float, stopping: Callable[[], bool] = lambda: False) -> Patience:
        return Patience(timedelta(seconds=seconds), self.told.append, stopping, self.sleep, lambda: self.now)


@pytest.fixture
def places() -> MemoryPlaces:
    return MemoryPlaces([PLACE])


@pytest.fixture
def clock() -> Clock:
    return Clock()


def held_by(places: MemoryPlaces, who: str) -> None:
    places.locks.held[PLACE] = Holder(who, "elsewhere")


def test_nobody_waits_unless_told(places: MemoryPlaces, clock: Clock) -> None:
    held_by(places, "them")
    with pytest.raises(LockedError, match="them"), Holds(places, patience=clock.patience(0)) as holds:
        holds.take(PLACE, "apply")
    assert clock.slept == []
    assert clock.told == []


def test_whoever_waits_takes_the_place_when_it_is_free(places: MemoryPlaces, clock: Clock) -> None:
    held_by(places, "them")

    def leave() -> None:
        if clock.now > 20:
            places.locks.held.pop(PLACE)

    clock.meanwhile = leave
    with Holds(places, patience=clock.patience(600)) as holds:
        holds.take(PLACE, "apply")
        holds.check(PLACE)
        (told,) = clock.told
    assert "them" in told
    assert "10m at most" in told
    assert 20 < clock.now < 30
    assert places.locks.held == {}


def test_whoever_waited_long_enough_is_refused_with_the_name_of_the_holder(
    places: MemoryPlaces, clock: Clock
) -> None:
    held_by(places, "them")
    clock.meanwhile = lambda: held_by(places, "others") if clock.now > 10 else None
    with pytest.raises(LockedError, match="others"), Holds(places, patience=clock.patience(17)) as holds:
        holds.take(PLACE, "apply")
    assert clock.now == 17
    assert ["them" in told for told in clock.told] == [True, False]


@pytest.mark.parametrize("host", ["node", "node.a.b", "10.0.0.7", "node.a.b. Its"])
def test_whoever_waits_is_told_of_each_holder_once_whatever_its_host_is_called(
    places: MemoryPlaces, clock: Clock, host: str
) -> None:
    def work_on() -> None:
        holder = first if clock.now < 8 else second
        places.locks.held[PLACE] = replace(holder, life=f"Its last sign of life was {clock.now} s ago.")

    first = Holder("them", host, since="18:00", why="apply")
    second = Holder("them", host, since="18:10", why="apply")
    clock.meanwhile = work_on
    work_on()
    with pytest.raises(LockedError), Holds(places, patience=clock.patience(30)) as holds:
        holds.take(PLACE, "apply")
    assert ["18:00" in told for told in clock.told] == [True, False]


def test_what_was_waited_at_one_place_is_not_waited_again_at_the_next(
    places: MemoryPlaces, clock: Clock
) -> None:
    held_by(places, "them")
    places.locks.held["archive"] = Holder("others", "elsewhere")

    def leave() -> None:
        if clock.now > 5:
            places.locks.held.pop("archive", None)

    clock.meanwhile = leave
    with pytest.raises(LockedError), Holds(places, patience=clock.patience(17)) as holds:
        holds.take("archive", "apply")
        holds.take(PLACE, "apply")
    assert clock.now == 17
    assert set(places.locks.held) == {PLACE}


def test_whoever_is_to_stop_waits_no_longer(places: MemoryPlaces, clock: Clock) -> None:
    held_by(places, "them")
    patience = clock.patience(600, stopping=lambda: clock.now > 2)
    with pytest.raises(LockedError), Holds(places, patience=patience) as holds:
        holds.take(PLACE, "apply")
    assert clock.now < 10


def test_a_repository_is_waited_for_at_its_database_too(places: MemoryPlaces, clock: Clock) -> None:
    places.excluding.add(PLACE)
    clock.meanwhile = places.excluding.clear
    with Holds(places, patience=clock.patience(600)) as holds:
        holds.take(PLACE, "apply")
        holds.check(PLACE)
    assert len(clock.slept) == 1


def test_whoever_is_kept_away_by_the_database_keeps_no_lock(places: MemoryPlaces) -> None:
    places.excluding.add(PLACE)
    with pytest.raises(LockedError, match="Others write"), Holds(places) as holds:
        holds.take(PLACE, "apply")
    assert places.locks.held == {}


def test_a_database_that_does_not_let_go_keeps_nobody_waiting(
    places: MemoryPlaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_over = threading.Event()

    @contextmanager
    def exclude_others(address: str) -> Iterator[Callable[[], None]]:
        yield lambda: None
        is_over.wait()

    monkeypatch.setattr(side_by_side, "_GRACE", 0.0)
    monkeypatch.setattr(places, "exclude_others", exclude_others)
    places.timeout = timedelta(seconds=0.2)
    with pytest.raises(SilentError, match=f"{PLACE}: it did not answer within 0.2 s"), Holds(places) as holds:
        holds.take(PLACE, "apply")
    assert places.locks.held == {}
    is_over.set()


def test_an_archive_has_no_database(places: MemoryPlaces) -> None:
    with Holds(places) as holds:
        holds.take("archive", "apply")
        holds.check("archive")


def test_a_place_that_is_held_no_more_is_found_at_the_next_look(places: MemoryPlaces) -> None:
    with pytest.raises(LockedError, match="Lock was lost"), Holds(places) as holds:
        holds.take(PLACE, "apply")
        holds.take(PLACE, "apply")  # Twice is once.
        holds.check(PLACE)
        places.excluding.add(PLACE)
        with pytest.raises(LockedError):
            holds.check(PLACE)
        places.excluding.clear()
        held_by(places, "them")
        with pytest.raises(LockedError, match="Lock was lost"):
            holds.check(PLACE)
    assert places.locks.held[PLACE] == Holder("them", "elsewhere", id=places.locks.held[PLACE].id)  # type: ignore[union-attr]


def test_a_place_whose_database_is_away_is_not_written_to(places: MemoryPlaces) -> None:
    with Holds(places) as holds:
        holds.take(PLACE, "apply")
        places.out_of_reach.add(PLACE)
        with pytest.raises(UnreachableError):
            holds.check(PLACE)


def test_a_place_that_went_away_is_told_and_keeps_no_lock(places: MemoryPlaces) -> None:
    places.out_of_reach.add(PLACE)
    with Holds(places) as holds:
        with pytest.raises(UnreachableError, match=PLACE):
            holds.take(PLACE, "apply")
        assert places.locks.held == {}
        holds.take("archive", "apply")
        assert list(places.locks.held) == ["archive"]


def test_a_run_whose_lock_was_broken_begins_no_other_step() -> None:
    ticket = Situation(entries=("DM-1",), at_origin=frozenset({"DM-1"}))
    places = ticket.places()
    run = Run(places, lambda: "2026-11-22T18:00:00Z")
    places.after = lambda write: places.locks.held.clear()
    with pytest.raises(LockedError, match="Lock was lost"):
        list(converge(plan(ticket, places), run, why="test"))
    assert len(places.writes) == 1
    begun = [line for line in places.journal.lines if line.outcome and line.outcome.result is Result.BEGUN]
    assert len(begun) == 1
    places.after = lambda write: None
    list(converge(plan(ticket, places), run, why="test"))
    assert len(places.writes) > 2
