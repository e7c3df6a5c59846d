"""A folder of pages is the old ones or the new ones, whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from calibstate.errors import UsageError
from calibstate.store.pagefolder import PageFolder

OLD = {"index.html": b"old", "feed/index.html": b"old too"}
NEW = {"index.html": b"new", "about/index.html": b"new too"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pages"
    assert PageFolder(folder).write(OLD.items(), "then", "1") == {"index.html": 3, "feed/index.html": 7}
    return folder


def held(folder: Path) -> dict[str, bytes]:
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.html")}
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    return files


def test_new_pages_take_the_place_of_all_old_ones(folder: Path) -> None:
    PageFolder(folder).write(NEW.items(), "now", "1")
    assert held(folder) == NEW
    assert PageFolder(folder).stale(NEW.items(), "now", "1") == ({"index.html": 3, "about/index.html": 7}, ())


@pytest.mark.parametrize("stopped", [KeyboardInterrupt(), MemoryError(), ZeroDivisionError("a page")])
def test_who_is_stopped_between_two_pages_leaves_the_old_ones(folder: Path, stopped: BaseException) -> None:
    def some() -> Iterator[tuple[str, bytes]]:
        yield "index.html", b"new"
        raise stopped

    with pytest.raises(type(stopped)):
        PageFolder(folder).write(some(), "now", "1")
    assert held(folder) == OLD


def test_a_disk_that_is_full_after_some_pages_leaves_the_old_ones(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes

    def write_little(path: Path, data: bytes) -> int:
        if path.parent.name == "about":
            raise OSError(28, "No space left on device")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", write_little)
    with pytest.raises(UsageError) as refused:
        PageFolder(folder).write(NEW.items(), "now", "1")
    assert "No space left on device" in refused.value.first.detail
    assert held(folder) == OLD


def test_a_check_names_what_differs_what_is_new_and_what_would_leave(folder: Path) -> None:
    _, stale = PageFolder(folder).stale(NEW.items(), "then", "1")
    assert stale == ("about/index.html", "feed/index.html", "index.html", "page.json")
    assert PageFolder(folder).stale(OLD.items(), "then", "2")[1] == ("page.json",)
    assert held(folder) == OLD
