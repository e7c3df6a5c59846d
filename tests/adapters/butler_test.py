"""The real butler, where the contract of all butlers does not reach."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from lsst.daf.butler import Butler, Config, DataCoordinate, DatasetRef, FileDataset
from lsst.resources import ResourcePath
from sqlalchemy.exc import IntegrityError

from calibstate.adapters.butler import DafButlerWriter, open_reader, open_writer
from calibstate.adapters.butler.incoming import INCOMING, incoming_elsewhere
from calibstate.errors import CalibstateError, RefusedError
from calibstate.ports.butler import ImportCount
from calibstate.store.bundle import read_contents
from tests import world
from tests.bundles import BundleFolder, bundle_from
from tests.calibrations import FORMATTERS, IN_2024, IN_2025, SINCE_2024, STACK_FORMATTER, STAND_IN
from tests.hands import RealHands
from tests.services.moto import S3

TICKET = "LSSTComCam/calib/DM-1"
BIAS, FLAT, VERIFY = f"{TICKET}/bias.a", f"{TICKET}/flat.a", f"{TICKET}/verify"
LEAVES = (BIAS, FLAT, VERIFY)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("origin") / "repository"
    butler = world.make_repo(folder)
    world.add_calibration(butler, BIAS, "bias", SINCE_2024, formatter=STAND_IN)
    world.add_calibration(butler, FLAT, "flat", IN_2024, IN_2025, formatter=STAND_IN)
    world.add_run(butler, VERIFY, "verifyBiasStats", formatter=STAND_IN)
    world.add_chain(butler, TICKET, [BIAS, FLAT])
    world.add_chain(butler, "LSSTComCam/calib", [TICKET])
    # Datasets that are certified nowhere are in the RUNs of real tickets.
    world.add_run(butler, f"{BIAS}.run", "verifyBiasStats")
    butler.close()
    return folder


@pytest.fixture(scope="module")
def sealed(origin: Path, tmp_path_factory: pytest.TempPathFactory) -> BundleFolder:
    return bundle_from(open_reader(str(origin)), tmp_path_factory.mktemp("sealed") / "bundle", LEAVES)


@pytest.fixture
def bundle(sealed: BundleFolder, tmp_path: Path) -> BundleFolder:
    shutil.copytree(sealed.folder, tmp_path / "bundle")
    return replace(sealed, folder=tmp_path / "bundle")


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


def do(butler: DafButlerWriter, bundle: BundleFolder) -> ImportCount:
    return butler.import_bundle(bundle.manifest, bundle.contents, bundle.source)


def summaries(refused: pytest.ExceptionInfo[RefusedError]) -> set[str]:
    return {diagnostic.summary for diagnostic in refused.value.diagnostics}


def everything_in(folder: Path) -> dict[str, str]:
    """Return the digest of every file below a folder."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file()
    }


def is_whole(folder: Path, bundle: BundleFolder) -> bool:
    """Say whether a repository holds all of a bundle, files too."""
    reader = open_reader(str(folder))
    held = reader.holdings(LEAVES, files=LEAVES)
    reader.close()
    bytes_ = all(
        (folder / f.path).read_bytes() == (bundle.folder / f.path).read_bytes() for f in bundle.manifest.files
    )
    return bytes_ and all(
        name in held
        and held[name].fingerprint == bundle.manifest.fingerprints[name]
        and not held[name].unrecorded
        and None not in held[name].sizes.values()
        for name in LEAVES
    )


# Importing


def test_a_repeated_import_does_not_touch_a_byte(
    butler: DafButlerWriter, folder: Path, bundle: BundleFolder
) -> None:
    do(butler, bundle)
    before = everything_in(folder)
    assert do(butler, bundle) == ImportCount(0, 0, 0)
    assert everything_in(folder) == before


def test_the_stock_import_deletes_files_when_it_is_repeated_and_ours_keeps_them(
    empty: Path, butler: DafButlerWriter, folder: Path, bundle: BundleFolder, tmp_path: Path
) -> None:
    stock_folder = world.clone(empty, tmp_path / "stock")
    stock = Butler.from_config(str(stock_folder), writeable=True)
    import_stock(stock, bundle)
    held = open_reader(str(stock_folder)).holdings(LEAVES, files=LEAVES)
    assert {size for holding in held.values() for size in holding.sizes.values()} == {2880}
    with pytest.raises(IntegrityError):
        import_stock(stock, bundle)
    held = open_reader(str(stock_folder)).holdings(LEAVES, files=LEAVES)
    assert {size for holding in held.values() for size in holding.sizes.values()} == {None}

    for _ in range(2):
        do(butler, bundle)
    assert is_whole(folder, bundle)


def import_stock(butler: Butler, bundle: BundleFolder) -> None:
    """Do as ``butler import`` does."""
    export = str(bundle.folder / "export.yaml")
    butler.import_(directory=str(bundle.folder), filename=export, transfer="copy")


def test_the_stock_import_reads_a_bundle_into_an_empty_repository(
    origin: Path, tmp_path: Path, bundle: BundleFolder
) -> None:
    stock = world.make_repo(tmp_path / "stock", detectors=0)
    import_stock(stock, bundle)
    there, here = open_reader(str(origin)), open_reader(str(tmp_path / "stock"))
    names = [*LEAVES, TICKET]
    assert here.collections(LEAVES) == there.collections(LEAVES)
    assert here.collections([TICKET])[TICKET].children == LEAVES
    assert "LSSTComCam/calib" not in here.collections(["LSSTComCam/calib"])
    told = {name: holding.fingerprint for name, holding in there.holdings(names).items()}
    assert {name: holding.fingerprint for name, holding in here.holdings(names).items()} == told


def test_the_documentation_of_collections_arrives(butler: DafButlerWriter, bundle: BundleFolder) -> None:
    do(butler, bundle)
    assert butler._butler.collections.get_info(BIAS).doc == f"bias calibrations of {BIAS}"


def test_the_same_calibration_is_found_at_both_ends(
    origin: Path, butler: DafButlerWriter, bundle: BundleFolder
) -> None:
    do(butler, bundle)
    there = Butler.from_config(str(origin))
    for row in bundle.contents.holding(FLAT).rows:
        span = world.timespan((row.begin + 1, row.begin + 2))
        data_id = {k: int(v) if v.isdigit() else v for k, v in (p.split("=") for p in row.data_id.split(","))}
        found = [
            b.find_dataset("flat", data_id, collections=FLAT, timespan=span) for b in (there, butler._butler)
        ]
        assert [str(ref.id) for ref in found if ref] == [row.uuid] * 2


def test_leftovers_of_killed_runs_are_cleared(
    butler: DafButlerWriter, folder: Path, bundle: BundleFolder
) -> None:
    do(butler, bundle)
    (folder / INCOMING).mkdir()
    (folder / INCOMING / "000001").write_text("half a file")
    assert do(butler, bundle) == ImportCount(0, 0, 0)
    assert not (folder / INCOMING).exists()


@pytest.mark.parametrize("there", [True, False])
def test_nothing_is_left_beside_the_files(
    butler: DafButlerWriter, folder: Path, bundle: BundleFolder, there: bool
) -> None:
    before = {p.name for p in folder.iterdir()}
    if there:
        do(butler, bundle)
    else:
        bundle.file_of(bundle.contents.datasets[-1].uuid).write_bytes(b"x" * 2880)
        with pytest.raises(RefusedError):
            do(butler, bundle)
    assert {p.name for p in folder.iterdir()} == before | ({"LSSTComCam"} if there else set())


def test_one_altered_file_keeps_all_others_out(
    butler: DafButlerWriter, folder: Path, bundle: BundleFolder
) -> None:
    before = everything_in(folder)
    bundle.file_of(bundle.contents.datasets[0].uuid).write_bytes(b"x" * 2880)
    with pytest.raises(RefusedError, match="altered"):
        do(butler, bundle)
    assert everything_in(folder) == before


def test_a_lost_file_is_placed_where_it_is_recorded(
    butler: DafButlerWriter, folder: Path, bundle: BundleFolder
) -> None:
    # The repository got these datasets by another way, to other paths.
    first = bundle.contents.datasets[0]
    path = "elsewhere/in/the/datastore.fits"
    record(RealHands(str(folder)).butler, bundle, {first.uuid: path})
    (folder / path).unlink()

    assert do(butler, bundle).placed == len(bundle.manifest.files)
    assert (folder / path).read_bytes() == bundle.file_of(first.uuid).read_bytes()
    assert not (folder / first.path).exists()


def test_a_lost_file_outside_of_the_datastore_is_told_and_never_placed_there(
    butler: DafButlerWriter, folder: Path, bundle: BundleFolder, tmp_path: Path
) -> None:
    first = bundle.contents.datasets[0]
    outside = tmp_path / "project" / "shared.fits"
    outside.parent.mkdir()
    record(RealHands(str(folder)).butler, bundle, {first.uuid: str(outside)}, transfer="direct")
    outside.unlink()

    with pytest.raises(RefusedError, match="nothing is ever placed outside"):
        do(butler, bundle)
    assert list(outside.parent.iterdir()) == []


def record(
    butler: Butler, bundle: BundleFolder, paths: dict[str, str], *, transfer: str | None = None
) -> None:
    """Let a repository have datasets of a bundle at paths of its own."""
    root = Path(next(iter(butler.get_datastore_roots().values())).ospath)  # type: ignore[union-attr]
    files = []
    for uuid, path in paths.items():
        dataset = next(d for d in bundle.contents.datasets if d.uuid == uuid)
        type_ = world.add_type(butler, dataset.dataset_type)
        data_id = DataCoordinate.standardize(dataset.data_id, dimensions=type_.dimensions)
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(bundle.file_of(uuid), target)
        ref = DatasetRef(type_, data_id, run=dataset.run, id=UUID(uuid))
        files.append(FileDataset(path, [ref], formatter=dataset.formatter))
    butler.ingest(*files, transfer=transfer)


def share_a_file(bundle: BundleFolder, count: int) -> BundleFolder:
    """Return a bundle, the first biases of which are in one file."""
    shared = [d for d in bundle.contents.datasets if d.dataset_type == "bias"][:count]
    path = shared[0].path
    gone = {d.path for d in shared} - {path}
    datasets = tuple(replace(d, path=path) if d in shared else d for d in bundle.contents.datasets)
    files = tuple(
        f.model_copy(update={"datasets": tuple(d.uuid for d in shared)}) if f.path == path else f
        for f in bundle.manifest.files
        if f.path not in gone
    )
    return replace(
        bundle,
        contents=replace(bundle.contents, datasets=datasets),
        manifest=bundle.manifest.model_copy(update={"files": files}),
    )


def test_several_datasets_may_share_a_file(
    butler: DafButlerWriter, folder: Path, bundle: BundleFolder
) -> None:
    shared = share_a_file(bundle, 3)
    assert do(butler, shared) == ImportCount(len(bundle.manifest.files) - 2, len(bundle.manifest.files), 20)
    assert do(butler, shared) == ImportCount(0, 0, 0)

    export = open_reader(str(folder)).export([BIAS])
    assert len(export.files) == 2
    again = read_contents(export.text)
    assert len({d.path for d in again.datasets}) == 2
    assert again.holding(BIAS).fingerprint == bundle.manifest.fingerprints[BIAS]


def test_a_dataset_that_shares_a_recorded_file_is_recorded_beside_it(
    butler: DafButlerWriter, folder: Path, bundle: BundleFolder
) -> None:
    shared = share_a_file(bundle, 3)
    first = next(d for d in shared.contents.datasets if d.dataset_type == "bias")
    record(RealHands(str(folder)).butler, shared, {first.uuid: first.path})

    files = len(bundle.manifest.files)
    assert do(butler, shared) == ImportCount(files - 3, files - 1, 20)
    assert is_whole(folder, shared)


def test_files_from_outside_of_the_datastore_get_paths_of_their_own(tmp_path: Path, folder: Path) -> None:
    hands = world.make_repo(tmp_path / "origin")
    type_ = world.add_type(hands, "bias")
    files = []
    for detector in range(3):
        # The same name in different folders; the last two are one file.
        file = tmp_path / f"raw{min(detector, 1)}" / "bias.fits"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"bytes in {file.parent.name}")
        data_id = DataCoordinate.standardize(
            instrument="LSSTComCam", detector=detector, dimensions=type_.dimensions
        )
        ref = DatasetRef(type_, data_id, run=f"{BIAS}.run", id=UUID(int=detector + 1))
        files.append(FileDataset(str(file), [ref], formatter=world.YAML_FORMATTER))
    hands.collections.register(f"{BIAS}.run")
    hands.ingest(*files, transfer="direct")
    world.add_calibration(hands, BIAS, "bias", run="another/run", detectors=[3])
    hands.registry.certify(BIAS, [ref for file in files for ref in file.refs], world.timespan(IN_2024))

    origin = open_reader(str(tmp_path / "origin"))
    export = origin.export([BIAS])
    assert [file.path for file in export.files if "another" not in file.path] == [
        f"{BIAS}.run/bias/{UUID(int=1)}.fits",
        f"{BIAS}.run/bias/{UUID(int=2)}.fits",
    ]

    bundle = bundle_from(origin, tmp_path / "bundle", [BIAS])
    destination = open_writer(str(folder), FORMATTERS)
    assert do(destination, bundle) == ImportCount(3, 4, 4)
    assert (folder / f"{BIAS}.run/bias/{UUID(int=2)}.fits").read_text() == "bytes in raw1"


def test_datastore_folders_that_are_links_to_another_file_system_are_served(
    butler: DafButlerWriter, folder: Path, bundle: BundleFolder, tmp_path: Path
) -> None:
    # The tests' own files may be in any of these.
    roots = [Path(root) for root in ("/dev/shm", "/tmp", "/var/tmp") if os.access(root, os.W_OK)]
    others = [root for root in roots if root.stat().st_dev != tmp_path.stat().st_dev]
    if not others:
        pytest.skip("there is no second file system")
    elsewhere = others[0] / f"calibstate-test-{os.getpid()}"
    elsewhere.mkdir()
    try:
        (folder / "LSSTComCam").symlink_to(elsewhere)
        do(butler, bundle)
        assert is_whole(folder, bundle)
        assert {p.name for p in elsewhere.iterdir()} == {"calib"}
        left = incoming_elsewhere(ResourcePath(str(folder), forceDirectory=True))
        (elsewhere / left).mkdir()
        do(butler, bundle)
        assert {p.name for p in elsewhere.iterdir()} == {"calib"}
    finally:
        shutil.rmtree(elsewhere)


def test_a_file_whose_name_is_not_safe_everywhere_gets_another_path(tmp_path: Path) -> None:
    hands = world.make_repo(tmp_path / "origin")
    type_ = world.add_type(hands, "bias")
    (tmp_path / "origin" / "50%.fits").write_text("half")
    data_id = DataCoordinate.standardize(instrument="LSSTComCam", detector=0, dimensions=type_.dimensions)
    ref = DatasetRef(type_, data_id, run=VERIFY, id=UUID(int=1))
    hands.collections.register(VERIFY)
    hands.ingest(FileDataset("50%.fits", [ref], formatter=world.YAML_FORMATTER), transfer=None)

    bundle = bundle_from(open_reader(str(tmp_path / "origin")), tmp_path / "bundle", [VERIFY])
    assert [file.path for file in bundle.manifest.files] == [f"{VERIFY}/bias/{UUID(int=1)}.fits"]
    assert bundle.file_of(str(UUID(int=1))).read_text() == "half"


# Refusing


def test_a_formatter_class_of_the_stack_is_named_with_what_to_do(
    butler: DafButlerWriter, bundle: BundleFolder
) -> None:
    datasets = tuple(replace(d, formatter=STACK_FORMATTER) for d in bundle.contents.datasets)
    with pytest.raises(RefusedError, match=STACK_FORMATTER) as refused:
        do(butler, replace(bundle, contents=replace(bundle.contents, datasets=datasets)))
    assert summaries(refused) == {"Formatter class cannot be imported"}
    assert "Rubin stack" in refused.value.diagnostics[0].hint


def test_a_formatter_is_needed_only_for_what_is_not_recorded_yet(
    butler: DafButlerWriter, bundle: BundleFolder
) -> None:
    do(butler, bundle)
    datasets = tuple(replace(d, formatter=STACK_FORMATTER) for d in bundle.contents.datasets)
    assert do(butler, replace(bundle, contents=replace(bundle.contents, datasets=datasets))) == ImportCount(
        0, 0, 0
    )


def test_a_class_that_is_no_formatter_is_refused(butler: DafButlerWriter, bundle: BundleFolder) -> None:
    datasets = tuple(replace(d, formatter="tests.tree.Tree") for d in bundle.contents.datasets)
    with pytest.raises(RefusedError, match="no formatter"):
        do(butler, replace(bundle, contents=replace(bundle.contents, datasets=datasets)))


def with_type(bundle: BundleFolder, **changed: tuple[tuple[str, ...], str, bool]) -> BundleFolder:
    types = {**bundle.contents.dataset_types, **changed}
    return replace(bundle, contents=replace(bundle.contents, dataset_types=types))


@pytest.mark.parametrize(
    ("definition", "summary"),
    [
        ((("instrument", "detector"), "NoSuchStorageClass", True), "Dataset type not known here"),
        ((("instrument", "hologram"), "ExposureF", True), "Dataset type not known here"),
        ((("instrument", "detector", "physical_filter"), "ExposureF", True), "Data ID does not fit"),
    ],
)
def test_a_dataset_type_that_this_butler_cannot_express_is_refused(
    butler: DafButlerWriter, bundle: BundleFolder, definition: tuple[tuple[str, ...], str, bool], summary: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        do(butler, with_type(bundle, bias=definition))
    assert summaries(refused) == {summary}


@pytest.mark.parametrize(
    "dimensions",
    [
        (("hologram", ({"name": "x"},)),),
        (("detector", ({"instrument": "LSSTComCam", "id": 0, "colour": "blue"},)),),
        (("detector", ({"instrument": "LSSTComCam"},)),),
    ],
)
def test_dimension_records_of_another_universe_are_refused(
    butler: DafButlerWriter, bundle: BundleFolder, dimensions: tuple[object, ...]
) -> None:
    contents = replace(bundle.contents, dimensions=dimensions)  # type: ignore[arg-type]
    with pytest.raises(RefusedError) as refused:
        do(butler, replace(bundle, contents=contents))
    assert "Dimension records do not fit" in summaries(refused)


def test_data_ids_that_neither_side_describes_are_refused(tmp_path: Path, bundle: BundleFolder) -> None:
    world.make_repo(tmp_path / "bare", detectors=2).close()
    before = everything_in(tmp_path / "bare")
    contents = replace(bundle.contents, dimensions=())
    with pytest.raises(RefusedError, match="detector=2,instrument=LSSTComCam") as refused:
        do(open_writer(str(tmp_path / "bare"), FORMATTERS), replace(bundle, contents=contents))
    assert summaries(refused) == {"Dimension record is missing"}
    assert everything_in(tmp_path / "bare") == before


def test_a_differing_detector_is_told_field_by_field(
    butler: DafButlerWriter, folder: Path, bundle: BundleFolder
) -> None:
    RealHands(str(folder)).change_detector(2, purpose="GUIDER")
    with pytest.raises(RefusedError, match="purpose is 'GUIDER', in the bundle 'SCIENCE'") as refused:
        do(butler, bundle)
    assert "detector=2" in str(refused.value)


def test_an_empty_range_is_refused_with_the_dataset(butler: DafButlerWriter, bundle: BundleFolder) -> None:
    uuid = bundle.contents.holding(BIAS).rows[0].uuid
    certifications = {BIAS: (((10, 5), (uuid,)),)}
    with pytest.raises(RefusedError, match=uuid) as refused:
        do(butler, replace(bundle, contents=replace(bundle.contents, certifications=certifications)))
    assert summaries(refused) == {"Validity range ends before it begins"}


def test_two_datasets_of_one_bundle_for_one_moment_are_refused(
    butler: DafButlerWriter, bundle: BundleFolder
) -> None:
    uuid = bundle.contents.holding(BIAS).rows[0].uuid
    certifications = {BIAS: ((IN_2024, (uuid,)), (SINCE_2024, (uuid,)))}
    with pytest.raises(RefusedError) as refused:
        do(butler, replace(bundle, contents=replace(bundle.contents, certifications=certifications)))
    assert summaries(refused) == {"Validity ranges overlap"}


@pytest.mark.parametrize("path", ["../outside.fits", "/etc/outside.fits", "a/../../outside.fits"])
def test_a_path_that_climbs_out_is_refused(butler: DafButlerWriter, bundle: BundleFolder, path: str) -> None:
    datasets = tuple(replace(d, path=path) for d in bundle.contents.datasets)
    files = tuple(f.model_copy(update={"path": path}) for f in bundle.manifest.files[:1])
    spoiled = replace(
        bundle,
        contents=replace(bundle.contents, datasets=datasets),
        manifest=bundle.manifest.model_copy(update={"files": files}),
    )
    with pytest.raises(RefusedError):
        do(butler, spoiled)


def make_without_files(path: Path) -> None:
    config = Config()
    config["datastore", "cls"] = "lsst.daf.butler.datastores.inMemoryDatastore.InMemoryDatastore"
    Butler.makeRepo(str(path), config)


def test_a_datastore_that_keeps_no_files_is_refused(tmp_path: Path, bundle: BundleFolder) -> None:
    make_without_files(tmp_path / "odd")
    butler = open_writer(str(tmp_path / "odd"), FORMATTERS)
    with pytest.raises(RefusedError, match="Datastore is not one of files"):
        do(butler, bundle)


# Disks


def test_a_disk_that_fills_up_is_told_and_nothing_is_left(
    butler: DafButlerWriter, folder: Path, bundle: BundleFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything_in(folder)
    calls = []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CalibstateError, match="No space left on device") as error:
        do(butler, bundle)
    assert not isinstance(error.value, RefusedError)
    assert everything_in(folder) == before
    assert not (folder / INCOMING).exists()


def test_files_that_do_not_fit_are_refused_at_once(
    butler: DafButlerWriter, folder: Path, bundle: BundleFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2880 * 3))
    before = everything_in(folder)
    with pytest.raises(RefusedError, match="Disk is full"):
        do(butler, bundle)
    assert everything_in(folder) == before


# An object store


@pytest.fixture
def in_bucket(s3: S3, tmp_path: Path) -> Path:
    folder = tmp_path / "in-bucket"
    world.make_repo(folder, datastore_root=f"{s3.bucket('datastore')}/data").close()
    return folder


def bucket_of(folder: Path) -> str:
    (root,) = Butler.from_config(str(folder)).get_datastore_roots().values()
    return str(root)


def test_a_datastore_in_a_bucket_takes_a_bundle(in_bucket: Path, bundle: BundleFolder, s3: S3) -> None:
    butler = open_writer(str(in_bucket), FORMATTERS)
    assert do(butler, bundle) == ImportCount(16, 16, 20)
    assert s3.keys(bucket_of(in_bucket)) == sorted(f"data/{file.path}" for file in bundle.manifest.files)
    held = butler.holdings(LEAVES, files=LEAVES)
    assert [held[name].fingerprint for name in LEAVES] == list(bundle.manifest.fingerprints.values())
    assert {size for name in LEAVES for size in held[name].sizes.values()} == {2880}
    assert do(butler, bundle) == ImportCount(0, 0, 0)


def test_a_lost_object_is_told_and_placed_again(in_bucket: Path, bundle: BundleFolder) -> None:
    butler = open_writer(str(in_bucket), FORMATTERS)
    do(butler, bundle)
    uuid = bundle.contents.holding(BIAS).rows[0].uuid
    RealHands(str(in_bucket)).write_file(bundle.path_of(uuid), None)
    assert [u for u, s in butler.holdings([BIAS], files=[BIAS])[BIAS].sizes.items() if s is None] == [uuid]
    assert do(butler, bundle) == ImportCount(1, 0, 0)
    assert RealHands(str(in_bucket)).read_file(bundle.path_of(uuid)) == bundle.file_of(uuid).read_bytes()


def test_one_altered_file_keeps_all_out_of_a_bucket(in_bucket: Path, bundle: BundleFolder, s3: S3) -> None:
    bundle.file_of(bundle.contents.datasets[-1].uuid).write_bytes(b"x" * 2880)
    with pytest.raises(RefusedError, match="altered"):
        do(open_writer(str(in_bucket), FORMATTERS), bundle)
    assert s3.keys(bucket_of(in_bucket)) == []


def test_an_object_in_the_way_is_never_overwritten(in_bucket: Path, bundle: BundleFolder) -> None:
    path = bundle.contents.datasets[0].path
    hands = RealHands(str(in_bucket))
    hands.write_file(path, b"x" * 2880)
    with pytest.raises(RefusedError, match="in the way"):
        do(open_writer(str(in_bucket), FORMATTERS), bundle)
    assert hands.read_file(path) == b"x" * 2880


def test_a_bundle_in_a_bucket_goes_to_a_folder_and_to_another_bucket(
    in_bucket: Path, folder: Path, bundle: BundleFolder, s3: S3
) -> None:
    source = f"{s3.bucket('archive')}/bundle"
    bucket, prefix = source.removeprefix("s3://").split("/", 1)
    for file in bundle.manifest.files:
        s3.client.upload_file(str(bundle.folder / file.path), bucket, f"{prefix}/{file.path}")
    for place in (folder, in_bucket):
        count = open_writer(str(place), FORMATTERS).import_bundle(bundle.manifest, bundle.contents, source)
        assert count == ImportCount(16, 16, 20)
    assert is_whole(folder, bundle)
    export = open_reader(str(in_bucket)).export([BIAS])
    assert {file.uri for file in export.files} == {f"{bucket_of(in_bucket)}{f.path}" for f in export.files}
