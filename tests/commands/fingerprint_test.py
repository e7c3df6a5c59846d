"""Equal fingerprints: the same calibrations, wherever one asks."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from calibstate.model.seals import unfold
from calibstate.model.timespans import UNBOUNDED, parse_tai
from tests import world
from tests.commands.sites import EMBARGO, INSTRUMENT, ORIGIN, SUMMIT, TOP, Sites

TICKET = f"{TOP}/DM-2"
BIAS = f"{TICKET}/bias.20240101a"


def fingerprints(sites: Sites, *arguments: str) -> dict[str, Any]:
    ran = sites.run("fingerprint", "--format", "json", *arguments)
    assert ran.code in {0, 1, 2}, ran.err
    return dict(ran.json)


def effective(sites: Sites, chain: str = TOP) -> dict[str, str]:
    told = fingerprints(sites)["repositories"]
    return {address: said["chains"][chain]["effective"] for address, said in told.items()}


def collection_by_plain_queries(sites: Sites, address: str, collection: str) -> str:
    """Recompute a collection fingerprint as the contract defines it."""
    lines = []
    butler = sites.seen(address)
    for dataset_type in butler.registry.queryDatasetTypes(...):
        for a in butler.registry.queryDatasetAssociations(dataset_type, collections=[collection]):
            data_id = ",".join(f"{k}={v}" for k, v in sorted(a.ref.dataId.required.items()))
            assert a.timespan
            first, last = a.timespan.nsec
            begin = "-" if first == UNBOUNDED[0] else first
            end = "-" if last == UNBOUNDED[1] else last
            lines.append(f"{dataset_type.name}\t{data_id}\t{a.ref.id}\t{begin}\t{end}\n")
    return "sha256:" + hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def test_after_a_deployment_they_are_equal_everywhere(deployed: Sites) -> None:
    ran = deployed.run("fingerprint")

    assert ran.code == 0
    assert "the same everywhere" in ran.out
    assert len(set(effective(deployed).values())) == 1
    assert effective(deployed).keys() == {ORIGIN, EMBARGO, SUMMIT}


def test_they_are_what_anybody_can_recompute(deployed: Sites) -> None:
    said = fingerprints(deployed)["repositories"][SUMMIT]["chains"][TOP]["collections"]

    assert sorted(said) == [
        f"{TOP}/{ticket}/{leaf}.20240101a" for ticket in ("DM-1", "DM-2") for leaf in ("bias", "flat")
    ]
    for collection, fingerprint in said.items():
        assert fingerprint == collection_by_plain_queries(deployed, SUMMIT, collection)


def test_one_nanosecond_makes_a_difference_that_is_told(deployed: Sites) -> None:
    since = parse_tai("2024-01-01T00:00:00")
    with deployed.butler(SUMMIT) as butler:
        refs = list(
            butler.registry.queryDatasets(
                "bias", collections=f"{BIAS}.run", instrument=INSTRUMENT, detector=2
            )
        )
        butler.registry.decertify(
            BIAS, "bias", world.timespan(UNBOUNDED), dataIds=[ref.dataId for ref in refs]
        )
        butler.registry.certify(BIAS, refs, world.timespan((since + 1, UNBOUNDED[1])))

    ran = deployed.run("fingerprint")

    assert ran.code == 2
    assert "2 different" in ran.out
    assert "bias detector 2 [2024-01-01T00:00:00, 2024-01-01T00:00:00.000000001)" in ran.out
    (difference,) = fingerprints(deployed)["differences"]
    assert (difference["reference"], difference["repository"]) == (ORIGIN, SUMMIT)
    assert difference["data_ids"] == [{"detector": 2}]
    assert list(unfold(difference["data_ids"], difference["instrument"])) == [
        "detector=2,instrument=LSSTComCam"
    ]
    assert difference["at_reference"]["collections"] == [BIAS]
    assert difference["at_repository"]["collections"] == [f"{TOP}/DM-1/bias.20240101a"]


def test_an_order_that_makes_no_difference_makes_none(deployed: Sites) -> None:
    before = effective(deployed)
    leaves = deployed.chain(SUMMIT, TICKET)

    deployed.change_chain(SUMMIT, lambda children: children[::-1], name=TICKET)

    assert deployed.chain(SUMMIT, TICKET) == leaves[::-1]
    assert effective(deployed) == before


def test_another_order_of_tickets_makes_a_difference_for_all_that_they_share(deployed: Sites) -> None:
    deployed.change_chain(SUMMIT, lambda children: children[::-1])

    differences = fingerprints(deployed)["differences"]

    assert {d["dataset_type"] for d in differences} == {"bias", "flat"}
    assert {d["repository"] for d in differences} == {SUMMIT}
    text = deployed.run("fingerprint").out
    assert "bias detector 0..3 [2024-01-01T00:00:00, …)" in text
    assert "flat detector 0..3, physical_filter g_01 r_03 […, …)" in text


def test_what_is_lost_is_told_as_nothing(deployed: Sites) -> None:
    for ticket in ("DM-1", "DM-2"):
        with deployed.butler(SUMMIT) as butler:
            butler.registry.decertify(f"{TOP}/{ticket}/flat.20240101a", "flat", world.timespan(UNBOUNDED))

    ran = deployed.run("fingerprint", "--format", "markdown")

    assert ran.code == 2
    assert "| LSSTComCam/calib | summit/LSSTComCam | sha256:" in ran.out
    assert f"    {SUMMIT}: nothing" in ran.out


def test_a_repository_that_cannot_be_seen_is_told_and_the_others_are_shown(deployed: Sites) -> None:
    (deployed.path(SUMMIT) / "butler.yaml").unlink()

    ran = deployed.run("fingerprint")

    assert ran.code == 1
    assert SUMMIT in ran.err
    assert EMBARGO in ran.out


@pytest.mark.parametrize("option", ["--site", "--repository", "--exclude"])
def test_it_can_be_narrowed(deployed: Sites, option: str) -> None:
    word = {"--site": "usdf", "--repository": "usdf/*", "--exclude": SUMMIT}[option]

    assert fingerprints(deployed, option, word)["repositories"].keys() == {ORIGIN, EMBARGO}


def test_it_writes_nothing(deployed: Sites) -> None:
    before = deployed.snapshot()

    deployed.run("fingerprint")

    assert deployed.snapshot() == before
