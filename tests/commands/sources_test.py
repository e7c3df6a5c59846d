"""Readings of instruments, from a Large File Annex into real butlers."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from calibstate.adapters.fitsheader import BLOCK
from tests import world
from tests.annex import electrometer_file, electrometer_path, shutter_file, shutter_path
from tests.commands.annexed import RUN, Annexed, annexed, declare, feed, make_origin
from tests.commands.sites import ORIGIN, Sites
from tests.services.moto import S3
from tests.stand_ins.commands import plugins

USDF = ("--repository", ORIGIN)
DAY = 20250607
SHUTTER = "LSSTComCam/calib/shutterMotion"


def number(seq: int) -> int:
    return DAY * 100_000 + seq


@dataclass
class Folder:
    """A folder of files beside the state tree."""

    sites: Sites

    def put(self, path: str, data: bytes) -> None:
        file = self.sites.tree.folder / "annex" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    def ingested(self) -> set[int]:
        return set(self.files("photodiode", RUN))

    def files(self, dataset_type: str, run: str) -> dict[int, bytes]:
        """Return what the file of each exposure holds, as the butler tells."""
        butler = self.sites.seen(ORIGIN)
        refs = butler.query_datasets(dataset_type, collections=run, explain=False)
        return {int(ref.dataId["exposure"]): butler.getURI(ref).read() for ref in refs}


def commit(folder: Path) -> None:
    git = ["git", "-C", str(folder), "-c", "user.name=N", "-c", "user.email=n@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "state"], check=True)
    subprocess.run([*git, "commit", "-qm", "As it is"], check=True)


@pytest.fixture(scope="session")
def origin_without_tickets(tmp_path_factory: pytest.TempPathFactory) -> Sites:
    return make_origin(tmp_path_factory.mktemp("sources") / "made")


@pytest.fixture
def sites(
    origin_without_tickets: Sites,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Sites]:
    """Return an origin whose ``butler`` ingests readings."""
    monkeypatch.setenv("DAF_BUTLER_PLUGINS", plugins("ingesting"))
    with closing(origin_without_tickets.copied_to(tmp_path / "sites", capsys)) as copy:
        yield copy


@pytest.fixture
def annex(s3: S3, sites: Sites, monkeypatch: pytest.MonkeyPatch) -> Iterator[Annexed]:
    with annexed(s3, sites, monkeypatch) as opened:
        yield opened


def drift(sites: Sites) -> list[dict[str, Any]]:
    """Return the drift of sources."""
    found = sites.run("drift", *USDF, "--format", "json").json["drift"]
    return [one for one in found if one["target"]["kind"] == "source"]


@pytest.mark.parametrize(
    ("days", "flats", "number"),
    [(6, 3, 28), pytest.param(30, 33, 1000, marks=pytest.mark.slow)],
)
def test_what_is_missing_is_ingested_and_looked_at_no_more(
    annex: Annexed, days: int, flats: int, number: int
) -> None:
    sites = annex.sites
    annex.fill(days, flats)
    assert annex.number == number

    # At the first look each file is opened once, for one block of its header.
    with annex.counted() as first:
        found = drift(sites)
    assert sorted(set(first.opened)) == sorted(first.opened)
    assert len(first.opened) == number
    assert first.bytes == BLOCK * (number - len(annex.lost) - 1) + len(b"cut off")
    # Of two stores each is looked at once and listed once.
    assert first.lists == 4

    told = {one["subject"]: one["detail"] for one in found if one["reason"] == "file-unmatched"}
    assert told == annex.odd
    (waiting,) = (one for one in found if one["what"] == "pending")
    assert (waiting["reason"], annex.waiting[0] in waiting["detail"]) == ("exposure-awaited", True)
    (missing,) = (one for one in found if not one["reason"])
    assert missing["what"] == "missing"
    assert missing["detail"].startswith(f"{days * flats} files of {days} days, 2025-06-07 to ")
    assert {one["declared_at"]["file"] for one in found} == {"sources/LSSTComCam.yaml"}

    plan = sites.run("plan", *USDF)
    assert f"ingest-readings LSSTComCam/photodiode {days * flats} files" in " ".join(plan.out.split())
    for name in annex.second:
        assert f"of their exposures other files come first: {name}" in plan.err
    assert f"no file is about {annex.without} flat of 2025-06-07" in plan.err

    # What is odd or waits keeps nothing from being ingested.
    applied = sites.apply(*USDF)
    assert "1  done     ingest-readings" in applied.out, applied.err
    assert annex.ingested() == annex.flats

    # Again: only days that have something to tell are opened.
    with annex.counted() as second:
        assert [one["reason"] for one in drift(sites)].count("") == 0
    uneven = {day: count for day, count in annex.files.items() if count != flats}
    assert len(second.opened) == sum(uneven.values())
    assert second.lists == 4
    assert "ingest-readings" not in sites.run("plan", *USDF).out

    # Once a person has said what is the matter, nothing is opened any more.
    ignored = dict.fromkeys([*annex.odd, *annex.second, *annex.waiting], "looked at by hand")
    declare(sites, photodiode=feed(annex.stores, ignored))
    with annex.counted() as last:
        assert sites.run("drift", *USDF).code == 0
    assert (last.lists, last.opened) == (4, [])
    assert sites.apply(*USDF).code == 0


@pytest.mark.slow
def test_a_file_that_comes_later_is_found_on_its_day_alone(annex: Annexed) -> None:
    sites = annex.sites
    days = (20250607, 20250608)
    with sites.butler(ORIGIN) as butler:
        for day in days:
            world.add_exposures(butler, day, 1, group=f"{day}T#1")
            world.add_exposures(butler, day, 2, group=f"{day}T#2")
            annex.put(day, 1, electrometer_file(f"{day}T#1"))
    assert sites.apply(*USDF).code == 0
    late = annex.put(days[1], 2, electrometer_file(f"{days[1]}T#2"))

    with annex.counted() as counted:
        assert sites.apply(*USDF).code == 0

    assert annex.ingested() == {2025060700001, 2025060800001, 2025060800002}
    # We read the header, and then the command the file.
    assert counted.opened.count(late) >= 2
    assert not [name for name in counted.opened if "20250607" in name]


@pytest.fixture
def folder(sites: Sites) -> Folder:
    """Return two exposures, and the file of one in a folder."""
    with sites.butler(ORIGIN) as butler:
        for seq in (1, 2):
            world.add_exposures(butler, DAY, seq, group=f"{DAY}T#{seq}", observation_type="flat")
    made = Folder(sites)
    made.put(electrometer_path(DAY, 1), electrometer_file(f"{DAY}T#1"))
    declare(sites, photodiode=feed(["../../annex"]))
    return made


def test_without_the_command_only_its_step_is_refused(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAF_BUTLER_PLUGINS", plugins("telling"))
    folder.sites.make_ticket("DM-3")

    applied = folder.sites.apply(*USDF)

    assert applied.code == 3
    assert "has no command `ingest-photodiode`" in applied.out + applied.err
    assert "done     export-bundle" in applied.out
    assert not folder.sites.has(ORIGIN, RUN)


def test_what_the_command_passes_over_is_named_each_time(folder: Folder) -> None:
    # Its header is that of a file whose data cannot be read, which is known
    # only to the command.
    folder.put(electrometer_path(DAY, 2), electrometer_file(f"{DAY}T#2", more={"BROKEN": "table"}))

    applied = folder.sites.apply(*USDF)

    assert applied.code == 1
    assert "left out EM103_O_20250607_000002.fits" in " ".join(applied.out.split())
    assert folder.ingested() == {number(1)}
    (again,) = drift(folder.sites)
    assert again["detail"].startswith("1 file of 2025-06-07")
    ignored = {"EM103_O_20250607_000002.fits": "its table cannot be read"}
    declare(folder.sites, photodiode=feed(["../../annex"], ignored))
    assert folder.sites.run("drift", *USDF).code == 0


def test_a_store_that_is_away_keeps_nothing_else_waiting(folder: Folder) -> None:
    sites = folder.sites
    sites.make_ticket("DM-3")
    declare(sites, photodiode=feed(["../../no/such/folder"]))

    found = sites.run("drift", *USDF)

    assert "Which files it holds is not known" in found.out
    (told,) = drift(sites)
    assert (told["what"], told["reason"]) == ("pending", "place-unseen")
    assert "done     export-bundle" in sites.apply(*USDF).out


def test_a_repository_on_hold_ingests_nothing(folder: Folder) -> None:
    sites = folder.sites
    sites.tree.site("usdf", {"main": "origin", "embargo": "copy"}, hold="disks are moved")

    plan = sites.run("plan", *USDF)

    assert plan.code == 4
    assert "on hold: disks are moved" in plan.out
    assert "allow hold" in plan.out + plan.err
    passed = sites.run("plan", *USDF, "--allow", "hold", "--because", "they are not")
    assert "ingest-readings" in passed.out


def test_who_cannot_see_the_repository_is_told_that_nobody_knows(folder: Folder) -> None:
    sites = folder.sites
    file = sites.tree.folder / "seen.json"
    assert sites.run("observe", "-o", str(file)).code == 0
    shutil.rmtree(sites.path(ORIGIN))

    found = sites.run("drift", *USDF, "--observed", str(file))

    assert found.code == 4
    assert "observations of others do not tell of exposures" in found.out


def test_a_saved_plan_is_applied_and_is_done_the_second_time(folder: Folder) -> None:
    sites = folder.sites
    file = str(sites.tree.folder / "plan.json")
    assert sites.run("plan", *USDF, "-o", file).code == 2
    assert "+ 2025-06-07: 1 file" in sites.run("show", file).out

    assert sites.apply(file).code == 0
    before = sites.snapshot("repo")
    assert sites.apply(file).code == 0
    assert sites.snapshot("repo") == before
    assert folder.ingested() == {number(1)}


def test_it_is_shown_and_has_a_row_and_is_told_as_a_change(folder: Folder) -> None:
    sites = folder.sites
    shown = sites.run("show", ORIGIN)
    assert f"source LSSTComCam/photodiode comes from ../../annex since 2025-06-07 into {RUN}" in shown.out
    rows = sites.run("status", *USDF, "--format", "json").json["tables"][0]["rows"]
    (row,) = (row for row in rows if row["name"] == "LSSTComCam/photodiode")
    assert [cell["state"] for cell in row["cells"]] == ["missing"]
    commit(sites.tree.folder)
    declare(sites, photodiode=feed(["../../elsewhere"]))
    assert "../../elsewhere" in sites.run("diff", "HEAD").out
    assert "../../elsewhere" in sites.run("report", "--base", "HEAD").out


def test_files_of_hostile_names_are_ingested_and_keep_nothing_waiting(folder: Folder) -> None:
    sites = folder.sites
    names = ("-x#1", "%2e%2e", "a?b\nc")
    with sites.butler(ORIGIN) as butler:
        for seq, name in enumerate(names, 3):
            world.add_exposures(butler, DAY, seq, group=f"{DAY}T#{seq}", observation_type="flat")
            # The command asks for such a beginning.
            folder.put(f"2025/06/07/{name}_EM.fits", electrometer_file(f"{DAY}T#{seq}"))
    folder.put("2025/13/45/EM.fits", electrometer_file(f"{DAY}T#2"))

    file = str(sites.tree.folder / "plan.json")
    assert sites.run("plan", *USDF, "-o", file).code == 2
    applied = sites.apply(file)

    assert applied.code == 0, applied.out + applied.err
    assert folder.ingested() == {number(seq) for seq in (1, 3, 4, 5)}
    assert "ingest-readings" not in sites.run("plan", *USDF).out


def test_openings_and_closings_come_apart(sites: Sites) -> None:
    opened = Folder(sites)
    with sites.butler(ORIGIN) as butler:
        world.add_exposures(butler, DAY, 1, 2, 3)
    for seq in (1, 2):
        for way, is_open in (("Open", True), ("Close", False)):
            obs_id = f"MC_O_{DAY}_{seq:06d}"
            opened.put(shutter_path(DAY, obs_id, way), shutter_file(obs_id, is_open=is_open))
    third = f"MC_O_{DAY}_000003"
    opened.put(shutter_path(DAY, third, "Open"), shutter_file(third, is_open=False))
    declare(sites, shutter_motion={**feed(["../../annex"]), "into": SHUTTER})

    applied = sites.apply(*USDF)

    assert applied.code == 0, applied.err
    for way, is_open in (("Open", True), ("Close", False)):
        held = opened.files(f"shutterMotionProfile{way}", SHUTTER)
        assert set(held) == {number(1), number(2)}
        assert {json.loads(data)["motionProfile"]["isOpen"] for data in held.values()} == {is_open}
    told = {one["subject"]: one["detail"] for one in drift(sites)}
    assert told == {
        f"{third}_shutterMotionProfileOpen.json": "its isOpen is False, which is not what its name says"
    }
    assert "ingest-readings" not in sites.run("plan", *USDF).out


def test_a_plan_says_what_it_leaves_though_it_has_no_step(sites: Sites) -> None:
    folder = Folder(sites)
    folder.put(electrometer_path(DAY, 1), electrometer_file("never#1"))
    declare(sites, photodiode=feed(["../../annex"]))

    plan = sites.run("plan", *USDF)

    (told,) = drift(sites)
    assert told["reason"] == "file-unmatched"
    assert "Not mended by this plan\n  missing     usdf/main EM103_O_20250607_000001.fits" in plan.out
    assert told["detail"] in plan.out
    assert "No steps, 1 missing; looked at" in plan.out
