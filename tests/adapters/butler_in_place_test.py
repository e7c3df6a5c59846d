"""Files that others brought, recorded by the real butler where they are."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from lsst.daf.butler import Butler, DataCoordinate, DatasetRef, FileDataset
from lsst.resources import ResourcePath

from calibstate.adapters.butler import DafButlerWriter, open_reader, open_writer, recover
from calibstate.adapters.butler.incoming import INCOMING, incoming_elsewhere
from calibstate.errors import NeedsRecoveryError, RefusedError
from calibstate.ports.butler import ImportCount
from tests import world
from tests.adapters.butler_at_once_test import FORK, die_at
from tests.bundles import BundleFolder, bundle_from
from tests.calibrations import FORMATTERS, IN_2024, IN_2025, SINCE_2024, STAND_IN
from tests.fakes.butler import MemoryButler
from tests.services.moto import S3

TICKET = "LSSTComCam/calib/DM-1"
BIAS, FLAT, VERIFY = f"{TICKET}/bias.a", f"{TICKET}/flat.a", f"{TICKET}/verify"
LEAVES = (BIAS, FLAT, VERIFY)
FILES = 16
ALL = ImportCount(placed=0, recorded=FILES, certified=20)
NOTHING = ImportCount(0, 0, 0)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> BundleFolder:
    """A bundle by reference; its folder is where its files still are."""
    origin = MemoryButler("origin")
    origin.add_calibration(BIAS, "bias", SINCE_2024, formatter=STAND_IN)
    origin.add_calibration(FLAT, "flat", IN_2024, IN_2025, formatter=STAND_IN)
    for uuid in origin.add_run(VERIFY, "verifyBiasStats"):
        # What a butler without a Rubin stack can read.
        origin.write_file(origin.datasets[uuid].path or "", f"uuid: {uuid}\n".ljust(2880).encode())
    made = bundle_from(origin, tmp_path_factory.mktemp("bundle") / "bundle", LEAVES, uris=origin.uris)
    return replace(made, manifest=made.manifest.model_copy(update={"by_reference": True}))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("empty") / "repository"
    world.make_repo(folder).close()
    return folder


@pytest.fixture
def folder(empty: Path, tmp_path: Path) -> Path:
    return world.clone(empty, tmp_path / "destination")


@pytest.fixture
def butler(folder: Path) -> Iterator[DafButlerWriter]:
    writer = open_writer(str(folder), FORMATTERS)
    yield writer
    writer.close()


@dataclass(frozen=True)
class Rse:
    """A folder or a bucket that a transfer service keeps."""

    given: str
    """What the import is told."""
    root: ResourcePath

    def receive(self, bundle: BundleFolder) -> None:
        for file in bundle.manifest.files:
            self.file(file.path).write((bundle.folder / file.path).read_bytes())

    def file(self, path: str) -> ResourcePath:
        file = self.root.join(path, forceDirectory=False)
        file.parent().mkdir()
        return file

    def uris(self, bundle: BundleFolder) -> set[str]:
        return {str(self.file(file.path)) for file in bundle.manifest.files}


def rse_at(given: str) -> Rse:
    return Rse(given, ResourcePath(given, forceDirectory=True))


@pytest.fixture(params=["path", "uri", "odd name", "within the datastore", "the datastore itself", "bucket"])
def rse(request: pytest.FixtureRequest, tmp_path: Path, folder: Path, bundle: BundleFolder) -> Rse:
    """A place of every sort, at which the bundle has arrived."""
    match request.param:
        case "bucket":
            s3: S3 = request.getfixturevalue("s3")
            given = f"{s3.bucket('rse')}/calibrations"
        case "uri":
            given = f"{(tmp_path / 'rse').as_uri()}/"
        case "odd name":
            given = str(tmp_path / "50% of #1 + more")
        case "within the datastore":
            given = str(folder / "rse")
        case "the datastore itself":
            given = str(folder)
        case _:
            given = str(tmp_path / "rse")
    made = rse_at(given)
    made.receive(bundle)
    return made


@pytest.fixture
def posix(tmp_path: Path, bundle: BundleFolder) -> Rse:
    """A folder at which the bundle has arrived."""
    made = rse_at(str(tmp_path / "rse"))
    made.receive(bundle)
    return made


def do(butler: DafButlerWriter, bundle: BundleFolder, rse: Rse) -> ImportCount:
    return butler.import_bundle(bundle.manifest, bundle.contents, "/not/there", in_place=rse.given)


def recorded(folder: Path, bundle: BundleFolder) -> dict[str, str]:
    """Return where another client finds each dataset of a bundle."""
    with Butler.from_config(str(folder)) as client:
        refs = client.get_many_datasets(d.uuid for d in bundle.contents.datasets)
        return {str(ref.id): str(client.getURI(ref)) for ref in refs}


def touched(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Return what would differ if a file were moved, written or replaced."""
    return {
        str(file.relative_to(folder)): (
            file.stat().st_ino,
            file.stat().st_mtime_ns,
            hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "",
        )
        for file in folder.rglob("*")
    }


def is_whole(folder: Path, bundle: BundleFolder) -> bool:
    """Say whether a repository holds all of a bundle, with its files."""
    with closing(open_reader(str(folder))) as reader:
        held = reader.holdings(LEAVES, files=LEAVES)
    return all(
        name in held
        and held[name].fingerprint == bundle.manifest.fingerprints[name]
        and not held[name].unrecorded
        and set(held[name].sizes.values()) == {2880}
        for name in LEAVES
    )


# Recording


@pytest.mark.matrix(2)
def test_another_client_finds_and_reads_the_files_where_they_are(
    butler: DafButlerWriter, folder: Path, bundle: BundleFolder, rse: Rse
) -> None:
    assert do(butler, bundle, rse) == ALL
    assert set(recorded(folder, bundle).values()) == rse.uris(bundle)
    assert is_whole(folder, bundle)
    with Butler.from_config(str(folder)) as client:
        read = [(client.get(ref), ref.id) for ref in client.query_datasets("verifyBiasStats", VERIFY)]
    assert len(read) == 4
    assert all(data == {"uuid": str(uuid)} for data, uuid in read)


@pytest.mark.matrix(2)
def test_a_second_recording_agrees_with_the_first(
    butler: DafButlerWriter, folder: Path, bundle: BundleFolder, rse: Rse
) -> None:
    do(butler, bundle, rse)
    before = recorded(folder, bundle), touched(folder)
    assert do(butler, bundle, rse) == NOTHING
    assert (recorded(folder, bundle), touched(folder)) == before


@pytest.mark.matrix(2)
def test_what_the_butler_forgets_stays_at_its_place(
    butler: DafButlerWriter, folder: Path, bundle: BundleFolder, rse: Rse
) -> None:
    do(butler, bundle, rse)
    with Butler.from_config(str(folder), writeable=True) as client:
        client.removeRuns([f"{BIAS}.run", f"{FLAT}.run", VERIFY])
    assert all(rse.file(file.path).exists() for file in bundle.manifest.files)
    assert do(butler, bundle, rse) == ALL


def test_no_file_is_touched_and_none_comes_into_the_datastore(
    butler: DafButlerWriter, folder: Path, bundle: BundleFolder, posix: Rse
) -> None:
    before = touched(Path(posix.given)), set(touched(folder))
    do(butler, bundle, posix)
    assert (touched(Path(posix.given)), set(touched(folder))) == before


def test_nothing_is_cleared_where_others_keep_their_files(
    butler: DafButlerWriter, folder: Path, bundle: BundleFolder, posix: Rse, tmp_path: Path
) -> None:
    name = incoming_elsewhere(ResourcePath(str(folder), forceDirectory=True))
    kept = [above / name for above in (Path(posix.given), Path(posix.given) / "LSSTComCam", tmp_path)]
    kept.append(Path(posix.given) / INCOMING)
    for other in kept:
        other.mkdir()
    for _ in range(2):
        do(butler, bundle, posix)
    assert all(other.is_dir() for other in kept)


def test_several_datasets_may_share_a_file_in_place(
    butler: DafButlerWriter, folder: Path, bundle: BundleFolder, posix: Rse
) -> None:
    shared = [d for d in bundle.contents.datasets if d.dataset_type == "bias"]
    path = shared[0].path
    datasets = tuple(replace(d, path=path) if d in shared else d for d in bundle.contents.datasets)
    one_file = replace(bundle, contents=replace(bundle.contents, datasets=datasets))
    assert do(butler, one_file, posix) == ALL
    assert {recorded(folder, bundle)[d.uuid] for d in shared} == {str(posix.file(path))}
    assert do(butler, one_file, posix) == NOTHING


# What an ingest daemon did


@pytest.mark.parametrize("transfer", ["direct", "split", "copy"])
@pytest.mark.matrix(2)
def test_what_an_ingest_daemon_recorded_is_accepted_and_the_rest_is_added(
    butler: DafButlerWriter, folder: Path, bundle: BundleFolder, rse: Rse, transfer: str
) -> None:
    ingest(folder, bundle, rse, [d.uuid for d in bundle.contents.datasets[:5]], transfer)
    before = recorded(folder, bundle)

    assert do(butler, bundle, rse) == ImportCount(0, FILES - 5, 20)
    after = recorded(folder, bundle)
    assert {uuid: after[uuid] for uuid in before} == before
    assert {after[uuid] for uuid in after.keys() - before.keys()} <= rse.uris(bundle)
    assert is_whole(folder, bundle)
    assert do(butler, bundle, rse) == NOTHING


def test_what_an_ingest_daemon_records_meanwhile_is_accepted(
    butler: DafButlerWriter, folder: Path, bundle: BundleFolder, posix: Rse
) -> None:
    flats = [d.uuid for d in bundle.contents.datasets if d.run == f"{FLAT}.run"]

    def watch(what: str, done: int, total: int) -> None:
        # We have looked, and not recorded anything yet.
        if (what, done) == ("files", total):
            ingest(folder, bundle, posix, flats, "copy")

    butler.import_bundle(bundle.manifest, bundle.contents, "/not/there", in_place=posix.given, watch=watch)
    where = recorded(folder, bundle)
    assert not {where[uuid] for uuid in flats} & posix.uris(bundle)
    assert is_whole(folder, bundle)
    assert do(butler, bundle, posix) == NOTHING


def test_what_an_ingest_daemon_copied_need_not_be_in_place_any_more(
    butler: DafButlerWriter, folder: Path, bundle: BundleFolder, posix: Rse
) -> None:
    flats = [d.uuid for d in bundle.contents.datasets if d.run == f"{FLAT}.run"]
    ingest(folder, bundle, posix, flats, "copy")
    shutil.rmtree(Path(posix.given) / f"{FLAT}.run")
    assert do(butler, bundle, posix) == ImportCount(0, FILES - len(flats), 20)
    assert is_whole(folder, bundle)


def ingest(folder: Path, bundle: BundleFolder, rse: Rse, uuids: list[str], transfer: str) -> None:
    """Do as the ingest daemon of a site does."""
    if transfer == "copy" and rse.root == ResourcePath(str(folder), forceDirectory=True):
        # A datastore does not copy from itself.
        transfer = "split"
    with Butler.from_config(str(folder), writeable=True) as client:
        for dataset in bundle.contents.datasets:
            if dataset.uuid in uuids:
                type_ = world.add_type(client, dataset.dataset_type)
                data_id = DataCoordinate.standardize(dataset.data_id, dimensions=type_.dimensions)
                ref = DatasetRef(type_, data_id, run=dataset.run, id=UUID(dataset.uuid))
                file = FileDataset(rse.file(dataset.path), [ref], formatter=dataset.formatter)
                client.ingest(file, transfer=transfer)


# Refusing


def _lose(file: ResourcePath) -> None:
    file.remove()


def _cut_short(file: ResourcePath) -> None:
    file.write(b"short")


def _damage(file: ResourcePath) -> None:
    file.write(b"x" * 2880)


@pytest.mark.parametrize(
    ("spoil", "summary"),
    [
        (_lose, "File has not arrived"),
        (_cut_short, "Arrived file is damaged"),
        (_damage, "Arrived file is damaged"),
    ],
)
@pytest.mark.matrix
def test_a_file_that_is_not_as_it_must_be_is_named_with_what_to_do(
    butler: DafButlerWriter,
    folder: Path,
    bundle: BundleFolder,
    rse: Rse,
    spoil: Callable[[ResourcePath], None],
    summary: str,
) -> None:
    bad = rse.file(bundle.contents.datasets[-1].path)
    spoil(bad)
    before = touched(folder)
    with pytest.raises(RefusedError) as refused:
        do(butler, bundle, rse)
    (told,) = refused.value.diagnostics
    assert told.summary == summary
    assert str(bad) in told.detail
    assert "administrator" in told.hint
    assert touched(folder) == before


def test_a_recorded_file_that_is_gone_is_not_placed_again(
    butler: DafButlerWriter, bundle: BundleFolder, posix: Rse
) -> None:
    do(butler, bundle, posix)
    gone = posix.file(bundle.contents.datasets[0].path)
    gone.remove()
    with pytest.raises(RefusedError, match="Recorded file is gone") as refused:
        butler.import_bundle(bundle.manifest, bundle.contents, bundle.source, in_place=posix.given)
    assert "administrator" in refused.value.diagnostics[0].hint
    assert not gone.exists()


# Killed


@pytest.mark.slow
def test_recording_in_place_that_is_killed_can_be_done_again(
    tmp_path: Path, empty: Path, bundle: BundleFolder, posix: Rse
) -> None:
    before = touched(Path(posix.given))
    moments = record_until(world.clone(empty, tmp_path / "counted"), bundle, posix, 0)
    assert moments
    for moment in sorted({1, moments, moments - 1, *random.Random(3).sample(range(2, moments), 7)}):
        folder = world.clone(empty, tmp_path / str(moment))
        assert record_until(folder, bundle, posix, moment) is None, "it was not killed"
        try:
            open_reader(str(folder)).close()
        except NeedsRecoveryError:
            recover(str(folder))
        with closing(open_writer(str(folder), FORMATTERS)) as butler:
            assert do(butler, bundle, posix) in {ALL, NOTHING}
            assert do(butler, bundle, posix) == NOTHING
        assert is_whole(folder, bundle)
        assert set(recorded(folder, bundle).values()) == posix.uris(bundle)
    assert touched(Path(posix.given)) == before


def record_until(folder: Path, bundle: BundleFolder, rse: Rse, moment: int) -> Any:
    """Record in a child that is killed; return how many moments it had."""
    answer, telling = FORK.Pipe(duplex=False)

    def child() -> None:
        moments = die_at(moment)
        with closing(open_writer(str(folder), FORMATTERS)) as butler:
            do(butler, bundle, rse)
        telling.send(moments())

    process = FORK.Process(target=child)
    process.start()
    process.join()
    return answer.recv() if process.exitcode == 0 else None
