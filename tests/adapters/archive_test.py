"""Bundles are complete or absent, whatever happens while one is written."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import pytest
from botocore.exceptions import EndpointConnectionError

from calibstate.adapters import archive as archives
from calibstate.adapters.archive import Archive
from calibstate.adapters.objectstores import folder as folders
from calibstate.errors import (
    CalibstateError,
    Diagnostic,
    InvalidStateError,
    LockedError,
    RefusedError,
    UnreachableError,
)
from calibstate.model.bundles import Contents, Manifest
from calibstate.model.names import TicketKey
from calibstate.ports.butler import Export, ExportedFile
from calibstate.ports.progress import unwatched
from calibstate.store import bundle
from tests.exports import TICKET, Sample, make_sample
from tests.services.moto import S3


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    return make_sample(tmp_path / "origin", 5)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def add(archive: Archive, sample: Sample, watch: Callable[[str, int, int], None] = unwatched) -> Manifest:
    return archive.add_bundle(
        sample.ticket,
        sample.collections,
        sample.fingerprint,
        sample.export,
        exported_from="usdf/main",
        watch=watch,
    )


def files_in(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


# In a folder


def test_an_export_is_parsed_once_for_all_who_ask_for_it(
    root: Path, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: list[str] = []

    def read_contents(text: str, *, name: str) -> Contents:
        texts.append(text)
        return bundle.read_contents(text, name=name)

    add(Archive(str(root)), sample)
    monkeypatch.setattr(archives, "read_contents", read_contents)
    archive = Archive(str(root))
    ((manifest,),) = archive.bundles([sample.ticket]).values()
    assert archive.contents(manifest) is archive.contents(manifest)
    assert texts == [sample.export.text]


def test_a_manifest_that_is_another_one_is_read_anew(root: Path, sample: Sample) -> None:
    add(Archive(str(root)), sample)
    archive = Archive(str(root))
    ((before,),) = archive.bundles([sample.ticket]).values()
    ((again,),) = archive.bundles([sample.ticket]).values()
    assert again is before
    file = next(root.rglob("manifest.json"))
    file.write_text(file.read_text().replace("usdf/main", "usdf/other"))
    ((after,),) = archive.bundles([sample.ticket]).values()
    assert (before.exported_from, after.exported_from) == ("usdf/main", "usdf/other")


def test_only_the_texts_that_were_asked_for_last_are_kept() -> None:
    recent: archives._Recent[str] = archives._Recent()
    read: list[str] = []

    def get(digest: str) -> str:
        def note() -> str:
            read.append(digest)
            return digest.upper()

        return recent.get(digest, note)

    assert [get(digest) for digest in "abcdabe"] == list("ABCDABE")
    assert read == list("abcde")
    # Of the first five "c" was asked for longest ago.
    assert [get(digest) for digest in "abdec"] == list("ABDEC")
    assert read == list("abcdec")


def test_a_bundle_is_a_folder_with_files_export_and_manifest(root: Path, sample: Sample) -> None:
    manifest = add(Archive(str(root)), sample)
    folder = root / "LATISS" / "DM-40002" / sample.fingerprint.removeprefix("sha256:")[:16]
    assert files_in(root) == {
        str(folder.relative_to(root) / name) for name in ("export.yaml", "manifest.json", *sample.bytes)
    }
    for path, data in sample.bytes.items():
        assert (folder / path).read_bytes() == data
    assert (folder / "export.yaml").read_text() == sample.export.text
    assert Archive(str(root)).source(manifest) == f"file://{folder}/"
    assert folder.stat().st_mode & 0o777 == 0o777 & ~_umask()
    assert (folder / "manifest.json").stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def test_a_bundle_by_reference_has_no_files(root: Path, sample: Sample) -> None:
    Archive(str(root)).add_bundle(
        TICKET,
        sample.collections,
        sample.fingerprint,
        sample.export,
        exported_from="usdf/main",
        by_reference=True,
    )
    assert {Path(name).name for name in files_in(root)} == {"export.yaml", "manifest.json"}


def test_the_archive_may_be_named_by_a_file_uri(root: Path, sample: Sample) -> None:
    add(Archive(root.as_uri()), sample)
    assert Archive(str(root)).bundles([TICKET])


def test_files_may_be_named_by_file_uris(root: Path, tmp_path: Path) -> None:
    sample = make_sample(tmp_path / "with space %", 2)
    files = tuple(ExportedFile(f.path, Path(f.uri).as_uri()) for f in sample.export.files)
    assert len(add(Archive(str(root)), Sample(Export(sample.export.text, files))).files) == 2


def test_other_uris_are_not_archives() -> None:
    for uri in ("https://user:secret@host/x", "gs://bucket/x", "rubbish:x"):
        with pytest.raises(InvalidStateError, match="neither a folder nor") as raised:
            Archive(uri)
        assert "secret" not in str(raised.value)


class _Killed(BaseException):
    """What a kill would be, if it could be caught."""


def test_a_folder_without_a_manifest_is_no_bundle(root: Path, sample: Sample) -> None:
    manifest = add(Archive(str(root)), sample)
    (root / manifest.folder / "manifest.json").unlink()
    (root / "LATISS" / "DM-40002" / "empty").mkdir()
    (root / "LATISS" / "DM-40002" / "notes.txt").write_text("by hand")
    assert Archive(str(root)).bundles([TICKET]) == {}


@pytest.mark.parametrize("step", range(7))
def test_a_run_cut_off_at_any_rename_leaves_no_bundle_and_is_completed(
    root: Path, sample: Sample, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    # Five files, the export, the manifest: seven names are given.
    renamed: list[Path] = []
    replace, link = Path.replace, os.link

    def cut_off(target: Path) -> None:
        if len(renamed) == step:
            raise _Killed
        renamed.append(target)

    def replacing(self: Path, target: Path) -> Path:
        cut_off(target)
        return replace(self, target)

    def linking(path: Path, target: Path) -> None:
        cut_off(target)
        link(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replacing)
        patched.setattr(os, "link", linking)
        patched.setattr(archives, "_THREADS", 1)
        with pytest.raises(_Killed):
            add(Archive(str(root)), sample)
    assert Archive(str(root)).bundles([TICKET]) == {}
    manifest = add(Archive(str(root)), sample)
    assert Archive(str(root)).bundles([TICKET]) == {TICKET: (manifest,)}
    assert [p.name for p in renamed if p.name == "manifest.json"] == []


def test_the_manifest_is_written_last(root: Path, sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    renamed: list[str] = []
    replace, link = Path.replace, os.link

    def replacing(self: Path, target: Path) -> Path:
        renamed.append(Path(target).name)
        return replace(self, target)

    def linking(path: Path, target: Path) -> None:
        renamed.append(Path(target).name)
        link(path, target)

    monkeypatch.setattr(Path, "replace", replacing)
    monkeypatch.setattr(os, "link", linking)
    add(Archive(str(root)), sample)
    assert renamed[-2:] == ["export.yaml", "manifest.json"]
    assert len(renamed) == 7


def test_every_file_is_on_the_disk_before_the_manifest(
    root: Path, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    manifest = add(Archive(str(root)), sample)
    folder = str(root / manifest.folder)
    last = max(i for i, path in enumerate(synced) if "/.calibstate-" in path)
    before = synced[:last]
    assert len([path for path in before if "/.calibstate-" in path]) == 6
    assert {folder, os.path.dirname(f"{folder}/{manifest.files[0].path}")} <= set(before)


_CUT_OFF = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from calibstate.adapters import archive as archives
from calibstate.adapters.objectstores import folder as folders
from calibstate.adapters.archive import Archive
from tests.exports import make_sample
root, origin, where = sys.argv[1:]
archives._THREADS = 1
third = iter([False, False, True])
replace, sync = Path.replace, folders._sync
def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)
def kill_at_third_sync(stream):
    next(third) and kill()
    sync(stream)
def kill_after_third_rename(path, target):
    replace(path, target)
    next(third) and kill()
if where == "within":
    folders._sync = kill_at_third_sync
if where == "between":
    Path.replace = kill_after_third_rename
if where == "end":
    folders.Folder.settle = kill
sample = make_sample(Path(origin), 5)
Archive(root).add_bundle(
    sample.ticket, sample.collections, sample.fingerprint, sample.export, exported_from="usdf/main"
)
"""


@pytest.mark.parametrize(("where", "copied"), [("within", 2), ("between", 3), ("end", 5)])
def test_a_killed_run_is_completed_and_copies_nothing_twice(
    root: Path, sample: Sample, where: str, copied: int
) -> None:
    origin = str(Path(sample.export.files[0].uri).parent)
    ended = subprocess.run([sys.executable, "-c", _CUT_OFF, str(root), origin, where], check=False)
    assert ended.returncode == -signal.SIGKILL
    left = [p for p in root.rglob("*.fits") if p.is_file()]
    assert len(left) == copied
    inodes = {p: p.stat().st_ino for p in left}
    assert bool(list(root.rglob(".calibstate-*"))) == (where == "within")
    assert Archive(str(root)).bundles([TICKET]) == {}
    manifest = add(Archive(str(root)), sample)
    assert Archive(str(root)).bundles([TICKET]) == {TICKET: (manifest,)}
    assert {p: p.stat().st_ino for p in left} == inodes
    assert list(root.rglob(".calibstate-*")) == []
    for path, data in sample.bytes.items():
        assert (root / manifest.folder / path).read_bytes() == data


def test_a_manifest_that_others_wrote_meanwhile_is_kept(root: Path, sample: Sample) -> None:
    theirs: list[Manifest] = []

    def complete() -> None:
        """Complete the bundle, as a run does that took the lock over."""
        if (root / "LATISS").exists() and not theirs and list(root.rglob("export.yaml")):
            theirs.append(add(Archive(str(root), clock=lambda: datetime(2026, 11, 22, tzinfo=UTC)), sample))

    ours = Archive(str(root)).add_bundle(
        sample.ticket,
        sample.collections,
        sample.fingerprint,
        sample.export,
        exported_from="usdf/main",
        fence=complete,
    )
    assert [ours] == theirs
    assert Archive(str(root)).bundles([TICKET]) == {TICKET: (ours,)}


def test_no_manifest_is_written_by_who_lost_the_lock(root: Path, sample: Sample) -> None:
    def lost() -> None:
        if list(root.rglob("export.yaml")):
            raise LockedError(Diagnostic("Lock was lost", "It was broken."))

    with pytest.raises(LockedError):
        Archive(str(root)).add_bundle(
            sample.ticket,
            sample.collections,
            sample.fingerprint,
            sample.export,
            exported_from="usdf/main",
            fence=lost,
        )
    assert Archive(str(root)).bundles([TICKET]) == {}


def test_a_leftover_file_of_other_bytes_is_replaced(root: Path, sample: Sample) -> None:
    manifest = add(Archive(str(root)), sample)
    folder = root / manifest.folder
    (folder / "manifest.json").unlink()
    victim = folder / manifest.files[2].path
    victim.write_bytes(b"x" * victim.stat().st_size)
    assert add(Archive(str(root)), sample).files == manifest.files
    assert victim.read_bytes() == sample.bytes[manifest.files[2].path]


def test_a_complete_bundle_is_never_written_again(root: Path, sample: Sample) -> None:
    first = add(Archive(str(root)), sample)
    before = {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in root.rglob("*")}
    Path(sample.export.files[0].uri).write_bytes(b"changed meanwhile")
    assert add(Archive(str(root)), sample) == first
    assert {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in root.rglob("*")} == before


@pytest.mark.parametrize("spoil", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path)])
def test_a_manifest_that_is_no_file_says_nothing_of_the_archive(
    root: Path, sample: Sample, spoil: Callable[[Path], None]
) -> None:
    manifest = root / add(Archive(str(root)), sample).folder / "manifest.json"
    manifest.unlink()
    spoil(manifest)
    with pytest.raises(InvalidStateError, match="Bundle cannot be read"):
        Archive(str(root)).bundles([TICKET])
    assert Archive(str(root)).bundles([TicketKey("LATISS", "DM-other")]) == {}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EACCES])
def test_a_full_disk_is_told_and_leaves_no_bundle(
    root: Path, sample: Sample, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    full = Full(3, number)
    with monkeypatch.context() as patched:
        patched.setattr(folders, "_sync", full)
        with pytest.raises(CalibstateError, match="Archive cannot be written") as raised:
            add(Archive(str(root)), sample)
    assert os.strerror(number) in str(raised.value)
    assert raised.value.exit_code == 1
    assert list(root.rglob(".calibstate-*")) == []
    assert Archive(str(root)).bundles([TICKET]) == {}
    manifest = add(Archive(str(root)), sample)
    assert Archive(str(root)).bundles([TICKET]) == {TICKET: (manifest,)}


class Full:
    """A disk that takes so many files and then no more."""

    def __init__(self, room: int, number: int) -> None:
        self.room = room
        self.number = number

    def __call__(self, stream: IO[bytes]) -> None:
        self.room -= 1
        if self.room < 0:
            raise OSError(self.number, os.strerror(self.number))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system")
def test_a_really_full_disk_is_told_and_leaves_no_bundle(tmp_path: Path, sample: Sample) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        with pytest.raises(CalibstateError, match="No space left on device"):
            add(Archive(str(disk / "archive")), sample)
        assert list(disk.rglob(".calibstate-*")) == []
        assert Archive(str(disk / "archive")).bundles([TICKET]) == {}
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_an_archive_whose_parent_is_missing_is_unreachable(tmp_path: Path, sample: Sample) -> None:
    away = Archive(str(tmp_path / "not-mounted" / "archive"))
    with pytest.raises(UnreachableError, match="Archive cannot be seen"):
        away.bundles([TICKET])
    with pytest.raises(UnreachableError):
        add(away, sample)
    assert not (tmp_path / "not-mounted").exists()


def test_an_archive_that_is_a_file_is_unreachable(tmp_path: Path) -> None:
    (tmp_path / "archive").write_text("no folder")
    with pytest.raises(UnreachableError, match="Not a directory"):
        Archive(str(tmp_path / "archive")).bundles([TICKET])


def test_a_folder_that_may_not_be_read_is_unreachable(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root.mkdir()

    def forbidden(path: Path) -> Iterator[os.DirEntry[str]]:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(os, "scandir", forbidden)
    with pytest.raises(UnreachableError, match="Permission denied"):
        Archive(str(root)).bundles([TICKET])


# Hostile bundles


def test_a_manifest_in_a_folder_of_another_name_is_told(root: Path, sample: Sample) -> None:
    manifest = add(Archive(str(root)), sample)
    (root / manifest.folder).rename(root / "LATISS" / "DM-40002" / "moved")
    with pytest.raises(InvalidStateError, match="is the manifest of"):
        Archive(str(root)).bundles([TICKET])


def test_a_manifest_that_climbs_is_told_with_its_name(root: Path, sample: Sample) -> None:
    manifest = add(Archive(str(root)), sample)
    file = root / manifest.folder / "manifest.json"
    document = json.loads(file.read_text())
    document["files"][0]["path"] = "../../../../../etc/passwd"
    file.write_text(json.dumps(document))
    with pytest.raises(InvalidStateError, match="climb") as raised:
        Archive(str(root)).bundles([TICKET])
    assert str(file) in str(raised.value)


def test_an_export_that_is_no_text_is_refused(root: Path, sample: Sample) -> None:
    manifest = add(Archive(str(root)), sample)
    (root / manifest.folder / "export.yaml").write_bytes(b"\xff\xfe\x00" * 1000)
    with pytest.raises(RefusedError, match=r"export\.yaml"):
        Archive(str(root)).contents(manifest)


def test_another_content_is_not_taken_for_the_same_folder(
    root: Path, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = add(Archive(str(root)), sample)
    other = manifest.fingerprint[:30] + "0" * 41
    archive = Archive(str(root))
    monkeypatch.setattr(archives, "check_export", lambda *_, **__: None)
    with pytest.raises(RefusedError, match="another content"):
        archive.add_bundle(TICKET, sample.collections, other, sample.export, exported_from="x")


# In S3


class Puts:
    """Counts the PUTs of an archive, and lets one fail."""

    def __init__(self, archive: Archive, fail_at: int | None = None) -> None:
        self.keys: list[str] = []
        self._fail_at = fail_at
        store: Any = archive._store
        store._client.meta.events.register("before-call.s3.PutObject", self)

    def __call__(self, params: dict[str, Any], **_: Any) -> None:
        if len(self.keys) == self._fail_at:
            raise EndpointConnectionError(endpoint_url="http://key:secret@loopback")
        self.keys.append(params["url_path"])


@pytest.mark.parametrize("step", range(7))
@pytest.mark.matrix(3)
def test_a_bundle_in_s3_is_absent_until_the_last_put(
    s3: S3, sample: Sample, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    uri = f"{s3.bucket()}/exports"
    monkeypatch.setattr(archives, "_THREADS", 1)
    archive = Archive(uri)
    Puts(archive, fail_at=step)
    with pytest.raises(CalibstateError, match="Archive cannot be written") as raised:
        add(archive, sample)
    assert "secret" not in str(raised.value)
    assert Archive(uri).bundles([TICKET]) == {}
    again = Archive(uri)
    puts = Puts(again)
    manifest = add(again, sample)
    assert Archive(uri).bundles([TICKET]) == {TICKET: (manifest,)}
    # The files that had arrived are not sent again.
    assert len(puts.keys) == 7 - min(step, 5)
    assert puts.keys[-1].endswith("manifest.json")


def test_bytes_that_changed_on_the_way_are_sent_again(s3: S3, sample: Sample) -> None:
    uri = s3.bucket()
    manifest = add(Archive(uri), sample)
    bucket, key = uri.removeprefix("s3://"), f"{manifest.folder}/{manifest.files[0].path}"
    s3.client.delete_object(Bucket=bucket, Key=f"{manifest.folder}/manifest.json")
    s3.client.put_object(Bucket=bucket, Key=key, Body=b"half")
    add(Archive(uri), sample)
    assert s3.client.get_object(Bucket=bucket, Key=key)["Body"].read() == sample.bytes[manifest.files[0].path]


def test_s3_is_told_which_bytes_to_expect(s3: S3, sample: Sample) -> None:
    archive = Archive(s3.bucket())
    store: Any = archive._store
    told: set[str | None] = set()
    store._client.meta.events.register(
        "before-call.s3.PutObject", lambda params, **_: told.add(params["headers"].get("Content-MD5"))
    )
    add(archive, sample)
    digests = {base64.b64encode(hashlib.md5(data).digest()).decode() for data in sample.bytes.values()}
    assert digests <= told


def test_files_are_copied_from_s3(s3: S3, sample: Sample, root: Path) -> None:
    origin = s3.bucket("origin")
    files = []
    for file in sample.export.files:
        key = f"main/{Path(file.uri).name}"
        s3.client.put_object(Bucket=origin.removeprefix("s3://"), Key=key, Body=sample.bytes[file.path])
        files.append(ExportedFile(file.path, f"{origin}/{key}"))
    there = Sample(Export(sample.export.text, tuple(files)))
    manifest = add(Archive(str(root)), there)
    assert {f.path: (root / manifest.folder / f.path).read_bytes() for f in manifest.files} == sample.bytes
    gone = [*files[:-1], ExportedFile(files[-1].path, f"{origin}/main/gone.fits")]
    with pytest.raises(RefusedError, match=r"gone\.fits is not there"):
        add(Archive(s3.bucket()), Sample(Export(sample.export.text, tuple(gone))))


def test_looking_for_bundles_lists_no_files_of_them(s3: S3, sample: Sample) -> None:
    uri = f"{s3.bucket()}/exports"
    add(Archive(uri), sample)
    archive = Archive(uri)
    store: Any = archive._store
    asked: list[dict[str, Any]] = []
    store._client.meta.events.register(
        "before-parameter-build.s3.ListObjectsV2", lambda params, **_: asked.append(params)
    )
    assert archive.bundles([TICKET])
    assert all(params.get("Delimiter") == "/" or params.get("MaxKeys") == 1 for params in asked)


def test_a_profile_before_the_bucket_chooses_the_endpoint(
    s3: S3, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = s3.bucket().removeprefix("s3://")
    address = s3.endpoint.removeprefix("http://")
    monkeypatch.setenv("LSST_RESOURCES_S3_PROFILE_embargo", f"http://key:top%2Fsecret@{address}")
    monkeypatch.delenv("S3_ENDPOINT_URL")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    archive = Archive(f"s3://embargo@{bucket}/exports")
    manifest = add(archive, sample)
    assert archive.source(manifest) == f"s3://embargo@{bucket}/exports/{manifest.folder}/"
    assert f"exports/{manifest.folder}/manifest.json" in s3.keys(f"s3://{bucket}")


def test_a_bucket_that_does_not_exist_is_unreachable(s3: S3, sample: Sample) -> None:
    with pytest.raises(UnreachableError, match="NoSuchBucket"):
        Archive("s3://nobody-made-this/exports").bundles([TICKET])


def test_a_server_that_is_down_is_unreachable_soon_and_keeps_secrets(
    s3: S3, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3_ENDPOINT_URL", f"http://key:topsecret@127.0.0.1:{closed_port()}")
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    with pytest.raises(UnreachableError, match="Archive cannot be seen") as raised:
        Archive("s3://bucket/exports").bundles([TICKET])
    assert sum(waits) < 20
    assert "topsecret" not in str(raised.value)


def closed_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
    return port


@pytest.mark.parametrize("endpoint", ["no url", "http://", "http://[::1", "ftp://x"])
def test_an_endpoint_that_is_no_url_is_unreachable(
    s3: S3, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setenv("S3_ENDPOINT_URL", endpoint)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with pytest.raises(UnreachableError):
        Archive("s3://bucket/exports").bundles([TICKET])


def test_missing_keys_are_unreachable(s3: S3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(UnreachableError, match="credentials"):
        Archive("s3://bucket/exports").bundles([TICKET])


def test_an_unknown_profile_is_unreachable(s3: S3) -> None:
    with pytest.raises(UnreachableError, match="nobodys"):
        Archive("s3://nobodys@bucket/exports").bundles([TICKET])


def test_the_order_of_the_tickets_does_not_matter(root: Path, sample: Sample) -> None:
    manifest = add(Archive(str(root)), sample)
    keys = [TicketKey("A", f"DM-{n}") for n in range(20)]
    assert Archive(str(root)).bundles([*keys, TICKET, *keys, TICKET]) == {TICKET: (manifest,)}
