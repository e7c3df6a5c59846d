"""What every archive promises: one in memory, in a folder, in S3."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from calibstate.adapters.archive import Archive
from calibstate.adapters.objectstores import ObjectStore, bucket, open_store
from calibstate.adapters.objectstores.folder import TEMPORARY
from calibstate.errors import CalibstateError, Diagnostic, LockedError, PlanIsStaleError, RefusedError
from calibstate.model.bundles import Manifest
from calibstate.model.contents import CollectionType
from calibstate.model.damage import DamagedFile
from calibstate.model.names import TicketKey
from calibstate.model.seals import content_digest
from calibstate.ports.archive import ArchiveWriter
from calibstate.ports.butler import Export
from calibstate.store.bundle import read_contents
from tests.exports import CALIBRATION, RUN, TICKET, Sample, make_sample
from tests.fakes.archive import MemoryArchive


@dataclass
class Clock:
    """A clock that moves when it is told to."""

    now: datetime = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Stored:
    """An archive, and a hand that reaches into what it stores."""

    archive: ArchiveWriter
    spoil: Callable[[Manifest, str | None], None]
    """Put another text in the place of an export, or remove it."""
    clock: Clock
    damage: Callable[[Manifest, str, bytes | None], None]
    """Put other bytes in the place of a file, or remove it."""
    kept_aside: Callable[[Manifest], list[bytes]]
    """Return what was kept of damaged files."""


@pytest.fixture(params=["fake", "folder", "s3"])
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stored]:
    clock = Clock()
    if request.param == "fake":
        fake = MemoryArchive(clock=clock)

        def forget(manifest: Manifest, text: str | None) -> None:
            fake.exports.pop(manifest.folder)
            if text is not None:
                fake.exports[manifest.folder] = text

        def rot(manifest: Manifest, path: str, data: bytes | None) -> None:
            uri = f"{fake.source(manifest)}{path}"
            del fake.files[uri]
            if data is not None:
                fake.files[uri] = data

        yield Stored(fake, forget, clock, rot, lambda manifest: fake.kept_aside)
        return
    uri = str(tmp_path / "archive")
    if request.param == "s3":
        uri = request.getfixturevalue("s3").bucket("archive") + "/exports"
    yield from stored_in(uri, clock)


def stored_in(uri: str, clock: Clock) -> Iterator[Stored]:
    """Return an archive in a folder or a bucket."""
    store = open_store(uri)

    def damage(manifest: Manifest, path: str, data: bytes | None) -> None:
        store.remove(f"{manifest.folder}/{path}")
        if data is not None:
            store.write(f"{manifest.folder}/{path}", data)

    def kept_aside(manifest: Manifest) -> list[bytes]:
        folder = f".damaged/{manifest.folder}"
        kept = [store.read(f"{folder}/{path}", limit=2**20) for path in sorted(store.sizes(folder))]
        return [data for data in kept if data is not None]

    yield Stored(Archive(uri, clock=clock), spoiler(store), clock, damage, kept_aside)


@pytest.fixture
def in_s3(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stored]:
    yield from stored_in(request.getfixturevalue("s3").bucket("archive") + "/exports", Clock())


def spoiler(store: ObjectStore) -> Callable[[Manifest, str | None], None]:
    def spoil(manifest: Manifest, text: str | None) -> None:
        key = f"{manifest.folder}/export.yaml"
        store.remove(key)
        if text is not None:
            store.write(key, text.encode())

    return spoil


@pytest.fixture
def archive(stored: Stored) -> ArchiveWriter:
    return stored.archive


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    return make_sample(tmp_path / "origin")


def add(archive: ArchiveWriter, sample: Sample, **more: bool | str) -> Manifest:
    return archive.add_bundle(
        sample.ticket,
        sample.collections,
        sample.fingerprint,
        sample.export,
        exported_from="usdf/main",
        **more,  # type: ignore[arg-type]
    )


def test_an_empty_archive_has_no_bundles(archive: ArchiveWriter) -> None:
    assert archive.bundles([TICKET]) == {}


def test_what_was_added_is_found(archive: ArchiveWriter, sample: Sample) -> None:
    manifest = add(archive, sample)
    other = TicketKey("LATISS", "DM-40003")
    assert archive.bundles([TICKET, other]) == {TICKET: (manifest,)}


def test_a_manifest_tells_what_the_bundle_holds(archive: ArchiveWriter, sample: Sample) -> None:
    manifest = add(archive, sample)
    assert (manifest.instrument, manifest.ticket) == TICKET
    assert manifest.fingerprint == sample.fingerprint
    assert manifest.made_at == "2026-11-22T18:00:00.000Z"
    assert manifest.exported_from == "usdf/main"
    (collection,) = manifest.collections
    assert (collection.name, collection.type, collection.datasets) == (
        CALIBRATION,
        CollectionType.CALIBRATION,
        3,
    )


def test_a_manifest_tells_size_and_checksums_of_each_file(archive: ArchiveWriter, sample: Sample) -> None:
    manifest = add(archive, sample)
    assert [f.path for f in manifest.files] == sorted(sample.bytes)
    for file in manifest.files:
        data = sample.bytes[file.path]
        assert file.size == len(data)
        assert file.sha256 == hashlib.sha256(data).hexdigest()
        assert file.adler32 == f"{zlib.adler32(data):08x}"
    uuids = {d.uuid for d in read_contents(sample.export.text).datasets}
    assert {uuid for file in manifest.files for uuid in file.datasets} == uuids


def test_contents_are_those_of_the_export(archive: ArchiveWriter, sample: Sample) -> None:
    manifest = add(archive, sample)
    assert archive.contents(manifest) == read_contents(sample.export.text)


def test_a_description_is_the_manifest_that_a_bundle_would_have(
    archive: ArchiveWriter, sample: Sample
) -> None:
    described = archive.describe(sample.ticket, sample.collections, sample.export, exported_from="usdf/main")

    assert archive.bundles([TICKET]) == {}, "nothing was written"
    assert described == add(archive, sample)


def test_a_description_of_a_file_that_is_gone_is_refused(archive: ArchiveWriter, sample: Sample) -> None:
    Path(urlsplit(sample.export.files[0].uri).path).unlink()

    with pytest.raises(RefusedError):
        archive.describe(sample.ticket, sample.collections, sample.export, exported_from="usdf/main")


def test_bytes_that_were_sealed_are_taken(archive: ArchiveWriter, sample: Sample) -> None:
    described = archive.describe(sample.ticket, sample.collections, sample.export, exported_from="usdf/main")

    manifest = add(archive, sample, content=content_digest(described))

    assert archive.bundles([TICKET]) == {TICKET: (manifest,)}


@pytest.mark.parametrize("there", [False, True])
def test_other_bytes_than_were_sealed_are_refused(
    archive: ArchiveWriter, sample: Sample, there: bool
) -> None:
    before = {TICKET: (add(archive, sample),)} if there else {}

    with pytest.raises(RefusedError, match="not as sealed"):
        add(archive, sample, content=f"sha256:{'0' * 64}")

    assert archive.bundles([TICKET]) == before


def test_adding_again_changes_nothing(stored: Stored, sample: Sample) -> None:
    first = add(stored.archive, sample)
    stored.clock.now += timedelta(days=1)
    assert add(stored.archive, sample) == first
    assert stored.archive.bundles([TICKET]) == {TICKET: (first,)}


def test_of_several_bundles_the_newest_is_first(stored: Stored, sample: Sample, tmp_path: Path) -> None:
    other = make_sample(tmp_path / "other", salt="again")
    stored.clock.now += timedelta(days=1)
    newer = add(stored.archive, other)
    stored.clock.now -= timedelta(days=1)
    older = add(stored.archive, sample)
    assert stored.archive.bundles([TICKET]) == {TICKET: (newer, older)}


def test_a_partial_export_is_refused(archive: ArchiveWriter, sample: Sample, tmp_path: Path) -> None:
    partial = replace(sample, export=make_sample(tmp_path / "origin", 2).export)
    with pytest.raises(RefusedError, match="expected was"):
        archive.add_bundle(
            TICKET, sample.collections, sample.fingerprint, partial.export, exported_from="usdf/main"
        )
    assert archive.bundles([TICKET]) == {}


def test_an_export_that_lacks_a_collection_is_refused(archive: ArchiveWriter, sample: Sample) -> None:
    with pytest.raises(RefusedError, match="lacks LATISS/calib/other"):
        archive.add_bundle(
            TICKET,
            (CALIBRATION, "LATISS/calib/other"),
            sample.fingerprint,
            sample.export,
            exported_from="usdf/main",
        )


def test_an_export_of_a_run_must_not_have_an_unasked_calibration_collection(
    archive: ArchiveWriter, sample: Sample
) -> None:
    with pytest.raises(RefusedError, match=f"has {CALIBRATION}"):
        archive.add_bundle(TICKET, (RUN,), sample.fingerprint, sample.export, exported_from="usdf/main")


def test_an_export_must_tell_where_each_file_is(archive: ArchiveWriter, sample: Sample) -> None:
    fewer = Export(sample.export.text, sample.export.files[1:])
    with pytest.raises(RefusedError):
        add(archive, replace_export(sample, fewer))
    assert archive.bundles([TICKET]) == {}


def test_a_file_that_is_gone_is_refused_and_completes_once_it_is_back(
    archive: ArchiveWriter, sample: Sample
) -> None:
    gone = Path(sample.export.files[1].uri)
    data = gone.read_bytes()
    gone.unlink()
    with pytest.raises(RefusedError, match="gone"):
        add(archive, sample)
    assert archive.bundles([TICKET]) == {}
    gone.write_bytes(data)
    manifest = add(archive, sample)
    assert archive.bundles([TICKET]) == {TICKET: (manifest,)}


def test_a_bundle_by_reference_still_tells_sizes_and_checksums(
    archive: ArchiveWriter, sample: Sample
) -> None:
    manifest = add(archive, sample, by_reference=True)
    assert manifest.by_reference
    assert [f.size for f in manifest.files] == [len(sample.bytes[f.path]) for f in manifest.files]
    assert archive.contents(manifest) == read_contents(sample.export.text)


@pytest.mark.parametrize("sizes_are_recorded", [True, False])
def test_the_watch_is_told_of_each_file_and_of_bytes_where_sizes_were_recorded(
    archive: ArchiveWriter, sample: Sample, sizes_are_recorded: bool
) -> None:
    told: list[tuple[str, int, int]] = []
    export = sample.export
    if sizes_are_recorded:
        files = [replace(file, size=len(sample.bytes[file.path])) for file in export.files]
        export = replace(export, files=tuple(files))
    archive.add_bundle(
        TICKET,
        sample.collections,
        sample.fingerprint,
        export,
        exported_from="usdf/main",
        watch=lambda *how_far: told.append(how_far),
    )
    size = sum(map(len, sample.bytes.values()))
    assert [said for said in told if said[0] == "files"] == [("files", n, 3) for n in (1, 2, 3)]
    of_bytes = [said for said in told if said[0] == "bytes"]
    assert of_bytes[-1:] == ([("bytes", size, size)] if sizes_are_recorded else [])


def test_a_missing_export_is_refused(stored: Stored, sample: Sample) -> None:
    manifest = add(stored.archive, sample)
    stored.spoil(manifest, None)
    with pytest.raises(RefusedError, match="missing"):
        stored.archive.contents(manifest)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2024-01-08 00:00:00.000000000", "2024-01-09 00:00:00.000000000"),
        ("detector: 1}", "detector: 7}"),
        ("bias_2.fits", "bias_3.fits"),
        ("bias_2.fits", "../bias_2.fits"),
        ("name: LATISS/calib/DM-40002\n", "name: LATISS/calib\n"),
        ("collection_type: CALIBRATION, name", "collection_type: TAGGED, name"),
    ],
)
def test_an_altered_export_is_refused(stored: Stored, sample: Sample, old: str, new: str) -> None:
    manifest = add(stored.archive, sample)
    altered = sample.export.text.replace(old, new)
    assert altered != sample.export.text
    stored.spoil(manifest, altered)
    with pytest.raises(RefusedError):
        stored.archive.contents(manifest)


def test_an_export_that_is_altered_after_it_was_read_is_refused(stored: Stored, sample: Sample) -> None:
    manifest = add(stored.archive, sample)
    whole = stored.archive.contents(manifest)
    stored.spoil(manifest, f"{sample.export.text}\n# more\n")
    with pytest.raises(RefusedError):
        stored.archive.contents(manifest)
    stored.spoil(manifest, sample.export.text)
    assert stored.archive.contents(manifest) == whole


# --- files that are gone or were altered ---


def test_the_sizes_of_a_whole_bundle_are_those_of_its_manifest(
    archive: ArchiveWriter, sample: Sample
) -> None:
    manifest = add(archive, sample)
    sizes = archive.sizes(manifest)
    assert {file.path: sizes[file.path] for file in manifest.files} == {
        path: len(data) for path, data in sample.bytes.items()
    }


def test_a_file_that_is_as_it_was_is_not_damaged(archive: ArchiveWriter, sample: Sample) -> None:
    manifest = add(archive, sample)
    counted: list[int] = []
    assert archive.read_file(manifest, manifest.files[0], counted.append) is None
    assert sum(counted) == manifest.files[0].size


@pytest.mark.parametrize("data", [None, b"", b"other bytes"])
def test_a_damaged_file_is_restored_and_what_was_there_is_kept(
    stored: Stored, sample: Sample, data: bytes | None
) -> None:
    manifest = add(stored.archive, sample)
    file = manifest.files[1]
    stored.damage(manifest, file.path, data)
    damaged = stored.archive.read_file(manifest, file)
    assert damaged is not None
    assert damaged.found_size == (None if data is None else len(data))

    stored.archive.restore_file(manifest, damaged, sources_of(sample)[file.path])

    assert stored.archive.read_file(manifest, file) is None
    assert stored.kept_aside(manifest) == ([] if data is None else [data])


def test_other_bytes_are_never_put_in_the_place_of_a_damaged_file(stored: Stored, sample: Sample) -> None:
    manifest = add(stored.archive, sample)
    file, other = manifest.files[:2]
    stored.damage(manifest, file.path, b"other bytes")
    damaged = stored.archive.read_file(manifest, file)
    assert damaged is not None

    with pytest.raises(RefusedError):
        stored.archive.restore_file(manifest, damaged, sources_of(sample)[other.path])

    assert stored.archive.read_file(manifest, file) == damaged
    assert stored.kept_aside(manifest) == []


def test_a_file_that_appeared_since_it_was_seen_is_left_alone(stored: Stored, sample: Sample) -> None:
    manifest = add(stored.archive, sample)
    file = manifest.files[0]
    stored.damage(manifest, file.path, b"somebody's")

    with pytest.raises(PlanIsStaleError):
        stored.archive.restore_file(manifest, DamagedFile(file=file), sources_of(sample)[file.path])

    found = stored.archive.read_file(manifest, file)
    assert found is not None
    assert found.found_size == len(b"somebody's")


@pytest.mark.parametrize("data", [None, b"other bytes"])
def test_whoever_lost_the_lock_restores_nothing(stored: Stored, sample: Sample, data: bytes | None) -> None:
    manifest = add(stored.archive, sample)
    file = manifest.files[1]
    stored.damage(manifest, file.path, data)
    damaged = stored.archive.read_file(manifest, file)
    assert damaged is not None

    def lost() -> None:
        raise LockedError(Diagnostic("Lock was lost", "It was broken."))

    with pytest.raises(LockedError):
        stored.archive.restore_file(manifest, damaged, sources_of(sample)[file.path], fence=lost)

    assert stored.archive.read_file(manifest, file) == damaged
    # It is there as before; in S3 a copy of it may be kept aside.
    assert stored.kept_aside(manifest) in ([], [data])


@pytest.mark.parametrize("data", [None, b"other bytes"])
def test_a_large_file_in_s3_is_restored_in_parts(
    in_s3: Stored, sample: Sample, monkeypatch: pytest.MonkeyPatch, data: bytes | None
) -> None:
    manifest = add(in_s3.archive, sample)
    file = manifest.files[1]
    in_s3.damage(manifest, file.path, data)
    damaged = in_s3.archive.read_file(manifest, file)
    assert damaged is not None
    monkeypatch.setattr(bucket, "_ONE_PUT", 1)

    in_s3.archive.restore_file(manifest, damaged, sources_of(sample)[file.path])

    assert in_s3.archive.read_file(manifest, file) is None
    assert in_s3.kept_aside(manifest) == ([] if data is None else [data])


@pytest.mark.parametrize("data", [None, b"other bytes"])
@pytest.mark.parametrize("in_parts", [False, True])
def test_what_comes_to_s3_at_the_last_moment_is_not_replaced(
    in_s3: Stored, sample: Sample, monkeypatch: pytest.MonkeyPatch, data: bytes | None, in_parts: bool
) -> None:
    manifest = add(in_s3.archive, sample)
    file = manifest.files[1]
    in_s3.damage(manifest, file.path, data)
    damaged = in_s3.archive.read_file(manifest, file)
    assert damaged is not None
    if in_parts:
        monkeypatch.setattr(bucket, "_ONE_PUT", 1)

    def somebody_comes() -> None:
        in_s3.damage(manifest, file.path, b"somebody's")

    with pytest.raises(CalibstateError, match="has appeared meanwhile"):
        in_s3.archive.restore_file(manifest, damaged, sources_of(sample)[file.path], fence=somebody_comes)

    found = in_s3.archive.read_file(manifest, file)
    assert found is not None
    assert found.found_size == len(b"somebody's")


# --- what killed runs leave ---


def test_what_was_left_beside_a_complete_bundle_is_cleared(tmp_path: Path, sample: Sample) -> None:
    root = tmp_path / "archive"
    archive = Archive(str(root))
    folder = root / add(archive, sample).folder
    left, in_the_bundle = folder / f"{TEMPORARY}left", folder / "run" / f"{TEMPORARY}kept"
    in_the_bundle.parent.mkdir(exist_ok=True)
    of_others = [in_the_bundle, folder / "notes.txt", root / f"{TEMPORARY}above"]
    for path in (left, *of_others):
        path.write_text("somebody's")
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file() and path != left}

    archive.clear_leftovers()

    after = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert after == before


def test_nothing_is_left_in_memory_or_in_s3_and_nothing_is_cleared(stored: Stored, sample: Sample) -> None:
    manifest = add(stored.archive, sample)

    stored.archive.clear_leftovers()

    assert stored.archive.bundles([TICKET]) == {TICKET: (manifest,)}
    assert all(stored.archive.read_file(manifest, file) is None for file in manifest.files)


def sources_of(sample: Sample) -> dict[str, str]:
    return {file.path: file.uri for file in sample.export.files}


def replace_export(sample: Sample, export: Export) -> Sample:
    return Sample(export, sample.ticket, sample.collections)
