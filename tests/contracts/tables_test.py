"""What everybody who reads tables of files has to keep to."""

from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path

import pytest

from calibstate.adapters.filetables import read_table
from calibstate.errors import RefusedError
from calibstate.model.ingests import FileRow, FileTable
from calibstate.ports.tables import Tables
from tests.fakes.places import MemoryPlaces

CSV = "filename,htm7\na.fits,147456\nb.fits,147457\n"
NAME = "tickets/any/DM-1.csv"


class Real:
    """The tables of a tree on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def table(self, name: str) -> FileTable:
        return read_table(self.root, name)


@pytest.fixture(params=["real", "memory"])
def tables(request: pytest.FixtureRequest, tmp_path: Path) -> Tables:
    path = tmp_path / NAME
    path.parent.mkdir(parents=True)
    path.write_text(CSV)
    real = Real(tmp_path)
    if request.param == "real":
        return real
    memory = MemoryPlaces([])
    memory.tables[NAME] = real.table(NAME)
    return memory


def test_a_table_is_its_files_and_what_they_are(tables: Tables) -> None:
    table = tables.table(NAME)

    assert table.dimensions == ("htm7",)
    assert table.rows == (FileRow("a.fits", ("147456",)), FileRow("b.fits", ("147457",)))
    assert table.digest.startswith("sha256:")
    assert table.path.endswith(NAME)
    assert list(table.data_ids) == [{"htm7": "147456"}, {"htm7": "147457"}]


def test_a_table_that_is_not_there_is_refused(tables: Tables) -> None:
    with pytest.raises(RefusedError, match="tickets/any/other"):
        tables.table("tickets/any/other.csv")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.ecsv", "not a table\n"),
        ("a.csv", "filename,htm7\na.fits\n\n1,2,3\n"),
        ("a.csv", "filename,htm7\na.fits,\n"),
        ("a.csv", "\0\0\xff"),
    ],
)
def test_what_cannot_be_read_is_refused_without_its_text(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_bytes(text.encode("latin-1"))

    with pytest.raises(RefusedError) as refused:
        read_table(tmp_path, name)

    assert "1,2,3" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (gzip.compress(CSV.encode()), "it is no text"),
        (bz2.compress(CSV.encode()), "it is no text"),
        (lzma.compress(CSV.encode()), "it is no text"),
        (lzma.compress(CSV.encode())[:20], "it is no text"),
        (b"filename,htm7\na\0b,1\n", "it is no text"),
        (b'filename,htm7\n"a\nb",1\n', "line 2 has a quote that does not end in it"),
        (b"filename,htm7\n" + b"a,1\n" * 30_000 + b"a" * 10_000, "are too many to be read"),
        (b" " * (64 * 2**20 + 1), "it has more than 64 MiB"),
    ],
    ids=["gzip", "bzip2", "xz", "xz cut off", "nul", "open quote", "wide", "large"],
)
def test_a_table_that_would_fill_the_machine_is_not_read(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)

    with pytest.raises(RefusedError, match=told):
        read_table(tmp_path, "a.csv")


def test_a_large_table_is_read(tmp_path: Path) -> None:
    lines = [f"/data/refcats/gaia_dr4/{number}.fits,{number}" for number in range(20_000)]
    (tmp_path / "a.csv").write_text("\r\n".join(["\ufefffilename,htm7", *lines]))

    table = read_table(tmp_path, "a.csv")

    assert len(table.rows) == 20_000
    assert table.rows[-1] == FileRow("/data/refcats/gaia_dr4/19999.fits", ("19999",))


def test_a_link_is_no_file_of_the_tree(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text(CSV)
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")

    with pytest.raises(RefusedError, match="no such file"):
        read_table(tmp_path, "link.csv")
