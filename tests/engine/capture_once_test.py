"""Captures that build on each other ask no place for the same thing twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from calibstate.capturing.capture import Wanted, capture
from calibstate.capturing.comparison import UnsealedTicket
from calibstate.capturing.declare import SealsTried, declare
from calibstate.capturing.once import LookedAtOnce, PlacesToLookAt
from calibstate.errors import Diagnostic, NotAsRecordedError
from calibstate.model.bundles import Manifest
from calibstate.model.contents import Holding
from calibstate.model.names import RepositoryAddress, TicketKey
from calibstate.model.seals import Seal
from calibstate.ports.butler import SeenCollection
from calibstate.store import treefile
from tests.engine.capture_test import BASE, DAY, ORIGIN, SUMMIT, TOP, World, add_ticket, make_world
from tests.fakes.butler import MemoryButler
from tests.fakes.places import MemoryPlaces

Asked = Counter[tuple[str, str, str]]


@dataclass
class Counting:
    """Places that count what each is asked for."""

    places: MemoryPlaces
    asked: Asked
    timeout: timedelta = timedelta(seconds=60)

    def butler(self, address: RepositoryAddress) -> CountingButler:
        return CountingButler(self.places.butlers[address], address, self.asked)

    def archive(self) -> Counting:
        return self

    def bundles(self, tickets: Iterable[TicketKey]) -> Mapping[TicketKey, tuple[Manifest, ...]]:
        wanted = list(tickets)
        self.asked.update(("archive", "bundles", key.name) for key in wanted)
        return self.places.archive().bundles(wanted)


@dataclass
class CountingButler:
    butler: MemoryButler
    address: str
    asked: Asked

    def collections(self, names: Iterable[str]) -> Mapping[str, SeenCollection]:
        wanted = list(names)
        self.asked.update((self.address, "collections", name) for name in wanted)
        return self.butler.collections(wanted)

    def holdings(self, names: Iterable[str], *, calibrations_only: bool = False) -> Mapping[str, Holding]:
        wanted = list(names)
        self.asked.update((self.address, f"holdings {calibrations_only}", name) for name in wanted)
        return self.butler.holdings(wanted, calibrations_only=calibrations_only)


def capture_in_a_row(world: World, places: PlacesToLookAt) -> dict[str, bytes]:
    for address in (ORIGIN, SUMMIT, BASE):
        desired = world.desired
        captured = capture(Wanted(address, "LSSTComCam", (), DAY), desired, places)
        treefile.write(world.tree.state, declare(captured, desired))
    return world.read()


def make(folder: Path) -> World:
    world = make_world(folder)
    for address, tickets in {ORIGIN: ["DM-1", "DM-2"], SUMMIT: ["DM-1"], BASE: ["DM-1", "DM-3"]}.items():
        butler = world.butler(address)
        butler.add_chain(TOP, [add_ticket(butler, ticket) for ticket in reversed(tickets)])
    return world


def test_nothing_is_asked_twice_and_the_same_is_written(tmp_path: Path) -> None:
    plain, once = make(tmp_path / "plain"), make(tmp_path / "once")
    often = Counting(plain.places, Counter())
    expected = capture_in_a_row(plain, often)
    counting = Counting(once.places, Counter())

    written = capture_in_a_row(once, LookedAtOnce(counting))

    assert written == expected
    assert max(often.asked.values()) > 1
    assert set(counting.asked.values()) == {1}
    assert counting.asked.keys() == often.asked.keys()


def test_a_ticket_is_read_once_even_if_it_cannot_be_sealed(tmp_path: Path) -> None:
    world = make(tmp_path)
    captured = capture(Wanted(ORIGIN, "LSSTComCam", (), DAY), world.desired, world.places)
    unsealed, *_ = captured.unsealed
    seals, reads = SealsTried(), []

    def damaged() -> Seal:
        reads.append(unsealed.address)
        raise NotAsRecordedError(Diagnostic("Cut off", "It is."))

    def try_to(ticket: UnsealedTicket, make: Callable[[], Seal]) -> None:
        with pytest.raises(NotAsRecordedError):
            seals.seal(ticket, make)

    try_to(unsealed, damaged)
    try_to(unsealed, damaged)
    try_to(UnsealedTicket(unsealed.ticket, SUMMIT), damaged)

    assert reads == [ORIGIN, ORIGIN], "once at each of two places"
