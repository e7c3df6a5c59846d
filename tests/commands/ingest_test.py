"""Files of a catalogue come in at the origin, and from there go everywhere.

By the stock commands of ``butler``, and believed only when it is seen there.
"""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from lsst.daf.butler import (
    DataCoordinate,
    DatasetIdGenEnum,
    DatasetRef,
    DatasetType,
    DimensionUniverse,
    FileDataset,
)

from calibstate.model.ingests import FileRow, FileTable, reproducible_rows
from tests import world
from tests.commands.catalogues import DATA_FACILITY, datasets
from tests.commands.sites import ORIGIN, Sites

RUN = "refcats/DM-50001/gaia_dr4"
TYPE = "gaia_dr4"
PIXELS = (147456, 147457, 147460)

ENTRY = {
    "run": RUN,
    "type": TYPE,
    "dimensions": ["htm7"],
    "storage_class": "SimpleCatalog",
    "table": "DM-50001.ecsv",
    "prefix": "../../../incoming/gaia_dr4",
    "transfer": "direct",
    "formatter": world.STAND_IN,
}


def declare(sites: Sites, **more: Any) -> None:
    """Declare that a catalogue is ingested, and its table beside it."""
    entry = {key: value for key, value in (ENTRY | more).items() if value is not None}
    ticket = {
        "ticket": "DM-50001",
        "instrument": "any",
        "approval": {"status": "adopted", "note": "made for a test"},
        "bare": [RUN],
        "ingest": [entry],
    }
    folder = sites.tree.state / "tickets/any"
    (folder / "DM-50001.yaml").write_text(yaml.dump(ticket))
    write_table(sites, {f"{pixel}.fits": pixel for pixel in PIXELS})
    chain = sites.tree.state / "chains/refcats.yaml"
    chain.write_text("chain: refcats\ninstrument: any\nentries: [DM-50001, DM-49042]\n")
    incoming = sites.tree.folder / "incoming/gaia_dr4"
    incoming.mkdir(parents=True, exist_ok=True)
    for pixel in PIXELS:
        (incoming / f"{pixel}.fits").write_text(f"stars of {pixel}\n")


def write_table(sites: Sites, pixels: dict[str, int]) -> None:
    lines = ["# %ECSV 1.0", "# ---", "# datatype:"]
    lines += ["# - {name: filename, datatype: string}", "# - {name: htm7, datatype: int64}"]
    lines += ["filename htm7", *(f"{file} {pixel}" for file, pixel in pixels.items())]
    (sites.tree.state / "tickets/any/DM-50001.ecsv").write_text("\n".join(lines) + "\n")


def ingest_by_hand(sites: Sites, *pixels: int, ids: DatasetIdGenEnum, dataset_type: str = TYPE) -> None:
    """Ingest some files otherwise than it is declared."""
    with sites.butler(ORIGIN) as origin:
        type_ = DatasetType(dataset_type, origin.dimensions.conform(["htm7"]), "SimpleCatalog")
        origin.registry.registerDatasetType(type_)
        origin.collections.register(RUN)
        files = []
        for pixel in pixels:
            data_id = DataCoordinate.standardize(htm7=pixel, dimensions=type_.dimensions)
            ref = DatasetRef(type_, data_id, run=RUN, id_generation_mode=ids)
            path = sites.tree.folder / f"incoming/gaia_dr4/{pixel}.fits"
            files.append(FileDataset(str(path), [ref], formatter=world.STAND_IN))
        origin.ingest(*files, transfer="direct")


def test_a_catalogue_comes_in_and_goes_everywhere_with_ids_that_repeat(catalogues: Sites) -> None:
    declare(catalogues)
    planned = catalogues.run("plan", "--ticket", "DM-50001")
    assert planned.code == 2, planned.err
    assert f"none of 3 {TYPE} of tickets/any/DM-50001.ecsv is ingested" in planned.out
    assert "         from ../../../incoming/gaia_dr4\n" in planned.out
    steps = catalogues.run("plan", "--ticket", "DM-50001", "--format", "json").json["steps"]
    assert [step["do"] for step in steps][:3] == ["ingest-files", "export-bundle", "import-bundle"]

    done = catalogues.apply()

    assert done.code == 0, done.out + done.err
    there = datasets(catalogues, ORIGIN, RUN)
    assert sorted(there.values()) == [f"{TYPE} {{'htm7': {pixel}}}" for pixel in PIXELS]
    assert datasets(catalogues, DATA_FACILITY, RUN) == there
    assert catalogues.chain(DATA_FACILITY, "refcats")[0] == RUN
    # Where they were delivered, and nowhere else.
    seen = catalogues.seen(ORIGIN)
    for uuid in there:
        ref = seen.get_dataset(uuid)
        assert ref is not None
        assert str(seen.getURI(ref)).startswith((catalogues.tree.folder / "incoming").as_uri())
    again = catalogues.run("plan")
    assert (again.code, again.out) == (0, "In sync: nothing to do.\n"), again.err


def test_what_is_there_in_part_is_told_and_left_alone(catalogues: Sites) -> None:
    declare(catalogues)
    ingest_by_hand(catalogues, PIXELS[0], ids=DatasetIdGenEnum.DATAID_TYPE_RUN)
    before = datasets(catalogues, ORIGIN, RUN)

    refused = catalogues.apply()

    assert refused.code == 3
    assert f"1 of 3 are in {RUN}; missing {TYPE} htm7=147457" in refused.out
    assert "takes all or nothing" in refused.out + refused.err
    assert datasets(catalogues, ORIGIN, RUN) == before
    assert not catalogues.has(DATA_FACILITY, RUN)
    # By hand it is made whole, and then it is what was declared.
    ingest_by_hand(catalogues, *PIXELS[1:], ids=DatasetIdGenEnum.DATAID_TYPE_RUN)
    assert catalogues.apply().code == 0
    assert datasets(catalogues, DATA_FACILITY, RUN) == datasets(catalogues, ORIGIN, RUN)


@pytest.mark.parametrize(
    ("pixels", "ids", "told"),
    [
        (PIXELS, DatasetIdGenEnum.UNIQUE, "holds data IDs of the table under other ids"),
        ((*PIXELS, 147461), DatasetIdGenEnum.DATAID_TYPE_RUN, "holds 1 that tickets/any/DM-50001.ecsv"),
    ],
    ids=["other ids", "one more"],
)
def test_what_is_there_otherwise_is_told_and_not_exported(
    catalogues: Sites, pixels: tuple[int, ...], ids: DatasetIdGenEnum, told: str
) -> None:
    declare(catalogues)
    (catalogues.tree.folder / "incoming/gaia_dr4/147461.fits").write_text("stars\n")
    ingest_by_hand(catalogues, *pixels, ids=ids)

    refused = catalogues.run("plan", "--ticket", "DM-50001")

    assert refused.code == 3, refused.out
    assert told in refused.out
    assert "export-bundle" not in refused.out
    assert f"its origin {ORIGIN} does not hold {RUN} yet" in refused.out


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"table": "other.csv"}, "tickets/any/other.csv: there is no such file in the tree"),
        (
            {"dimensions": ["htm7", "instrument"]},
            "has the dimensions (htm7), and declared are (htm7, instrument)",
        ),
        ({"prefix": None}, "names 147456.fits, and no `prefix` says where that is"),
        ({"formatter": "os.path.Join"}, "in no package that `formatters`"),
    ],
    ids=["no table", "other dimensions", "no prefix", "no such formatter"],
)
def test_a_table_that_does_not_fit_is_told_before_anything_is_begun(
    catalogues: Sites, more: dict[str, Any], told: str
) -> None:
    declare(catalogues, **more)

    refused = catalogues.run("plan", "--ticket", "DM-50001")

    assert refused.code == 3, refused.out
    assert told in refused.out


def test_a_table_is_a_file_of_the_tree_if_a_ticket_names_it(catalogues: Sites) -> None:
    declare(catalogues)
    assert "File not read" not in catalogues.run("validate").err
    declare(catalogues, table="DM-50001.csv")
    told = catalogues.run("validate").err
    assert "File not read\n  tickets/any/DM-50001.ecsv:1:1" in told


def test_a_link_out_of_the_tree_is_not_followed(catalogues: Sites) -> None:
    declare(catalogues)
    table = catalogues.tree.state / "tickets/any/DM-50001.ecsv"
    table.rename(catalogues.tree.folder / "outside.ecsv")
    table.symlink_to(catalogues.tree.folder / "outside.ecsv")

    refused = catalogues.run("plan", "--ticket", "DM-50001")

    assert refused.code == 3
    assert "there is no such file in the tree" in refused.out


@pytest.mark.slow
def test_a_command_that_fails_is_told_with_what_is_there(catalogues: Sites) -> None:
    declare(catalogues)
    (catalogues.tree.folder / f"incoming/gaia_dr4/{PIXELS[1]}.fits").unlink()

    failed = catalogues.apply("--site", "usdf")

    assert failed.code == 1
    assert "butler ingest-files ended with 1" in failed.out + failed.err
    assert "0 of 3 are there" in failed.out + failed.err
    assert not datasets(catalogues, ORIGIN, RUN)
    # Once the cause is gone, the same step does it.
    declare(catalogues)
    assert catalogues.apply("--site", "usdf").code == 0
    assert len(datasets(catalogues, ORIGIN, RUN)) == 3


@pytest.mark.slow
def test_a_type_of_that_name_with_other_dimensions_stops_it(catalogues: Sites) -> None:
    declare(catalogues)
    with catalogues.butler(ORIGIN) as origin:
        type_ = DatasetType(TYPE, origin.dimensions.conform(["htm9"]), "SimpleCatalog")
        origin.registry.registerDatasetType(type_)

    failed = catalogues.apply("--site", "usdf")

    assert failed.code == 1
    assert "butler register-dataset-type ended with 1" in failed.out + failed.err
    assert not catalogues.has(ORIGIN, RUN)


def test_a_plan_made_for_another_table_is_stale(catalogues: Sites) -> None:
    declare(catalogues)
    file = catalogues.tree.folder / "plan.json"
    assert catalogues.run("plan", "--ticket", "DM-50001", "-o", str(file)).code == 2
    write_table(catalogues, {f"{pixel}.fits": pixel for pixel in PIXELS[:2]})

    stale = catalogues.run("apply", str(file), "--yes")

    assert stale.code == 3
    assert not catalogues.has(ORIGIN, RUN)


def test_the_ids_are_those_that_the_butler_makes() -> None:
    dimensions = DimensionUniverse()
    cases: list[tuple[tuple[str, ...], list[dict[str, int | str]]]] = [
        ((), [{}]),
        (("htm7",), [{"htm7": 147456}]),
        (("instrument",), [{"instrument": "LSSTComCam"}]),
        (("instrument", "detector"), [{"instrument": "LSSTComCam", "detector": 4}]),
    ]
    for names, data_ids in cases:
        type_ = DatasetType("anything", dimensions.conform(names), "StructuredDataDict")
        rows = tuple(FileRow("file", tuple(str(data_id[name]) for name in names)) for data_id in data_ids)
        table = FileTable("", "", names, rows)
        ours = {(row.data_id, row.uuid) for row in reproducible_rows("a/run", "anything", table)}
        theirs = set()
        for data_id in data_ids:
            coordinate = DataCoordinate.standardize(data_id, dimensions=type_.dimensions)
            mode = DatasetIdGenEnum.DATAID_TYPE_RUN
            ref = DatasetRef(type_, coordinate, run="a/run", id_generation_mode=mode)
            words = ",".join(f"{key}={data_id[key]}" for key in sorted(data_id))
            theirs.add((words, str(ref.id)))
        assert ours == theirs


@pytest.mark.slow
def test_who_is_killed_leaves_the_command_and_the_next_run_waits_for_it(
    catalogues: Sites, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert catalogues.apply().code == 0
    declare(catalogues)
    told, go = tmp_path / "told", tmp_path / "go"
    os.mkfifo(told)
    os.mkfifo(go)
    # It holds one end of a pipe for as long as it lives, and begins when told.
    held_back = f"""#!/bin/sh
[ "$1" = ingest-files ] || exec {sys.executable.replace("python", "butler")} "$@"
exec 3> {told}
echo begun >&3
read word < {go}
{sys.executable.replace("python", "butler")} "$@"
"""
    program = tmp_path / "bin" / "butler"
    program.parent.mkdir()
    program.write_text(held_back)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    pipe = os.open(told, os.O_RDONLY | os.O_NONBLOCK)
    applying = catalogues.tree.spawn("apply", "--yes", "--site", "usdf")
    assert _next(pipe) == b"begun\n"

    applying.kill()
    applying.communicate()

    waiting = catalogues.apply("--site", "usdf")
    assert waiting.code == 4, waiting.out + waiting.err
    assert "butler ingest-files runs as process" in waiting.out
    assert "ingest-files " not in waiting.out.partition("Not mended")[0]
    assert not catalogues.has(ORIGIN, RUN)
    with go.open("w") as words:
        words.write("on\n")
    assert _next(pipe) == b"", "it has ended"
    os.close(pipe)
    # What it did meanwhile is what was to be done.
    done = catalogues.apply()
    assert done.code == 0, done.out + done.err
    assert "done     ingest-files" not in done.out
    assert datasets(catalogues, DATA_FACILITY, RUN) == datasets(catalogues, ORIGIN, RUN)
    assert len(datasets(catalogues, ORIGIN, RUN)) == len(PIXELS)


def _next(pipe: int) -> bytes:
    """Return what is told next; nothing where nobody is there any more."""
    ready, _, _ = select.select([pipe], [], [], 300)
    assert ready, "nobody tells anything"
    return os.read(pipe, 100)
