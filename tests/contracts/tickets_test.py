"""What every tracker promises: one in memory, and Jira, of both sorts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from calibstate.adapters.jira import AT_ONCE, Jira
from calibstate.errors import UnreachableError
from calibstate.model.tickets import ApprovalStatus
from calibstate.ports.tickets import Tracker
from tests.fakes.tickets import MemoryTracker
from tests.services.jira import JiraServer, open_jira


@pytest.fixture(params=["fake", "server", "cloud"])
def hands(request: pytest.FixtureRequest) -> Iterator[MemoryTracker | JiraServer]:
    """Return what files tickets."""
    if request.param == "fake":
        yield MemoryTracker()
        return
    with open_jira(cloud=request.param == "cloud") as server:
        yield server


@pytest.fixture
def tracker(hands: MemoryTracker | JiraServer) -> Tracker:
    return hands if isinstance(hands, MemoryTracker) else Jira(hands.address)


Hands = MemoryTracker | JiraServer


def test_a_ticket_is_told_as_it_stands(hands: Hands, tracker: Tracker) -> None:
    hands.file("DM-1")
    hands.file("TAXICAB-15", "Adopted", "Done", ["2025-02-11"], links=["DM-1"])

    found = tracker.tickets(["TAXICAB-15", "DM-1"])

    board = found["TAXICAB-15"]
    assert (board.key, board.status, board.resolution) == ("TAXICAB-15", "Adopted", "Done")
    assert board.resolved_on == {"2025-02-11"}
    assert board.decision is ApprovalStatus.ADOPTED
    assert found["DM-1"].resolution is None
    assert found["DM-1"].resolved_on == frozenset()
    assert found["DM-1"].decision is ApprovalStatus.PROPOSED


def test_a_link_is_seen_from_both_ends(hands: Hands, tracker: Tracker) -> None:
    hands.file("DM-1")
    hands.file("TAXICAB-15", links=["DM-1"])

    found = tracker.tickets(["DM-1", "TAXICAB-15"])

    assert (found["DM-1"].links, found["TAXICAB-15"].links) == (
        frozenset({"TAXICAB-15"}),
        frozenset({"DM-1"}),
    )


def test_what_is_not_there_is_left_out_and_costs_the_others_nothing(hands: Hands, tracker: Tracker) -> None:
    for number in (1, 2, 5, 6):
        hands.file(f"DM-{number}")

    found = tracker.tickets([f"DM-{number}" for number in range(1, 9)])

    assert sorted(found) == ["DM-1", "DM-2", "DM-5", "DM-6"]
    assert tracker.tickets(["NO-1"]) == {}


def test_one_that_was_moved_is_found_by_the_key_that_it_had(hands: Hands, tracker: Tracker) -> None:
    for number in (1, 2, 3):
        hands.file(f"DM-{number}", f"Status {number}")
    hands.move("DM-2", "OPS-7")

    found = tracker.tickets(["DM-1", "DM-2", "DM-3", "DM-4"])

    assert {key: (ticket.key, ticket.status) for key, ticket in found.items()} == {
        "DM-1": ("DM-1", "Status 1"),
        "DM-2": ("OPS-7", "Status 2"),
        "DM-3": ("DM-3", "Status 3"),
    }


def test_many_are_found_and_told_of_on_the_way(hands: Hands, tracker: Tracker) -> None:
    keys = [f"DM-{number}" for number in range(1, 2 * AT_ONCE + 24)]
    for key in keys:
        hands.file(key)
    told: list[tuple[int, int]] = []

    found = tracker.tickets(keys, lambda done, total: told.append((done, total)))

    assert sorted(found) == sorted(keys)
    assert told[-1] == (len(keys), len(keys))


def test_nothing_is_asked_for_nothing(hands: Hands, tracker: Tracker) -> None:
    assert tracker.tickets([]) == {}
    assert not isinstance(hands, JiraServer) or hands.asked == []


def test_one_that_is_away_is_no_tracker_without_tickets(hands: Hands, tracker: Tracker) -> None:
    hands.file("DM-1")
    if isinstance(hands, MemoryTracker):
        hands.away = True
    else:
        hands.fault = lambda request: request.connection.close()

    with pytest.raises(UnreachableError):
        tracker.tickets(["DM-1"])
