"""Promises of plan and apply, for any declaration and any live places."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from calibstate.engine.converge import Run, converge
from calibstate.engine.observe import observe
from calibstate.engine.plan import Failed, make_plan
from calibstate.errors import Diagnostic, UnreachableError
from calibstate.kinds.registry import ACTIONS
from calibstate.model.drift import What
from calibstate.model.names import ARCHIVE, RUCIO, Place
from calibstate.model.outcomes import Outcome, Result
from calibstate.model.plans import Basis, Plan
from calibstate.model.scope import Scope
from calibstate.store import planfile
from tests.calibrations import INSTRUMENT
from tests.engine.worlds import (
    DEFAULTS,
    EXTRAS,
    OLD,
    ORIGIN,
    PREFIXES,
    RAW,
    REPOSITORIES,
    RSES,
    SUMMIT,
    TICKETS,
    TOP,
    Situation,
    out_of_reach,
    registered_files,
    situations,
    truth,
)
from tests.fakes.places import MemoryPlaces, Write

TRUTH = truth()

ALL = Scope()

FILES = Scope(files=True)

WITH_MORE = Situation(
    entries=("DM-1",),
    at_origin=frozenset({"DM-1"}),
    by_rucio=frozenset({SUMMIT}),
    registered=(("DM-1", "with more"),),
    ruled=((SUMMIT, "DM-1", "there"),),
)
"""All of a ticket's files have arrived, and one that is none of its."""

FILES_BEFORE_THEIR_BUNDLE = Situation(
    entries=("DM-1",),
    retired=("u/old/bias",),
    at_origin=frozenset({"DM-1", "DM-2"}),
    chains=((SUMMIT, ("u/ann/bias", "u/old/bias")),),
    by_rucio=frozenset({SUMMIT}),
    registered=(("DM-1", "in full"),),
    ruled=((SUMMIT, "DM-1", "there"),),
)
"""A ticket's files are there, and its bundle is not yet made."""

RECORDED_AND_IN_NO_DATASET = Situation(
    entries=("DM-1",),
    at_origin=frozenset({"DM-1"}),
    arrived=((SUMMIT, "DM-1", "whole"),),
    by_rucio=frozenset({SUMMIT}),
    registered=(("DM-1", "closed too early"),),
    ruled=((SUMMIT, "DM-1", "there"),),
)
"""A file is recorded where Rucio could never bring it."""

thorough = settings(max_examples=500 if os.environ.get("CALIBSTATE_TEST_ALL") == "1" else 15)


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
    run = Run(places, lambda: "2026-11-22T18:00:00Z")
    first = made or plan(situation, places, scope)
    return list(converge(first, run, why="test", again=lambda failed: plan(situation, places, scope, failed)))


def come_to_its_end(situation: Situation, places: MemoryPlaces, scope: Scope = ALL) -> list[Outcome]:
    """Apply and let files arrive, again and again, until nothing happens.

    Returns
    -------
    list [Outcome]
        What the last run said.
    """
    for _ in range(10):
        before = (len(places.writes), len(places.uris))
        outcomes = apply(situation, places, scope=scope)
        places.arrive_everywhere()
        if (len(places.writes), len(places.uris)) == before:
            return outcomes
    pytest.fail(f"there is no end: {places.writes}")


def not_refused(made: Plan, outcomes: list[Outcome]) -> list[str]:
    """Return the steps of a plan that were not just refused by a place."""
    refused = {
        (o.do, o.target) for o in outcomes if o.result in {Result.REFUSED, Result.FAILED, Result.SKIPPED}
    }
    return [step.action.do for step in made.steps if (step.action.do, str(step.action.target)) not in refused]


def contents(places: MemoryPlaces) -> dict[str, Any]:
    """Return all that places hold."""
    return {
        "archive": sorted(places.bundles.manifests),
        "files": dict(places.uris),
        RUCIO: in_rucio(places),
        **{
            address: (
                dict(b.seen),
                dict(b.datasets),
                {name: sorted(held) for name, held in b.members.items()},
            )
            for address, b in places.butlers.items()
        },
    }


def in_rucio(places: MemoryPlaces) -> dict[str, Any]:
    rucio = places.hands
    return {
        "files": dict(rucio.known),
        "datasets": {name: (d.is_open, sorted(d.names)) for name, d in rucio.held.items()},
        "replicas": {rse: set(names) for rse, names in rucio.replicas.items()},
        "rules": {r.id: (r.dataset, r.rses, r.account, r.state, r.expires_at) for r in rucio.made.values()},
    }


def without_ids(held: dict[str, Any]) -> dict[str, Any]:
    """Return what places hold, whichever rule was made first."""
    rules = sorted(held[RUCIO]["rules"].values(), key=str)
    return {**held, RUCIO: {**held[RUCIO], "rules": rules}}


def chain(places: MemoryPlaces, address: Place, name: str = TOP) -> tuple[str, ...] | None:
    seen = places.butlers[address].collections([name])
    return seen[name].children if name in seen else None


def holds_all(places: MemoryPlaces, address: Place, leaf: str) -> bool:
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
    needed = away if situation.by_rucio else away - {RUCIO}
    assert {d.subject for d in made.drift if d.what is What.UNREACHABLE} == set(needed)
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
    outcomes = come_to_its_end(situation, places)
    again = plan(situation, places)
    assert not_refused(again, outcomes) == []
    writes = list(places.writes)
    apply(situation, places)
    assert places.writes == writes


@thorough
@given(situation=situations(), away=out_of_reach)
def test_without_rucio_one_run_does_it_all(situation, away):
    situation = replace(situation, by_rucio=frozenset())
    places = situation.places()
    places.out_of_reach = set(away)
    outcomes = apply(situation, places)
    assert {o.result for o in outcomes} <= {Result.BEGUN, Result.DONE}
    assert plan(situation, places).steps == ()
    writes = list(places.writes)
    assert (apply(situation, places), places.writes) == ([], writes)


@thorough
@given(situation=situations())
@example(situation=WITH_MORE)
@example(situation=RECORDED_AND_IN_NO_DATASET)
def test_applied_everything_is_as_declared(situation):
    situation = replace(situation, held=frozenset())
    places = situation.places()
    come_to_its_end(situation, places, FILES)
    for address in REPOSITORIES:
        for ticket in TICKETS:
            # A file that is in no dataset of Rucio's is brought by nobody.
            if situation.arrives_with_files(ticket, address):
                assert all(holds_all(places, address, leaf) for leaf in ticket.leaves)
            if situation.arrives(ticket, address):
                assert not ticket.chain or chain(places, address, ticket.chain) == ticket.leaves
        now = chain(places, address)
        wanted, extras = situation.wanted(address, files=True), situation.extras(address)
        assert [c for c in now or () if c not in extras] == wanted
        assert sorted(now or ()) == sorted([*wanted, *extras])


@thorough
@given(situation=situations())
@example(situation=RECORDED_AND_IN_NO_DATASET)
def test_applied_the_drift_that_is_left_is_no_work_of_ours(situation):
    situation = replace(situation, held=frozenset())
    places = situation.places()
    come_to_its_end(situation, places, FILES)
    for drift in plan(situation, places, FILES).drift:
        kind, name = drift.target.kind, drift.target.name
        ticket = next(
            (t for t in TICKETS if name == f"LSSTComCam/{t.name}" or drift.subject in t.children), None
        )
        if drift.target.place == RUCIO:
            assert_awaited_or_refused_in_rucio(situation, name)
            continue
        match drift.what:
            case What.EXTRA:
                assert drift.subject in situation.extras(drift.target.place)
            case What.PENDING if drift.subject in {TOP, DEFAULTS}:
                assert not all(situation.arrives_with_files(ticket, drift.target.place) for ticket in TICKETS)
            case What.PENDING:
                assert ticket
                assert not situation.arrives_with_files(ticket, drift.target.place)
            case What.MISSING if kind == "external" or drift.subject == RAW:
                assert drift.target.place not in situation.raws
            case What.MISSING if drift.subject in {TOP, DEFAULTS}:
                # A chain of nothing is not made, so none can hold it.
                assert chain(places, drift.target.place) is None
                assert situation.wanted(drift.target.place) == []
            case What.MISSING | What.CHANGED:
                assert ticket
                assert not situation.arrives_with_files(ticket, drift.target.place)
            case _:
                pytest.fail(str(drift))


def assert_awaited_or_refused_in_rucio(situation: Situation, name: str) -> None:
    """Hold drift in Rucio to a reason why it stays."""
    _, ticket_name, *rse = name.split("/")
    ticket = next(t for t in TICKETS if t.name == ticket_name)
    address = next((a for a in RSES if [RSES[a]] == rse), None)
    if not situation.is_known(ticket) or not situation.is_sound(ticket):
        return
    assert address
    assert not situation.is_carried(ticket, address)


@thorough
@given(situation=situations(), away=out_of_reach)
def test_nothing_undeclared_is_lost_or_moved(situation, away):
    places = situation.places()
    places.out_of_reach = set(away)
    before = contents(places)
    come_to_its_end(situation, places)
    assert_rucio_only_grew(before[RUCIO], in_rucio(places))
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


def assert_rucio_only_grew(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert after["files"].items() >= before["files"].items()
    for name, (is_open, names) in before["datasets"].items():
        now_open, now = after["datasets"][name]
        assert set(now) >= set(names)
        assert is_open or (not now_open and now == names)
    for rule, (dataset, rses, account, _, expires_at) in before["rules"].items():
        assert after["rules"][rule][:3] == (dataset, rses, account)
        assert after["rules"][rule][4] in {None, expires_at}
    keeping = [(dataset, rses) for dataset, rses, account, *_ in after["rules"].values() if account == "root"]
    assert len(keeping) == len(set(keeping)), "one rule of ours for each RSE"


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
@example(situation=FILES_BEFORE_THEIR_BUNDLE, away=frozenset())
def test_a_chain_is_written_again_only_for_what_came_and_searches_only_what_is_whole(situation, away):
    places = situation.places()
    places.out_of_reach = set(away)
    before = {(a, name): set(chain(places, a, name) or ()) for a in REPOSITORIES for name in (TOP, DEFAULTS)}

    def look(write: Write) -> None:
        place, do, name = write
        address = Place(place)
        if do == "set-chain" and (address, name) in before:
            entered = set(chain(places, address, name) or ()) - before[address, name]
            for ticket in tickets_in(tuple(entered)):
                assert all(holds_all(places, address, leaf) for leaf in ticket.leaves)

    places.after = look
    apply(situation, places)
    assert_chains_are_written_once(situation, places)
    come_to_its_end(situation, places)


def assert_chains_are_written_once(situation: Situation, places: MemoryPlaces) -> None:
    """No chain is written again in a run, unless for what Rucio had brought.

    Files that were there before their bundle are known to be right once
    that is made, so that only a second plan brings what they belong to.
    """
    written: dict[tuple[str, str], int] = {}
    for number, (place, what, name) in enumerate(places.writes):
        if what == "set-chain" and (before := written.get((place, name))) is not None:
            meanwhile = {write[1] for write in places.writes[before:number] if write[0] == place}
            assert place in situation.by_rucio, f"{place} {name} is written twice: {places.writes}"
            assert "import-bundle" in meanwhile, f"{place} {name} is written twice: {places.writes}"
        if what == "set-chain":
            written[place, name] = number


@thorough
@given(situation=situations(), number=st.integers(0, 30), when=st.sampled_from(["before", "after"]))
def test_nothing_is_closed_that_is_not_complete_and_right(situation, number, when):
    places = situation.places()
    strike(places, number, "is killed", when)
    strikes, closed = getattr(places, when), set()

    def look(write: Write) -> None:
        if write[:2] == (RUCIO, "close"):
            ticket = next(t for t in TICKETS if t.dataset == write[2])
            held = places.hands.datasets([ticket.dataset], sidecars=[ticket.dataset])[ticket.dataset]
            assert held.files == registered_files(ticket)
            assert ticket.name not in closed
            closed.add(ticket.name)
        if when == "before":
            strikes(write)

    places.before = look
    with suppress(Killed):
        come_to_its_end(situation, places)
    places.after = lambda write: None
    closed.clear()
    come_to_its_end(situation, places)


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


def come_to_its_end_struck(situation: Situation, places: MemoryPlaces) -> None:
    with suppress(Killed):
        come_to_its_end(situation, places)
    places.before = places.after = lambda write: None


@thorough
@given(
    situation=situations(),
    number=st.integers(0, 40),
    how=st.sampled_from(sorted(FAILURES)),
    when=st.sampled_from(["before", "after"]),
)
def test_a_run_cut_off_anywhere_is_taken_up_again_and_ends_the_same(situation, number, how, when):
    whole, cut = situation.places(), situation.places()
    come_to_its_end(situation, whole)
    strike(cut, number, how, when)
    come_to_its_end_struck(situation, cut)
    assert cut.locks.held == {}
    outcomes = come_to_its_end(situation, cut)
    assert without_ids(contents(cut)) == without_ids(contents(whole))
    assert not_refused(plan(situation, cut), outcomes) == []


@thorough
@given(situation=situations(), number=st.integers(0, 8))
@example(situation=FILES_BEFORE_THEIR_BUNDLE, number=0)
def test_a_step_that_fails_stops_only_what_needs_it(situation, number):
    places = situation.places()
    strike(places, number, "fails", "before")
    outcomes = apply(situation, places)
    failed = [o for o in outcomes if o.result is Result.FAILED]
    assert len(failed) <= 1
    assert_chains_are_written_once(situation, places)
    if failed:
        place = failed[0].target.partition(":")[0]
        for address in REPOSITORIES:
            if place not in {address, ARCHIVE} and not (place == RUCIO and address in situation.by_rucio):
                assert chain(places, address) == chain(applied(situation), address)


def applied(situation: Situation) -> MemoryPlaces:
    places = situation.places()
    apply(situation, places)
    return places


@thorough
@given(situation=situations(), first=st.sampled_from(["usdf", "summit"]))
def test_site_by_site_it_ends_the_same(situation, first):
    together, apart = situation.places(), situation.places()
    come_to_its_end(situation, together)
    # Each waits for what the other does, or for Rucio, so both come again.
    for site in (first, *("usdf", "summit") * 3):
        mine = Scope(sites=(site,))
        made = plan(situation, apart, mine)
        of_origin = {ARCHIVE, RUCIO} if site == "usdf" else set()
        assert {step.action.target.place for step in made.steps} <= of_origin | {
            a for a in REPOSITORIES if a.startswith(f"{site}/")
        }
        apply(situation, apart, made, mine)
        apart.arrive_everywhere()
    assert without_ids(contents(apart)) == without_ids(contents(together))


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
                children = chain(places, Place(address)) or ()
                places.butlers[address].add_chain(TOP, [name, *(c for c in children if c != name)])

    places.before = meddle
    outcomes = apply(situation, places)
    if len(met) > number:
        assert name in (chain(places, met[number]) or ())
        assert Result.STALE in {o.result for o in outcomes} or name in situation.live.get(met[number], ())[:1]
    outcomes = come_to_its_end(situation, places)
    assert not_refused(plan(situation, places), outcomes) == []


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
    assert chain(places, SUMMIT) == (
        f"{TOP}/DM-1",
        f"{TOP}/DM-2/bias",
        f"{TOP}/DM-2/unbounded",
        EXTRAS[0],
    )


def test_the_situations_are_carried_by_rucio_too():
    """Show that the properties meet what they speak of."""
    carried = Situation(
        entries=("DM-1", "DM-2", "DM-3"),
        at_origin=frozenset({"DM-1", "DM-2", "DM-3"}),
        archived=frozenset({"DM-2"}),
        by_rucio=frozenset({SUMMIT}),
        registered=(("DM-2", "closed"), ("DM-3", "in full"), ("DM-4", "with more"), ("DM-5", "closed")),
        ruled=((SUMMIT, "DM-2", "stuck"), (SUMMIT, "DM-3", "ending"), (SUMMIT, "DM-5", "there")),
    )
    places = carried.places()
    assert [step.action.do for step in plan(carried, places).steps if step.action.target.place == RUCIO] == [
        "register-dataset", "add-rule", "boost-rule", "register-dataset", "keep-rule",
    ]  # fmt: skip
    outcomes = apply(carried, places)
    assert [o.target for o in outcomes if o.result is Result.PENDING] == [
        f"rucio:rucio_rule:{INSTRUMENT}/DM-{n}/{RSES[SUMMIT]}" for n in (1, 2, 3)
    ]
    assert chain(places, SUMMIT) is None
    come_to_its_end(carried, places)
    assert chain(places, SUMMIT) == tuple(carried.wanted(SUMMIT)) != ()
    recorded = [d.path for d in places.butlers[SUMMIT].datasets.values() if d.run.startswith(TOP)]
    assert all(path and path.startswith(PREFIXES[RSES[SUMMIT]]) for path in recorded)
