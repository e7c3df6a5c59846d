"""Tickets of every shape arrive as they are at the origin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from lsst.daf.butler import Butler
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from calibstate.model.timespans import UNBOUNDED
from tests import world
from tests.commands import stock
from tests.commands.sites import EMBARGO, INSTRUMENT, ORIGIN, SUMMIT, TOP, Sites

BASE = f"{TOP}/DM-3"
Made = Callable[[Sites, Butler], None]


def datasets_of_another_ticket(sites: Sites, butler: Butler) -> None:
    run = f"{TOP}/DM-1/bias.20240101a.run"
    refs = sorted(butler.registry.queryDatasets("bias", collections=run))[:2]
    butler.collections.register(f"{BASE}/bias", CollectionType.CALIBRATION)
    butler.registry.certify(f"{BASE}/bias", refs, world.timespan(world.IN_2025))
    world.add_chain(butler, BASE, [f"{BASE}/bias"])
    sites.tree.ticket("DM-3", "bias")


def two_collections_of_one_run(sites: Sites, butler: Butler) -> None:
    for name, span in (("early", world.IN_2024), ("late", world.IN_2025)):
        world.add_calibration(
            butler, f"{BASE}/{name}", "bias", span, run=f"{BASE}/{name}.run", formatter=world.STAND_IN
        )
    refs = sorted(butler.registry.queryDatasets("bias", collections=f"{BASE}/early.run"))
    butler.registry.certify(f"{BASE}/late", refs[:1], world.timespan((world.IN_2025[1], UNBOUNDED[1])))
    world.add_chain(butler, BASE, [f"{BASE}/late", f"{BASE}/early"])
    sites.tree.ticket("DM-3", "late", "early")


def many_types_and_ranges_in_one_collection(sites: Sites, butler: Butler) -> None:
    for type_ in ("bias", "dark", "flat", "camera"):
        world.add_calibration(
            butler,
            f"{BASE}/all",
            type_,
            world.IN_2024,
            world.IN_2025,
            run=f"{BASE}/all.run",
            formatter=world.STAND_IN,
        )
    world.add_chain(butler, BASE, [f"{BASE}/all"])
    sites.tree.ticket("DM-3", "all")


def a_collection_of_a_full_name(sites: Sites, butler: Butler) -> None:
    name = f"{INSTRUMENT}/calib/elsewhere/ptc"
    world.add_calibration(butler, name, "ptc", formatter=world.STAND_IN)
    world.add_chain(butler, BASE, [name])
    sites.tree.ticket("DM-3", name)


def a_run_with_what_is_no_calibration(sites: Sites, butler: Butler) -> None:
    world.add_run(butler, f"{BASE}/verify", "verifyBiasStats", formatter=world.STAND_IN)
    world.add_run(butler, f"{BASE}/verify", "bias", detectors=[0], formatter=world.STAND_IN)
    sites.tree.ticket("DM-3", bare=[f"{BASE}/verify"])


def a_run_beside_the_collection_that_certifies_it(sites: Sites, butler: Butler) -> None:
    world.add_calibration(
        butler, f"{BASE}/bias", "bias", world.IN_2024, run=f"{BASE}/run", formatter=world.STAND_IN
    )
    world.add_run(butler, f"{BASE}/run", "dark", formatter=world.STAND_IN)
    sites.tree.ticket("DM-3", bare=[f"{BASE}/bias", f"{BASE}/run"])


def a_type_that_no_copy_knows(sites: Sites, butler: Butler) -> None:
    world.add_calibration(butler, f"{BASE}/defects", "defects", formatter=world.STAND_IN)
    world.add_chain(butler, BASE, [f"{BASE}/defects"])
    sites.tree.ticket("DM-3", "defects")


def one_dataset(sites: Sites, butler: Butler) -> None:
    world.add_calibration(butler, f"{BASE}/bias", "bias", detectors=[3], formatter=world.STAND_IN)
    world.add_chain(butler, BASE, [f"{BASE}/bias"])
    sites.tree.ticket("DM-3", "bias")


TRIED_ALWAYS = [
    a_run_with_what_is_no_calibration,
]
TRIED_WITH_TIME = [
    two_collections_of_one_run,
    many_types_and_ranges_in_one_collection,
    datasets_of_another_ticket,
    a_collection_of_a_full_name,
    a_run_beside_the_collection_that_certifies_it,
    a_type_that_no_copy_knows,
    one_dataset,
]
SHAPES = [
    *(pytest.param(make, id=make.__name__) for make in TRIED_ALWAYS),
    *(pytest.param(make, id=make.__name__, marks=pytest.mark.slow) for make in TRIED_WITH_TIME),
]


def datasets(sites: Sites, address: str) -> list[tuple[str, ...]]:
    """Return every dataset of a repository, certified or not."""
    butler = sites.seen(address)
    return sorted(
        (ref.datasetType.name, ref.run, str(ref.id), str(sorted(ref.dataId.required.items())))
        for dataset_type in butler.registry.queryDatasetTypes(...)
        for ref in set(butler.registry.queryDatasets(dataset_type, collections=...))
    )


@pytest.mark.parametrize("make", SHAPES)
def test_a_ticket_of_any_shape_arrives_as_it_is_at_the_origin(
    sites: Sites, make: Made, tmp_path: Path
) -> None:
    with sites.butler(ORIGIN) as butler:
        make(sites, butler)
    sites.tree.chain(["DM-3", "DM-2", "DM-1"])

    ran = sites.apply()

    assert ran.code == 0, ran.out + ran.err
    for address in (EMBARGO, SUMMIT):
        assert sites.certifications(address) == sites.certifications(ORIGIN)
        assert datasets(sites, address) == datasets(sites, ORIGIN)
        assert sites.files(address) == sites.files(ORIGIN)
        assert sites.without_file(address) == []
        assert sites.chain(address) == sites.chain(ORIGIN)
    before = sites.snapshot("repo", "archive")
    assert sites.run("drift", "--files").code == 0
    assert sites.apply().code == 0
    assert sites.snapshot("repo", "archive") == before


@pytest.mark.parametrize("make", SHAPES)
def test_the_stock_import_reads_the_bundle_of_any_shape(sites: Sites, make: Made) -> None:
    with sites.butler(ORIGIN) as butler:
        make(sites, butler)
    assert sites.apply("--repository", ORIGIN).code == 0

    stock.import_(sites.path(SUMMIT), sites.bundle("DM-3"))

    assert sites.of_ticket(SUMMIT, "DM-3") == sites.of_ticket(ORIGIN, "DM-3")
    assert sites.without_file(SUMMIT) == []
    here = {path: sha for path, sha in sites.files(ORIGIN).items() if path in sites.files(SUMMIT)}
    assert here == sites.files(SUMMIT) != {}
