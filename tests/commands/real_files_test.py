"""Published exports of real calibrations, declared and deployed.

They hold what no world of a test would think of: skymaps and regions beside
the calibrations, empty collections in a chain, ids that were integers, RUNs
with times in their names, one file for 62 datasets.
"""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import yaml
from lsst.daf.butler import Butler, DatasetRef, Timespan

from calibstate.cli.app import run
from tests import real_files
from tests.real_files import DECAM, HSC, OLD, REAL_FILES, STACK, RealFile
from tests.tree import Tree

ORIGIN, COPY = "usdf/main", "summit/main"

Deployed = Callable[[RealFile], Tree]

SOME = [
    pytest.param(real, id=real.name, marks=pytest.mark.slow if real is HSC else ()) for real in REAL_FILES
]
"""The largest is for those who have the time."""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[RealFile], Tree]:
    """Give a tree with a real file at the origin, and an empty copy."""
    made: dict[str, Tree] = {}

    def make(real: RealFile) -> Tree:
        if real.name not in made:
            tree = Tree(tmp_path_factory.mktemp(real.name), instrument=real.instrument)
            real_files.load(real, tree.repository(ORIGIN))
            Butler.makeRepo(str(tree.repository(COPY)))
            declare(real, tree)
            made[real.name] = tree
        return made[real.name]

    return make


@pytest.fixture
def world(loaded: Callable[[RealFile], Tree], tmp_path: Path) -> Callable[[RealFile], Tree]:
    """Give a tree of one's own."""

    def make(real: RealFile) -> Tree:
        shutil.copytree(loaded(real).folder, tmp_path / real.name)
        return Tree(tmp_path / real.name, instrument=real.instrument)

    return make


@pytest.fixture(scope="module")
def deployed(loaded: Callable[[RealFile], Tree]) -> Deployed:
    """Give a tree that was applied once; it is not to be changed."""
    made: dict[str, Tree] = {}

    def make(real: RealFile) -> Tree:
        if real.name not in made:
            tree = Tree(loaded(real).folder.with_name(f"{real.name}.deployed"), instrument=real.instrument)
            shutil.copytree(loaded(real).folder, tree.folder)
            with real_files.stack(), redirect_stdout(io.StringIO()) as out:
                code = run(["-C", str(tree.state), "apply", "--yes"])
            assert code == (4 if real.empty else 0), out.getvalue()
            made[real.name] = tree
        return made[real.name]

    return make


@pytest.fixture
def stack() -> Iterator[None]:
    with real_files.stack():
        yield


def declare(real: RealFile, tree: Tree) -> None:
    tree.settings(formatters=real_files.FORMATTERS)
    tree.site("usdf", {"main": "origin"})
    tree.site("summit", {"main": "copy"})
    for ticket, bare in real.tickets.items():
        tree.ticket(ticket, bare=list(bare))
    for chain, entries in real.chains.items():
        tree.chain([_entry(word, real) for word in entries], chain)


def _entry(word: str, real: RealFile) -> Any:
    ours = word in real.tickets or word in real.chains
    return word if ours else {"external": word, "only": [ORIGIN]}


def butler(tree: Tree, address: str) -> Butler:
    return Butler.from_config(str(tree.repository(address)))


def certifications(where: Butler, real: RealFile) -> list[tuple[str, DatasetRef, Timespan]]:
    """Return collection, dataset and range of all that is certified."""
    found = []
    for collection in real.leaves:
        for info in where.collections.query_info(collection, include_summary=True):
            for name in info.dataset_types or ():
                associations = where.registry.queryDatasetAssociations(name, collection)
                found += [(collection, a.ref, a.timespan) for a in associations if a.timespan]
    return found


def middle(span: Timespan) -> Timespan:
    begin, end = span.nsec
    return Timespan(None, None, _nsec=((begin + end) // 2, (begin + end) // 2 + 1))


def snapshot(folder: Path) -> dict[str, tuple[int, str]]:
    """Return every file with its time and digest."""
    return {
        str(file.relative_to(folder)): (
            file.stat().st_mtime_ns,
            hashlib.sha256(file.read_bytes()).hexdigest(),
        )
        for file in folder.rglob("*")
        if file.is_file()
    }


# --- deployed, it is the same ---


@pytest.mark.parametrize("real", SOME)
def test_every_lookup_finds_at_the_copy_what_it_finds_at_the_origin(deployed, real):
    with butler(deployed(real), ORIGIN) as origin, butler(deployed(real), COPY) as copy:
        rows = certifications(origin, real)
        assert len(rows) == real.certifications
        with origin.registry.caching_context(), copy.registry.caching_context():
            for _, ref, span in rows:
                asked = {"collections": real.top, "timespan": middle(span)}
                here = origin.find_dataset(ref.datasetType, ref.dataId, **asked)
                there = copy.find_dataset(ref.datasetType.name, dict(ref.dataId.required), **asked)
                assert here is not None
                assert there is not None, f"{ref} is not found at {middle(span)}"
                assert (here.id, here.run, here.dataId.required) == (
                    there.id,
                    there.run,
                    there.dataId.required,
                )


@pytest.mark.parametrize("real", SOME)
def test_every_range_arrives_to_the_nanosecond(deployed, real):
    with butler(deployed(real), ORIGIN) as origin, butler(deployed(real), COPY) as copy:
        there = {(c, ref.id, span.nsec) for c, ref, span in certifications(copy, real)}
        assert there == {(c, ref.id, span.nsec) for c, ref, span in certifications(origin, real)}
        assert len(there) == real.certifications


@pytest.mark.parametrize("real", SOME)
def test_every_file_arrives_byte_by_byte(deployed, real):
    with butler(deployed(real), ORIGIN) as origin, butler(deployed(real), COPY) as copy:
        refs = {ref for _, ref, _ in certifications(origin, real)}
        here, there = origin.get_many_uris(refs), copy.get_many_uris(refs)
        for ref in refs:
            source, target = here[ref].primaryURI, there[ref].primaryURI
            root = copy.get_datastore_roots()["FileDatastore@<butlerRoot>"]
            assert source and target and root
            assert target.relative_to(root)
            assert target.read() == source.read()


def test_datasets_that_share_a_file_share_it_at_the_copy(deployed):
    with butler(deployed(DECAM), COPY) as copy:
        refs = copy.query_datasets("cpBias", "DECam/calib/20150218T000000Z", find_first=False)
        assert len(refs) == 4  # Of 62; the others are certified nowhere.
        assert len({str(uris.primaryURI) for uris in copy.get_many_uris(refs).values()}) == 1


@pytest.mark.parametrize("real", SOME)
def test_the_manifest_has_the_fingerprints_of_both_repositories(deployed, real):
    tree = deployed(real)
    told = {
        collection["name"]: collection["fingerprint"]
        for manifest in tree.folder.glob("archive/*/*/*/manifest.json")
        for collection in yaml.safe_load(manifest.read_text())["collections"]
    }
    assert set(told) == set(real.leaves)
    for address in (ORIGIN, COPY):
        with butler(tree, address) as where:
            rows = certifications(where, real)
        assert told == {leaf: fingerprint(leaf, rows) for leaf in real.leaves}


def fingerprint(collection: str, rows: list[tuple[str, DatasetRef, Timespan]]) -> str:
    """Return a collection fingerprint, written anew from its definition."""
    lines = []
    for _, ref, span in (row for row in rows if row[0] == collection):
        data_id = ",".join(f"{key}={ref.dataId[key]}" for key in sorted(ref.dataId.required))
        begin, end = span.nsec
        first = "-" if begin == 0 else str(begin)
        last = "-" if end == 4102444800000000000 else str(end)
        lines.append(f"{ref.datasetType.name}\t{data_id}\t{ref.id}\t{first}\t{last}\n")
    return "sha256:" + hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


@pytest.mark.parametrize("real", SOME)
def test_a_second_apply_writes_nothing(deployed, real, stack, capsys):
    tree = deployed(real)
    before = snapshot(tree.folder / "repo") | snapshot(tree.folder / "archive")
    again = tree.run(capsys, "apply", "--yes")
    assert again.code == (4 if real.empty else 0)
    assert ("No steps" if real.empty else "In sync") in again.out
    assert snapshot(tree.folder / "repo") | snapshot(tree.folder / "archive") == before


@pytest.mark.parametrize("real", SOME)
def test_no_drift_is_left(deployed, real, capsys):
    found = deployed(real).run(capsys, "drift", "--files", "--format", "json")
    told = {(d["subject"], d["what"]) for d in found.json["drift"]}
    waiting = {(f"{real.instrument}/{ticket}", "pending") for ticket in real.empty}
    assert told >= waiting
    assert {what for _, what in told} <= {"pending"}
    assert found.code == (4 if real.empty else 0)


def test_a_collection_that_holds_nothing_is_awaited_and_not_searched(deployed, capsys):
    plan = deployed(HSC).run(capsys, "plan")
    assert plan.code == 4
    assert "does not hold HSC/calib/DM-28636 yet" in plan.out
    with butler(deployed(HSC), COPY) as copy:
        children = copy.collections.get_info("HSC/calib").children
    assert children == ("HSC/calib/curated", "HSC/calib/gen2/20180117")


def test_what_no_ticket_holds_stays_at_the_origin(deployed):
    with butler(deployed(DECAM), COPY) as copy:
        assert set(copy.collections.query("refcats*")) == set()
        assert not list(copy.registry.queryDatasetTypes("goodSeeingCoadd"))
        assert copy.collections.get_info("DECam/defaults").children == ("DECam/calib",)


def test_integer_ids_of_the_old_format_arrive_as_the_origin_has_them(deployed):
    with butler(deployed(OLD), ORIGIN) as origin, butler(deployed(OLD), COPY) as copy:
        run = "HSC/calib/curated/2013-01-31T00:00:00"
        (here,) = origin.query_datasets("defects", run)
        (there,) = copy.query_datasets("defects", run)
        assert here.id == there.id
        assert copy.getURI(there).exists()


# --- without the stack ---


@pytest.mark.parametrize("real", [one for one in SOME if one.values[0] in (HSC, OLD)])
def test_without_the_stack_all_but_apply_works(world, real):
    tree = world(real)
    codes = {command: finished(tree, command) for command in ("validate", "show", "drift", "plan")}
    # What apply would refuse is known to plan.
    assert [code for code, _, _ in codes.values()] == [0, 0, 2, 3]
    assert all("lsst." not in err for _, _, err in codes.values())
    assert f"{len(real.tickets) - len(real.empty)} " in codes["plan"][1]


@pytest.mark.parametrize("real", [one for one in SOME if one.values[0] in (HSC, OLD)])
def test_without_the_stack_apply_refuses_and_writes_nothing_to_the_copy(world, real):
    tree = world(real)
    # The first writer of a repository, if it does nothing, makes its tables.
    Butler.from_config(str(tree.repository(COPY)), writeable=True).close()
    before = snapshot(tree.repository(COPY))
    code, out, err = finished(tree, "apply", "--yes")
    assert code == 3
    assert real.foreign in out + err
    assert "cannot be imported" in out
    assert "Rubin" in out
    assert "Traceback" not in out + err
    assert snapshot(tree.repository(COPY)) == before


@pytest.mark.slow
def test_what_the_stack_was_missing_for_is_done_when_it_is_there(world):
    tree = world(OLD)
    assert finished(tree, "apply", "--yes")[0] == 3
    assert finished(tree, "apply", "--yes", PYTHONPATH=str(STACK))[0] == 0
    assert finished(tree, "plan")[0] == 0


def finished(tree: Tree, *arguments: str, **variables: str) -> tuple[int, str, str]:
    """Run a command in a process without the formatter classes."""
    process = tree.spawn(*arguments, **{"PYTHONPATH": "", **variables})
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def test_the_stand_ins_are_not_in_the_package():
    package = STACK.parents[2] / "calibstate"
    assert not [file for file in package.rglob("*.py") if "FitsGenericFormatter" in file.read_text()]


# --- the stock import of our bundles ---


@pytest.mark.parametrize("real", SOME)
def test_the_stock_import_reads_the_bundles(deployed, real, stack, tmp_path):
    Butler.makeRepo(str(tmp_path / "stock"))
    for manifest in deployed(real).folder.glob("archive/*/*/*/manifest.json"):
        stock_import(tmp_path / "stock", manifest.parent)
    with butler(deployed(real), COPY) as copy, Butler.from_config(str(tmp_path / "stock")) as stock:
        assert_same_leaves(copy, stock, real)


def assert_same_leaves(copy: Butler, stock: Butler, real: RealFile) -> None:
    ours = {(c, ref.id, span.nsec) for c, ref, span in certifications(copy, real)}
    assert {(c, ref.id, span.nsec) for c, ref, span in certifications(stock, real)} == ours
    expected = {(info.name, info.type) for info in copy.collections.query_info("*")}
    expected = {(name, type_) for name, type_ in expected if name not in real.chains}
    assert {(info.name, info.type) for info in stock.collections.query_info("*")} == expected


def stock_import(repository: Path, bundle: Path) -> None:
    """Run ``butler import``, as people do."""
    from click.testing import CliRunner
    from lsst.daf.butler.cli.butler import cli

    arguments = ["import", "-t", "copy", "--export-file", str(bundle / "export.yaml")]
    ran = CliRunner().invoke(cli, [*arguments, str(repository), str(bundle)])
    assert ran.exit_code == 0, f"{ran.output}\n{ran.exception!r}"
