"""Sizes of files that are looked at without the butler are what it tells."""

from __future__ import annotations

import os
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from lsst.daf.butler import Config

from calibstate.adapters.registry.plain import PlainRepository
from calibstate.adapters.repositories import RegistryReader
from calibstate.errors import CalibstateError
from calibstate.ports.butler import ButlerReader
from tests import world
from tests.calibrations import IN_2024, IN_2025, SINCE_2024
from tests.hands import RealHands
from tests.readers import BUTLER, open_reader_by

BIAS, FLAT = "calib/bias", "calib/flat"
LOOKED_AT = [BIAS, f"{BIAS}.run", FLAT]
ALL = [*LOOKED_AT, f"{FLAT}.run", "calib", "calib/nothing"]

Change = Callable[[Path, int], None]
"""Is given a repository, and the number of a file in it."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plain") / "repository"
    world.make_repo(folder).close()
    hands = RealHands(str(folder))
    hands.add_calibration(BIAS, "bias", SINCE_2024)
    hands.add_calibration(FLAT, "flat", IN_2024, IN_2025)
    hands.add_chain("calib", [BIAS, FLAT])
    hands.butler.close()
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    return world.clone(template, tmp_path / "a repository")


def change_records(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "gen3.sqlite3")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


RECORDS = "file_datastore_records"


def chosen(number: int) -> str:
    """Return the path of a file, as a statement."""
    return f"(SELECT path FROM {RECORDS} ORDER BY dataset_id LIMIT 1 OFFSET {number})"


def path_of(folder: Path, number: int) -> Path:
    with closing(sqlite3.connect(folder / "gen3.sqlite3")) as connection:
        ((path,),) = connection.execute(f"SELECT {chosen(number)}")
    return folder / str(path)


def of_file(change: Callable[[Path], object]) -> Change:
    """Change the file itself."""

    def change_file(folder: Path, number: int) -> None:
        change(path_of(folder, number))

    return change_file


def of_record(what: str) -> Change:
    """Change what is recorded of it."""

    def change(folder: Path, number: int) -> None:
        change_records(folder, f"UPDATE {RECORDS} SET {what} WHERE path = {chosen(number)}")

    return change


def without_record(folder: Path, number: int) -> None:
    change_records(folder, f"DELETE FROM {RECORDS} WHERE path = {chosen(number)}")


def replaced_by_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def below_a_file(file: Path) -> None:
    shutil.rmtree(file.parent)
    file.parent.write_text("no folder")


def linked_to(target: str) -> Callable[[Path], None]:
    def link(file: Path) -> None:
        file.unlink()
        file.symlink_to(target)

    return link


def in_components(folder: Path, number: int) -> None:
    (folder / f"second-{number}.fits").write_bytes(b"1234567")
    change_records(
        folder,
        f"INSERT INTO {RECORDS} SELECT dataset_id, 'second-{number}.fits', formatter, storage_class, 'b', "
        f"checksum, 7 FROM {RECORDS} WHERE path = {chosen(number)}",
    )


def one_component_lost(folder: Path, number: int) -> None:
    in_components(folder, number)
    (folder / f"second-{number}.fits").unlink()


def elsewhere(folder: Path, number: int) -> None:
    # The name of the folder itself would have to be quoted.
    there = folder.parent / "elsewhere.fits"
    there.write_bytes(b"12345")
    of_record(f"path = 'file://{there}'")(folder, number)


def in_a_zip_file(folder: Path, number: int) -> None:
    with zipfile.ZipFile(folder / "some.zip", "w") as archive:
        archive.writestr("one.fits", b"123")
    of_record("path = 'some.zip#zip-path=one.fits'")(folder, number)


def trusting(folder: Path, number: int) -> None:
    file = folder / "butler.yaml"
    config = Config(str(file))
    config["datastore", "trust_get_request"] = True
    config.dumpToUri(str(file))


PLAIN: dict[str, Change] = {
    "gone": of_file(lambda file: file.unlink()),
    "longer": of_file(lambda file: file.write_bytes(b"much" * 5000)),
    "empty": of_file(lambda file: file.write_bytes(b"")),
    "a folder in its place": of_file(replaced_by_folder),
    "a link to another file": of_file(linked_to("/etc/hostname")),
    "a link that leads nowhere": of_file(linked_to("/not/there")),
    "no size was recorded": of_record("file_size = NULL"),
    "a size below zero": of_record("file_size = -1"),
    "another size": of_record("file_size = 9"),
    "recorded elsewhere": elsewhere,
    "no record": without_record,
    "a component is lost": one_component_lost,
    "in components": in_components,
}
"""What is told without the butler; each happens to a file of its own."""

FOR_THE_BUTLER: dict[str, Change] = {
    "recorded above": of_record("path = '../other.fits'"),
    "recorded above, in between": of_record("path = 'calib/../../other.fits'"),
    "a quoted path": of_record("path = 'calib/a%20b.fits'"),
    "a path with a space": of_record("path = 'calib/a b.fits'"),
    "a path with a fragment": of_record("path = 'calib/a#b.fits'"),
    "an absolute path": of_record("path = '/not/there.fits'"),
    "a member of a zip file": in_a_zip_file,
    "a link that leads to itself": of_file(lambda file: linked_to(str(file))(file)),
    "a datastore that trusts": trusting,
}
"""What only the butler tells."""

OFTEN = {"recorded above", "a path with a space", "a member of a zip file", "a link that leads to itself"}


def look(reader: ButlerReader) -> dict[str, object] | str:
    """Return what a reader tells, or its complaint."""
    try:
        held = reader.holdings(ALL, files=LOOKED_AT)
    except (CalibstateError, OSError) as error:
        return f"{type(error).__name__}: {error}"
    return {
        name: (holding.type, set(holding.rows), holding.unrecorded, holding.sizes, holding.recorded)
        for name, holding in held.items()
    }


def assert_alike(folder: Path, *, awake: bool) -> None:
    """Look whether both tell the same, and whether the butler was asked."""
    ours = RegistryReader(str(folder), PlainRepository.at(str(folder)))
    butlers = open_reader_by(BUTLER, str(folder))
    assert look(ours) == look(butlers)
    assert (ours._awake is not None) is awake
    butlers.close()
    ours.close()


def test_sizes_are_those_that_the_butler_tells(folder: Path) -> None:
    # From the last on: some add or remove a record, and numbers behind it
    # would mean other files.
    for number, change in reversed(list(enumerate(PLAIN.values()))):
        change(folder, number)
    assert_alike(folder, awake=False)


def test_where_a_folder_is_a_file_the_same_is_told(folder: Path) -> None:
    of_file(below_a_file)(folder, 0)
    assert_alike(folder, awake=False)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in OFTEN else pytest.mark.slow) for n in FOR_THE_BUTLER]
)
def test_the_butler_is_asked_where_it_alone_can_tell(folder: Path, name: str) -> None:
    FOR_THE_BUTLER[name](folder, 0)
    assert_alike(folder, awake=True)


def test_nobody_is_kept_from_writing_while_files_are_looked_at(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = RegistryReader(str(folder), PlainRepository.at(str(folder)))
    stat = os.stat
    written: list[int] = []

    def writing(path: object, *rest: object, **more: object) -> os.stat_result:
        if str(path).endswith(".fits") and not written:
            written.append(1)
            change_records(folder, f"DELETE FROM {RECORDS}")
        return stat(path, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", writing)
    before = look(ours)
    assert written
    monkeypatch.undo()
    assert look(ours) != before
    ours.close()
