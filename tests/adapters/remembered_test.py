"""What is remembered of a database is told of that very state alone."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from calibstate.adapters.cachefolder import CacheFolder, cache_of_user
from calibstate.adapters.registry.connections import snapshot
from calibstate.adapters.registry.plain import PlainRepository
from calibstate.adapters.registry.states import state_of
from calibstate.adapters.repositories import RegistryReader
from tests import world
from tests.calibrations import SINCE_2024
from tests.hands import RealHands
from tests.readers import note_digested

BIAS, RUN, CHAIN, NOTHING = "calib/bias", "calib/bias.run", "calib", "calib/none"
NAMES = (BIAS, RUN, CHAIN, NOTHING)

Told = Mapping[str, tuple[str, int, frozenset[str]]]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plain") / "repository"
    world.make_repo(folder).close()
    hands = RealHands(str(folder))
    hands.add_calibration(BIAS, "bias", SINCE_2024)
    hands.add_chain(CHAIN, [BIAS])
    hands.butler.close()
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    return world.clone(template, tmp_path / "a repository")


@pytest.fixture
def cache(tmp_path: Path) -> CacheFolder:
    return CacheFolder(tmp_path / "of the user" / "digests")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the collections whose rows were read, as it grows."""
    return note_digested(monkeypatch)


def look(folder: Path, cache: CacheFolder | None, *, calibrations_only: bool = False) -> Told:
    reader = RegistryReader(str(folder), PlainRepository.at(str(folder)), cache=cache)
    held = reader.digests(NAMES, calibrations_only=calibrations_only)
    reader.close()
    assert reader.aside is None
    return {name: (one.fingerprint, len(one.rows), one.unrecorded) for name, one in held.items()}


def database(folder: Path) -> Path:
    return folder / "gen3.sqlite3"


def by_sql(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(database(folder))) as opened:
        opened.execute(statement)
        opened.commit()


def kept_in(cache: CacheFolder) -> list[Path]:
    return sorted(cache.path.iterdir()) if cache.path.exists() else []


def test_a_second_look_reads_no_row_and_tells_the_same(
    folder: Path, cache: CacheFolder, read: list[str]
) -> None:
    first = look(folder, cache)
    assert first.keys() == {BIAS, RUN}
    assert read == list(NAMES)
    assert look(folder, cache) == first == look(folder, None)
    assert read == [*NAMES, *NAMES], "the second look should have read nothing, the third all"
    # What is asked of calibrations alone is another question.
    calibrations = look(folder, cache, calibrations_only=True)
    assert calibrations == look(folder, cache, calibrations_only=True)
    assert calibrations == look(folder, None, calibrations_only=True)
    assert len(read) == 4 * len(NAMES)


def decertify(folder: Path) -> None:
    hands = RealHands(str(folder))
    row = next(iter(hands.butler.query_datasets("bias", collections=BIAS, find_first=False)))
    hands.decertify(BIAS, str(row.id))
    hands.butler.close()


def make_what_was_absent(folder: Path) -> None:
    hands = RealHands(str(folder))
    hands.add_calibration(NOTHING, "bias", SINCE_2024)
    hands.butler.close()


def lose_a_record(folder: Path) -> None:
    by_sql(folder, "DELETE FROM file_datastore_records WHERE rowid = 1")


def decertify_by_hand(folder: Path) -> None:
    table = calibs(folder)
    by_sql(folder, f"DELETE FROM {table} WHERE id = (SELECT max(id) FROM {table})")


def move_a_range_by_hand(folder: Path) -> None:
    # As many rows and as many bytes as before.
    table = calibs(folder)
    by_sql(folder, f"UPDATE {table} SET timespan_begin = timespan_begin + 1 WHERE id = 1")


def calibs(folder: Path) -> str:
    with closing(sqlite3.connect(database(folder))) as opened:
        name = "SELECT name FROM sqlite_master WHERE name LIKE 'dataset_calibs%' AND type = 'table'"
        return str(opened.execute(name).fetchone()[0])


CHANGES = [decertify, make_what_was_absent, lose_a_record, decertify_by_hand, move_a_range_by_hand]


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_is_committed_is_seen(
    folder: Path, cache: CacheFolder, change: Callable[[Path], None]
) -> None:
    before = look(folder, cache)
    change(folder)
    after = look(folder, cache)
    assert after == look(folder, None) != before


def test_the_count_of_commits_is_part_of_a_state(folder: Path) -> None:
    # Times alone would not tell two commits within one tick of a clock.
    move_a_range_by_hand(folder)
    with snapshot(PlainRepository.at(str(folder))):
        state = state_of(database(folder))
    assert state is not None
    assert state.endswith(database(folder).read_bytes()[:100].hex())


def put_over(copy: Path, file: Path) -> None:
    shutil.copyfile(copy, file)


def put_over_with_its_time(copy: Path, file: Path) -> None:
    shutil.copy2(copy, file)


def put_in_place(copy: Path, file: Path) -> None:
    copy.replace(file)


PUT_BACK = [put_over, put_over_with_its_time, put_in_place]


@pytest.mark.parametrize("put_back", PUT_BACK)
def test_a_backup_that_was_put_back_is_seen(
    folder: Path, cache: CacheFolder, tmp_path: Path, put_back: Callable[[Path, Path], None]
) -> None:
    shutil.copy2(database(folder), tmp_path / "backup")
    before = look(folder, cache)
    decertify_by_hand(folder)
    assert look(folder, cache) != before
    put_back(tmp_path / "backup", database(folder))
    assert look(folder, cache) == before
    # It goes on with counts that another state has had.
    move_a_range_by_hand(folder)
    assert look(folder, cache) == look(folder, None)


@pytest.mark.parametrize("put_back", PUT_BACK)
def test_another_database_of_the_same_count_size_and_time_is_seen(
    folder: Path, cache: CacheFolder, tmp_path: Path, put_back: Callable[[Path, Path], None]
) -> None:
    file = database(folder)
    shutil.copy2(file, tmp_path / "backup")
    move_a_range_by_hand(folder)
    shutil.copy2(file, tmp_path / "other")
    put_over(tmp_path / "backup", file)
    lose_a_record(folder)
    shutil.copy2(file, tmp_path / "one")
    for name in ("one", "other"):
        os.utime(tmp_path / name, ns=(10**18, 10**18))
    header, other = ((tmp_path / name).read_bytes() for name in ("one", "other"))
    assert (header[:100], len(header)) == (other[:100], len(other)), "these should be told by no header"
    put_back(tmp_path / "one", file)
    first = look(folder, cache)
    put_back(tmp_path / "other", file)
    assert look(folder, cache) == look(folder, None) != first


def keep_a_log(folder: Path) -> None:
    with closing(sqlite3.connect(database(folder))) as opened:
        assert opened.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)


def leave_a_log(folder: Path) -> None:
    database(folder).with_name("gen3.sqlite3-wal").touch()


@pytest.mark.parametrize("change", [keep_a_log, leave_a_log])
def test_of_a_database_with_a_log_ahead_nothing_is_remembered(
    folder: Path, cache: CacheFolder, change: Callable[[Path], None]
) -> None:
    change(folder)
    look(folder, cache)
    assert kept_in(cache) == []


WRITE = """
import sqlite3, sys
opened = sqlite3.connect(sys.argv[1], timeout=0)
try:
    opened.execute("UPDATE collection SET doc = 'changed'")
    opened.commit()
except sqlite3.OperationalError as error:
    print(error)
"""


def test_nobody_writes_while_a_state_is_looked_at(folder: Path) -> None:
    # Whoever opens the file and closes it again lets go of SQLite's lock.
    with snapshot(PlainRepository.at(str(folder))):
        assert state_of(database(folder)) is not None
        command = [sys.executable, "-c", WRITE, str(database(folder))]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout == "database is locked\n"


def test_the_state_of_a_file_that_nobody_has_open_is_not_told(folder: Path, tmp_path: Path) -> None:
    assert state_of(database(folder)) is None
    with snapshot(PlainRepository.at(str(folder))):
        # What SQLite reads is not what stands there by now.
        shutil.copy2(database(folder), tmp_path / "other")
        (tmp_path / "other").replace(database(folder))
        assert state_of(database(folder)) is None


FORGED = "sha256:" + "0" * 64


def forge(file: Path, change: Callable[[Any], object] = lambda kept: None) -> None:
    """Have a file say another fingerprint, and be whole all the same."""
    kept = json.loads(file.read_bytes().partition(b"\n")[2])
    kept["whole"][BIAS][1] = FORGED
    change(kept)
    body = json.dumps(kept).encode()
    file.write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)


def test_what_stands_where_it_belongs_is_told(folder: Path, cache: CacheFolder) -> None:
    # Else what follows would show nothing.
    look(folder, cache)
    (file,) = kept_in(cache)
    forge(file)
    assert look(folder, cache)[BIAS][0] == FORGED


def damage(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def write(file: Path) -> None:
        file.write_bytes(change(file.read_bytes()))

    return write


def say(change: Callable[[Any], object]) -> Callable[[Path], None]:
    return lambda file: forge(file, change)


def replace_by_link(file: Path) -> None:
    file.rename(file.parent.parent / "elsewhere")
    file.symlink_to(file.parent.parent / "elsewhere")


def link_twice(file: Path) -> None:
    os.link(file, file.parent.parent / "elsewhere")


def replace_by_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def replace_by_folder(file: Path) -> None:
    file.unlink()
    (file / "full").mkdir(parents=True)


def let_the_group_write(file: Path) -> None:
    file.chmod(0o660)


def let_others_write_to_the_folder(file: Path) -> None:
    file.parent.chmod(0o707)


def give_away(file: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give files away")
    os.chown(file, 12345, -1)


def give_the_folder_away(file: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give files away")
    os.chown(file.parent, 12345, -1)


def replace_folder_by_link(file: Path) -> None:
    file.parent.rename(file.parent.parent / "elsewhere")
    file.parent.symlink_to(file.parent.parent / "elsewhere")


def nest(kept: Any) -> None:
    kept["whole"][BIAS][3] = json.loads("[" * 900 + "]" * 900)


ODD = {
    "emptied": damage(lambda data: b""),
    "without its end": damage(lambda data: data[:-1]),
    "with one bit changed": damage(lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]),
    "with more": damage(lambda data: data + b"\n"),
    "of zeros": damage(lambda data: bytes(len(data))),
    "no JSON": damage(lambda data: hashlib.sha256(b"{").hexdigest().encode() + b"\n{"),
    "pickled": damage(lambda data: b"\x80\x04cos\nsystem\n"),
    "too large": damage(lambda data: data + b" " * (1 << 25)),
    "of another state": say(lambda kept: kept.update(state=kept["state"] + " ")),
    "that says more": say(lambda kept: kept.update(more={})),
    "that says less": say(lambda kept: kept.pop("calibrations")),
    "with a list": say(lambda kept: kept.update(whole=[])),
    "with a number below 0": say(lambda kept: kept["whole"][BIAS].__setitem__(2, -1)),
    "with a text for a number": say(lambda kept: kept["whole"][BIAS].__setitem__(2, "4")),
    "with another type": say(lambda kept: kept["whole"][BIAS].__setitem__(0, "CHAINED")),
    "with no fingerprint": say(lambda kept: kept["whole"][BIAS].__setitem__(1, "sha256:0\n")),
    "with no identifier": say(lambda kept: kept["whole"][BIAS].__setitem__(3, ["/etc/passwd"])),
    "with a shorter entry": say(lambda kept: kept["whole"][BIAS].pop()),
    "nested": say(nest),
    "that is a link": replace_by_link,
    "with two names": link_twice,
    "that is a pipe": replace_by_pipe,
    "that is a folder": replace_by_folder,
    "that the group may write": let_the_group_write,
    "in a folder that others may write to": let_others_write_to_the_folder,
    "of another owner": give_away,
    "in a folder of another owner": give_the_folder_away,
    "in a folder that is a link": replace_folder_by_link,
}


@pytest.mark.parametrize("make_odd", ODD.values(), ids=ODD)
def test_an_odd_cache_is_not_believed(
    folder: Path, cache: CacheFolder, make_odd: Callable[[Path], None]
) -> None:
    expected = look(folder, cache)
    (file,) = kept_in(cache)
    forge(file)
    make_odd(file)
    assert look(folder, cache) == expected
    assert look(folder, cache) == expected


def test_only_the_user_can_read_what_is_kept(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        cache = CacheFolder(tmp_path / "caches" / "calibstate")
        cache.write("name", b"data")
    finally:
        os.umask(before)
    modes = [path.stat().st_mode & 0o777 for path in (tmp_path / "caches", cache.path, cache.path / "name")]
    assert modes == [0o700, 0o700, 0o600]
    assert cache.read("name") == b"data"


def test_of_many_files_the_oldest_are_deleted(tmp_path: Path) -> None:
    cache = CacheFolder(tmp_path / "cache", most=3)
    for number in range(3):
        cache.write(f"{number}", b"")
        os.utime(cache.path / f"{number}", (number, number))
    (cache.path / ".half written").touch()
    os.utime(cache.path / ".half written", (0, 0))
    cache.write("3", b"")
    assert [file.name for file in kept_in(cache)] == ["1", "2", "3"]


def test_what_is_too_large_is_not_kept(tmp_path: Path) -> None:
    cache = CacheFolder(tmp_path / "cache", largest=4)
    cache.write("four", b"1234")
    cache.write("five", b"12345")
    assert (cache.read("four"), cache.read("five")) == (b"1234", None)


WRITE_OFTEN = """
import sys
from pathlib import Path
from calibstate.adapters.cachefolder import CacheFolder
cache = CacheFolder(Path(sys.argv[1]))
for _ in range(300):
    cache.write("name", sys.argv[2].encode() * 50_000)
"""


def test_what_two_processes_write_at_once_is_whole(tmp_path: Path) -> None:
    cache = CacheFolder(tmp_path / "cache")
    command = [sys.executable, "-c", WRITE_OFTEN, str(cache.path)]
    writers = [subprocess.Popen([*command, letter]) for letter in "ab"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        seen.add(cache.read("name"))
    assert seen <= {None, b"a" * 50_000, b"b" * 50_000}
    assert [writer.returncode for writer in writers] == [0, 0]
    assert [file.name for file in kept_in(cache)] == ["name"]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"HOME": "/home/me"}, "/home/me/.cache/calibstate/digests"),
        ({"HOME": "/home/me", "XDG_CACHE_HOME": ""}, "/home/me/.cache/calibstate/digests"),
        ({"HOME": "/home/me", "XDG_CACHE_HOME": "here"}, "/home/me/.cache/calibstate/digests"),
        ({"HOME": "/home/me", "XDG_CACHE_HOME": "/scratch"}, "/scratch/calibstate/digests"),
        ({"XDG_CACHE_HOME": "/scratch"}, "/scratch/calibstate/digests"),
        ({"HOME": "", "XDG_CACHE_HOME": "here"}, None),
        ({}, None),
    ],
)
def test_the_cache_is_where_the_specification_has_it(
    monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str], expected: str | None
) -> None:
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    cache = cache_of_user("digests")
    assert (str(cache.path) if cache else None) == expected


@pytest.mark.parametrize("nowhere", ["/proc/nowhere/cache", "/dev/null/cache"])
def test_where_nothing_can_be_kept_everything_is_read(folder: Path, nowhere: str) -> None:
    cache = CacheFolder(Path(nowhere))
    assert look(folder, cache) == look(folder, cache) == look(folder, None)
