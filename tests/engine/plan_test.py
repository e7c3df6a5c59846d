"""What a plan tells of what it does not do."""

from __future__ import annotations

import pytest

from calibstate.engine.observe import observe
from calibstate.engine.plan import _detail, make_plan
from calibstate.errors import PlanIsStaleError
from calibstate.kinds.chain import ChainKind, PrependToChain
from calibstate.model.drift import Drift, What
from calibstate.model.names import Address
from calibstate.model.plans import Basis, Plan
from calibstate.model.reasons import Code, Reason
from calibstate.model.scope import Scope
from calibstate.ports.progress import unwatched
from calibstate.ports.records import unfenced
from tests.engine.worlds import BY_NAME, EXTRAS, ORIGIN, RAW, SUMMIT, TOP, Situation
from tests.fakes.places import MemoryPlaces

ONE, THREE = BY_NAME["DM-1"].children[0], BY_NAME["DM-3"].children[0]
AT_SUMMIT = Scope(repositories=(SUMMIT,))


def planned(situation: Situation, places: MemoryPlaces | None = None, scope: Scope = AT_SUMMIT) -> Plan:
    view = observe(situation.declared(), scope, places or situation.places())
    return make_plan(view, Basis(declared=view.desired.digest, observed=view.digest, version="0.1"))


def drift_of(made: Plan, name: str) -> set[tuple[What, str]]:
    """Return what is told of a resource at the summit, by its subject."""
    return {(d.what, d.subject) for d in made.drift if (d.target.place, d.target.name) == (SUMMIT, name)}


def test_what_is_extra_does_not_wait_for_what_the_rest_of_its_chain_waits_for() -> None:
    arrived = tuple((SUMMIT, name, "whole") for name in ("DM-1", "DM-3"))
    made = planned(
        Situation(
            entries=("DM-3", "DM-1"),
            at_origin=frozenset({"DM-1", "DM-3"}),
            arrived=arrived,
            chains=((SUMMIT, (ONE, EXTRAS[0], THREE)),),
            held=frozenset({SUMMIT}),
        )
    )
    assert drift_of(made, TOP) == {(What.PENDING, TOP), (What.EXTRA, EXTRAS[0])}
    (extra,) = [d for d in made.drift if d.what is What.EXTRA]
    assert "hold" not in extra.detail
    (waits,) = [d for d in made.drift if d.what is What.PENDING and d.target.name == TOP]
    assert waits.detail == (
        f"{THREE} is searched behind {ONE} and declared in front of {ONE}; {SUMMIT} is on hold: a test"
    )


def test_what_others_make_is_missing_and_contradicts_nothing() -> None:
    made = planned(Situation(defaults=("summit",)))
    assert drift_of(made, RAW) == {(What.MISSING, RAW)}
    assert made.refused == ()


@pytest.mark.parametrize(
    ("reason", "detail"),
    [
        (Code.CLOSED_TOO_EARLY, "it is closed, and 3 of 5 files are gone; open it"),
        (Code.NO_ROOM, "3 of 5 files are gone; it is closed, and 3 of 5 files are gone; open it"),
    ],
)
def test_what_is_one_fact_is_told_once(reason: Code, detail: str) -> None:
    target = Address(place=SUMMIT, kind="chain", name=TOP)
    drift = Drift(
        target=target,
        what=What.MISSING,
        subject=TOP,
        detail="3 of 5 files are gone",
        reason=Code.CLOSED_TOO_EARLY.value,
    )
    obstacle = Reason.refused(reason, "it is closed, and 3 of 5 files are gone; open it")
    assert _detail(drift, obstacle) == detail


def test_a_name_that_is_taken_is_refused_once() -> None:
    situation = Situation(entries=("DM-1",), at_origin=frozenset({"DM-1"}))
    places = situation.places()
    places.butlers[SUMMIT].add_run(TOP, "camera")
    made = planned(situation, places)
    assert [(r.target.place, r.target.name) for r in made.refused] == [(SUMMIT, TOP)]
    assert drift_of(made, TOP) == {(What.CHANGED, TOP)}


def test_of_what_was_not_asked_for_nothing_is_told() -> None:
    situation = Situation(
        entries=("DM-3", "DM-1"),
        at_origin=frozenset({"DM-1", "DM-3"}),
        chains=((SUMMIT, (EXTRAS[0],)),),
    )
    made = planned(situation, scope=Scope(repositories=(SUMMIT, ORIGIN), tickets=("DM-1",)))
    assert drift_of(made, TOP) == {(What.MISSING, ONE), (What.EXTRA, EXTRAS[0])}
    assert not any(THREE in d.subject + d.detail for d in made.drift)


def test_who_is_refused_to_write_a_chain_is_told_by_what() -> None:
    places = Situation().places()
    places.butlers[SUMMIT].add_chain(TOP, (EXTRAS[0],))
    action = PrependToChain(
        target=Address(place=SUMMIT, kind="chain", name=TOP),
        because="a test",
        children=(EXTRAS[1],),
        onto=(),
        entering={EXTRAS[1]: "sha256:0"},
    )
    with pytest.raises(PlanIsStaleError) as raised:
        ChainKind().apply(action, places, unwatched, unfenced)
    (told,) = raised.value.diagnostics
    held = places.butlers[SUMMIT].holdings([EXTRAS[1]])[EXTRAS[1]].fingerprint
    assert told.summary == "Plan is stale"
    assert told.detail == (
        f"{TOP} in {SUMMIT}: expected no children; found children {EXTRAS[0]}; "
        f"{EXTRAS[1]} in {SUMMIT}: expected content sha256:0; found {held}."
    )
    assert told.hint == "Plan again: somebody changed it since."
    assert places.butlers[SUMMIT].collections([TOP])[TOP].children == (EXTRAS[0],)
