"""What every store of locks and journals promises."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from calibstate.adapters.locks import open_locks
from calibstate.adapters.objectstores import open_store
from calibstate.adapters.processes import this_process
from calibstate.adapters.records import open_journal
from calibstate.engine.side_by_side import InTime
from calibstate.errors import LockedError
from calibstate.factory.timely import TimelyLocks
from calibstate.model.locks import Lock
from calibstate.model.outcomes import JournalLine, Outcome, Result
from calibstate.ports.records import Journal, Locks
from calibstate.ports.silence import Silences
from tests.fakes.records import Holder, MemoryJournal, MemoryLocks

PLACE = "summit/LSSTCam"


@dataclass
class Store:
    """Locks as two runs see them, and a hand that puts others' there."""

    ours: Locks
    theirs: Locks
    put: Callable[..., None]
    """Put the lock of an ended or a foreign process there, or rubbish."""


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def a_lock(*, host: str | None = None, **more: Any) -> Lock:
    process = this_process().model_copy(update={"pid": dead_pid(), **({"host": host} if host else {})})
    since = "2026-11-22T17:00:00Z"
    return Lock(id=uuid4().hex, place=PLACE, who="them", process=process, since=since, why="apply", **more)


@pytest.fixture(params=["fake", "folder", "s3", "folder, in time"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "fake":
        held: dict[str, Holder | None] = {}

        def pretend(*, host: str = "here", rubbish: bytes | None = None) -> None:
            there = Holder("them", host, "2026-11-22T17:00:00Z", "apply", runs=False)
            held[PLACE] = there if rubbish is None else None

        yield Store(MemoryLocks(held), MemoryLocks(held), pretend)
        return
    uri = str(tmp_path / "records")
    if request.param == "s3":
        uri = request.getfixturevalue("s3").bucket("records") + "/records"

    def put(*, host: str | None = None, rubbish: bytes | None = None) -> None:
        data = a_lock(host=host).model_dump_json().encode() if rubbish is None else rubbish
        open_store(uri).write("locks/summit__LSSTCam.json", data)

    ours, theirs = open_locks(uri), open_locks(uri)
    if request.param == "folder, in time":
        ours = TimelyLocks(ours, InTime("ours", Silences(), uri))
        theirs = TimelyLocks(theirs, InTime("theirs", Silences(), uri))
    yield Store(ours, theirs, put)


def test_a_lock_is_held_by_one(store: Store) -> None:
    with store.ours.hold(PLACE, why="apply DM-1") as said:
        assert said is None
        with pytest.raises(LockedError, match="apply DM-1"), store.theirs.hold(PLACE, why="apply DM-2"):
            pytest.fail("two hold it")


def test_a_lock_is_free_again_after_its_context(store: Store) -> None:
    with store.ours.hold(PLACE, why="first"):
        pass
    with store.theirs.hold(PLACE, why="second") as said:
        assert said is None


def test_a_lock_is_free_again_after_an_error(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.ours.hold(PLACE, why="first"):
        raise ZeroDivisionError
    with store.theirs.hold(PLACE, why="second") as said:
        assert said is None


def test_places_are_locked_one_by_one(store: Store) -> None:
    with store.ours.hold(PLACE, why="one"), store.theirs.hold("archive", why="other"):
        pass


def test_an_ended_process_of_this_host_is_succeeded_with_a_word(store: Store) -> None:
    store.put()
    with store.ours.hold(PLACE, why="apply") as said:
        assert said is not None
        assert "taken over" in said
        assert "them" in said
        with pytest.raises(LockedError), store.theirs.hold(PLACE, why="too"):
            pytest.fail("two hold it")
    with store.theirs.hold(PLACE, why="apply") as said:
        assert said is None


def test_a_lock_is_abandoned_when_its_holder_has_ended(store: Store) -> None:
    assert not store.ours.is_abandoned(PLACE)
    with store.theirs.hold(PLACE, why="apply"):
        assert not store.ours.is_abandoned(PLACE)
    store.put()
    assert store.ours.is_abandoned(PLACE)
    assert not store.ours.is_abandoned("archive")


def test_whether_a_lock_of_another_host_or_of_nobody_is_abandoned_is_not_known(store: Store) -> None:
    store.put(host="elsewhere")
    assert not store.ours.is_abandoned(PLACE)
    store.put(rubbish=b"{}")
    assert not store.ours.is_abandoned(PLACE)


def test_a_process_of_another_host_is_never_succeeded(store: Store) -> None:
    store.put(host="elsewhere")
    with pytest.raises(LockedError) as raised, store.ours.hold(PLACE, why="apply"):
        pytest.fail("two hold it")
    for word in (PLACE, "them", "elsewhere", "2026-11-22T17:00:00Z", "apply"):
        assert word in str(raised.value)
    assert raised.value.diagnostics[0].hint


def test_a_refusal_says_as_data_who_holds_the_lock(store: Store) -> None:
    store.put(host="node.a.b")
    holders = [holder_of(store.ours), holder_of(store.ours)]
    store.put(host="node.a.b")
    holders.append(holder_of(store.ours))
    store.put(rubbish=b"{}")
    holders.append(holder_of(store.ours))
    assert all(holders)
    assert holders[0] == holders[1]
    assert len(set(holders)) == 3


def holder_of(locks: Locks) -> str:
    with pytest.raises(LockedError) as raised, locks.hold(PLACE, why="apply"):
        pytest.fail("two hold it")
    return raised.value.holder


@pytest.mark.parametrize(
    "rubbish",
    [b"", b'{"format_version": "1.0", "kind": "lo', b"[" * 100_000, b"\xff\xfe", b"{}", b"x" * 200_000],
    ids=["empty", "truncated", "deep", "binary", "other", "large"],
)
def test_a_lock_that_cannot_be_read_is_held_by_somebody(store: Store, rubbish: bytes) -> None:
    store.put(rubbish=rubbish)
    with pytest.raises(LockedError, match="Lock cannot be read"), store.ours.hold(PLACE, why="apply"):
        pytest.fail("two hold it")


def test_a_lock_that_nobody_broke_is_still_held(store: Store) -> None:
    with store.ours.hold(PLACE, why="one"), store.ours.hold("archive", why="two"):
        store.ours.check(PLACE)
        store.ours.check("archive")


def id_to_break(locks: Locks) -> str:
    """Return the id that a person reads in the refusal."""
    with pytest.raises(LockedError) as raised, locks.hold(PLACE, why="apply"):
        pytest.fail("two hold it")
    return raised.value.diagnostics[0].hint.rpartition(f"unlock {PLACE} --id ")[2]


def test_a_lock_is_broken_by_the_id_that_its_message_tells(store: Store) -> None:
    store.put(host="elsewhere")
    told: list[str] = []
    assert store.ours.unlock(PLACE, id_to_break(store.ours), told.append)
    assert len(told) == 1
    assert PLACE in told[0]
    with store.theirs.hold(PLACE, why="apply") as said:
        assert said is None


@pytest.mark.parametrize("rubbish", [b"", b"{", b"x" * 200_000], ids=["empty", "truncated", "large"])
def test_a_lock_that_cannot_be_read_is_broken_by_the_id_that_its_message_tells(
    store: Store, rubbish: bytes
) -> None:
    store.put(rubbish=rubbish)
    assert store.ours.unlock(PLACE, id_to_break(store.ours), lambda told: None)
    with store.theirs.hold(PLACE, why="apply"):
        pass


@pytest.mark.parametrize("id", ["another", "", None])
def test_a_lock_of_another_id_is_not_broken_and_its_own_is_told(store: Store, id: str | None) -> None:
    store.put(host="elsewhere")
    before = id_to_break(store.ours)
    with pytest.raises(LockedError) as raised:
        store.ours.unlock(PLACE, id, lambda told: pytest.fail(told))
    assert before in str(raised.value)
    assert id_to_break(store.ours) == before


def test_the_lock_of_a_process_that_lives_here_is_not_broken(store: Store) -> None:
    with store.theirs.hold(PLACE, why="apply"):
        with pytest.raises(LockedError, match=r"id[ =]'?[0-9a-f]{32}") as raised:
            store.ours.unlock(PLACE, None, lambda told: pytest.fail(told))
        (id,) = re.findall(r"[0-9a-f]{32}", str(raised.value))[-1:]
        with pytest.raises(LockedError, match="Holder is alive"):
            store.ours.unlock(PLACE, id, lambda told: pytest.fail(told))
        store.theirs.check(PLACE)


def test_of_no_lock_it_is_said_that_there_is_none(store: Store) -> None:
    assert not store.ours.unlock(PLACE, "old", lambda told: pytest.fail(told))


def test_who_holds_a_lock_that_was_broken_finds_that_out_and_leaves_the_next_ones(store: Store) -> None:
    checked = False
    with pytest.raises(LockedError, match="Lock was lost"), store.ours.hold(PLACE, why="apply"):
        store.put(host="elsewhere")
        with pytest.raises(LockedError, match="Lock was lost"):
            store.ours.check(PLACE)
        checked = True
    assert checked
    assert id_to_break(store.theirs)


def test_a_lock_that_was_broken_is_told_when_it_is_to_be_given_back(store: Store) -> None:
    done = False
    with pytest.raises(LockedError, match="Lock was lost"), store.ours.hold(PLACE, why="apply"):
        store.put(host="elsewhere")
        done = True
    assert done
    assert id_to_break(store.theirs)


@dataclass
class Kept:
    """A journal, and what is kept of it."""

    journal: Journal
    lines: Callable[[], list[JournalLine]]


@pytest.fixture(params=["fake", "folder", "s3"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    if request.param == "fake":
        fake = MemoryJournal()
        yield Kept(fake, lambda: fake.lines)
    elif request.param == "folder":
        yield Kept(open_journal(str(tmp_path / "r")), lambda: parsed(files_of(tmp_path / "r")))
    else:
        s3 = request.getfixturevalue("s3")
        uri = s3.bucket("records")
        bucket = uri.removeprefix("s3://")

        def objects() -> list[bytes]:
            keys = s3.keys(uri)
            return [s3.client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys]

        yield Kept(open_journal(uri), lambda: parsed(objects()))


def files_of(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.glob("journal/*.jsonl")]


def parsed(files: list[bytes]) -> list[JournalLine]:
    assert len(files) <= 1
    return [JournalLine.model_validate_json(line) for file in files for line in file.splitlines()]


def test_each_line_of_a_journal_is_kept_at_once(kept: Kept) -> None:
    assert kept.lines() == []
    outcome = Outcome(step="1", do="prepend-to-chain", target="summit:chain:x", result=Result.DONE)
    lines = [
        JournalLine(at="2026-11-22T18:00:00Z", event="run", text="apply\nDM-1 é"),
        JournalLine(at="2026-11-22T18:00:01Z", event="outcome", text="done", outcome=outcome),
        JournalLine(at="2026-11-22T18:00:02Z", event="end", text="0"),
    ]
    for count, line in enumerate(lines, 1):
        kept.journal.write(line)
        assert kept.lines() == lines[:count]
