"""Small files are copied many in a go, and each is checked all the same."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest
from lsst.resources import ResourcePath

from calibstate.adapters.batches import TOGETHER, for_each
from calibstate.adapters.butler.datastore import sizes_of
from calibstate.adapters.butler.incoming import INCOMING
from calibstate.adapters.butler.placing import Placement, place
from calibstate.errors import RefusedError
from calibstate.model.bundles import BundleFile
from calibstate.ports.progress import Tally, unwatched

MANY = 150
"""Files, of which one thread copies less than half in a go."""


NOBODY = Tally(unwatched, [])
"""Who is told of nothing."""


@pytest.fixture
def root(tmp_path: Path) -> ResourcePath:
    (tmp_path / "datastore").mkdir()
    return ResourcePath(str(tmp_path / "datastore"), forceDirectory=True)


def placements(tmp_path: Path, root: ResourcePath, sizes: list[int]) -> list[Placement]:
    found = []
    for number, size in enumerate(sizes):
        data = bytes([number % 251]) * size
        source = tmp_path / f"source-{number}"
        source.write_bytes(data)
        file = BundleFile(
            path=f"run{number % 7}/{number}.fits",
            size=size,
            sha256=hashlib.sha256(data).hexdigest(),
            adler32="0" * 8,
            datasets=(),
        )
        target = root.join(file.path, forceDirectory=False)
        found.append(Placement(file, ResourcePath(str(source)), target))
    return found


def test_many_small_files_arrive_whole_and_are_counted_one_by_one(tmp_path: Path, root: ResourcePath) -> None:
    # The last two are larger than what is read at a time.
    sizes = [*range(MANY), 2**20, 2**21 + 1]
    placed, told = placements(tmp_path, root, sizes), list[tuple[str, int, int]]()
    place(root, placed, Tally(lambda *said: told.append(said), sizes))
    assert [p.target.size() for p in placed] == sizes
    assert all(p.target.read() == p.source.read() for p in placed)
    assert [said for said in told if said[0] == "files"] == [
        ("files", number, len(sizes)) for number in range(1, len(sizes) + 1)
    ]
    passed = [done for what, done, _ in told if what == "bytes"]
    assert passed == sorted(passed)
    assert passed[-1] == sum(sizes)
    # Of a large file not only at its end.
    assert len(passed) > len(sizes) - 1
    assert not (Path(root.ospath) / INCOMING).exists()


@pytest.mark.parametrize("bad", [0, 70, MANY - 1])
@pytest.mark.parametrize("data", [b"", b"other bytes", None], ids=["empty", "others", "longer"])
def test_one_altered_among_many_keeps_all_from_being_placed(
    tmp_path: Path, root: ResourcePath, bad: int, data: bytes | None
) -> None:
    placed = placements(tmp_path, root, [len(b"other bytes")] * MANY)
    source = Path(placed[bad].source.ospath)
    source.write_bytes(source.read_bytes() + b"more" if data is None else data)
    with pytest.raises(RefusedError, match=rf"source-{bad} has .* Nothing was written"):
        place(root, placed, NOBODY)
    assert not list(Path(root.ospath).iterdir())


def test_a_write_that_takes_less_than_it_was_given_is_gone_on_with(
    tmp_path: Path, root: ResourcePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:1000]))
    placed = placements(tmp_path, root, [2880, 999])
    place(root, placed, NOBODY)
    assert [p.target.read() for p in placed] == [p.source.read() for p in placed]


def test_every_file_is_on_the_disk_before_the_first_has_its_name(
    tmp_path: Path, root: ResourcePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bool] = []
    sync = os.fsync

    def syncing(descriptor: int) -> None:
        sync(descriptor)
        synced.append(not list(Path(root.ospath).rglob("*.fits")))

    monkeypatch.setattr(os, "fsync", syncing)
    place(root, placements(tmp_path, root, [10] * MANY), NOBODY)
    assert synced[:MANY] == [True] * MANY
    # The folders of seven runs, and the datastore's.
    assert len(synced) == MANY + 8


def test_sizes_are_told_of_what_is_there_and_of_what_is_not(tmp_path: Path, root: ResourcePath) -> None:
    placed = placements(tmp_path, root, [*range(MANY)])
    place(root, placed[::2], NOBODY)
    sizes = sizes_of([p.target for p in placed])
    assert [sizes[p.target] for p in placed] == [n if n % 2 == 0 else None for n in range(MANY)]


@pytest.mark.parametrize("together", [1, 2, 7, 100])
def test_answers_come_in_the_order_of_what_was_asked(together: int) -> None:
    assert for_each(str, range(20), together=together) == [str(n) for n in range(20)]


@pytest.mark.parametrize("together", [1, 7, TOGETHER])
def test_the_first_that_raises_ends_it_and_later_batches_are_not_begun(together: int) -> None:
    asked: list[int] = []

    def ask(number: int) -> None:
        asked.append(number)
        # The others take long enough for all to be waiting by then.
        if number:
            time.sleep(0.1)
        raise OSError(number)

    with pytest.raises(OSError, match="0"):
        for_each(ask, range(10_000), together=together)
    assert len(asked) < 10_000 // together
