"""What others put into chains stays where it stands, and nothing is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from calibstate.adapters.butler import DafButlerWriter
from tests.commands import stock
from tests.commands.sites import EMBARGO, LEAVES, ORIGIN, SUMMIT, TOP, Sites

NEW, OLD = f"{TOP}/DM-2", f"{TOP}/DM-1"
OTHERS = "u/somebody/bias"


@pytest.fixture
def extended(deployed: Sites) -> Sites:
    """Return sites where somebody searches a collection amid the chain."""
    deployed.add_own(SUMMIT, OTHERS)
    deployed.change_chain(SUMMIT, lambda live: [live[0], OTHERS, *live[1:]])
    return deployed


def drift_of(sites: Sites, *arguments: str) -> list[tuple[str, str, str]]:
    found = sites.run("drift", "--format", "json", *arguments).json["drift"]
    return [(d["target"]["place"], d["what"], d["subject"]) for d in found]


# A ticket chain that somebody else extended


def test_a_stock_import_drops_what_somebody_added_to_a_ticket_chain(deployed: Sites) -> None:
    deployed.add_own(SUMMIT, OTHERS)
    stock.collection_chain(deployed.path(SUMMIT), OLD, OTHERS, mode="prepend")

    with pytest.raises(Exception, match="UNIQUE constraint failed"):
        stock.import_(deployed.path(SUMMIT), deployed.bundle("DM-1"))

    assert OTHERS not in deployed.chain(SUMMIT, OLD)


@pytest.mark.slow
def test_what_somebody_added_to_a_ticket_chain_is_told_and_kept(deployed: Sites) -> None:
    leaves = deployed.chain(SUMMIT, OLD)
    deployed.add_own(SUMMIT, OTHERS)
    deployed.change_chain(SUMMIT, lambda live: [live[0], OTHERS, *live[1:]], OLD)
    deployed.make_ticket("DM-3")
    deployed.tree.chain(["DM-3", "DM-2", "DM-1"])

    assert (SUMMIT, "extra", OTHERS) in drift_of(deployed)
    assert deployed.apply().code == 0

    assert deployed.chain(SUMMIT, OLD) == (leaves[0], OTHERS, leaves[1])
    assert deployed.chain(SUMMIT) == (f"{TOP}/DM-3", NEW, OLD)
    drift = deployed.run("drift")
    assert drift.code == 2
    assert f"extra       {OTHERS} in {OLD}" in drift.out


def test_a_ticket_chain_that_lost_a_child_gets_it_back_beside_what_was_added(deployed: Sites) -> None:
    bias, flat = deployed.chain(SUMMIT, OLD)
    deployed.add_own(SUMMIT, OTHERS)
    deployed.change_chain(SUMMIT, lambda live: [OTHERS, flat], OLD)

    assert (SUMMIT, "missing", bias) in drift_of(deployed)
    assert deployed.apply().code == 0

    assert deployed.chain(SUMMIT, OLD) == (bias, OTHERS, flat)


# An undeclared child amid the chain


def test_a_stock_redefinition_loses_the_child_amid_the_chain(extended: Sites) -> None:
    """Which is how a declared order is written without calibstate."""
    stock.collection_chain(extended.path(SUMMIT), TOP, NEW, OLD)

    assert OTHERS not in extended.chain(SUMMIT)


def test_a_new_ticket_enters_in_front_and_the_child_amid_the_chain_stays(extended: Sites) -> None:
    extended.make_ticket("DM-3")
    extended.tree.chain(["DM-3", "DM-2", "DM-1"])

    steps = extended.run("plan", "--format", "json").json["steps"]
    (top,) = [s for s in steps if s["target"] == {"place": SUMMIT, "kind": "chain", "name": TOP}]
    assert top["do"] == "prepend-to-chain"
    assert extended.apply().code == 0

    assert extended.chain(SUMMIT) == (f"{TOP}/DM-3", NEW, OTHERS, OLD)
    assert drift_of(extended) == [(SUMMIT, "extra", OTHERS)]


@pytest.mark.slow
def test_an_order_is_corrected_around_the_child_amid_the_chain(extended: Sites) -> None:
    extended.tree.chain(["DM-1", "DM-2"])

    steps = extended.run("plan", "--format", "json").json["steps"]
    (top,) = [s for s in steps if s["target"]["place"] == SUMMIT]
    assert top["do"] == "rewrite-chain"
    assert top["with"]["children_before"] == [NEW, OTHERS, OLD]
    assert extended.apply().code == 0

    assert extended.chain(SUMMIT) == (OTHERS, OLD, NEW)
    assert extended.chain(EMBARGO) == extended.chain(ORIGIN) == (OLD, NEW)


@pytest.mark.slow
def test_several_extras_keep_their_order_and_those_behind_stay_last(deployed: Sites) -> None:
    names = [deployed.add_own(SUMMIT, f"u/somebody/{letter}") for letter in "abcd"]
    a, b, c, d = names
    deployed.change_chain(SUMMIT, lambda live: [a, NEW, b, c, OLD, d])
    deployed.tree.chain(["DM-1", "DM-2"])

    assert deployed.apply().code == 0

    assert deployed.chain(SUMMIT) == (b, c, OLD, a, NEW, d)
    assert deployed.run("plan").code == 0


def test_a_retired_child_leaves_and_the_extra_in_front_of_it_stays(extended: Sites) -> None:
    extended.tree.chain(["DM-2"], retired={"DM-1": "replaced by DM-2"})
    before = {address: extended.certifications(address) for address in (ORIGIN, EMBARGO, SUMMIT)}
    files = extended.files(SUMMIT)

    assert (SUMMIT, "unwanted", OLD) in drift_of(extended)
    assert extended.apply().code == 0

    assert extended.chain(SUMMIT) == (NEW, OTHERS)
    assert extended.chain(EMBARGO) == extended.chain(ORIGIN) == (NEW,)
    assert {address: extended.certifications(address) for address in before} == before
    assert extended.files(SUMMIT) == files
    assert len(extended.chain(SUMMIT, OLD)) == 2
    assert drift_of(extended) == [(SUMMIT, "extra", OTHERS)]


def test_a_child_that_is_merely_declared_no_more_is_extra_and_stays(deployed: Sites) -> None:
    deployed.tree.chain(["DM-2"])

    assert deployed.apply().code == 0

    assert deployed.chain(SUMMIT) == (NEW, OLD)
    assert (SUMMIT, "extra", OLD) in drift_of(deployed)


# A chain that moves between the plan and its application


def prepend_by_hand(sites: Sites) -> None:
    stock.collection_chain(sites.path(SUMMIT), TOP, OTHERS, mode="prepend")


def test_a_plan_whose_chain_was_changed_by_hand_is_refused(deployed: Sites) -> None:
    deployed.add_own(SUMMIT, OTHERS)
    deployed.make_ticket("DM-3")
    deployed.tree.chain(["DM-3", "DM-2", "DM-1"])
    plan = str(deployed.tree.folder / "plan.json")
    assert deployed.run("plan", "-o", plan).code == 2
    prepend_by_hand(deployed)

    before = deployed.snapshot("repo", "archive")
    ran = deployed.apply(plan)

    assert ran.code == 3
    assert "Plan is stale" in ran.err
    assert (
        f"prepend-to-chain {SUMMIT}:chain:{TOP}: expected children {NEW}, {OLD}; "
        f"found children {OTHERS}, {NEW}, {OLD}."
    ) in ran.err
    assert deployed.snapshot("repo", "archive") == before

    assert deployed.apply().code == 0

    assert deployed.chain(SUMMIT) == (f"{TOP}/DM-3", OTHERS, NEW, OLD)


def test_a_chain_changed_by_hand_while_apply_runs_is_planned_anew(
    deployed: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hand strikes between the look and the write, each time but last."""
    deployed.add_own(SUMMIT, OTHERS)
    more = [deployed.add_own(SUMMIT, f"u/somebody/{n}") for n in range(3)]
    deployed.make_ticket("DM-3")
    deployed.tree.chain(["DM-3", "DM-2", "DM-1"])
    hands = list(more)
    write = DafButlerWriter.set_chain

    def set_chain(writer: Any, name: str, children: Any, **more: Any) -> None:
        if name == TOP and len(more["expected"] or ()) >= 2 and hands and "summit" in writer._repository.uri:
            stock.collection_chain(deployed.path(SUMMIT), TOP, hands.pop(), mode="prepend")
        write(writer, name, children, **more)

    monkeypatch.setattr(DafButlerWriter, "set_chain", set_chain)

    ran = deployed.apply("--format", "json")

    assert ran.code == 0
    assert not hands
    *results, _ = [json.loads(line) for line in ran.out.splitlines()]
    stale = [r for r in results if r["result"] == "stale"]
    assert {r["target"] for r in stale} == {f"{SUMMIT}:chain:{TOP}"}
    assert len(stale) == 3
    assert deployed.chain(SUMMIT) == (f"{TOP}/DM-3", *more, NEW, OLD)


def test_a_read_and_redefinition_by_hand_loses_what_came_between(deployed: Sites) -> None:
    """What people do today, with another hand in between."""
    deployed.add_own(SUMMIT, OTHERS)
    seen = deployed.chain(SUMMIT)
    prepend_by_hand(deployed)

    stock.collection_chain(deployed.path(SUMMIT), TOP, f"{TOP}/DM-2", *seen[1:])

    assert OTHERS not in deployed.chain(SUMMIT)


def test_a_run_gives_up_after_five_plans_and_says_so(
    deployed: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [deployed.add_own(SUMMIT, f"u/somebody/{n}") for n in range(9)]
    deployed.make_ticket("DM-3")
    deployed.tree.chain(["DM-3", "DM-2", "DM-1"])
    write = DafButlerWriter.set_chain
    tried: list[str] = []

    def set_chain(writer: Any, name: str, children: Any, **more: Any) -> None:
        if name == TOP and "summit" in writer._repository.uri:
            tried.append(names[len(tried)])
            stock.collection_chain(deployed.path(SUMMIT), TOP, tried[-1], mode="prepend")
        write(writer, name, children, **more)

    monkeypatch.setattr(DafButlerWriter, "set_chain", set_chain)

    ran = deployed.apply()

    assert ran.code == 3
    assert len(tried) == 5
    assert deployed.chain(SUMMIT) == (*reversed(tried), NEW, OLD)
    assert "stale" in ran.out


def test_a_change_that_no_step_stands_on_makes_no_plan_stale(deployed: Sites) -> None:
    deployed.make_ticket("DM-3")
    deployed.tree.chain(["DM-3", "DM-2", "DM-1"])
    plan = str(deployed.tree.folder / "plan.json")
    assert deployed.run("plan", "-o", plan, "--repository", SUMMIT, "--repository", ORIGIN).code == 2
    deployed.add_own(SUMMIT, OTHERS)
    with deployed.butler(SUMMIT) as butler:
        butler.collections.register("u/somebody/chain", CollectionType.CHAINED)

    assert deployed.apply(plan).code == 0

    assert deployed.chain(SUMMIT)[0] == f"{TOP}/DM-3"


def test_a_chain_is_written_once_in_a_run(deployed: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    for ticket in ("DM-3", "DM-4", "DM-5"):
        deployed.make_ticket(ticket)
    deployed.tree.chain(["DM-5", "DM-1", "DM-4", "DM-3", "DM-2"])
    written: list[tuple[str, str]] = []
    write = DafButlerWriter.set_chain

    def set_chain(writer: Any, name: str, children: Any, **more: Any) -> None:
        written.append((writer._repository.uri, name))
        write(writer, name, children, **more)

    monkeypatch.setattr(DafButlerWriter, "set_chain", set_chain)

    assert deployed.apply().code == 0

    assert len(written) == len(set(written)) == 3 + 2 * 3
    for address in (ORIGIN, EMBARGO, SUMMIT):
        assert deployed.chain(address) == tuple(f"{TOP}/DM-{n}" for n in (5, 1, 4, 3, 2))


def test_leaves_of_a_ticket_are_what_its_chain_searches(deployed: Sites) -> None:
    assert deployed.chain(SUMMIT, OLD) == tuple(f"{OLD}/{leaf}" for leaf in LEAVES)


def test_a_plan_without_a_step_says_what_others_have_yet_to_make(deployed: Sites) -> None:
    deployed.tree.chain(["DM-2", "DM-1", {"external": "u/somebody/bias"}])

    plan = deployed.run("plan", "--site", "summit")

    assert "Not mended by this plan\n  missing     summit/LSSTComCam u/somebody/bias" in plan.out
    assert "No steps, 2 missing; looked at" in plan.out
