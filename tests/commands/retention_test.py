"""What nobody needs any more at real repositories, by the butler's lookups."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lsst.daf.butler import Butler, CalibrationLookupError
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from calibstate.model.results.retention import RetentionTold
from calibstate.model.retention import LineState, Output, RetentionLine
from calibstate.work.retention import retention
from calibstate.work.session import Session
from tests import world
from tests.commands.carried import ARRIVES_AT, BTS, Carried
from tests.commands.generations import FIRST, SECOND, construction
from tests.commands.leftovers import (
    BIASES,
    BOOTSTRAPS,
    CERTIFIED,
    FOLDER,
    STATISTICS,
    UNSEARCHED,
    VERIFIED,
    leave_behind,
    leave_litter,
)
from tests.commands.sites import EMBARGO, INSTRUMENT, ORIGIN, SUMMIT, TOP, Sites, make_sites
from tests.lookups import Asked, everything
from tests.services.postgres import Postgres

TICKETS = {f"{TOP}/DM-1", f"{TOP}/DM-2"}
SHADOWED = {f"{TOP}/DM-1/{leaf}.20240101a" for leaf in ("bias", "flat")}


@pytest.fixture
def left(deployed: Sites) -> Sites:
    """Return sites with things that nobody needs, at the origin."""
    leave_behind(deployed)
    return deployed


def result(sites: Sites) -> RetentionTold:
    return retention(Session(sites.tree.state))


def lines(sites: Sites, address: str = ORIGIN) -> list[RetentionLine]:
    return list(result(sites).lines[address])  # type: ignore[index]


def by_name(sites: Sites, address: str = ORIGIN) -> dict[tuple[str, str], RetentionLine]:
    """Return lines by the letter of their class and their collection."""
    return {(line.retention.value, line.collection): line for line in lines(sites, address)}


def of(sites: Sites, letter: str, collection: str) -> RetentionLine:
    return by_name(sites)[letter, collection]


def words(line: RetentionLine) -> set[str]:
    return {keeper.by.value for keeper in line.kept}


def offered(sites: Sites) -> set[tuple[str, str]]:
    names = by_name(sites)
    return {key for key, line in names.items() if line.state is LineState.OFFERED}


# The butler's own lookups


def moments(sites: Sites) -> list[Asked]:
    """Return all data IDs, with the edges of all certifications anywhere."""
    merged: dict[tuple[str, str], Asked] = {}
    for address in (ORIGIN, EMBARGO, SUMMIT):
        for asked in everything(sites.seen(address)):
            first = merged.setdefault((asked.dataset_type, asked.text), asked)
            first.edges.update(asked.edges)
    return list(merged.values())


def given(butler: Butler, collections: Any, everywhere: list[Asked]) -> Iterator[str]:
    """Yield all that any lookup gives, at each edge and beside it."""
    types = {dataset_type.name for dataset_type in butler.registry.queryDatasetTypes()}
    for asked in everywhere:
        # Of a type that is not registered there, nothing is there.
        for moment in asked.moments() if asked.dataset_type in types else ():
            span = world.timespan((moment, moment + 1))
            try:
                ref = butler.find_dataset(
                    asked.dataset_type, asked.data_id, collections=collections, timespan=span
                )
            except CalibrationLookupError:
                raise AssertionError(f"ambiguous: {asked}") from None
            if ref:
                yield str(ref.id)
    for dataset_type in butler.registry.queryDatasetTypes():
        if not dataset_type.isCalibration():
            refs = butler.query_datasets(dataset_type.name, collections=collections, explain=False)
            yield from (str(ref.id) for ref in refs)


def given_anywhere(sites: Sites, *declared: str) -> set[str]:
    """Return all that is given through chains as they are, and as declared."""
    everywhere = moments(sites)
    uuids: set[str] = set()
    for address in (ORIGIN, EMBARGO, SUMMIT):
        butler = sites.seen(address)
        chains = butler.collections.query("*", collection_types=CollectionType.CHAINED)
        for chain in chains:
            # What a ticket or a template groups is searched by nobody.
            if chain not in TICKETS and not Output.of(chain):
                uuids.update(given(butler, chain, everywhere))
        there = [name for name in declared if sites.has(address, name)]
        uuids.update(given(butler, there, everywhere))
    return uuids


def test_what_is_called_unselectable_is_given_by_no_lookup_of_the_butler(left: Sites) -> None:
    searched = given_anywhere(left, f"{TOP}/DM-2", f"{TOP}/DM-1")

    checked = 0
    for address in (ORIGIN, EMBARGO, SUMMIT):
        for line in lines(left, address):
            if line.retention.value != "A":
                assert not searched & set(line.uuids), line
                checked += line.datasets
            else:
                assert searched >= set(line.uuids), line
    assert len(searched) == 3 * world.DETECTORS
    assert checked > 50


def test_on_postgresql_the_same_is_told_and_given_by_no_lookup(
    left: Sites, tmp_path: Path, postgres: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    made = make_sites(tmp_path / "served", postgres=postgres)
    with closing(replace(made, capsys=capsys)) as sites:
        assert sites.apply().code == 0
        leave_behind(sites)

        searched = given_anywhere(sites, f"{TOP}/DM-2", f"{TOP}/DM-1")

        for address in (ORIGIN, EMBARGO, SUMMIT):
            told = by_name(sites, address)
            assert told.keys() == by_name(left, address).keys()
            for line in told.values():
                assert (line.retention.value == "A") == bool(searched & set(line.uuids)), line
        assert len(searched) == 3 * world.DETECTORS


def test_the_declared_order_counts_before_anybody_has_applied_it(left: Sites) -> None:
    before = {name for letter, name in by_name(left) if letter == "B"}
    left.tree.chain(["DM-1", "DM-2"])

    after = {name for letter, name in by_name(left) if letter in "BC"}

    assert before == SHADOWED
    assert not after & SHADOWED
    searched = given_anywhere(left, f"{TOP}/DM-1", f"{TOP}/DM-2")
    assert not searched & {uuid for line in lines(left) for uuid in line.uuids if line.retention.value != "A"}


def test_a_chain_that_was_changed_by_hand_at_one_site_counts_at_all(left: Sites) -> None:
    left.change_chain(SUMMIT, lambda children: list(reversed(children)))

    assert not [name for letter, name in by_name(left) if letter == "B"]
    searched = given_anywhere(left, f"{TOP}/DM-2", f"{TOP}/DM-1")
    assert not searched & {uuid for line in lines(left) for uuid in line.uuids if line.retention.value != "A"}


# Each class, and what it comes to


def test_each_class_is_told_with_its_command(left: Sites) -> None:
    assert offered(left) == {
        *(("B", name) for name in SHADOWED),
        ("C", UNSEARCHED),
        ("C", CERTIFIED),
        ("C", f"{FOLDER}/defects.20250207a"),
        ("D", f"{BIASES}/{SECOND}"),
        ("D", f"{VERIFIED}/{FIRST}"),
        ("E", f"{BOOTSTRAPS}/run1"),
        ("F", f"{BIASES}/{FIRST}"),
        ("G", f"{BIASES}/{FIRST}"),
    }
    assert of(left, "F", f"{BIASES}/{FIRST}").bytes == 100


def test_files_and_bytes_are_those_of_the_disk(left: Sites) -> None:
    root = left.path(ORIGIN)
    for letter, name in (("D", f"{VERIFIED}/{FIRST}"), ("G", f"{BIASES}/{FIRST}")):
        line = of(left, letter, name)
        folder = root / name / (line.dataset_type or "")
        files = [path for path in folder.rglob("*.fits") if path.name != "cut-off.fits"]
        assert line.files == len(files) == world.DETECTORS
        assert line.bytes == sum(path.stat().st_size for path in files)


def test_the_commands_take_away_what_is_told_and_nothing_else(left: Sites) -> None:
    from lsst.daf.butler.cli.butler import cli
    from lsst.daf.butler.cli.utils import LogCliRunner

    certifications = left.certifications(ORIGIN)
    told = lines(left)
    gone: set[str] = set()
    for line in told:
        if line.retention.value in "DEG" and line.state is LineState.OFFERED:
            gone.update(line.uuids)
    printed = left.run("retention", ORIGIN).out
    commands = re.findall(r"^ +butler ((?:prune-datasets|remove-runs) .*)$", printed, re.MULTILINE)
    # Types of one RUN are one command.
    assert len(commands) == 4
    for command in commands:
        arguments = shlex.split(command.replace("$REPO", str(left.path(ORIGIN))))
        # What a person confirms.
        ran = LogCliRunner().invoke(cli, arguments, input="y\ny\n")
        assert ran.exit_code == 0, (arguments, ran.output)

    left.close()
    butler = left.seen(ORIGIN)
    still_there = {
        str(ref.id)
        for dataset_type in butler.registry.queryDatasetTypes(...)
        for ref in butler.registry.queryDatasets(dataset_type, collections=...)
    }
    assert len(gone) == 5 * world.DETECTORS
    assert not gone & still_there
    everything_told = {uuid for line in told for uuid in line.uuids}
    assert everything_told - gone <= still_there
    assert left.certifications(ORIGIN) == certifications
    assert not left.without_file(ORIGIN)


def test_a_collection_that_is_removed_leaves_its_datasets(left: Sites) -> None:
    line = of(left, "C", CERTIFIED)
    with left.butler(ORIGIN) as butler:
        butler.collections.x_remove(line.command[-1])

    again = by_name(left)

    assert ("C", CERTIFIED) not in again
    assert set(again["G", f"{BIASES}/{SECOND}"].uuids) > set(line.uuids)


def test_nothing_is_written(left: Sites) -> None:
    left.close()
    before = left.snapshot()

    for format in ("text", "json", "markdown"):
        assert left.run("retention", "--format", format).code == 0

    assert left.snapshot() == before


# What is kept


def test_what_a_construction_starts_from_is_kept(left: Sites) -> None:
    starting = [f"{TOP}/DM-1", f"{BOOTSTRAPS}/run1"]
    left.tree.ticket("DM-9", "DP1/b", status="rejected", construction=construction(start_from=starting))

    for letter, name in (("B", f"{TOP}/DM-1/bias.20240101a"), ("E", starting[1])):
        assert words(of(left, letter, name)) == {"start-from"}
        assert not of(left, letter, name).command


def test_what_is_sealed_is_kept(left: Sites) -> None:
    assert left.run("seal", "DM-1").code == 0

    for name in SHADOWED:
        assert words(of(left, "B", name)) == {"seal"}


def test_a_frozen_chain_keeps_what_it_names_at_whatever_site(left: Sites) -> None:
    with left.butler(SUMMIT) as butler:
        world.add_chain(butler, f"{INSTRUMENT}/DP1/defaults", [f"{TOP}/DM-1"])
    with left.butler(ORIGIN) as butler:
        world.add_chain(butler, "u/somebody/all", [f"{BIASES}/{FIRST}", f"{BIASES}/{SECOND}", CERTIFIED])

    (keeper,) = of(left, "B", f"{TOP}/DM-1/bias.20240101a").kept
    assert (keeper.by.value, keeper.name, keeper.repository) == (
        "chain",
        f"{INSTRUMENT}/DP1/defaults",
        SUMMIT,
    )
    for letter, name in (("C", CERTIFIED), ("D", f"{BIASES}/{SECOND}"), ("G", f"{BIASES}/{FIRST}")):
        assert words(of(left, letter, name)) == {"chain"}


def test_one_tagged_dataset_keeps_the_whole_line(left: Sites) -> None:
    with left.butler(ORIGIN) as butler:
        butler.collections.register("u/somebody/tagged", CollectionType.TAGGED)
        for run, dataset_type in ((f"{BIASES}/{FIRST}", "bias"), (f"{BIASES}/{SECOND}", STATISTICS)):
            (ref, *_) = butler.query_datasets(dataset_type, collections=run)
            butler.registry.associate("u/somebody/tagged", [ref])

    assert words(of(left, "G", f"{BIASES}/{FIRST}")) == {"tagged"}
    types = {
        line.dataset_type: words(line) for line in lines(left) if line.collection == f"{BIASES}/{SECOND}"
    }
    assert types == {STATISTICS: {"tagged"}, "ptc": set()}


def test_what_somebody_certified_below_a_name_of_his_own_is_certified(left: Sites) -> None:
    with left.butler(ORIGIN) as butler:
        butler.collections.register("u/somebody/biases", CollectionType.CALIBRATION)
        refs = butler.query_datasets("bias", collections=f"{BIASES}/{FIRST}")
        butler.registry.certify("u/somebody/biases", refs, world.timespan(world.IN_2024))

    again = by_name(left)

    assert ("G", f"{BIASES}/{FIRST}") not in again
    assert again["C", "u/somebody/biases"].datasets == world.DETECTORS


def test_a_ticket_that_is_not_adopted_yet_keeps_all_that_is_its_own(left: Sites) -> None:
    left.tree.ticket("DM-6", "DP1/bias.20250207a", status="proposed")

    for letter, name in (
        ("C", CERTIFIED),
        ("D", f"{VERIFIED}/{FIRST}"),
        ("E", f"{BOOTSTRAPS}/run1"),
        ("F", f"{BIASES}/{FIRST}"),
        ("G", f"{BIASES}/{FIRST}"),
    ):
        assert words(of(left, letter, name)) == {"not-adopted"}


def test_an_adopted_ticket_is_kept_until_a_chain_lists_it_or_it_is_retired(left: Sites) -> None:
    left.tree.ticket("DM-6", "DP1/bias.20250207a")
    assert words(of(left, "C", CERTIFIED)) == {"not-listed"}

    left.tree.chain(["DM-2", "DM-1"], retired={"DM-6": "it was of no use"})
    assert ("C", CERTIFIED) in offered(left)

    left.tree.chain(["DM-6", "DM-2", "DM-1"])
    assert ("A", CERTIFIED) in by_name(left)


@pytest.mark.parametrize("spelled", ["as it is", "by a link to the repository", "by a link to each file"])
def test_files_that_another_repository_records_in_place_are_kept(
    left: Sites, tmp_path: Path, spelled: str
) -> None:
    from lsst.daf.butler import FileDataset

    def path_of(uri: Any) -> str:
        if spelled == "by a link to the repository":
            return str(uri.ospath).replace(str(left.path(ORIGIN)), str(tmp_path / "link"))
        return str(uri.ospath)

    (tmp_path / "link").symlink_to(left.path(ORIGIN))
    with left.butler(SUMMIT) as summit:
        origin = left.seen(ORIGIN)
        summit.collections.register(f"{BIASES}/{FIRST}")
        files = []
        for ref in origin.query_datasets("bias", collections=f"{BIASES}/{FIRST}"):
            files.append(FileDataset(path_of(origin.getURI(ref)), [ref], formatter=world.STAND_IN))
        # So its own datastore has nothing but links.
        transfer = "symlink" if spelled == "by a link to each file" else "direct"
        summit.ingest(*files, transfer=transfer)

    line = of(left, "G", f"{BIASES}/{FIRST}")

    assert {(keeper.by.value, keeper.repository) for keeper in line.kept} == {("used-elsewhere", SUMMIT)}


def test_litter_of_today_may_be_that_of_a_batch(left: Sites) -> None:
    leave_litter(left, changed=time.time())

    assert words(of(left, "F", f"{BIASES}/{FIRST}")) == {"written-lately"}


# How long something is kept


def test_a_day_in_the_settings_only_sorts_what_is_told(left: Sites) -> None:
    adopted = {"status": "adopted", "note": "for a test", "date": "2025-02-10"}
    left.tree.ticket("DM-6", "DP1/bias.20250207a", approval=adopted)
    left.tree.chain(["DM-6", "DM-2", "DM-1"])
    before = {(line.retention, line.collection, line.uuids): line for line in lines(left)}

    # Long enough for whoever runs this.
    left.tree.settings(retention={"keep": {"intermediates": "9999d"}})
    after = {(line.retention, line.collection, line.uuids): line for line in lines(left)}

    assert before.keys() == after.keys()
    for key, line in after.items():
        was = before[key]
        assert line.command == was.command
        is_made = line.retention.value in "DEG"
        assert line.state is (LineState.LATER if is_made else was.state)
        assert str(line.not_before) == ("2052-06-27" if is_made else "None")
    assert "not before 2052-06-27" in left.run("retention", ORIGIN).out


def test_a_day_in_the_settings_stales_no_plan(left: Sites) -> None:
    before = Session(left.tree.state).desired.digest

    left.tree.settings(retention={"keep": {"intermediates": "90d"}})

    assert Session(left.tree.state).desired.digest == before


@pytest.mark.parametrize("days", ["90", "0d", "3 weeks", "-1d", "99999d"])
def test_what_is_no_number_of_days_is_refused(left: Sites, days: str) -> None:
    left.tree.settings(retention={"keep": {"intermediates": days}})

    ran = left.run("retention")

    assert ran.code == 1
    assert "calibstate.yaml" in ran.err


# Places that cannot be seen


def hide(sites: Sites, address: str) -> Path:
    """Have a repository not be where it is declared to be."""
    sites.close()
    return sites.path(address).rename(sites.tree.folder / "hidden")


def test_without_a_sight_of_every_place_nothing_is_known(left: Sites) -> None:
    hide(left, SUMMIT)

    ran = left.run("retention")
    document = left.run("retention", "--format", "json").json

    assert ran.code == 1
    assert "nothing is offered" in ran.err
    assert document["unreachable"].keys() == {SUMMIT}
    assert document["repositories"].keys() == {ORIGIN, EMBARGO}
    states = {line["state"] for line in document["repositories"][ORIGIN]["lines"]}
    assert states == {"in-use", "not-known"}
    assert not [line for line in document["repositories"][ORIGIN]["lines"] if line["command"]]


def test_to_ask_for_one_place_looks_at_all(left: Sites) -> None:
    asked = left.run("retention", ORIGIN, "--format", "json")
    assert asked.json["repositories"].keys() == {ORIGIN}
    hide(left, SUMMIT)

    assert left.run("retention", ORIGIN).code == 1


def test_a_published_look_counts_until_it_is_too_old(left: Sites) -> None:
    left.change_chain(SUMMIT, lambda children: list(reversed(children)))
    assert left.run("observe", "--site", "summit", "--publish").code == 0
    hide(left, SUMMIT)

    ran = left.run("retention", "--observed", "published")
    document = left.run("retention", "--observed", "published", "--format", "json").json
    too_old = left.run("retention", "--observed", "published", "--max-age", "0s")

    assert ran.code == 0
    assert "its TAGGED collections" in " ".join(ran.err.split())
    assert document["published"] == [SUMMIT]
    told = {line["collection"]: line for line in document["repositories"][ORIGIN]["lines"]}
    # The summit searches DM-1 first, which nobody else does.
    assert {told[name]["retention_class"] for name in SHADOWED} == {"A"}
    assert told[UNSEARCHED]["state"] == "offered"
    assert too_old.code == 1


# Rucio


def test_a_rule_of_another_account_keeps_a_ticket(carried: Carried) -> None:
    assert carried.apply().code == 4
    carried.arrive()
    assert carried.apply().code == 0
    carried.tree.chain([], retired={"DM-1": "it was of no use"})
    for address in (ORIGIN, SUMMIT, BTS):
        carried.change_chain(address, lambda children: [])
    names = {("C", name) for name in SHADOWED}
    assert offered(carried) == names, "rules of ours keep nothing"

    client = carried.rucio.client()
    carried.rucio.add_account("somebody")
    client.set_local_account_limit("somebody", ARRIVES_AT[SUMMIT], -1)
    did = {"scope": carried.scope, "name": carried.dataset()}
    client.add_replication_rule([did], 1, ARRIVES_AT[SUMMIT], account="somebody")

    for letter, name in names:
        (keeper,) = of(carried, letter, name).kept
        assert (keeper.by.value, keeper.name) == ("rule", f"somebody on {carried.dataset()}")


@pytest.mark.slow
def test_without_rucio_nobody_knows_what_its_rules_keep(carried: Carried) -> None:
    assert carried.apply().code == 4
    carried.arrive()
    assert carried.apply().code == 0
    carried.tree.chain([], retired={"DM-1": "it was of no use"})
    carried.rucio.stop_server()
    try:
        ran = carried.run("retention", "--format", "json", "--timeout", "2s")
    finally:
        carried.rucio.start_server()

    assert ran.code == 1
    assert list(ran.json["unreachable"]) == ["rucio"]
