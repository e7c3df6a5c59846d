"""Promises of plan and apply, for any declaration and any live places."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibstate.engine.converge import Run, converge
from calibstate.engine.observe import observe
from calibstate.engine.plan import Failed, make_plan
from calibstate.errors import Diagnostic, UnreachableError
from calibstate.kinds.registry import ACTIONS
from calibstate.model.drift import What
from calibstate.model.names import ARCHIVE
from calibstate.model.outcomes import Outcome, Result
from calibstate.model.plans import Basis, Plan
from calibstate.model.scope import Scope
from calibstate.store import planfile
from tests.engine.worlds import (
    DEFAULTS,
    EXTRAS,
    OLD,
    ORIGIN,
    RAW,
    REPOSITORIES,
    TICKETS,
    TOP,
    Situation,
    out_of_reach,
    situations,
    truth,
)
from tests.fakes.places import MemoryPlaces, Write

TRUTH = truth()

ALL = Scope()

FILES = Scope(files=True)

thorough = settings(deadline=None, max_examples=500 if os.environ.get("CALIBSTATE_TEST_ALL") == "1" else 50)


def plan(
    situation: Situation, places: MemoryPlaces, scope: Scope = ALL, failed: Failed | None = None
) -> Plan:
    view = observe(situation.declared(), scope, places)
    basis = Basis(declared=view.desired.digest, observed=view.digest, version="0.1")
    return make_plan(view, basis, failed)


def apply(
    situation: Situation, places: MemoryPlaces, made: Plan | None = None, scope: Scope = ALL
) -> list[Outcome]:
    """Plan and do it, as the command does."""
    run = Run(places, places.records, lambda: "2026-11-22T18:00:00Z")
    first = made or plan(situation, places, scope)
    return list(converge(first, run, why="test", again=lambda failed: plan(situation, places, scope, failed)))


def contents(places: MemoryPlaces) -> dict[str, Any]:
    """Return all that places hold."""
    return {
        "archive": sorted(places.bundles.manifests),
        "files": dict(places.uris),
        **{
            address: (
                dict(b.seen),
                dict(b.datasets),
                {name: sorted(held) for name, held in b.members.items()},
            )
            for address, b in places.butlers.items()
        },
    }


def chain(places: MemoryPlaces, address: str, name: str = TOP) -> tuple[str, ...] | None:
    seen = places.butlers[address].collections([name])
    return seen[name].children if name in seen else None


def holds_all(places: MemoryPlaces, address: str, leaf: str) -> bool:
    """Say whether a collection has what it is to have, files included."""
    holding = places.butlers[address].holdings([leaf], files=[leaf]).get(leaf)
    return (
        holding is not None
        and frozenset(holding.rows) == TRUTH[leaf]
        and not holding.unrecorded
        and None not in holding.sizes.values()
    )


def tickets_in(children: Iterator[str] | tuple[str, ...]) -> Iterator[Any]:
    for child in children:
        yield from (t for t in TICKETS if child in t.children)


# --- a plan ---


@thorough
@given(situation=situations(), away=out_of_reach)
def test_the_same_facts_give_the_same_plan_byte_for_byte(situation, away):
    dumps = []
    for _ in range(2):
        places = situation.places()
        places.out_of_reach = set(away)
        dumps.append(planfile.dumps(plan(situation, places)))
    assert dumps[0] == dumps[1]


@thorough
@given(situation=situations(), away=out_of_reach)
def test_planning_writes_nothing(situation, away):
    places = situation.places()
    places.out_of_reach = set(away)
    before = contents(places)
    plan(situation, places)
    assert (contents(places), places.writes) == (before, [])


@thorough
@given(situation=situations(), away=out_of_reach)
def test_a_place_that_does_not_answer_gets_no_step_and_is_told(situation, away):
    places = situation.places()
    places.out_of_reach = set(away)
    before = contents(places)
    made = plan(situation, places)
    assert not [step for step in made.steps if step.action.target.place in away]
    assert {d.subject for d in made.drift if d.what is What.UNREACHABLE} == set(away)
    assert not [d for d in made.drift if d.target.place in away and d.what is not What.UNREACHABLE]
    apply(situation, places, made)
    after = contents(places)
    assert {place: after[place] for place in away} == {place: before[place] for place in away}


@thorough
@given(situation=situations())
def test_a_step_comes_after_what_it_needs(situation):
    made = plan(situation, situation.places())
    numbers = [step.id for step in made.steps]
    assert numbers == [str(n + 1) for n in range(len(numbers))]
    for step in made.steps:
        assert all(int(needed) < int(step.id) for needed in step.after)


@thorough
@given(situation=situations())
def test_a_saved_plan_does_what_the_plan_does(situation):
    saved, direct = situation.places(), situation.places()
    read = planfile.loads(planfile.dumps(plan(situation, saved)), ACTIONS)
    assert apply(situation, saved, read) == apply(situation, direct)
    assert contents(saved) == contents(direct)


# --- applied ---


@thorough
@given(situation=situations(), away=out_of_reach)
def test_applied_and_planned_again_there_are_no_steps(situation, away):
    places = situation.places()
    places.out_of_reach = set(away)
    outcomes = apply(situation, places)
    assert {o.result for o in outcomes} <= {Result.BEGUN, Result.DONE}
    again = plan(situation, places)
    assert again.steps == ()
    writes = list(places.writes)
    assert (apply(situation, places), places.writes) == ([], writes)


@thorough
@given(situation=situations())
def test_applied_everything_is_as_declared(situation):
    situation = replace(situation, held=frozenset())
    places = situation.places()
    apply(situation, places, scope=FILES)
    for address in REPOSITORIES:
        for ticket in TICKETS:
            if situation.arrives(ticket, address):
                assert all(holds_all(places, address, leaf) for leaf in ticket.leaves)
                assert not ticket.chain or chain(places, address, ticket.chain) == ticket.leaves
        now = chain(places, address)
        wanted, extras = situation.wanted(address), situation.extras(address)
        assert [c for c in now or () if c not in extras] == wanted
        assert sorted(now or ()) == sorted([*wanted, *extras])


@thorough
@given(situation=situations())
def test_applied_the_drift_that_is_left_is_no_work_of_ours(situation):
    situation = replace(situation, held=frozenset())
    places = situation.places()
    apply(situation, places, scope=FILES)
    for drift in plan(situation, places, FILES).drift:
        kind, name = drift.target.kind, drift.target.name
        ticket = next(
            (t for t in TICKETS if name == f"LSSTComCam/{t.name}" or drift.subject in t.children), None
        )
        match drift.what:
            case What.EXTRA:
                assert drift.subject in situation.extras(drift.target.place)
            case What.PENDING if drift.subject in {TOP, DEFAULTS}:
                assert not all(situation.is_known(ticket) for ticket in TICKETS)
            case What.PENDING:
                assert ticket
                assert not situation.is_known(ticket)
            case What.MISSING if kind == "external" or drift.subject == RAW:
                assert drift.target.place not in situation.raws
            case What.MISSING if drift.subject in {TOP, DEFAULTS}:
                # A chain of nothing is not made, so none can hold it.
                assert chain(places, drift.target.place) is None
                assert situation.wanted(drift.target.place) == []
            case What.MISSING | What.CHANGED:
                assert ticket
                assert situation.state(drift.target.place, ticket) == "more"
            case _:
                pytest.fail(str(drift))


@thorough
@given(situation=situations(), away=out_of_reach)
def test_nothing_undeclared_is_lost_or_moved(situation, away):
    places = situation.places()
    places.out_of_reach = set(away)
    before = contents(places)
    apply(situation, places)
    assert set(places.uris) >= set(before["files"])
    assert all(places.uris[uri] == data for uri, data in before["files"].items())
    for address in REPOSITORIES:
        seen, datasets, members = before[address]
        butler = places.butlers[address]
        assert set(butler.seen) >= set(seen)
        assert set(butler.datasets) >= set(datasets)
        assert all(set(butler.members[name]) >= set(held) for name, held in members.items())
        had, have = situation.live.get(address, ()), chain(places, address) or ()
        assert set(had) - set(have) <= situation.unwanted(address)
        assert_extras_stand_where_they_stood(
            had, have, situation.extras(address), situation.unwanted(address)
        )


def assert_extras_stand_where_they_stood(
    had: tuple[str, ...], have: tuple[str, ...], extras: list[str], unwanted: set[str]
) -> None:
    """Hold each extra to the declared child that it stood in front of."""
    for extra in extras:
        assert following(extra, had, extras, unwanted) == following(extra, have, extras, unwanted)
    for front in {following(extra, had, extras, unwanted) for extra in extras}:
        together = [e for e in had if e in extras and following(e, had, extras, unwanted) == front]
        assert [e for e in have if e in together] == together


def following(extra: str, children: tuple[str, ...], extras: list[str], unwanted: set[str]) -> str | None:
    behind = children[children.index(extra) + 1 :]
    return next((child for child in behind if child not in {*extras, *unwanted}), None)


@thorough
@given(situation=situations(), away=out_of_reach)
def test_a_chain_is_written_at_most_once_and_searches_only_what_is_whole(situation, away):
    places = situation.places()
    places.out_of_reach = set(away)
    before = {(a, name): set(chain(places, a, name) or ()) for a in REPOSITORIES for name in (TOP, DEFAULTS)}

    def look(write: Write) -> None:
        address, do, name = write
        if do == "set-chain" and (address, name) in before:
            entered = set(chain(places, address, name) or ()) - before[address, name]
            for ticket in tickets_in(tuple(entered)):
                assert all(holds_all(places, address, leaf) for leaf in ticket.leaves)

    places.after = look
    apply(situation, places)
    chains = [write for write in places.writes if write[1] == "set-chain"]
    assert len(chains) == len(set(chains))


# --- cut off ---


class Killed(BaseException):
    """What a kill would be, if it could be caught."""


FAILURES = {
    "fails": UnreachableError(Diagnostic("Gone", "The place went away in the middle.")),
    "is killed": Killed(),
}


def strike(places: MemoryPlaces, number: int, how: str, when: str) -> None:
    """Have the write of a number fail, before or after it has happened."""
    begun: list[Write] = []

    def strikes(write: Write) -> None:
        begun.append(write)
        if len(begun) == number + 1:
            raise FAILURES[how]

    setattr(places, when, strikes)


def apply_struck(situation: Situation, places: MemoryPlaces) -> None:
    with suppress(Killed):
        apply(situation, places)
    places.before = places.after = lambda write: None


@thorough
@given(
    situation=situations(),
    number=st.integers(0, 12),
    how=st.sampled_from(sorted(FAILURES)),
    when=st.sampled_from(["before", "after"]),
)
def test_a_run_cut_off_anywhere_is_taken_up_again_and_ends_the_same(situation, number, how, when):
    whole, cut = situation.places(), situation.places()
    apply(situation, whole)
    strike(cut, number, how, when)
    apply_struck(situation, cut)
    assert cut.locks.held == {}
    apply(situation, cut)
    assert contents(cut) == contents(whole)
    assert plan(situation, cut).steps == ()


@thorough
@given(situation=situations(), number=st.integers(0, 8))
def test_a_step_that_fails_stops_only_what_needs_it(situation, number):
    places = situation.places()
    strike(places, number, "fails", "before")
    outcomes = apply(situation, places)
    failed = [o for o in outcomes if o.result is Result.FAILED]
    assert len(failed) <= 1
    assert {o.result for o in outcomes} <= {Result.BEGUN, Result.DONE, Result.FAILED, Result.SKIPPED}
    chains = [write for write in places.writes if write[1] == "set-chain"]
    assert len(chains) == len(set(chains))
    if failed:
        place = failed[0].target.partition(":")[0]
        for address in REPOSITORIES:
            if place not in {address, ARCHIVE}:
                assert chain(places, address) == chain(applied(situation), address)


def applied(situation: Situation) -> MemoryPlaces:
    places = situation.places()
    apply(situation, places)
    return places


@thorough
@given(situation=situations(), first=st.sampled_from(["usdf", "summit"]))
def test_site_by_site_it_ends_the_same(situation, first):
    together, apart = applied(situation), situation.places()
    # Summit waits for what the site of the origin exports, so it comes twice.
    for site in (first, "usdf", "summit"):
        mine = Scope(sites=(site,))
        made = plan(situation, apart, mine)
        assert {step.action.target.place for step in made.steps} <= {ARCHIVE} | {
            a for a in REPOSITORIES if a.startswith(f"{site}/")
        }
        apply(situation, apart, made, mine)
    assert contents(apart) == contents(together)


@thorough
@given(situation=situations(), number=st.integers(0, 2), name=st.sampled_from(EXTRAS))
def test_what_a_hand_adds_meanwhile_is_kept(situation, number, name):
    places = situation.places()
    met: list[str] = []

    def meddle(write: Write) -> None:
        """Put something into a chain that is about to be written."""
        address, _, what = write
        if what == TOP:
            met.append(address)
            if len(met) == number + 1:
                children = chain(places, address) or ()
                places.butlers[address].add_chain(TOP, [name, *(c for c in children if c != name)])

    places.before = meddle
    outcomes = apply(situation, places)
    if len(met) > number:
        assert name in (chain(places, met[number]) or ())
        assert Result.STALE in {o.result for o in outcomes} or name in situation.live.get(met[number], ())[:1]
    assert plan(situation, places).steps == ()


def test_the_situations_are_not_all_alike():
    """Show that the properties meet what they speak of."""
    whole = Situation(
        entries=("DM-1", "DM-2"),
        retired=(OLD,),
        at_origin=frozenset({"DM-1", "DM-2"}),
        chains=((ORIGIN, ("DM-1",)[:0]), ("summit/main", (EXTRAS[0], OLD))),
    )
    places = whole.places()
    made = plan(whole, places)
    assert {step.action.do for step in made.steps} == {
        "export-bundle", "import-bundle", "prepend-to-chain", "rewrite-chain",
    }  # fmt: skip
    apply(whole, places)
    assert chain(places, "summit/main") == (
        f"{TOP}/DM-1",
        f"{TOP}/DM-2/bias",
        f"{TOP}/DM-2/unbounded",
        EXTRAS[0],
    )
