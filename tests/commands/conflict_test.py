"""What contradicts the declaration stops its ticket, and nothing is written.

Ranges that end before they begin, and names that something else has taken.
"""

from __future__ import annotations

import pytest
from lsst.daf.butler import DatasetType
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from calibstate.model.timespans import parse_tai
from tests import world
from tests.commands import stock
from tests.commands.sites import EMBARGO, INSTRUMENT, LEAVES, ORIGIN, SUMMIT, TOP, Sites

BACKWARDS = (parse_tai("2025-06-01T00:00:00"), parse_tai("2024-06-01T00:00:00"))
LEAF = f"{TOP}/DM-1/bias.20240101a"
OTHER_TYPES = [
    CollectionType.RUN,
    CollectionType.CHAINED,
    pytest.param(CollectionType.TAGGED, marks=pytest.mark.slow),
]
NO_CHAINS = [
    CollectionType.CALIBRATION,
    pytest.param(CollectionType.RUN, marks=pytest.mark.slow),
    pytest.param(CollectionType.TAGGED, marks=pytest.mark.slow),
]


def is_whole(sites: Sites, address: str, *tickets: str) -> bool:
    """Say whether tickets are at a place as they are at the origin."""
    for ticket in tickets:
        assert sites.of_ticket(address, ticket) == sites.of_ticket(ORIGIN, ticket)
        assert sites.chain(address, f"{TOP}/{ticket}") == sites.chain(ORIGIN, f"{TOP}/{ticket}")
    return sites.chain(address) == tuple(f"{TOP}/{ticket}" for ticket in tickets)


def has_nothing_of(sites: Sites, address: str, ticket: str) -> bool:
    assert sites.of_ticket(address, ticket) == []
    assert not [path for path in sites.files(address) if f"/{ticket}/" in path]
    return sites.leftovers() == []


# Begin after end


@pytest.fixture
def backwards(sites: Sites) -> Sites:
    """Return sites with a ticket that was certified with a slip."""
    sites.make_ticket("DM-3", {"bias.slip": ("bias", BACKWARDS)})
    sites.tree.chain(["DM-3", "DM-2", "DM-1"])
    return sites


def test_the_stock_commands_take_a_begin_after_the_end_without_a_word(
    backwards: Sites, capsys: pytest.CaptureFixture[str]
) -> None:
    export = backwards.tree.folder / "export"
    stock.export_calibs(backwards.path(ORIGIN), export, f"{TOP}/DM-3")
    stock.import_(backwards.path(SUMMIT), export)
    stock.collection_chain(backwards.path(SUMMIT), TOP, f"{TOP}/DM-3")

    assert len(backwards.of_ticket(SUMMIT, "DM-3")) == 4
    assert backwards.found(SUMMIT, "bias", detector=1) is None
    assert capsys.readouterr().err == ""


def test_a_begin_after_the_end_is_refused_with_the_name_of_the_dataset(backwards: Sites) -> None:
    plan = backwards.run("plan")

    assert plan.code == 3
    for what in ("DM-3", "begins after it ends", f"bias detector=0,instrument={INSTRUMENT}", ORIGIN):
        assert what in plan.out
    assert backwards.run("plan", "--ticket", "DM-2").code == 2


@pytest.mark.slow
def test_a_begin_after_the_end_stops_its_ticket_and_no_other(backwards: Sites) -> None:
    ran = backwards.apply()

    assert ran.code == 3
    for address in (EMBARGO, SUMMIT):
        assert has_nothing_of(backwards, address, "DM-3")
        assert is_whole(backwards, address, "DM-2", "DM-1")
    assert not (backwards.tree.folder / "archive" / INSTRUMENT / "DM-3").exists()

    before = backwards.snapshot("repo", "archive")
    again = backwards.apply()
    assert again.code == 3
    assert backwards.snapshot("repo", "archive") == before


def test_once_it_was_certified_right_the_ticket_is_deployed(backwards: Sites) -> None:
    assert backwards.apply().code == 3
    name = f"{TOP}/DM-3/bias.slip"
    with backwards.butler(ORIGIN) as butler:
        refs = [a.ref for a in butler.registry.queryDatasetAssociations("bias", collections=name)]
        stock.collection_chain(backwards.path(ORIGIN), f"{TOP}/DM-3", f"{TOP}/DM-1")
        butler.registry.removeCollection(name)
        butler.collections.register(name, CollectionType.CALIBRATION)
        butler.registry.certify(name, refs, world.timespan(world.IN_2024))
    stock.collection_chain(backwards.path(ORIGIN), f"{TOP}/DM-3", name)

    assert backwards.apply().code == 0

    assert is_whole(backwards, SUMMIT, "DM-3", "DM-2", "DM-1")
    assert backwards.found(SUMMIT, "bias", detector=1) == str(refs[1].id)


# A name that something else has taken


@pytest.mark.parametrize("type_", OTHER_TYPES, ids=lambda type_: type_.name)
@pytest.mark.matrix(1)
def test_a_leaf_of_another_type_stops_its_ticket_at_that_place_only(
    sites: Sites, type_: CollectionType
) -> None:
    with sites.butler(SUMMIT) as butler:
        butler.collections.register(LEAF, type_)

    plan = sites.run("plan")
    assert plan.code == 3
    assert f"{LEAF}: " in plan.out
    assert f"{type_.name} collection" in plan.out
    ran = sites.apply()

    assert ran.code == 3
    assert has_nothing_of(sites, SUMMIT, "DM-1")
    assert not sites.has(SUMMIT, f"{TOP}/DM-1")
    assert is_whole(sites, SUMMIT, "DM-2")
    assert is_whole(sites, EMBARGO, "DM-2", "DM-1")
    with sites.butler(SUMMIT) as butler:
        assert butler.collections.get_info(LEAF).type is type_
        butler.registry.removeCollection(LEAF)

    assert sites.apply().code == 0
    assert is_whole(sites, SUMMIT, "DM-2", "DM-1")


@pytest.mark.slow
def test_a_leaf_of_another_type_that_is_made_after_the_plan_is_refused_too(sites: Sites) -> None:
    plan = str(sites.tree.folder / "plan.json")
    assert sites.run("plan", "-o", plan).code == 2
    with sites.butler(SUMMIT) as butler:
        butler.collections.register(LEAF, CollectionType.RUN)

    ran = sites.apply(plan)

    # A plan from a file is refused whole, so nothing comes elsewhere either.
    assert ran.code == 3
    assert f"{LEAF} in {SUMMIT}: " in ran.err
    assert has_nothing_of(sites, SUMMIT, "DM-1")
    assert has_nothing_of(sites, EMBARGO, "DM-1")


def test_a_run_whose_name_is_taken_stops_its_ticket_at_that_place_only(sites: Sites) -> None:
    with sites.butler(SUMMIT) as butler:
        butler.collections.register(f"{LEAF}.run", CollectionType.CALIBRATION)

    ran = sites.apply()

    assert ran.code == 3
    assert f"{LEAF}.run" in ran.out
    assert has_nothing_of(sites, SUMMIT, "DM-1")
    assert is_whole(sites, SUMMIT, "DM-2")
    assert is_whole(sites, EMBARGO, "DM-2", "DM-1")


@pytest.mark.parametrize("type_", NO_CHAINS, ids=lambda type_: type_.name)
def test_a_ticket_chain_whose_name_is_taken_is_refused(sites: Sites, type_: CollectionType) -> None:
    with sites.butler(SUMMIT) as butler:
        butler.collections.register(f"{TOP}/DM-1", type_)

    plan = sites.run("plan")
    assert plan.code == 3
    assert f"{TOP}/DM-1 is a {type_.name} collection, not a chain" in plan.out
    assert sites.apply().code == 3

    assert sites.chain(SUMMIT) == (f"{TOP}/DM-2",)
    with sites.butler(SUMMIT) as butler:
        assert butler.collections.get_info(f"{TOP}/DM-1").type is type_
    assert is_whole(sites, EMBARGO, "DM-2", "DM-1")


@pytest.mark.parametrize("type_", NO_CHAINS, ids=lambda type_: type_.name)
@pytest.mark.slow
def test_a_top_chain_whose_name_is_taken_is_refused(sites: Sites, type_: CollectionType) -> None:
    with sites.butler(SUMMIT) as butler:
        butler.collections.register(TOP, type_)

    ran = sites.apply()

    assert ran.code == 3
    assert f"{TOP} is a {type_.name} collection, not a chain" in ran.out
    with sites.butler(SUMMIT) as butler:
        assert butler.collections.get_info(TOP).type is type_
    assert sites.of_ticket(SUMMIT, "DM-1") == sites.of_ticket(ORIGIN, "DM-1")
    assert is_whole(sites, EMBARGO, "DM-2", "DM-1")


@pytest.mark.slow
def test_a_top_chain_that_is_taken_at_the_origin_stops_nothing_elsewhere(sites: Sites) -> None:
    with sites.butler(ORIGIN) as butler:
        butler.registry.removeCollection(TOP)
        butler.collections.register(TOP, CollectionType.CALIBRATION)

    assert sites.apply().code == 3

    assert is_whole(sites, SUMMIT, "DM-2", "DM-1")


def test_a_stock_import_over_a_leaf_of_another_type_leaves_half_a_ticket(sites: Sites) -> None:
    export = sites.tree.folder / "export"
    stock.export_calibs(sites.path(ORIGIN), export, f"{TOP}/DM-1")
    with sites.butler(SUMMIT) as butler:
        butler.collections.register(LEAF, CollectionType.RUN)

    with pytest.raises(Exception, match=LEAF):
        stock.import_(sites.path(SUMMIT), export)

    assert len(sites.chain(SUMMIT, f"{TOP}/DM-1")) == 2


def test_a_stock_chain_over_a_calibration_collection_is_an_error_without_a_reason(sites: Sites) -> None:
    with sites.butler(SUMMIT) as butler:
        butler.collections.register(TOP, CollectionType.CALIBRATION)
        butler.collections.register("u/somebody/tag", CollectionType.TAGGED)

    with pytest.raises(Exception, match=TOP):
        stock.collection_chain(sites.path(SUMMIT), TOP, "u/somebody/tag")


# Other contradictions


@pytest.mark.slow
def test_a_dataset_type_of_another_definition_stops_what_uses_it_at_that_place_only(sites: Sites) -> None:
    with sites.butler(SUMMIT) as butler:
        dimensions = butler.dimensions.conform(("instrument", "detector"))
        other = DatasetType("flat", dimensions, "ExposureF", isCalibration=True)
        butler.registry.registerDatasetType(other)

    ran = sites.apply()

    assert ran.code == 3
    assert "flat" in ran.out
    for ticket in ("DM-1", "DM-2"):
        assert has_nothing_of(sites, SUMMIT, ticket)
    assert is_whole(sites, EMBARGO, "DM-2", "DM-1")


@pytest.mark.slow
def test_a_detector_of_another_name_stops_the_tickets_at_that_place_only(sites: Sites) -> None:
    with sites.butler(SUMMIT) as butler:
        (record,) = butler.query_dimension_records("detector", instrument=INSTRUMENT, detector=2)
        other = type(record)(**{**record.toDict(), "full_name": "R99_S99", "raft": "R99"})
        butler.registry.insertDimensionData("detector", other, replace=True)
    before = sites.snapshot("repo/summit-LSSTComCam")

    ran = sites.apply()

    assert ran.code == 3
    assert "R99_S99" in ran.out
    assert sites.snapshot("repo/summit-LSSTComCam") == before
    assert is_whole(sites, EMBARGO, "DM-2", "DM-1")


def test_a_collection_that_holds_more_than_its_bundle_is_told_and_left_alone(deployed: Sites) -> None:
    with deployed.butler(SUMMIT) as butler:
        refs = world.add_run(butler, "u/somebody/run", "dark")
        butler.registry.certify(LEAF, refs, world.timespan(world.IN_2025))
    before = deployed.snapshot("repo")

    drift = deployed.run("drift")
    ran = deployed.apply()

    assert (drift.code, ran.code) == (2, 3)
    assert f"it holds 4 that its bundle does not: dark detector=0,instrument={INSTRUMENT}" in drift.out
    assert deployed.snapshot("repo") == before


def test_a_ticket_that_changed_at_the_origin_after_it_left_is_told(deployed: Sites) -> None:
    with deployed.butler(ORIGIN) as butler:
        refs = world.add_run(butler, "u/somebody/run", "dark")
        butler.registry.certify(LEAF, refs, world.timespan(world.IN_2025))

    drift = deployed.run("drift", "--format", "json")

    assert drift.code == 2
    assert [(d["target"]["place"], d["what"], d["subject"]) for d in drift.json["drift"]] == [
        (ORIGIN, "changed", LEAF)
    ]
    assert deployed.apply().code == 3
    assert deployed.of_ticket(SUMMIT, "DM-1") != deployed.of_ticket(ORIGIN, "DM-1")


def test_other_collections_in_a_ticket_that_has_left_are_refused(deployed: Sites) -> None:
    deployed.tree.ticket("DM-1", *reversed([*LEAVES]))

    ran = deployed.apply()

    assert ran.code == 3
    assert "declare a new ticket in front of it" in ran.out
    assert deployed.chain(SUMMIT, f"{TOP}/DM-1") == tuple(f"{TOP}/DM-1/{leaf}" for leaf in LEAVES)
