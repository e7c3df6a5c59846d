"""A cell says what is so, and no drift is lost on the way to it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings

from calibstate.engine.observe import observe
from calibstate.engine.plan import make_plan
from calibstate.model.contents import CollectionType
from calibstate.model.desired import DesiredState, Lines, Written
from calibstate.model.drift import Drift, What
from calibstate.model.names import TicketKey
from calibstate.model.plans import Basis, Plan
from calibstate.model.scope import Scope
from calibstate.model.status import Cell, Row, State, Status, Subject
from calibstate.model.tickets import Ticket
from calibstate.surveys.status import status
from tests.calibrations import INSTRUMENT
from tests.engine.worlds import (
    DEFAULTS,
    EMBARGO,
    EXTRAS,
    OLD,
    ORIGIN,
    RAW,
    REPOSITORIES,
    SUMMIT,
    TICKETS,
    TOP,
    Situation,
    out_of_reach,
    situations,
)
from tests.fakes.places import MemoryPlaces

ALL = Scope()

HERE = [(address, ticket) for address in (EMBARGO, SUMMIT) for ticket in ("DM-1", "DM-3")]

SETTLED = Situation(
    entries=("DM-3", "DM-1"),
    at_origin=frozenset({"DM-1", "DM-3"}),
    archived=frozenset({"DM-1", "DM-3"}),
    arrived=tuple((address, ticket, "whole") for address, ticket in HERE),
    chains=tuple((address, (f"{TOP}/DM-3", f"{TOP}/DM-1")) for address in REPOSITORIES),
    proposed=frozenset({"DM-2", "DM-4", "DM-5"}),
)
"""All is as declared: DM-3 in front of DM-1 at each repository."""


def told(
    situation: Situation,
    change: Callable[[MemoryPlaces], object] = lambda places: None,
    *,
    scope: Scope = ALL,
    declare: Callable[[DesiredState], DesiredState] = lambda desired: desired,
) -> tuple[Plan, Status]:
    places = situation.places()
    change(places)
    view = observe(declare(situation.declared()), scope, places)
    plan = make_plan(view, Basis(declared="", observed="", version="0.1"))
    return plan, status(view, plan)


def row(stands: Status, name: str) -> Row:
    (found,) = [row for table in stands.tables for row in table.rows if row.name == name]
    return found


def cell(stands: Status, name: str, address: str) -> Cell:
    (found,) = [cell for cell in row(stands, name).cells if cell.repository == address]
    return found


def at_summit(*children: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the live chains, that of the summit having these children."""
    return tuple((a, children if a == SUMMIT else there) for a, there in SETTLED.chains)


def arrived(what: str | None, ticket: str = "DM-1") -> tuple[tuple[str, str, str], ...]:
    """Return what arrived, a ticket being otherwise at the summit."""
    others = tuple(one for one in SETTLED.arrived if one[:2] != (SUMMIT, ticket))
    return (*others, (SUMMIT, ticket, what)) if what else others


def with_status(name: str, value: str) -> Callable[[DesiredState], DesiredState]:
    def declare(desired: DesiredState) -> DesiredState:
        key = TicketKey(INSTRUMENT, name)
        said = desired.tickets[key].noun.model_dump(exclude_defaults=True)
        ticket = Ticket.model_validate({**said, "approval": {"status": value}})
        return replace(desired, tickets={**desired.tickets, key: Written(ticket, Lines("t.yaml"))})

    return declare


def approved_otherwise(desired: DesiredState) -> DesiredState:
    """Have another content approved than anybody sealed."""
    key = TicketKey(INSTRUMENT, "DM-1")
    said = desired.tickets[key].noun.model_dump(exclude_defaults=True)
    approval = {"status": "adopted", "note": "a test", "seal": f"sha256:{'0' * 64}"}
    ticket = Ticket.model_validate({**said, "approval": approval})
    return replace(desired, tickets={**desired.tickets, key: Written(ticket, Lines("t.yaml"))})


BY_RUCIO = replace(
    SETTLED,
    by_rucio=frozenset({SUMMIT}),
    arrived=arrived(None),
    chains=at_summit(f"{TOP}/DM-3"),
    registered=(("DM-1", "closed"), ("DM-3", "closed")),
    ruled=((SUMMIT, "DM-1", "on the way"), (SUMMIT, "DM-3", "there")),
)

AT_SUMMIT: dict[str, tuple[Situation, State]] = {
    "searched at its place": (SETTLED, State.SEARCHED),
    "not here": (
        replace(SETTLED, arrived=arrived(None), chains=at_summit(f"{TOP}/DM-3")),
        State.MISSING,
    ),
    "here in part": (
        replace(SETTLED, arrived=arrived("part"), chains=at_summit(f"{TOP}/DM-3")),
        State.MISSING,
    ),
    "searched, and decertified": (replace(SETTLED, arrived=arrived("decertified")), State.MISSING),
    "searched, and forgotten by the datastore": (
        replace(SETTLED, arrived=arrived("a record is gone")),
        State.MISSING,
    ),
    "here, without its own chain": (
        replace(SETTLED, arrived=arrived("without chain"), chains=at_summit(f"{TOP}/DM-3")),
        State.MISSING,
    ),
    "here and not searched": (replace(SETTLED, chains=at_summit(f"{TOP}/DM-3")), State.NOT_SEARCHED),
    "holding more than was exported": (replace(SETTLED, arrived=arrived("more")), State.CHANGED),
    "retired and searched": (
        replace(SETTLED, entries=("DM-3",), retired=("DM-1",)),
        State.UNWANTED,
    ),
    "retired and not searched": (
        replace(SETTLED, entries=("DM-3",), retired=("DM-1",), chains=at_summit(f"{TOP}/DM-3")),
        State.RETIRED,
    ),
    "skipped and searched": (
        replace(SETTLED, skipped=frozenset({("DM-1", "summit")})),
        State.UNWANTED,
    ),
    "skipped and not searched": (
        replace(
            SETTLED,
            skipped=frozenset({("DM-1", SUMMIT)}),
            arrived=arrived(None),
            chains=at_summit(f"{TOP}/DM-3"),
        ),
        State.SKIPPED,
    ),
    "here, and no chain lists it": (
        replace(SETTLED, entries=("DM-3",), chains=at_summit(f"{TOP}/DM-3")),
        State.THERE,
    ),
    "searched, though no chain lists it": (replace(SETTLED, entries=("DM-3",)), State.EXTRA),
    "on hold and not here": (
        replace(SETTLED, held=frozenset({SUMMIT}), arrived=arrived(None), chains=at_summit(f"{TOP}/DM-3")),
        State.ON_HOLD,
    ),
    "on hold and as declared": (replace(SETTLED, held=frozenset({SUMMIT})), State.SEARCHED),
    "on its way by Rucio": (BY_RUCIO, State.PENDING),
    "arrived by Rucio, and not recorded yet": (
        replace(BY_RUCIO, ruled=tuple((SUMMIT, ticket, "there") for ticket in ("DM-1", "DM-3"))),
        State.MISSING,
    ),
    "in Rucio with other bytes": (
        replace(BY_RUCIO, registered=(("DM-1", "with other bytes"), ("DM-3", "closed"))),
        State.REFUSED,
    ),
    "nowhere to be seen": (
        replace(
            SETTLED,
            at_origin=frozenset({"DM-3"}),
            archived=frozenset({"DM-3"}),
            arrived=arrived(None),
            chains=at_summit(f"{TOP}/DM-3"),
        ),
        State.PENDING,
    ),
    "searched, and nobody can tell what it holds": (
        replace(SETTLED, at_origin=frozenset({"DM-3"}), archived=frozenset({"DM-3"})),
        State.PENDING,
    ),
}


@pytest.mark.parametrize("name", AT_SUMMIT)
def test_a_ticket_at_the_summit_is(name: str) -> None:
    situation, state = AT_SUMMIT[name]

    _, stands = told(situation)

    assert cell(stands, "DM-1", SUMMIT).state is state
    assert cell(stands, "DM-3", SUMMIT).state is State.SEARCHED


def test_every_state_is_tried() -> None:
    tried = {state for _, state in AT_SUMMIT.values()}
    elsewhere = {
        State.UNREACHABLE,
        State.MISORDERED,
        State.PROPOSED,
        State.FLAGGED,
        State.REJECTED,
        State.EXTERNAL,
        State.ELSEWHERE,
    }
    assert tried | elsewhere == set(State)
    assert not tried & elsewhere


def test_a_site_waits_for_that_of_the_origin() -> None:
    here = replace(
        SETTLED, archived=frozenset({"DM-3"}), arrived=arrived(None), chains=at_summit(f"{TOP}/DM-3")
    )
    _, stands = told(here, scope=Scope(sites=("summit",)))

    found = cell(stands, "DM-1", SUMMIT)
    assert found.state is State.PENDING
    assert "calibstate apply --site usdf" in found.reason
    assert [column.repository for column in stands.tables[0].columns] == [SUMMIT]
    assert {drift.target.place for drift in stands.beside} == {"archive"}


def test_of_what_is_misordered_as_few_as_can_be_are_told() -> None:
    situation = replace(
        SETTLED,
        entries=("DM-5", "DM-3", "DM-1"),
        proposed=frozenset({"DM-2", "DM-4"}),
        at_origin=frozenset({"DM-1", "DM-3", "DM-5"}),
        archived=frozenset({"DM-1", "DM-3", "DM-5"}),
        arrived=(*SETTLED.arrived, (SUMMIT, "DM-5", "whole")),
        chains=at_summit(f"{TOP}/DM-3", f"{TOP}/DM-1", f"{TOP}/DM-5"),
    )
    _, stands = told(situation)

    assert cell(stands, "DM-5", SUMMIT).state is State.MISORDERED
    assert cell(stands, "DM-3", SUMMIT).state is State.SEARCHED
    assert cell(stands, "DM-1", SUMMIT).state is State.SEARCHED
    assert cell(stands, TOP, SUMMIT).state is State.MISORDERED
    assert cell(stands, TOP, EMBARGO).state is State.THERE


@pytest.mark.parametrize("value", ["proposed", "flagged", "rejected"])
def test_a_ticket_that_is_not_adopted_is_so_everywhere(value: str) -> None:
    _, stands = told(SETTLED, declare=with_status("DM-5", value))

    assert {cell.state.value for cell in row(stands, "DM-5").cells} == {value}


def test_a_ticket_that_is_not_adopted_and_searched_is_extra() -> None:
    whole = (*SETTLED.arrived, (SUMMIT, "DM-5", "whole"))
    chains = at_summit(f"{TOP}/DM-5", f"{TOP}/DM-3", f"{TOP}/DM-1")

    _, stands = told(replace(SETTLED, arrived=whole, chains=chains))

    assert cell(stands, "DM-5", SUMMIT).state is State.EXTRA
    assert cell(stands, "DM-5", EMBARGO).state is State.PROPOSED


def test_of_a_place_that_does_not_answer_nothing_is_told() -> None:
    situation = replace(SETTLED, skipped=frozenset({("DM-1", "summit")}))

    _, stands = told(situation, lambda places: places.out_of_reach.add(SUMMIT))

    assert {cell(stands, name, SUMMIT).state for name in ("DM-1", "DM-3", "DM-5")} == {State.UNREACHABLE}
    assert cell(stands, "DM-3", EMBARGO).state is State.SEARCHED
    column = stands.tables[0].columns[0]
    # What may be published tells nothing of a machine; a terminal tells all.
    assert column.unreachable == "out of reach"
    assert column.unreachable_here == f"{SUMMIT} does not answer."


def test_without_the_archive_nobody_can_tell_what_a_ticket_holds() -> None:
    _, stands = told(SETTLED, lambda places: places.out_of_reach.add("archive"))

    found = cell(stands, "DM-1", SUMMIT)
    why = "the archive could not be seen, and it has no seal"
    assert found.state is State.PENDING
    assert found.reason == f"it is here, and whether it is whole nobody can tell: {why}"
    assert [drift.what for drift in stands.beside] == [What.UNREACHABLE]


def test_a_ticket_whose_approval_is_of_another_content_is_refused() -> None:
    _, stands = told(SETTLED, declare=approved_otherwise)

    assert {cell.state for cell in row(stands, "DM-1").cells} == {State.REFUSED}
    assert {cell.state for cell in row(stands, "DM-3").cells} == {State.SEARCHED}


def test_a_name_that_is_taken_is_told_of_the_chain_and_of_what_it_lists() -> None:
    def take(places: MemoryPlaces) -> None:
        places.butlers[SUMMIT].add_empty(TOP, CollectionType.RUN)

    _, stands = told(replace(SETTLED, chains=SETTLED.chains[:2]), take)

    assert cell(stands, TOP, SUMMIT).state is State.CHANGED
    assert cell(stands, "DM-1", SUMMIT).state is State.NOT_SEARCHED


def test_without_a_chain_what_it_lists_is_not_searched() -> None:
    _, stands = told(replace(SETTLED, chains=SETTLED.chains[:2]))

    assert {cell(stands, name, SUMMIT).state for name in ("DM-1", "DM-3")} == {State.NOT_SEARCHED}
    assert cell(stands, TOP, SUMMIT).state is State.MISSING


def test_what_others_make_is_there_or_missing_or_of_no_concern() -> None:
    situation = replace(
        SETTLED,
        defaults=("usdf",),
        raws=frozenset({ORIGIN}),
    )

    def search(places: MemoryPlaces) -> None:
        for address in (ORIGIN, EMBARGO):
            places.butlers[address].add_chain(DEFAULTS, (TOP, RAW) if address == ORIGIN else (TOP,))

    _, stands = told(situation, search)

    states = {cell.repository: cell.state for cell in row(stands, RAW).cells}
    assert states == {ORIGIN: State.EXTERNAL, EMBARGO: State.MISSING, SUMMIT: State.ELSEWHERE}
    assert row(stands, RAW).subject is Subject.EXTERNAL


def test_what_no_file_names_has_a_row_of_its_own() -> None:
    chains = at_summit(EXTRAS[0], f"{TOP}/DM-3", OLD, f"{TOP}/DM-1")

    _, stands = told(replace(SETTLED, chains=chains, retired=(OLD,)))

    assert [cell.state for cell in row(stands, EXTRAS[0]).cells] == [
        State.EXTRA if address == SUMMIT else State.ELSEWHERE for address in sorted(REPOSITORIES)
    ]
    assert [cell.state for cell in row(stands, OLD).cells] == [
        State.UNWANTED if address == SUMMIT else State.RETIRED for address in sorted(REPOSITORIES)
    ]


def test_tickets_stand_in_search_order_then_those_in_no_chain_then_retired_ones() -> None:
    situation = replace(
        SETTLED,
        proposed=frozenset(),
        entries=("DM-3", f"{TOP}/DM-2/bias", "DM-1"),
        retired=("DM-4",),
        at_origin=frozenset(t.name for t in TICKETS),
    )
    _, stands = told(situation)

    names = [row.name for row in stands.tables[0].rows if row.subject is Subject.TICKET]
    assert names == ["DM-3", "DM-2", "DM-1", "DM-5", "DM-4"]
    assert row(stands, "DM-2").chains == (TOP,)


def test_what_was_not_asked_for_has_no_row() -> None:
    _, stands = told(SETTLED, scope=Scope(tickets=("DM-1",)))

    assert [row.name for row in stands.tables[0].rows] == ["DM-1"]


@settings(max_examples=500 if os.environ.get("CALIBSTATE_TEST_ALL") == "1" else 20)
@given(situations(), out_of_reach)
def test_all_drift_stands_in_a_cell_or_beside_and_what_is_as_declared_has_none(
    situation: Situation, unseen: frozenset[str]
) -> None:
    plan, stands = told(situation, lambda places: places.out_of_reach.update(unseen))

    rows = [row for table in stands.tables for row in table.rows]
    cells = [cell for row in rows for cell in row.cells]
    shown: list[Drift] = [*stands.beside, *(drift for cell in cells for drift in cell.drift)]
    assert all(drift in shown for drift in plan.drift)
    assert all(drift in plan.drift for drift in shown)
    calm = {State.SEARCHED, State.THERE, State.SKIPPED, State.RETIRED, State.PROPOSED, State.EXTERNAL}
    assert not [cell for cell in cells if cell.drift and cell.state in calm | {State.ELSEWHERE}]
    for ticket in situation.adopted:
        for found in row(stands, ticket.name).cells:
            live = situation.live.get(found.repository, ())
            if found.state is State.SEARCHED:
                assert set(live) & set(ticket.children)
            elif found.state in {State.NOT_SEARCHED, State.RETIRED, State.SKIPPED}:
                assert not set(ticket.children) <= set(live)
