"""What a chain's entries mean at each repository, down to its children."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from tests import world
from tests.commands.sites import EMBARGO, INSTRUMENT, LEAVES, ORIGIN, SUMMIT, TOP, Sites

NEW, OLD = f"{TOP}/DM-2", f"{TOP}/DM-1"
EVERYWHERE = (ORIGIN, EMBARGO, SUMMIT)
DEFAULTS = f"{INSTRUMENT}/defaults"
BARE = (f"{TOP}/DM-8/curated", f"{TOP}/DM-8/unbounded")


def drift_of(sites: Sites, *arguments: str) -> list[tuple[str, str, str]]:
    found = sites.run("drift", "--format", "json", *arguments).json["drift"]
    return [(d["target"]["place"], d["what"], d["subject"]) for d in found]


def make_bare(sites: Sites, names: Sequence[str] = BARE) -> None:
    """Make a ticket of a CALIBRATION collection and a RUN."""
    with sites.butler(ORIGIN) as butler:
        world.add_calibration(
            butler, names[0], "defects", world.IN_2024, world.IN_2025, formatter=world.STAND_IN
        )
        world.add_run(butler, names[1], "camera", formatter=world.STAND_IN)
    sites.tree.ticket("DM-8", bare=list(names))


# Skipped, retired, not adopted yet


@pytest.mark.parametrize("who", ["summit", SUMMIT])
@pytest.mark.matrix(1)
def test_a_ticket_that_is_skipped_at_a_site_never_gets_there(sites: Sites, who: str) -> None:
    sites.tree.ticket("DM-2", *LEAVES, skip={who: "the camera left"})

    assert sites.apply().code == 0

    assert sites.chain(EMBARGO) == (NEW, OLD)
    assert sites.chain(SUMMIT) == (OLD,)
    assert sites.of_ticket(SUMMIT, "DM-2") == []
    assert not [path for path in sites.files(SUMMIT) if "DM-2" in path]
    assert sites.run("drift").code == 0


def test_a_ticket_that_is_skipped_later_leaves_the_chain_and_keeps_its_data(deployed: Sites) -> None:
    before = deployed.certifications(SUMMIT), deployed.files(SUMMIT), deployed.chain(SUMMIT, NEW)
    deployed.tree.ticket("DM-2", *LEAVES, skip={"summit": "the camera left"})

    assert drift_of(deployed) == [(SUMMIT, "unwanted", NEW)]
    assert "the camera left" in deployed.run("drift").out
    assert deployed.apply().code == 0

    assert deployed.chain(SUMMIT) == (OLD,)
    assert deployed.chain(EMBARGO) == (NEW, OLD)
    assert (deployed.certifications(SUMMIT), deployed.files(SUMMIT), deployed.chain(SUMMIT, NEW)) == before


def test_a_retired_ticket_leaves_the_chains_and_nothing_else_does(deployed: Sites) -> None:
    before = {address: (deployed.certifications(address), deployed.files(address)) for address in EVERYWHERE}
    deployed.tree.chain(["DM-2"], retired={"DM-1": "pseudo flats"})

    plan = deployed.run("plan")
    assert plan.code == 2
    assert f"- {OLD}" in plan.out
    assert deployed.apply().code == 0

    for address in EVERYWHERE:
        assert deployed.chain(address) == (NEW,)
        assert (deployed.certifications(address), deployed.files(address)) == before[address]
        assert len(deployed.chain(address, OLD)) == 2
    assert deployed.run("drift").code == 0


@pytest.mark.slow
def test_a_retired_ticket_that_nobody_searches_is_still_deployed(sites: Sites) -> None:
    """It is adopted, so it is brought to every repository."""
    sites.tree.chain(["DM-2"], retired={"DM-1": "pseudo flats"})

    assert sites.apply().code == 0

    assert sites.chain(SUMMIT) == (NEW,)
    assert sites.of_ticket(SUMMIT, "DM-1") == sites.of_ticket(ORIGIN, "DM-1")
    assert sites.chain(ORIGIN) == (NEW,)


@pytest.mark.parametrize("status", ["proposed", pytest.param("rejected", marks=pytest.mark.slow)])
def test_a_ticket_that_is_not_adopted_is_not_deployed(sites: Sites, status: str) -> None:
    sites.make_ticket("DM-3", status=status)

    assert sites.apply().code == 0

    assert sites.of_ticket(SUMMIT, "DM-3") == []
    assert not (sites.tree.folder / "archive" / INSTRUMENT / "DM-3").exists()
    assert sites.chain(SUMMIT) == (NEW, OLD)
    assert sites.run("drift").code == 0


def test_a_listed_ticket_that_is_not_adopted_makes_the_tree_unsound(sites: Sites) -> None:
    sites.make_ticket("DM-3", status="proposed")
    sites.tree.chain(["DM-3", "DM-2", "DM-1"])
    before = sites.snapshot("repo")

    ran = sites.apply()

    assert ran.code == 1
    assert "error: Ticket not adopted\n  tickets/LSSTComCam/DM-3.yaml:4" in ran.err
    assert sites.snapshot("repo") == before


def test_an_adopted_ticket_that_no_chain_lists_is_deployed_all_the_same(sites: Sites) -> None:
    sites.make_ticket("DM-3")

    assert sites.apply().code == 0

    assert sites.of_ticket(SUMMIT, "DM-3") == sites.of_ticket(ORIGIN, "DM-3")
    assert sites.chain(SUMMIT, f"{TOP}/DM-3") == sites.chain(ORIGIN, f"{TOP}/DM-3")
    assert sites.chain(SUMMIT) == (NEW, OLD)


# Late arrivals


def test_a_ticket_that_arrives_late_enters_at_its_declared_place(deployed: Sites) -> None:
    deployed.tree.ticket("DM-15", *LEAVES)
    deployed.tree.chain(["DM-2", "DM-15", "DM-1"])

    early = deployed.apply()
    assert early.code == 4
    assert f"its origin {ORIGIN} does not hold" in early.out
    assert deployed.chain(SUMMIT) == (NEW, OLD)

    deployed.make_ticket("DM-15", declared=False)
    steps = deployed.run("plan", "--format", "json").json["steps"]
    tops = [step for step in steps if step["target"]["name"] == TOP]
    assert [step["do"] for step in tops] == ["rewrite-chain"] * 3
    assert deployed.apply().code == 0

    for address in EVERYWHERE:
        assert deployed.chain(address) == (NEW, f"{TOP}/DM-15", OLD)


def test_a_ticket_without_one_of_its_collections_waits_as_a_whole(deployed: Sites) -> None:
    deployed.make_ticket("DM-3", {"bias.x": ("bias",)})
    deployed.tree.ticket("DM-3", "bias.x", "dark.x")
    deployed.tree.chain(["DM-3", "DM-2", "DM-1"])

    ran = deployed.apply()

    assert ran.code == 4
    assert f"does not hold {TOP}/DM-3/dark.x yet" in ran.out
    assert deployed.chain(SUMMIT) == (NEW, OLD)
    assert deployed.of_ticket(SUMMIT, "DM-3") == []
    assert deployed.chain(ORIGIN) == (NEW, OLD)


# Bare tickets


@pytest.mark.slow
def test_a_bare_ticket_stands_in_the_chain_as_its_collections(sites: Sites) -> None:
    make_bare(sites)
    sites.tree.chain(["DM-2", "DM-8", "DM-1"])

    assert sites.apply().code == 0

    for address in EVERYWHERE:
        assert sites.chain(address) == (NEW, *BARE, OLD)
        assert sites.certifications(address) == sites.certifications(ORIGIN)
        assert sites.files(address) == sites.files(ORIGIN)
        assert not sites.has(address, f"{TOP}/DM-8")
        with sites.butler(address) as butler:
            assert butler.collections.get_info(BARE[1]).type is CollectionType.RUN
    assert sites.found(SUMMIT, "camera") == sites.found(ORIGIN, "camera")
    assert sites.found(SUMMIT, "camera") is not None
    assert sites.run("drift", "--files").code == 0


@pytest.mark.slow
def test_single_collections_of_a_bare_ticket_stand_where_they_are_listed(sites: Sites) -> None:
    make_bare(sites)
    sites.tree.chain([BARE[1], "DM-2", BARE[0], "DM-1"])

    assert sites.apply().code == 0

    for address in EVERYWHERE:
        assert sites.chain(address) == (BARE[1], NEW, BARE[0], OLD)
    assert sites.run("plan").code == 0


def test_datasets_that_are_lost_from_a_bare_run_are_restored(sites: Sites) -> None:
    make_bare(sites)
    sites.tree.chain(["DM-8", "DM-2", "DM-1"])
    assert sites.apply().code == 0
    with sites.butler(SUMMIT) as butler:
        refs = list(butler.registry.queryDatasets("camera", collections=BARE[1]))
        butler.pruneDatasets(refs, disassociate=True, unstore=True, purge=True)
    assert sites.found(SUMMIT, "camera") is None

    assert drift_of(sites) == [(SUMMIT, "missing", BARE[1])]
    assert sites.apply().code == 0

    assert sites.found(SUMMIT, "camera") == sites.found(ORIGIN, "camera")
    assert sites.files(SUMMIT) == sites.files(ORIGIN)


@pytest.mark.slow
def test_a_collection_of_a_bare_ticket_can_be_retired_alone(sites: Sites) -> None:
    make_bare(sites)
    sites.tree.chain(["DM-8", "DM-2", "DM-1"])
    assert sites.apply().code == 0
    sites.tree.chain([BARE[0], "DM-2", "DM-1"], retired={BARE[1]: "the camera moved"})

    assert sites.apply().code == 0

    for address in EVERYWHERE:
        assert sites.chain(address) == (BARE[0], NEW, OLD)
        assert sites.has(address, BARE[1])


# Chains within chains, externals, `only`


@pytest.mark.slow
def test_a_chain_can_be_an_entry_of_another(sites: Sites) -> None:
    sites.tree.chain([TOP], chain=DEFAULTS)

    assert sites.apply().code == 0

    for address in EVERYWHERE:
        assert sites.chain(address, DEFAULTS) == (TOP,)
        assert sites.found(address, "bias", DEFAULTS, detector=1) == sites.found(address, "bias", detector=1)
    assert sites.found(SUMMIT, "bias", DEFAULTS, detector=1) is not None


def test_chains_are_made_from_the_inside_out_whatever_their_names(sites: Sites) -> None:
    names = [f"{INSTRUMENT}/a", f"{INSTRUMENT}/z", f"{INSTRUMENT}/m"]
    sites.tree.chain([names[1]], chain=names[0])
    sites.tree.chain([names[2]], chain=names[1])
    sites.tree.chain([TOP], chain=names[2])

    assert sites.apply().code == 0

    assert [sites.chain(SUMMIT, name) for name in names] == [(names[1],), (names[2],), (TOP,)]


@pytest.mark.slow
def test_a_chain_that_cannot_be_made_is_left_out_of_what_holds_it(sites: Sites) -> None:
    sites.tree.chain([TOP, {"external": "u/somebody/bias"}], chain=DEFAULTS)
    for address in EVERYWHERE:
        sites.add_own(address)
    with sites.butler(SUMMIT) as butler:
        butler.collections.register(TOP, CollectionType.TAGGED)

    assert sites.apply().code == 3

    assert sites.chain(SUMMIT, DEFAULTS) == ("u/somebody/bias",)
    assert sites.chain(EMBARGO, DEFAULTS) == (TOP, "u/somebody/bias")


def test_an_external_that_does_not_exist_is_drift_that_no_step_mends(sites: Sites) -> None:
    raws, maps = f"{INSTRUMENT}/raw/all", "skymaps"
    sites.tree.chain([TOP, {"external": raws, "only": [ORIGIN]}, {"external": maps}], chain=DEFAULTS)
    with sites.butler(ORIGIN) as butler:
        butler.collections.register(raws, CollectionType.RUN)

    assert sites.apply().code == 0

    assert sites.chain(ORIGIN, DEFAULTS) == (TOP, raws)
    assert sites.chain(SUMMIT, DEFAULTS) == (TOP,)
    plan, drift = sites.run("plan"), sites.run("drift")
    assert (plan.code, drift.code) == (0, 2)
    assert {(place, what, subject) for place, what, subject in drift_of(sites)} == {
        (address, "missing", maps) for address in EVERYWHERE
    }
    assert not any(sites.has(address, maps) for address in EVERYWHERE)

    with sites.butler(SUMMIT) as butler:
        butler.collections.register(maps, CollectionType.RUN)
    assert sites.apply().code == 0
    assert sites.chain(SUMMIT, DEFAULTS) == (TOP, maps)


def test_an_external_that_is_searched_is_never_taken_out(sites: Sites) -> None:
    raws = f"{INSTRUMENT}/raw/all"
    sites.tree.chain([TOP, {"external": raws}], chain=DEFAULTS)
    for address in EVERYWHERE:
        with sites.butler(address) as butler:
            butler.collections.register(raws, CollectionType.RUN)
    assert sites.apply().code == 0
    sites.tree.chain([TOP], chain=DEFAULTS)

    assert sites.apply().code == 0

    for address in EVERYWHERE:
        assert sites.chain(address, DEFAULTS) == (TOP, raws)


@pytest.mark.parametrize("only", [["usdf"], [ORIGIN, EMBARGO]])
@pytest.mark.matrix(1)
def test_a_chain_for_some_places_only_is_made_nowhere_else(sites: Sites, only: list[str]) -> None:
    sites.tree.chain([TOP], chain=DEFAULTS, only=only)

    assert sites.apply().code == 0

    assert sites.chain(ORIGIN, DEFAULTS) == sites.chain(EMBARGO, DEFAULTS) == (TOP,)
    assert not sites.has(SUMMIT, DEFAULTS)
    assert sites.chain(SUMMIT) == (NEW, OLD)
    assert sites.run("drift").code == 0


def test_an_entry_that_is_a_chain_for_other_places_is_left_out(sites: Sites) -> None:
    extras = f"{INSTRUMENT}/calib/extras"
    sites.tree.chain(["DM-1"], chain=extras, only=["summit"])
    sites.tree.chain(["DM-2", extras])

    assert sites.apply().code == 0

    assert sites.chain(SUMMIT) == (NEW, extras)
    assert sites.chain(SUMMIT, extras) == (OLD,)
    assert sites.chain(EMBARGO) == (NEW,)
    assert not sites.has(EMBARGO, extras)
