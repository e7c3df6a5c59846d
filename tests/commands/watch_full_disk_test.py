"""A site that keeps itself, on a disk that is really full."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.commands.impact_test import git
from tests.commands.sites import ORIGIN
from tests.commands.watch_test import NEW, merge_new
from tests.commands.watch_test import watched as watched  # the same sites
from tests.commands.watched import BTS, Watched
from tests.services.webhook import SECRET, Receiver

Disk = Callable[[Path, str], None]


@pytest.fixture
def disk() -> Iterator[Disk]:
    """Return what puts a folder on a disk of its own, with so much room."""
    mounted: list[Path] = []

    def put(folder: Path, size: str) -> None:
        aside = folder.with_name(f"{folder.name}-aside")
        folder.rename(aside)
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
        if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("a disk of a size of its own is mounted by root only")
        mounted.append(folder)
        shutil.copytree(aside, folder, dirs_exist_ok=True)

    yield put
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def filled(folder: Path, *, but: int = 0) -> Iterator[None]:
    """Fill the disk of a folder to its last byte, or but for some."""
    filler = folder / ".filler"
    with filler.open("wb", buffering=0) as stream:
        with pytest.raises(OSError, match="No space left"):
            while True:
                stream.write(b"x" * 512)
        stream.truncate(stream.tell() - but)
    try:
        yield
    finally:
        filler.unlink()


def test_records_on_a_full_disk_lose_nothing_and_are_told_of_once(
    watched: Watched, disk: Disk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSTATE_NOTIFY_URL", receiver.url)
    monkeypatch.setenv("CALIBSTATE_NOTIFY_SECRET", SECRET)
    watched.turn("usdf")
    disk(watched.folder / "records", "4m")
    before = watched.state("usdf")
    merge_new(watched)

    with filled(watched.folder / "records"):
        for _ in range(4):
            ran = watched.turn("usdf")
            assert ran.code == 1
            assert "Traceback" not in ran.err
        # What was written before is whole.
        assert watched.state("usdf") == before
        assert NEW not in watched.sites.chain(ORIGIN), "what leaves no trace is not carried out"
    for _ in range(2):
        watched.turn("usdf")

    assert NEW in watched.sites.chain(ORIGIN)
    words = [told["word"] for told in receiver.taken]
    assert words == ["stalled", *words[1:]]
    assert words.count("stalled") == 1
    assert "No space left on device" in receiver.taken[0]["message"]


def test_a_repository_on_a_full_disk_is_as_it_was_and_gets_the_rest_later(
    watched: Watched, disk: Disk
) -> None:
    disk(watched.sites.path(BTS), "64m")
    merge_new(watched)
    watched.turn("usdf")
    before = watched.sites.chain(BTS)

    with filled(watched.sites.path(BTS)):
        for _ in range(2):
            ran = watched.turn("bts")
            assert ran.code in {1, 2, 4}
            assert "Traceback" not in ran.err
        assert watched.sites.chain(BTS) == before
    watched.turn("bts")

    assert watched.sites.chain(BTS)[0] == NEW
    assert watched.run("bts", "verify", "DM-3", "--site", "bts").code == 0


@pytest.mark.parametrize("room", [400_000, 60_000])
def test_a_clone_on_a_full_disk_goes_forward_by_itself_once_there_is_room(
    watched: Watched, disk: Disk, room: int
) -> None:
    watched.turn("usdf")
    clone = watched.clone("usdf")
    disk(clone.parent if (clone.parent / ".git").exists() else clone, "8m")
    # Git has it in little room, and the clone has not.
    (watched.sites.tree.state / "notes.txt").write_text("the same line again\n" * 150_000)
    target = merge_new(watched)
    before = watched.at("usdf")

    with filled(clone, but=room):
        for _ in range(2):
            ran = watched.turn("usdf")
            assert ran.code in {1, 2}
            assert "Traceback" not in ran.err
        assert watched.at("usdf") == before
        assert NEW not in watched.sites.chain(ORIGIN)
    watched.turn("usdf")

    assert watched.at("usdf") == target
    assert git(clone, "status", "--porcelain") == ""
    assert (clone / "notes.txt").stat().st_size == 20 * 150_000
    assert NEW in watched.sites.chain(ORIGIN)
