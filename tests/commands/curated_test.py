"""Curated calibrations are written once, and are the same everywhere.

Each repetition, cut and refusal of the stock command is shown once with it,
and once with ours.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from lsst.daf.butler import Timespan

from calibstate.model.timespans import UNBOUNDED_END, parse_tai
from tests import packages, world
from tests.commands.curated import (
    COLLECTION,
    ROWS,
    TICKET,
    UNBOUNDED,
    Paused,
    declare,
    environment,
    make_package,
    package,
    stock,
    written,
)
from tests.commands.sites import EMBARGO, ORIGIN, SUMMIT, TOP, Sites
from tests.packages import write_package
from tests.tree import Ran

EVERYWHERE = (ORIGIN, EMBARGO, SUMMIT)
CHAIN = ["DM-2", "DM-1", TICKET]


@pytest.fixture
def curated(deployed: Sites, monkeypatch: pytest.MonkeyPatch) -> Sites:
    """Return sites with a ticket that is to be written at the origin."""
    declare(deployed, make_package(deployed))
    deployed.tree.chain(CHAIN)
    for name, value in environment(deployed).items():
        monkeypatch.setenv(name, value)
    return deployed


@pytest.fixture(scope="session")
def curated_written_once(sites_deployed_once: Sites, tmp_path_factory: pytest.TempPathFactory) -> Sites:
    """Return such sites after the stock command, to copy."""
    sites = sites_deployed_once.copied_to(tmp_path_factory.mktemp("curated") / "written")
    declare(sites, make_package(sites))
    sites.tree.chain(CHAIN)
    ran = stock(sites)
    assert ran.returncode == 0, ran.stderr
    return sites


@pytest.fixture
def there(
    curated_written_once: Sites,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Sites]:
    """Return sites at whose origin the stock command wrote the ticket."""
    with closing(curated_written_once.copied_to(tmp_path / "sites", capsys)) as sites:
        for name, value in environment(sites).items():
            monkeypatch.setenv(name, value)
        yield sites


def since(moment: str) -> Timespan:
    return world.timespan((parse_tai(moment), UNBOUNDED_END))


def words(ran: Ran) -> str:
    return " ".join((ran.out + ran.err).split())


def test_what_is_declared_is_written_once_and_brought_everywhere(curated: Sites) -> None:
    assert curated.run("validate").code == 0
    drift = curated.run("drift")
    assert drift.code == 2, drift.out + drift.err
    assert "missing LSSTComCam/calib/DM-48650 none of 6 calibrations of obs_lsst_data" in words(drift)
    planned = curated.run("plan")
    assert planned.code == 2, planned.out + planned.err
    assert f"1 write-curated LSSTComCam/{TICKET}" in words(planned)
    assert "what needs its UUIDs is planned by the next run" in words(planned)
    assert "its origin usdf/main does not hold" in words(planned), "what waits for it is told"

    ran = curated.apply()
    assert ran.code == 4, ran.out + ran.err
    assert len(written(curated)) == ROWS
    ran = curated.apply()
    assert ran.code == 0, ran.out + ran.err
    assert "write-curated" not in ran.out
    for address in EVERYWHERE:
        assert written(curated, address) == written(curated)
        assert curated.chain(address)[-2:] == (COLLECTION, UNBOUNDED)
        uuid = curated.found(address, "transmission_filter", physical_filter="g_01")
        assert uuid in {row[2] for row in written(curated)}
        assert curated.without_file(address) == []

    before = curated.snapshot("repo", "archive")
    for command in (["plan"], ["apply", "--yes"], ["drift", "--files"]):
        ran = curated.run(*command)
        assert ran.code == 0, ran.out + ran.err
    assert curated.snapshot("repo", "archive") == before


@pytest.mark.slow
def test_a_proposed_ticket_is_written_sealed_and_then_deployed(curated: Sites) -> None:
    revision = packages.revision(package(curated))
    declare(curated, revision, status="proposed")
    curated.tree.chain(["DM-2", "DM-1"])
    assert "write-curated" not in curated.run("plan").out, "nobody has adopted it"
    ran = curated.run("certify", TICKET, "--yes")
    assert ran.code == 0, ran.out + ran.err
    rows = written(curated)
    assert len(rows) == ROWS
    again = curated.run("certify", TICKET, "--yes")
    assert again.code == 0, again.out + again.err
    assert curated.run("seal", TICKET).code == 0
    sealed = curated.run("certify", TICKET, "--yes")
    assert sealed.code == 0, sealed.out + sealed.err

    declare(curated, revision)
    curated.tree.chain(CHAIN)
    ran = curated.apply()
    assert ran.code == 0, ran.out + ran.err
    assert "write-curated" not in ran.out
    assert written(curated, SUMMIT) == written(curated) == rows


def test_a_second_run_is_refused_by_the_command_and_is_nothing_to_us(there: Sites) -> None:
    rows = written(there)
    again = stock(there)
    assert again.returncode == 1
    assert "ConflictingDefinitionError" in again.stderr
    assert written(there) == rows

    planned = there.run("plan")
    assert planned.code == 2, planned.out + planned.err
    assert "write-curated" not in planned.out
    assert "export-bundle" in planned.out


@pytest.mark.slow
def test_another_label_leaves_a_camera_behind_and_is_a_mistake_where_it_is_declared(there: Sites) -> None:
    rows = written(there)
    other = stock(there, label="DM-48651")
    assert other.returncode == 1
    assert "1 validity range conflicts" in other.stderr
    assert there.has(ORIGIN, f"{TOP}/DM-48651/unbounded"), "the RUN of the camera stays"
    assert written(there) == rows
    assert "write-curated" not in there.run("plan").out

    # The default of the command, once the collection of all is a chain.
    declare(there, None, "DM-48652", curated={"collection": TOP}, bare=[f"{TOP}/DM-48652"])
    refused = there.apply()
    assert refused.code == 1, refused.out + refused.err
    assert "error: Curated collection is a chain" in refused.err
    assert "DM-48652.yaml:11:15" in refused.err
    assert not there.has(ORIGIN, f"{TOP}/DM-48652/unbounded")
    into_the_chain = stock(there, label="DM-48652", collection=TOP)
    assert into_the_chain.returncode == 1
    assert written(there) == rows


@pytest.mark.slow
def test_a_label_that_a_refused_run_has_spoilt_is_named_and_another_proposed(there: Sites) -> None:
    assert stock(there, label="DM-48651").returncode == 1
    declare(there, None, "DM-48651", curated={"data": {"obs_lsst_data": packages.revision(package(there))}})
    ran = there.apply()
    assert ran.code == 3, ran.out + ran.err
    assert "6 of 6 calibrations are not there" in words(ran)
    assert f"there are {TOP}/DM-48651/unbounded" in words(ran)
    assert "Give `label: DM-48651a`" in words(ran)
    assert len(written(there, SUMMIT)) == ROWS, "the other ticket goes on"

    # As proposed it is written, beside what is left.
    new = {"label": "DM-48651a", "collection": f"{TOP}/DM-48651a"}
    declare(there, packages.revision(package(there)), "DM-48651", curated=new)
    ran = there.apply()
    assert ran.code == 4, ran.out + ran.err
    assert len(written(there, collection=f"{TOP}/DM-48651a")) == ROWS
    assert there.apply().code == 0


def test_a_package_that_is_not_set_up_leaves_the_camera_alone_and_is_refused_by_us(
    curated: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OBS_LSST_DATA_DIR")
    refused = curated.apply()
    assert refused.code == 3, refused.out + refused.err
    assert "obs_lsst_data is not set up: $OBS_LSST_DATA_DIR names no folder" in words(refused)
    assert not curated.has(ORIGIN, UNBOUNDED)

    ran = stock(curated, OBS_LSST_DATA_DIR="")
    assert ran.returncode == 0, "and it says that all is well"
    assert [row[0] for row in written(curated)] == ["camera"]
    unknown = curated.apply()
    assert unknown.code == 4, unknown.out + unknown.err
    assert "whether what is there is whole cannot be told: obs_lsst_data is not set up" in words(unknown)
    assert not curated.has(SUMMIT, COLLECTION)

    monkeypatch.setenv("OBS_LSST_DATA_DIR", str(package(curated)))
    half = curated.apply()
    assert half.code == 3, half.out + half.err
    assert "5 of 6 calibrations are not there: crosstalk detector 0..1 [" in words(half)
    assert "transmission_filter physical_filter g_01 [1970-01-01T00:00:08.000082, …)" in words(half)
    assert not curated.has(SUMMIT, COLLECTION), "what is half is not brought anywhere"
    assert COLLECTION not in curated.chain(ORIGIN)


@pytest.mark.slow
def test_a_package_of_another_revision_writes_nothing(curated: Sites) -> None:
    write_package(package(curated), {f"crosstalk/r00_s00/{packages.FIRST}": "0.9"})
    edited = curated.run("plan")
    assert edited.code == 3, edited.out + edited.err
    assert "has files of the camera that are not those of" in words(edited)
    other = packages.commit(package(curated))
    ran = curated.apply()
    assert ran.code == 3, ran.out + ran.err
    assert f"is of another revision than {packages.revision(package(curated), 'HEAD^')}: {other}" in words(
        ran
    )
    assert not curated.has(ORIGIN, UNBOUNDED)
    declare(curated, other[:9])
    assert curated.apply().code == 4
    assert len(written(curated)) == ROWS


@pytest.mark.slow
def test_a_package_that_the_command_would_stop_at_writes_nothing(curated: Sites) -> None:
    write_package(package(curated), {f"crosstalk/r99_s99/{packages.FIRST}": "0.9"})
    declare(curated, packages.commit(package(curated)))
    refused = curated.apply()
    assert refused.code == 3, refused.out + refused.err
    assert "detector r99_s99 is not known to the repository" in words(refused)
    assert not curated.has(ORIGIN, UNBOUNDED)
    stopped = stock(curated)
    assert stopped.returncode == 1
    assert "not known to supplied camera" in stopped.stderr
    assert [row[0] for row in written(curated)] == ["camera"]


@pytest.mark.slow
def test_a_host_without_the_command_says_so_before_anything_is_done(
    curated: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAF_BUTLER_PLUGINS")
    curated.make_ticket("DM-3")
    curated.tree.chain(["DM-3", *CHAIN])
    planned = curated.run("plan")
    assert planned.code == 3, planned.out + planned.err
    assert "has no command `write-curated-calibrations`" in words(planned)
    ran = curated.apply()
    assert ran.code == 3, ran.out + ran.err
    assert curated.chain(SUMMIT)[0] == f"{TOP}/DM-3", "everything else goes on"
    assert not curated.has(ORIGIN, UNBOUNDED)


def test_a_run_killed_amid_the_command_is_waited_for_and_then_gone_on_with(
    curated: Sites, tmp_path: Path
) -> None:
    paused = Paused(tmp_path / "pause")
    running = curated.tree.spawn("apply", "--yes", **environment(curated, paused.folder))
    paused.wait()
    running.kill()
    assert running.wait() == -signal.SIGKILL
    running.communicate()

    waiting = curated.run("plan")
    assert waiting.code == 4, waiting.out + waiting.err
    assert f"butler write-curated-calibrations runs, as process {paused.process}" in words(waiting)
    applied = curated.apply()
    assert applied.code == 4, applied.out + applied.err
    assert len(written(curated)) == 1, "it is not run beside itself"

    paused.go_on()
    assert len(written(curated)) == ROWS
    ran = curated.apply()
    assert ran.code == 0, ran.out + ran.err
    assert written(curated, SUMMIT) == written(curated)


@pytest.mark.slow
def test_a_command_killed_behind_the_camera_is_told_and_never_run_again(
    curated: Sites, tmp_path: Path
) -> None:
    paused = Paused(tmp_path / "pause")
    running = curated.tree.spawn("apply", "--yes", **environment(curated, paused.folder))
    paused.wait()
    paused.kill()
    out, err = running.communicate()
    assert running.returncode == 1, out + err
    told = " ".join(out.split())
    assert "Curated calibrations are not whole: butler write-curated-calibrations ended with -9" in told
    assert "5 of 6 calibrations are not there" in told
    camera = written(curated)
    assert [row[0] for row in camera] == ["camera"]

    refused = curated.apply()
    assert refused.code == 3, refused.out + refused.err
    assert f"there are {COLLECTION}, {UNBOUNDED}" in words(refused)
    assert "Give `label: DM-48650a` and `collection: LSSTComCam/calib/DM-48650a`" in words(refused)
    assert written(curated) == camera
    again = stock(curated)
    assert again.returncode == 1, "the command cannot go on either"


@pytest.mark.slow
def test_a_command_that_refuses_at_once_is_told_with_its_words(curated: Sites) -> None:
    revision = packages.revision(package(curated))
    declare(curated, revision, curated={"class": "tests.nobody.Else"})
    ran = curated.apply()
    assert ran.code == 1, ran.out + ran.err
    assert "butler write-curated-calibrations ended with 1:" in words(ran)
    assert "tests.nobody.Else" in words(ran)
    assert "Nothing of it was written" in words(ran)
    assert not curated.has(ORIGIN, COLLECTION)


def test_drift_from_the_package_says_of_what_detector_and_range(there: Sites) -> None:
    with there.butler(ORIGIN) as butler:
        late = since("2024-06-01T00:00:37")
        data_id = {"instrument": "LSSTComCam", "detector": 1}
        butler.registry.decertify(COLLECTION, "crosstalk", late, dataIds=[data_id])
    drift = there.run("drift")
    assert drift.code == 2, drift.out + drift.err
    assert "1 of 6 calibrations are not there: crosstalk detector 1 [2024-06-01T00:00:37, …)" in words(drift)
    sealed = there.run("seal", TICKET)
    assert sealed.code == 3, "nobody takes a part for final"
    assert "error: Curated calibrations are not whole" in sealed.err
    with there.butler(ORIGIN) as butler:
        refs = butler.query_datasets(
            "crosstalk",
            collections=f"{COLLECTION}/curated/20240601T000000Z",
            where="instrument='LSSTComCam' and detector=1",
        )
        butler.registry.certify(COLLECTION, refs[:1], since("2025-01-01T00:00:00"))
    drift = there.run("drift")
    assert drift.code == 2, drift.out + drift.err
    assert "1 are there that obs_lsst_data" in words(drift)
    assert "does not have: crosstalk detector 1 [2025-01-01T00:00:00, …)" in words(drift)
    assert not there.has(SUMMIT, COLLECTION)


def test_what_has_left_is_final_whatever_the_package_says_later(
    there: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert there.apply().code == 0
    write_package(package(there), {f"crosstalk/r00_s00/{packages.FIRST}": "0.9"})
    packages.commit(package(there))
    for _ in ("another revision", "no package at all"):
        ran = there.run("drift")
        assert ran.code == 0, ran.out + ran.err
        monkeypatch.delenv("OBS_LSST_DATA_DIR", raising=False)


@pytest.mark.slow
def test_an_unknown_revision_is_written_and_compared_with_nobodys_word(there: Sites) -> None:
    declare(there, None)
    told = there.run("validate")
    assert told.code == 0, told.out + told.err
    assert "note: Curated without a revision" in told.out + told.err
    assert "export-bundle" in there.run("plan").out
    write_package(package(there), {f"crosstalk/r00_s02/{packages.FIRST}": "0.9"})
    pending = there.apply()
    assert pending.code == 4, pending.out + pending.err
    assert "beside obs_lsst_data as it is set up here, 1 of 7 calibrations are not there" in words(pending)
    assert "calibstate seal DM-48650" in words(pending)
    assert not there.has(SUMMIT, COLLECTION)

    # A person who looked at it says that it is right.
    assert there.run("seal", TICKET).code == 0
    ran = there.apply()
    assert ran.code == 0, ran.out + ran.err
    assert written(there, SUMMIT) == written(there)


@pytest.mark.slow
def test_a_package_whose_revision_nobody_can_tell_is_written_with_a_note(curated: Sites) -> None:
    shutil.rmtree(package(curated) / ".git")
    planned = curated.run("plan")
    assert planned.code == 2, planned.out + planned.err
    assert "note: Revision of a package not known" in planned.err


@pytest.mark.slow
def test_a_saved_plan_is_carried_out_and_refused_once_its_ground_has_moved(
    curated: Sites, tmp_path: Path
) -> None:
    file = str(tmp_path / "plan.json")
    assert curated.run("plan", "-o", file).code == 2
    other = curated.copied_to(tmp_path / "other", curated.capsys)
    with other.butler(ORIGIN) as butler:
        butler.collections.register(UNBOUNDED)
    stale = other.run("apply", file, "--yes")
    assert stale.code == 3, stale.out + stale.err
    assert f"{UNBOUNDED} in usdf/main: expected none of that name" in words(stale)
    other.close()

    ran = curated.run("apply", file, "--yes")
    assert ran.code == 4, ran.out + ran.err
    assert len(written(curated)) == ROWS
    again = curated.run("apply", file, "--yes")
    assert again.code == 4, again.out + again.err
    assert len(written(curated)) == ROWS


@pytest.mark.slow
def test_who_is_told_of_an_origin_by_others_knows_not_what_is_set_up_there(
    there: Sites, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = str(tmp_path / "observed.json")
    assert there.run("observe", "--output", file).code == 0
    there.path(ORIGIN).rename(tmp_path / "away")
    for _ in ("the package is set up here", "it is not"):
        ran = there.run("drift", "--observed", file)
        assert ran.code == 4, ran.out + ran.err
        assert "what is set up there is not known" in words(ran)
        monkeypatch.delenv("OBS_LSST_DATA_DIR", raising=False)


def test_another_site_waits_for_the_origin(curated: Sites) -> None:
    ran = curated.apply("--site", "summit")
    assert ran.code == 4, ran.out + ran.err
    assert "calibstate apply --site usdf" in words(ran)
    assert not curated.has(ORIGIN, UNBOUNDED)
