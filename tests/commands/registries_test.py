"""What real registries showed: empty chains, files away, seams in a night."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable

import pytest
from lsst.daf.butler import CalibrationLookupError, FileDataset, Timespan
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from calibstate.model.timespans import UNBOUNDED_BEGIN, UNBOUNDED_END
from tests import world
from tests.calibrations import exposure_span
from tests.commands.sites import EMBARGO, INSTRUMENT, ORIGIN, SUMMIT, TOP, Sites

# --- an empty chain ---


def test_a_chain_that_nothing_is_searched_through_is_no_drift_where_it_is_absent(deployed: Sites) -> None:
    for name in ("empty", "around-it"):
        with deployed.butler(ORIGIN) as butler:
            butler.collections.register(f"{TOP}/{name}", CollectionType.CHAINED)
    deployed.tree.chain([], f"{TOP}/empty")
    deployed.tree.chain([f"{TOP}/empty"], f"{TOP}/around-it")
    deployed.tree.chain([f"{TOP}/around-it", "DM-2", "DM-1"])
    deployed.change_chain(ORIGIN, lambda children: [f"{TOP}/around-it", *children])
    deployed.change_chain(ORIGIN, lambda children: [f"{TOP}/empty"], f"{TOP}/around-it")

    plan = deployed.run("plan")

    assert plan.code == 0, plan.out
    assert deployed.run("drift").code == 0


def test_what_a_hand_put_into_a_chain_declared_empty_is_still_told(deployed: Sites) -> None:
    name = deployed.add_own(ORIGIN)
    with deployed.butler(ORIGIN) as butler:
        butler.collections.register(f"{TOP}/empty", CollectionType.CHAINED)
    deployed.change_chain(ORIGIN, lambda children: [name], f"{TOP}/empty")
    deployed.tree.chain([], f"{TOP}/empty")

    ran = deployed.run("drift", "--format", "json")

    assert {(one["what"], one["subject"]) for one in ran.json["drift"]} == {("extra", name)}


def test_a_chain_whose_ticket_is_awaited_is_still_told(sites: Sites) -> None:
    sites.tree.chain(["DM-1"], f"{TOP}/inner")
    sites.tree.chain([f"{TOP}/inner", "DM-2"])

    ran = sites.run("drift", "--site", "summit", "--format", "json")

    assert f"{TOP}/inner" in {drift["subject"] for drift in ran.json["drift"]}


# --- a file system that is away ---


def test_files_recorded_elsewhere_are_never_placed_where_their_mount_was(deployed: Sites) -> None:
    elsewhere = deployed.tree.folder / "mounted"
    with deployed.butler(SUMMIT) as butler:
        refs = list(butler.registry.queryDatasets("bias", collections=f"{TOP}/DM-2/bias.20240101a"))
        butler.pruneDatasets(refs, unstore=True, disassociate=False)
        source = deployed.seen(ORIGIN)
        for ref in refs:
            target = elsewhere / f"{ref.id}.fits"
            target.parent.mkdir(exist_ok=True)
            shutil.copy(source.getURI(ref).ospath, target)
            butler.ingest(FileDataset(str(target), [ref], formatter=world.STAND_IN), transfer="direct")
    assert deployed.run("drift", "--files").code == 0
    away = elsewhere.rename(deployed.tree.folder / "away")

    ran = deployed.apply("--files", "--site", "summit")

    assert ran.code == 3
    assert "Recorded file is away" in ran.out
    assert not elsewhere.exists()
    away.rename(elsewhere)
    assert deployed.run("drift", "--files").code == 0


def test_a_datastore_that_is_away_is_not_built_up(deployed: Sites) -> None:
    config = deployed.path(EMBARGO) / "butler.yaml"
    root = deployed.tree.folder / "datastore"
    root.mkdir()
    for folder in [path for path in deployed.path(EMBARGO).iterdir() if path.is_dir()]:
        folder.rename(root / folder.name)
    config.write_text(config.read_text().replace("root: <butlerRoot>", f"root: {root}"))
    assert deployed.run("drift", "--files").code == 0, "the files are there"
    away = root.rename(deployed.tree.folder / "away")
    root.mkdir()

    ran = deployed.apply("--files", "--repository", EMBARGO)

    assert ran.code == 3
    assert "Datastore is away" in ran.out
    assert list(root.iterdir()) == []
    root.rmdir()
    away.rename(root)
    assert deployed.run("drift", "--files").code == 0


# --- what is half imported, and what is declared as others' ---


def test_an_empty_calibration_collection_is_told_when_it_is_captured(sites: Sites) -> None:
    with sites.butler(ORIGIN) as butler:
        butler.collections.register(f"{TOP}/gen2", CollectionType.CALIBRATION)
    sites.change_chain(ORIGIN, lambda children: [*children, f"{TOP}/gen2"])

    ran = sites.run("capture", ORIGIN, INSTRUMENT)

    assert "Empty calibration collections" in ran.err
    assert f"{TOP}/gen2" in ran.err


def test_calibrations_in_what_is_declared_as_others_are_told(deployed: Sites) -> None:
    name = deployed.add_own(ORIGIN, f"{TOP}/gen2")
    deployed.change_chain(ORIGIN, lambda children: [*children, name])
    deployed.tree.chain(["DM-2", "DM-1", {"external": name, "only": ["usdf/main"]}])

    ran = deployed.run("drift")

    assert ran.code == 0
    assert "Calibrations that are not deployed" in ran.err
    assert f"{name} at {ORIGIN}" in ran.err


# --- a seam within an exposure ---


def git(sites: Sites, *arguments: str) -> None:
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=sites.tree.state, check=True, capture_output=True)


def test_an_exposure_across_a_seam_is_told_by_impact_as_the_butler_has_it(deployed: Sites) -> None:
    git(deployed, "init", "-q", "-b", "main")
    git(deployed, "add", "-A")
    git(deployed, "commit", "-q", "-m", "as it was")
    with deployed.butler(ORIGIN) as butler:
        exposures = world.add_exposures(butler, 20240601, 1, 2, 3)
    begin, end = exposure_span(20240601, 2)
    seam = (begin + end) // 2
    # One dataset for all time, in two ranges: the seam changes no moment.
    deployed.make_ticket("DM-3", {"bias.a": ("bias", (UNBOUNDED_BEGIN, seam), (seam, UNBOUNDED_END))})
    deployed.tree.chain(["DM-3", "DM-2", "DM-1"])

    ran = deployed.run("impact", "main", "--live", ORIGIN, "--exposures", "", "--format", "json")

    assert ran.code == 0, ran.err
    failing = {one["exposure"] for one in ran.json["exposures"] if one["ambiguous"]}
    refused = set()
    for number, exposure in enumerate(exposures, 1):
        span = Timespan(None, None, _nsec=exposure_span(20240601, number))
        try:
            deployed.seen(ORIGIN).find_dataset(
                "bias", instrument=INSTRUMENT, detector=0, collections=f"{TOP}/DM-3", timespan=span
            )
        except CalibrationLookupError:
            refused.add(exposure)
    assert failing == refused == {exposures[1]}
    deployed.apply("--site", "usdf")
    review = deployed.run("verify", "--ticket", "DM-3", "--repository", ORIGIN)
    assert review.code == 1
    assert f"exposures {exposures[1]} lie across two certifications" in review.out
    text = deployed.run("impact", "main", "--live", ORIGIN, "--exposures", "").out
    assert f"lookups of bias fail for 1 exposure ({exposures[1]})" in text


@pytest.mark.parametrize("changed", [False, True])
def test_a_seam_that_stays_as_it_was_is_no_impact(deployed: Sites, changed: bool) -> None:
    begin, end = exposure_span(20240601, 1)
    seam = (begin + end) // 2
    with deployed.butler(ORIGIN) as butler:
        world.add_exposures(butler, 20240601, 1)
    deployed.make_ticket("DM-3", {"bias.a": ("bias", (UNBOUNDED_BEGIN, seam), (seam, UNBOUNDED_END))})
    deployed.tree.chain(["DM-3", "DM-2", "DM-1"])
    git(deployed, "init", "-q", "-b", "main")
    git(deployed, "add", "-A")
    git(deployed, "commit", "-q", "-m", "as it was")
    entries = ["DM-2", "DM-1"] if changed else ["DM-3", "DM-1"]
    deployed.tree.chain(entries)

    told = deployed.run("impact", "main", "--live", ORIGIN, "--exposures", "", "--format", "json").json

    (exposure,) = told["exposures"] or [{"dataset_types": [], "ambiguous": []}]
    assert exposure["ambiguous"] == []
    assert ("bias" in exposure["dataset_types"]) == changed


# --- a registry that is none, and of which nothing is declared ---


def make_no_database(sites: Sites) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    (sites.path(SUMMIT) / "gen3.sqlite3").write_text(pointer)


def take_away(sites: Sites) -> None:
    shutil.rmtree(sites.path(SUMMIT))


@pytest.mark.parametrize("spoil", [make_no_database, take_away])
def test_a_repository_of_which_nothing_is_declared_is_looked_at_all_the_same(
    sites: Sites, spoil: Callable[[Sites], None]
) -> None:
    for folder in ("tickets", "chains"):
        shutil.rmtree(sites.tree.state / folder)
    in_sync = [sites.run(command).code for command in ("drift", "plan", "status")]
    observed = str(sites.tree.folder / "observed.json")
    assert sites.run("observe", "-o", observed).code == 0
    from_file = sites.run("drift", "--observed", observed)
    spoil(sites)

    for command in ("drift", "plan", "status", "fingerprint", "doctor"):
        ran = sites.run(command)
        assert ran.code == 1, f"{command}: {ran.out}"
        assert SUMMIT in ran.out + ran.err
    others = sites.run("drift", "--site", "usdf")

    assert in_sync == [0, 0, 0]
    assert from_file.code == 0, from_file.out
    assert others.code == 0
