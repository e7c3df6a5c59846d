"""What datastores record and how they keep files: sizes, zips, chains."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from lsst.daf.butler import Butler, Config, DataCoordinate, DatasetRef, FileDataset

from tests import world
from tests.commands.sites import INSTRUMENT, ORIGIN, SUMMIT, TOP, Sites

BIAS = f"{TOP}/DM-2/bias.20240101a"

CHAINED = "lsst.daf.butler.datastores.chainedDatastore.ChainedDatastore"
FILES = "lsst.daf.butler.datastores.fileDatastore.FileDatastore"
IN_MEMORY = "lsst.daf.butler.datastores.inMemoryDatastore.InMemoryDatastore"


def first_file(sites: Sites, address: str) -> Path:
    return sorted(sites.path(address).rglob("DM-2/bias*/**/*.fits"))[0]


def forget_sizes(sites: Sites, address: str) -> None:
    with closing(sqlite3.connect(sites.path(address) / "gen3.sqlite3")) as database:
        database.execute("UPDATE file_datastore_records SET file_size = -1")
        database.commit()


# --- files that are not as they were recorded ---


@pytest.mark.parametrize("left", [0, 7])
@pytest.mark.matrix(1)
def test_a_file_that_was_cut_off_is_never_sealed_or_exported(sites: Sites, left: int) -> None:
    file = first_file(sites, ORIGIN)
    file.write_bytes(file.read_bytes()[:left])

    sealed = sites.run("seal", "DM-2")
    applied = sites.run("apply", "--yes")

    assert sealed.code == 3
    assert "File is not as recorded" in sealed.err
    assert str(file) in sealed.err
    assert applied.code == 3
    assert f"has {left} bytes" in applied.out
    assert not sites.has(SUMMIT, BIAS)
    assert sites.has(SUMMIT, f"{TOP}/DM-1/bias.20240101a"), "the other ticket goes on"


def not_yet_searched(sites: Sites, ticket: str = "DM-2") -> None:
    """Let the origin have a ticket that it does not search yet."""
    sites.change_chain(ORIGIN, lambda children: [child for child in children if not child.endswith(ticket)])
    with sites.butler(ORIGIN) as butler:
        butler.collections.x_remove(f"{TOP}/{ticket}")


def cut_off_a_file(sites: Sites) -> None:
    file = first_file(sites, ORIGIN)
    file.write_bytes(file.read_bytes()[:7])


def put_something_in_the_way_of_the_bundle(sites: Sites) -> None:
    exports = [step["with"] for step in sites.run("plan", "--format", "json").json["steps"]]
    (fingerprint,) = [w["fingerprint"] for w in exports if w.get("origin") and w["ticket"] == "DM-2"]
    folder = sites.tree.folder / "archive" / INSTRUMENT / "DM-2" / fingerprint.removeprefix("sha256:")[:16]
    (folder / "export.yaml" / "of others").mkdir(parents=True)


@pytest.mark.parametrize("spoil", [cut_off_a_file, put_something_in_the_way_of_the_bundle])
def test_the_origin_does_not_begin_to_search_what_cannot_be_exported(
    sites: Sites, spoil: Callable[[Sites], None]
) -> None:
    not_yet_searched(sites)
    spoil(sites)

    applied = sites.run("apply", "--yes")

    assert applied.code in {1, 3}, applied.out
    assert "export-bundle archive:bundle:LSSTComCam/DM-2" in applied.out
    assert sites.chain(ORIGIN) == (f"{TOP}/DM-1",)
    assert not sites.has(ORIGIN, f"{TOP}/DM-2"), "nor is its own chain made"
    assert sites.chain(SUMMIT) == (f"{TOP}/DM-1",), "the other ticket goes on"


def test_the_origin_searches_what_it_has_once_it_is_exported(sites: Sites) -> None:
    not_yet_searched(sites)

    assert sites.run("apply", "--yes").code == 0

    assert sites.chain(ORIGIN) == (f"{TOP}/DM-2", f"{TOP}/DM-1")


def test_an_archive_that_is_away_keeps_no_sealed_ticket_from_its_origin(deployed: Sites) -> None:
    assert deployed.run("seal", "DM-2").code == 0
    deployed.change_chain(ORIGIN, lambda children: children[1:])
    shutil.move(deployed.tree.folder / "archive", deployed.tree.folder / "away")
    (deployed.tree.folder / "archive").write_text("not a folder")

    applied = deployed.run("apply", "--yes", "--repository", ORIGIN)

    assert applied.code in {0, 1}
    assert deployed.chain(ORIGIN) == (f"{TOP}/DM-2", f"{TOP}/DM-1")


@pytest.mark.parametrize("address", [ORIGIN, SUMMIT])
def test_a_file_that_is_not_as_recorded_does_not_begin_to_be_searched(deployed: Sites, address: str) -> None:
    assert deployed.run("seal", "DM-2").code == 0
    deployed.change_chain(address, lambda children: children[1:])
    # Without the archive only the datastore knows how large files are.
    shutil.move(deployed.tree.folder / "archive", deployed.tree.folder / "away")
    (deployed.tree.folder / "archive").write_text("not a folder")
    saved = str(deployed.tree.folder / "plan.json")
    deployed.run("plan", "--repository", address, "-o", saved)
    file = first_file(deployed, address)
    file.write_bytes(file.read_bytes()[:7])

    planned_anew = deployed.run("apply", "--yes", "--repository", address)
    applied = deployed.run("apply", saved, "--yes")

    assert planned_anew.code != 0
    assert applied.code != 0
    assert "another size than was recorded" in applied.out + applied.err
    assert deployed.chain(address) == (f"{TOP}/DM-1",)


def test_a_file_that_was_cut_off_is_changed_and_does_not_pass(deployed: Sites) -> None:
    # No bundle and no seal to compare with: only the datastore knows.
    shutil.rmtree(deployed.tree.folder / "archive")
    file = first_file(deployed, ORIGIN)
    file.write_bytes(file.read_bytes()[:7])

    drift = deployed.run("drift", "--files", "--ticket", "DM-2", "--repository", ORIGIN, "--format", "json")
    verified = deployed.run("verify", "--ticket", "DM-2", "--repository", ORIGIN)

    assert "changed" in [d["what"] for d in drift.json["drift"]]
    assert verified.code == 1
    assert "the datastore recorded" in verified.out


def test_a_size_that_was_not_recorded_refuses_nothing_and_an_empty_file_is_told(sites: Sites) -> None:
    forget_sizes(sites, ORIGIN)
    first_file(sites, ORIGIN).write_bytes(b"")

    sealed = sites.run("seal", "DM-2")
    assert sites.run("apply", "--yes").code == 0
    verified = sites.run("verify", "--ticket", "DM-2", "--repository", ORIGIN)

    assert sealed.code == 0
    assert "empty" in sealed.err
    assert verified.code == 0
    assert "empty" in verified.out


def test_a_checksum_that_was_recorded_is_compared(sites: Sites) -> None:
    file = first_file(sites, ORIGIN)
    with closing(sqlite3.connect(sites.path(ORIGIN) / "gen3.sqlite3")) as database:
        changed = database.execute(
            "UPDATE file_datastore_records SET checksum = ? WHERE path LIKE ?",
            ("0" * 128, f"%{file.name}"),
        )
        assert changed.rowcount == 1
        database.commit()

    sealed = sites.run("seal", "DM-2")

    assert sealed.code == 3
    assert "another checksum" in sealed.err


# --- a file of others where one of ours would go ---


def test_a_file_of_another_dataset_is_never_to_be_moved(sites: Sites) -> None:
    path = first_file(sites, ORIGIN).relative_to(sites.path(ORIGIN))
    with sites.butler(SUMMIT) as butler:
        type_ = world.add_type(butler, "bias")
        butler.collections.register("u/other/run")
        target = sites.path(SUMMIT) / path
        target.parent.mkdir(parents=True)
        target.write_bytes(b"somebody's work")
        other = _ref(butler, type_, "u/other/run")
        butler.ingest(FileDataset(str(path), [other], formatter=world.STAND_IN), transfer=None)

    ran = sites.run("apply", "--yes", "--ticket", "DM-2", "--repository", SUMMIT, "--repository", ORIGIN)

    assert ran.code == 3
    assert "File of another dataset is in the way" in ran.out
    assert "must stay" in ran.out
    assert target.read_bytes() == b"somebody's work"


def _ref(butler: Butler, type_: Any, run: str) -> Any:
    data_id = DataCoordinate.standardize(
        {"instrument": "LSSTComCam", "detector": 0}, dimensions=type_.dimensions, universe=butler.dimensions
    )
    return DatasetRef(type_, data_id, run=run)


# --- zip files ---


def take_as_zip(sites: Sites, folder: Path, address: str = SUMMIT) -> Path:
    """Bring the biases of DM-2 to a repository within one zip file."""
    origin = sites.seen(ORIGIN)
    refs = list(origin.registry.queryDatasets("bias", collections=f"{BIAS}.run"))
    made = origin.retrieve_artifacts_zip(refs, str(folder))
    with sites.butler(address) as butler:
        world.add_type(butler, "bias")
        butler.ingest_zip(made, transfer="copy")
    (zip_file,) = sites.path(address).rglob("*.zip")
    return zip_file


def test_members_of_a_zip_file_are_whole_and_are_read(sites: Sites, tmp_path: Path) -> None:
    take_as_zip(sites, tmp_path)

    assert sites.run("apply", "--yes").code == 0
    assert sites.run("drift", "--files").code == 0
    assert sites.run("plan", "--files").code == 0
    verified = sites.run("verify", "--bytes", "--ticket", "DM-2", "--repository", SUMMIT)
    assert verified.code == 0, verified.out


def test_a_zip_file_that_is_gone_or_damaged_is_never_replaced(sites: Sites, tmp_path: Path) -> None:
    zip_file = take_as_zip(sites, tmp_path)
    assert sites.run("apply", "--yes").code == 0
    whole = zip_file.read_bytes()
    zip_file.unlink()

    gone = sites.run("apply", "--yes", "--files", "--repository", SUMMIT)
    assert gone.code == 3
    assert not zip_file.exists()
    assert "Bring it back" in gone.out

    zip_file.write_bytes(whole[: len(whole) // 2])
    damaged = sites.run("apply", "--yes", "--files", "--repository", SUMMIT)
    assert damaged.code == 3
    assert "move" not in damaged.out.lower()
    assert zip_file.read_bytes() == whole[: len(whole) // 2]


# --- chains of datastores ---


def make_chained(sites: Sites, datastores: Sequence[str]) -> list[Path]:
    """Make the summit a chain of datastores; return the folders of files."""
    path = sites.path(SUMMIT)
    shutil.rmtree(path)
    children = [{"datastore": {"cls": cls}} for cls in datastores]
    config = Config({"datastore": {"cls": CHAINED, "datastores": children}})
    path.mkdir()
    Butler.makeRepo(str(path), config)
    with sites.butler(SUMMIT) as butler:
        world.add_instrument(butler, INSTRUMENT)
        roots = [root for root in butler.get_datastore_roots().values() if root is not None]
    return [Path(root.ospath) for root in roots]


def test_a_chain_of_datastores_takes_files_into_its_first_one(sites: Sites) -> None:
    first, second = make_chained(sites, [IN_MEMORY, FILES, FILES])

    applied = sites.run("apply", "--yes")
    again = sites.snapshot("repo")
    assert sites.run("apply", "--yes").code == 0

    assert applied.code == 0, applied.out + applied.err
    assert sites.snapshot("repo") == again
    assert len(list(first.rglob("*.fits"))) == len(sites.files(ORIGIN))
    assert not list(second.rglob("*.fits"))
    assert sites.run("verify", "--bytes", "--repository", SUMMIT).code == 0
    assert not sites.without_file(SUMMIT)


def test_what_any_datastore_of_a_chain_has_is_there(sites: Sites) -> None:
    first, second = make_chained(sites, [FILES, FILES])
    assert sites.run("apply", "--yes").code == 0
    # As if an administrator had moved everything to the second one.
    shutil.rmtree(second, ignore_errors=True)
    shutil.move(first, second)
    _, name = sites.seen(SUMMIT).get_datastore_names()
    sites.close()
    with closing(sqlite3.connect(sites.path(SUMMIT) / "gen3.sqlite3")) as database:
        database.execute("UPDATE dataset_location SET datastore_name = ?", (name,))
        database.commit()

    assert sites.run("drift", "--files").code == 0
    assert sites.run("verify", "--repository", SUMMIT).code == 0
    before = sites.snapshot("repo")
    assert sites.run("apply", "--yes", "--files").code == 0
    assert sites.snapshot("repo") == before


def test_a_repository_without_a_datastore_of_files_is_foreseen(sites: Sites) -> None:
    make_chained(sites, [IN_MEMORY])

    planned = sites.run("plan", "--repository", SUMMIT, "--repository", ORIGIN)
    doctor = sites.run("doctor", "--repository", SUMMIT)

    assert planned.code == 3
    assert "Datastore is not one of files" in planned.out
    assert "none of them keeps files" in doctor.out


# --- what plan foresees ---


def test_what_cannot_be_exported_is_foreseen(sites: Sites, tmp_path: Path) -> None:
    with sites.butler(ORIGIN) as butler:
        refs = list(butler.registry.queryDatasets("bias", collections=f"{BIAS}.run"))
        made = butler.retrieve_artifacts_zip(refs, str(tmp_path))
        butler.pruneDatasets(refs, disassociate=False, unstore=True)
        butler.ingest_zip(made, transfer="copy")

    before = sites.snapshot("repo")
    planned = sites.run("plan")
    applied = sites.run("apply", "--yes", "--ticket", "DM-2")

    assert planned.code == 3
    assert "Datasets have no files of their own" in planned.out
    assert "export-bundle     LSSTComCam/DM-1" in planned.out
    assert applied.code == 3
    assert sites.snapshot("repo") == before


def test_another_detector_is_foreseen_and_bookkeeping_is_noted(sites: Sites) -> None:
    with closing(sqlite3.connect(sites.path(SUMMIT) / "gen3.sqlite3")) as database:
        database.execute("UPDATE instrument SET exposure_max = 5, detector_max = 9, class_name = 'x.Y'")
        database.commit()
    noted = sites.run("plan")
    assert noted.code == 2
    assert "Bookkeeping differs" in noted.err
    assert "exposure_max is 5" in noted.err

    with closing(sqlite3.connect(sites.path(SUMMIT) / "gen3.sqlite3")) as database:
        database.execute("UPDATE detector SET raft = 'R77' WHERE id = 2")
        database.commit()
    refused = sites.run("plan")
    assert refused.code == 3
    assert "Dimension record differs" in refused.out
    assert "R77" in refused.out
