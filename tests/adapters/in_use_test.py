"""What one run writes aside, another one neither takes nor clears away."""

from __future__ import annotations

import fcntl
import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from lsst.resources import ResourcePath

from calibstate.adapters.butler import placing
from calibstate.adapters.butler.incoming import INCOMING, clear_leftovers
from calibstate.adapters.butler.placing import Placement, place
from calibstate.adapters.objectstores import Folder
from calibstate.model.bundles import BundleFile
from calibstate.ports.progress import Tally, unwatched

NOBODY = Tally(unwatched, [])
"""Who is told of nothing."""


@pytest.fixture
def root(tmp_path: Path) -> ResourcePath:
    (tmp_path / "datastore").mkdir()
    return ResourcePath(str(tmp_path / "datastore"), forceDirectory=True)


def a_file(tmp_path: Path, root: ResourcePath, name: str) -> Placement:
    source, data = tmp_path / f"{name}.source", name.encode() * 1000
    source.write_bytes(data)
    file = BundleFile(
        path=name, size=len(data), sha256=hashlib.sha256(data).hexdigest(), adler32="0" * 8, datasets=()
    )
    return Placement(file, ResourcePath(str(source)), root.join(name, forceDirectory=False))


def meanwhile(monkeypatch: pytest.MonkeyPatch, do: Callable[[], None]) -> None:
    """Do something when all is copied aside, before the first renaming."""
    rename = placing._rename

    def renaming(staged: object) -> None:
        monkeypatch.setattr(placing, "_rename", rename)
        do()
        rename(staged)  # type: ignore[arg-type]

    monkeypatch.setattr(placing, "_rename", renaming)


def test_two_imports_at_once_each_place_their_own_files(
    tmp_path: Path, root: ResourcePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = a_file(tmp_path, root, "ours"), a_file(tmp_path, root, "theirs")
    meanwhile(monkeypatch, lambda: place(root, [theirs], NOBODY))
    place(root, [ours], NOBODY)
    for placement in (ours, theirs):
        assert placement.target.read() == placement.source.read()
    assert not (Path(root.ospath) / INCOMING).exists()


def test_an_import_leaves_what_another_one_is_about_to_place(
    tmp_path: Path, root: ResourcePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = a_file(tmp_path, root, "ours")
    left = Path(root.ospath) / INCOMING / "of-a-killed-run"
    left.mkdir(parents=True)
    (left / "in-use").touch()
    meanwhile(monkeypatch, lambda: clear_leftovers(root))
    place(root, [ours], NOBODY)
    assert ours.target.read() == ours.source.read()
    assert not left.exists()


def test_an_import_goes_on_though_its_folder_was_cleared_before_it_was_known_to_be_in_use(
    tmp_path: Path, root: ResourcePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, flock = a_file(tmp_path, root, "ours"), fcntl.flock

    def late(stream: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        clear_leftovers(root)
        flock(stream, how)

    monkeypatch.setattr(fcntl, "flock", late)
    place(root, [ours], NOBODY)
    assert ours.target.read() == ours.source.read()


def test_a_bundle_goes_on_though_somebody_else_resumes_it(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / ".calibstate-of-a-killed-run").touch()

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            Folder(tmp_path).resume("bundle")
            return super().read(size)

    folder.add("bundle/file", Slow(b"bytes"))
    assert [path.name for path in (tmp_path / "bundle").iterdir()] == ["file"]
    assert (tmp_path / "bundle" / "file").read_bytes() == b"bytes"
