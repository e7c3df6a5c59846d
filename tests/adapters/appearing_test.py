"""A file that appears where one is about to be placed is kept."""

from __future__ import annotations

import errno
import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from lsst.resources import ResourcePath

from calibstate.adapters.butler import placing
from calibstate.adapters.butler.placing import Placement, place
from calibstate.adapters.objectstores import bucket as buckets
from calibstate.adapters.objectstores.bucket import Bucket
from calibstate.adapters.objectstores.folder import give_name
from calibstate.errors import Diagnostic, LockedError, RefusedError
from calibstate.model.bundles import BundleFile
from calibstate.ports.progress import Tally, unwatched
from tests.services.moto import S3

NOBODY = Tally(unwatched, [])
"""Who is told of nothing."""

OURS, THEIRS = b"ours" * 1000, b"SOMEBODY'S WORK"


@pytest.fixture(params=["folder", "folder without links", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ResourcePath:
    """Return the root of a datastore."""
    if request.param == "s3":
        s3: S3 = request.getfixturevalue("s3")
        return ResourcePath(s3.bucket("datastore") + "/root", forceDirectory=True)
    if request.param == "folder without links":

        def no_links(*_: object) -> None:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))

        monkeypatch.setattr(os, "link", no_links)
    (tmp_path / "datastore").mkdir()
    return ResourcePath(str(tmp_path / "datastore"), forceDirectory=True)


def placements(tmp_path: Path, root: ResourcePath, *names: str) -> list[Placement]:
    source = tmp_path / "source"
    source.write_bytes(OURS)
    return [
        Placement(
            BundleFile(
                path=name,
                size=len(OURS),
                sha256=hashlib.sha256(OURS).hexdigest(),
                adler32="0" * 8,
                datasets=(),
            ),
            ResourcePath(str(source)),
            root.join(name, forceDirectory=False),
        )
        for name in names
    ]


def at_the_last_moment(monkeypatch: pytest.MonkeyPatch, do: Callable[[], None]) -> None:
    """Do something once, just when the first file is about to appear."""
    create = Bucket.create_from
    left = [do]

    def naming(temporary: Path, path: Path) -> bool:
        if left:
            left.pop()()
        return give_name(temporary, path)

    def creating(bucket: Bucket, key: str, stream: io.BytesIO, size: int) -> bool:
        if left:
            left.pop()()
        return create(bucket, key, stream, size)

    monkeypatch.setattr(placing, "give_name", naming)
    monkeypatch.setattr(Bucket, "create_from", creating)


def test_a_file_of_somebody_that_appears_at_the_last_moment_is_kept(
    tmp_path: Path, root: ResourcePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    (placement,) = placements(tmp_path, root, "run/a.fits")
    at_the_last_moment(monkeypatch, lambda: placement.target.write(THEIRS))
    with pytest.raises(RefusedError, match=r"File is in the way.*kept"):
        place(root, [placement], NOBODY)
    assert placement.target.read() == THEIRS


def test_one_that_appears_before_keeps_all_from_being_placed(
    tmp_path: Path, root: ResourcePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = placements(tmp_path, root, "run/a.fits", "run/b.fits")
    second.target.write(THEIRS)
    with pytest.raises(RefusedError, match=r"b\.fits has appeared"):
        place(root, [first, second], NOBODY)
    assert not first.target.exists()
    assert second.target.read() == THEIRS


def test_one_with_the_right_bytes_is_taken_as_it_is(
    tmp_path: Path, root: ResourcePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = placements(tmp_path, root, "run/a.fits", "run/b.fits")
    at_the_last_moment(monkeypatch, lambda: placed[0].target.write(OURS))
    place(root, placed, NOBODY)
    assert [placement.target.read() for placement in placed] == [OURS, OURS]


def test_whoever_lost_the_lock_places_nothing(tmp_path: Path, root: ResourcePath) -> None:
    (placement,) = placements(tmp_path, root, "run/a.fits")

    def lost() -> None:
        raise LockedError(Diagnostic("Lock was lost", "It was broken."))

    with pytest.raises(LockedError):
        place(root, [placement], NOBODY, lost)
    assert not placement.target.exists()


def test_a_link_of_somebody_is_not_replaced_though_it_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "ours").write_bytes(OURS)
    (tmp_path / "target").symlink_to(tmp_path / "nowhere")
    assert not give_name(tmp_path / "ours", tmp_path / "target")
    assert (tmp_path / "target").is_symlink()
    assert (tmp_path / "ours").exists()


def test_a_name_whose_giving_was_done_and_never_heard_of_is_ours(tmp_path: Path) -> None:
    (tmp_path / "ours").write_bytes(OURS)
    os.link(tmp_path / "ours", tmp_path / "target")
    assert give_name(tmp_path / "ours", tmp_path / "target")
    assert not (tmp_path / "ours").exists()


@pytest.mark.parametrize("there", [None, THEIRS])
def test_what_s3_takes_in_parts_replaces_nothing_either(
    s3: S3, monkeypatch: pytest.MonkeyPatch, there: bytes | None
) -> None:
    monkeypatch.setattr(buckets, "_ONE_PUT", 10)
    bucket = Bucket(s3.bucket("parts") + "/root")
    if there:
        bucket.write("a", there)
    assert bucket.create_from("a", io.BytesIO(OURS), len(OURS)) == (there is None)
    assert bucket.read("a", limit=10**6) == (there or OURS)
