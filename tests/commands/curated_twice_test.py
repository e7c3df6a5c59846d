"""Curated calibrations that two sites wrote each for itself."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from lsst.daf.butler import Timespan

from calibstate.model.timespans import parse_tai
from tests import packages, world
from tests.commands.curated import (
    COLLECTION,
    TICKET,
    UNBOUNDED,
    declare,
    environment,
    make_package,
    package,
    stock,
    written,
)
from tests.commands.curated_test import CHAIN, words
from tests.commands.sites import EMBARGO, INSTRUMENT, ORIGIN, SUMMIT, TOP, Sites
from tests.packages import write_package

SAME = "same content, other UUIDs"
NEW = "DM-50000"
LOOKUPS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("camera", {}),
    ("crosstalk", {"detector": 0}),
    ("crosstalk", {"detector": 1}),
    ("transmission_filter", {"physical_filter": "g_01"}),
)


@pytest.fixture(scope="module")
def twice_once(sites_deployed_once: Sites, tmp_path_factory: pytest.TempPathFactory) -> Sites:
    """Return sites of which two wrote the same, and the third has nothing."""
    sites = sites_deployed_once.copied_to(tmp_path_factory.mktemp("curated") / "twice")
    declare(sites, make_package(sites))
    sites.tree.chain(CHAIN)
    for address in (ORIGIN, EMBARGO):
        ran = stock(sites, address)
        assert ran.returncode == 0, ran.stderr
        with sites.butler(address) as butler:
            children = butler.collections.get_info(TOP).children
            butler.collections.redefine_chain(TOP, [*children, COLLECTION, UNBOUNDED])
    return sites


@pytest.fixture
def twice(
    twice_once: Sites,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Sites]:
    """Return sites with calibrations that two of them wrote."""
    with closing(twice_once.copied_to(tmp_path / "sites", capsys)) as sites:
        for name, value in environment(sites).items():
            monkeypatch.setenv(name, value)
        yield sites


def moment(year: str) -> Timespan:
    """Return the begin of a year."""
    begin = parse_tai(f"{year}-01-01T00:00:00")
    return world.timespan((begin, begin + 1))


def commit(sites: Sites) -> None:
    """Commit the tree as it stands."""
    git = ["git", "-C", str(sites.tree.folder), "-c", "user.name=N", "-c", "user.email=n@example.org"]
    for command in (["init", "-q"], ["add", "state"], ["commit", "-qm", "As it is"]):
        subprocess.run([*git, *command], check=True)


def rewrite(sites: Sites, address: str, old: str, new: str) -> None:
    """Write other bytes into the files of a dataset type, of the same size."""
    files = list((sites.path(address) / COLLECTION / "curated").rglob("crosstalk*R00_S01*.yaml"))
    assert files
    for file in files:
        text = file.read_text()
        file.write_text(text.replace(old, new))


def contents(sites: Sites, address: str) -> list[tuple[str, bytes]]:
    """Return what lookups find at a site: the UUID, and the bytes."""
    butler = sites.seen(address)
    found: list[tuple[str, bytes]] = []
    for dataset_type, data_id in LOOKUPS:
        for year in ("2023", "2025"):
            ref = butler.find_dataset(
                dataset_type,
                instrument=INSTRUMENT,
                collections=TOP,
                timespan=moment(year),
                **data_id,
            )
            assert ref, f"{dataset_type} {data_id} in {year}"
            found.append((str(ref.id), butler.getURI(ref).read()))
    return found


def test_the_same_content_is_told_from_other_content(twice: Sites) -> None:
    assert twice.apply("--site", "summit", "--site", "usdf").code == 3
    plain = twice.run("drift", "--repository", EMBARGO)
    assert plain.code == 2, plain.out + plain.err
    assert "other UUIDs than its bundle says for 6 of 6, of the same types, data IDs and ranges" in words(
        plain
    )
    assert "--files compares their bytes" in words(plain)

    same = twice.run("drift", "--repository", EMBARGO, "--files")
    assert same.code == 2, same.out + same.err
    assert words(same).count(SAME) == 2, "of the collection, and of the RUN of the camera"
    planned = twice.run("plan", "--repository", EMBARGO, "--files", "--format", "json")
    assert {drift["reason"] for drift in planned.json["drift"]} >= {"same-content"}
    refused = twice.run("plan", "--repository", EMBARGO, "--files")
    assert refused.code == 3, refused.out + refused.err
    assert "declare a new ticket in front of this one" in words(refused)

    rewrite(twice, EMBARGO, "0.3", "0.7")
    other = twice.run("drift", "--repository", EMBARGO, "--files")
    assert "the files of 1 have other bytes: crosstalk detector=1" in words(other)
    assert words(other).count(SAME) == 1, "the camera is the same"
    rewrite(twice, EMBARGO, "0.7", "0.70")
    other = twice.run("drift", "--repository", EMBARGO, "--files")
    assert "and the files of 1 have another size: crosstalk detector=1" in words(other)
    for file in (twice.path(EMBARGO) / COLLECTION).rglob("transmission_filter*.yaml"):
        file.unlink()
    gone = twice.run("drift", "--repository", EMBARGO, "--files")
    assert words(gone).count(SAME) == 1
    assert "another size" in words(gone)


def test_more_than_uuids_is_told_as_ever(twice: Sites) -> None:
    assert twice.apply("--site", "summit", "--site", "usdf").code == 3
    with twice.butler(EMBARGO) as butler:
        butler.registry.decertify(COLLECTION, "transmission_filter", moment("2023"))
    drift = twice.run("drift", "--repository", EMBARGO, "--files")
    assert "of 6 are gone" in words(drift)
    assert words(drift).count(SAME) == 1, "of the camera's RUN"


@pytest.mark.slow
def test_a_new_ticket_brings_one_set_to_every_site(twice: Sites) -> None:
    assert twice.apply().code == 3
    assert written(twice, SUMMIT) == written(twice)
    before = {address: contents(twice, address) for address in (ORIGIN, EMBARGO, SUMMIT)}
    assert before[EMBARGO] != before[ORIGIN]

    # Written once more, of the same text, and in front of the old one.
    declare(twice, packages.revision(package(twice)), NEW)
    twice.tree.chain(["DM-2", "DM-1", NEW, TICKET])
    assert len(written(twice, collection=f"{TOP}/{NEW}")) == 0
    assert twice.apply().code == 3
    assert twice.apply().code == 3
    after = {address: contents(twice, address) for address in (ORIGIN, EMBARGO, SUMMIT)}
    for address in after:
        assert after[address] == after[ORIGIN], "the same UUIDs"
        assert [found[1] for found in after[address]] == [found[1] for found in before[address]]
    assert after[ORIGIN] != before[ORIGIN]

    # The old one goes out everywhere, and is no concern of the site's own.
    twice.tree.chain(["DM-2", "DM-1", NEW], retired={TICKET: f"written by two sites; replaced by {NEW}"})
    declare(twice, packages.revision(package(twice)), skip={EMBARGO: f"its own run; replaced by {NEW}"})
    ran = twice.apply()
    assert ran.code == 0, ran.out + ran.err
    assert {address: contents(twice, address) for address in after} == after
    assert twice.run("drift", "--files").code == 0


def test_an_impact_tells_which_types_of_a_new_ticket_really_change(twice: Sites) -> None:
    assert twice.apply("--site", "usdf", "--site", "summit").code == 3
    write_package(package(twice), {f"crosstalk/r00_s01/{packages.SECOND}": "0.8"})
    declare(twice, packages.commit(package(twice)), NEW)
    assert twice.apply("--repository", ORIGIN).code in {3, 4}
    commit(twice)
    twice.tree.chain(["DM-2", "DM-1", NEW, TICKET])
    ran = twice.run("impact", "HEAD", "--live", ORIGIN)
    assert ran.code == 0, ran.out + ran.err
    assert "replaced crosstalk for 1 data ID" in words(ran)
    assert "same content camera for 1 data ID, crosstalk for 2 data IDs, transmission_filter for 1" in words(
        ran
    )
    assert "from 2024-06-01T00:00:37 until" in words(ran), "what is the same reaches nowhere"
    as_json = twice.run("impact", "HEAD", "--live", ORIGIN, "--format", "json").json
    assert as_json["summary"] == {"replaced": 1, "same content": 4}

    for file in (twice.path(ORIGIN) / f"{TOP}/{NEW}").rglob("crosstalk*.yaml"):
        file.unlink()
    unread = twice.run("impact", "HEAD", "--live", ORIGIN)
    assert unread.code == 0, unread.out + unread.err
    assert "same content" not in unread.out
    assert "note:" in unread.err
