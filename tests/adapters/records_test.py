"""Locks exclude, outlive nobody for long, and journals lose no line."""

from __future__ import annotations

import errno
import fcntl
import getpass
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from botocore.awsrequest import AWSResponse

from calibstate.adapters import locks as locking
from calibstate.adapters import processes
from calibstate.adapters import records as recording
from calibstate.adapters.locks import open_locks
from calibstate.adapters.objectstores import folder as folders
from calibstate.adapters.objectstores import open_store
from calibstate.adapters.processes import runs_no_more, this_process
from calibstate.adapters.records import (
    open_journal,
    publish_review,
    publish_sight,
    published_review,
    published_sight,
    published_sights,
)
from calibstate.errors import CalibstateError, LockedError, UnreachableError
from calibstate.model.locks import Lock, Process
from calibstate.model.outcomes import JournalLine
from calibstate.model.sights import Beside
from tests.contracts.records_test import a_lock, dead_pid
from tests.services.moto import S3

PLACE = "summit/LSSTCam"
KEY = "locks/summit__LSSTCam.json"
LINE = JournalLine(at="2026-11-22T18:00:00Z", event="run", text="apply")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "records"


@pytest.fixture(params=["folder", "s3"])
def uri(request: pytest.FixtureRequest, root: Path) -> str:
    if request.param == "folder":
        return str(root)
    return f"{request.getfixturevalue('s3').bucket('records')}/records"


def lock_at(uri: str) -> Lock:
    data = open_store(uri).read(KEY, limit=10_000)
    assert data is not None
    return Lock.model_validate_json(data)


# Who holds a lock


def test_a_lock_says_who_holds_it(uri: str) -> None:
    with open_locks(uri).hold(PLACE, why="apply 3 steps"):
        lock = lock_at(uri)
    assert (lock.place, lock.why, lock.kind, lock.format_version) == (PLACE, "apply 3 steps", "lock", "1.0")
    assert lock.process == this_process()
    assert lock.process.pid == os.getpid()
    assert lock.process.host == socket.gethostname()
    assert lock.since.endswith("Z")
    assert lock.who
    assert open_store(uri).read(KEY, limit=10_000) is None


_HOLD = """
import sys
from calibstate.adapters.locks import open_locks
with open_locks(sys.argv[1]).hold("summit/LSSTCam", why="apply in a child"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def child(uri: str) -> Iterator[subprocess.Popen[str]]:
    """Give a process that holds the lock until it is told or killed."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, uri], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_living_process_keeps_its_lock(uri: str, child: subprocess.Popen[str]) -> None:
    with pytest.raises(LockedError, match=f"process {child.pid}"), open_locks(uri).hold(PLACE, why="x"):
        pytest.fail("two hold it")
    child.communicate("")
    with open_locks(uri).hold(PLACE, why="x") as said:
        assert said is None


def test_a_killed_process_is_succeeded(uri: str, child: subprocess.Popen[str]) -> None:
    child.send_signal(signal.SIGKILL)
    child.wait()
    with open_locks(uri).hold(PLACE, why="x") as said:
        assert said is not None
        assert f"process {child.pid}" in said
        assert "apply in a child" in said
        assert lock_at(uri).process == this_process()


def test_a_killed_process_that_nobody_waited_for_is_succeeded(uri: str, child: subprocess.Popen[str]) -> None:
    child.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert processes._stat(child.pid)[0] == "Z"
    with open_locks(uri).hold(PLACE, why="x") as said:
        assert said is not None


def ended(**more: Any) -> Process:
    return this_process().model_copy(update={"pid": dead_pid(), **more})


def test_whether_a_process_ended_is_known_on_this_host_only() -> None:
    here = this_process()
    assert not runs_no_more(here, here)
    assert runs_no_more(ended(), here)
    assert runs_no_more(here.model_copy(update={"started": 1}), here)
    assert not runs_no_more(ended(host="elsewhere"), here)
    assert not runs_no_more(ended(machine="another of that name"), here)
    assert not runs_no_more(ended(namespace="pid:[1]"), here)


def test_after_a_reboot_no_process_of_before_runs() -> None:
    here = this_process().model_copy(update={"machine": "m"})
    before = here.model_copy(update={"boot": "before"})
    assert runs_no_more(before, here)
    # Without a machine-id that may be another host of the same name.
    assert not runs_no_more(
        before.model_copy(update={"machine": ""}), here.model_copy(update={"machine": ""})
    )


def test_a_process_that_cannot_be_looked_at_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_stat", lambda _: ("", None))
    here = this_process()
    assert not runs_no_more(here, here)
    assert runs_no_more(ended(), here)


# Taking over


def test_of_two_who_succeed_at_once_only_one_does(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(uri).write(KEY, a_lock().model_dump_json().encode())
    judge = runs_no_more
    inside = open_locks(uri).hold(PLACE, why="the quicker")

    def meanwhile(holder: Process, here: Process) -> bool:
        verdict = judge(holder, here)
        monkeypatch.setattr(locking, "runs_no_more", judge)
        assert inside.__enter__()
        return verdict

    monkeypatch.setattr(locking, "runs_no_more", meanwhile)
    with pytest.raises(LockedError, match="the quicker"), open_locks(uri).hold(PLACE, why="the slower"):
        pytest.fail("two hold it")
    inside.__exit__(None, None, None)


def test_who_comes_in_between_look_and_write_in_s3_wins(s3: S3) -> None:
    uri = s3.bucket("records")
    open_store(uri).write(KEY, a_lock().model_dump_json().encode())
    quicker = a_lock(host="elsewhere").model_dump_json().encode()
    locks = open_locks(uri)
    store: Any = locks._store  # type: ignore[attr-defined]

    def meanwhile(params: dict[str, Any], **_: Any) -> None:
        if "If-Match" in params["headers"] or "If-None-Match" not in params["headers"]:
            open_store(uri).write(KEY, quicker)

    store._client.meta.events.register("before-call.s3.PutObject", meanwhile)
    with pytest.raises(LockedError, match="elsewhere"), locks.hold(PLACE, why="x"):
        pytest.fail("two hold it")
    assert open_store(uri).read(KEY, limit=10_000) == quicker


_RACE = """
import os, sys
from pathlib import Path
from calibstate.adapters.locks import open_locks
from calibstate.errors import LockedError
uri, alone = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
wins = 0
for _ in range(20):
    try:
        with open_locks(uri).hold("summit/LSSTCam", why="race"):
            os.close(os.open(alone, os.O_CREAT | os.O_EXCL))
            os.unlink(alone)
            wins += 1
            if wins == 3:
                os._exit(3)
    except LockedError:
        pass
"""


def test_in_a_race_of_processes_that_die_holding_it_one_is_inside(root: Path, tmp_path: Path) -> None:
    root.mkdir()
    alone = tmp_path / "alone"
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", _RACE, str(root), str(alone)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for racer in racers:
        assert racer.stdout is not None
        racer.stdout.readline()
    with ThreadPoolExecutor(4) as threads:
        errors = list(threads.map(lambda racer: racer.communicate("go\n")[1], racers))
    assert errors == [""] * 4
    assert 3 in {racer.returncode for racer in racers}
    with open_locks(str(root)).hold(PLACE, why="after all"):
        pass


def test_a_lock_appears_with_all_its_content(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link, seen = os.link, []

    def linked(source: Path, target: Path) -> None:
        seen.append(Lock.model_validate_json(Path(source).read_bytes()).place)
        assert not target.exists()
        link(source, target)

    monkeypatch.setattr(os, "link", linked)
    with open_locks(str(root)).hold(PLACE, why="x"):
        assert seen == [PLACE]
        names = {path.name for path in (root / "locks").iterdir()}
        assert names - {".guard"} == {"summit__LSSTCam.json"}


# Giving back


def test_what_a_killed_process_left_of_its_lock_is_cleared_by_the_next(root: Path) -> None:
    locks, uri = root / "locks", str(root)
    with open_locks(uri).hold("usdf/main", why="apply"):
        pass
    for place in ("usdf__main", "usdf__embargo"):
        (locks / f".calibstate-{place}.json-1-abc").touch()
    with open_locks(uri).hold("usdf/main", why="apply"):
        assert [path.name for path in locks.glob(".calibstate-*")] == [".calibstate-usdf__embargo.json-1-abc"]


def test_a_lock_whose_temporary_file_the_holder_cleared_away_is_not_ours(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cleared(temporary: Path, path: Path) -> None:
        temporary.unlink()
        raise FileNotFoundError

    with open_locks(str(root)).hold("usdf/main", why="apply DM-1"), monkeypatch.context() as patch:
        patch.setattr(os, "link", cleared)
        with pytest.raises(LockedError, match="apply DM-1"), open_locks(str(root)).hold("usdf/main", why="x"):
            pytest.fail("two hold it")


def test_a_lock_that_is_another_ones_by_now_is_left_alone(uri: str) -> None:
    other = a_lock(host="elsewhere").model_dump_json().encode()
    with pytest.raises(LockedError, match="Lock was lost"), open_locks(uri).hold(PLACE, why="x"):
        open_store(uri).write(KEY, other)
    assert open_store(uri).read(KEY, limit=10_000) == other


def test_a_lock_that_was_broken_is_told_when_it_is_to_be_given_back(uri: str) -> None:
    with pytest.raises(LockedError, match="nobody holds the place now"), open_locks(uri).hold(PLACE, why="x"):
        open_store(uri).remove(KEY)


def _down(*_: Any, **__: Any) -> NoReturn:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_lock_that_cannot_be_given_back_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnreachableError, match="Input/output"), open_locks(str(root)).hold(PLACE, why="x"):
        monkeypatch.setattr(folders.Folder, "remove", _down)


def test_what_went_wrong_inside_is_told_first(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError), open_locks(str(root)).hold(PLACE, why="x"):
        monkeypatch.setattr(folders.Folder, "remove", _down)
        raise ZeroDivisionError


# Renewing


def held_of(locks: Any) -> Any:
    return locks._held[PLACE]


def test_a_lock_that_is_held_is_renewed(uri: str) -> None:
    moments = [datetime(2026, 11, 22, 18, tzinfo=UTC) + timedelta(minutes=n) for n in range(1000)]
    passing, five = iter(moments), threading.Event()

    def now() -> datetime:
        moment = next(passing)
        if moment is moments[4]:
            five.set()  # What was told before has been written by now.
        return moment

    locks = open_locks(uri, every=timedelta(milliseconds=1), now=now)
    with locks.hold(PLACE, why="x"):
        assert five.wait(60), "it is not renewed"
        lock = lock_at(uri)
        locks.check(PLACE)
    began, beat = datetime.fromisoformat(lock.since), datetime.fromisoformat(lock.beat)
    assert beat - began >= timedelta(minutes=2)
    assert lock.process == this_process()
    assert open_store(uri).read(KEY, limit=10_000) is None


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_holder_whose_clock_errs_is_not_called_stale(uri: str, hours: int) -> None:
    with open_locks(uri, now=lambda: datetime.now(UTC) + timedelta(hours=hours)).hold(PLACE, why="x") as told:
        assert told is None
        held = lock_at(uri)
    assert abs(datetime.now(UTC) - datetime.fromisoformat(held.beat)) < timedelta(hours=1)
    elsewhere = held.model_copy(update={"process": a_lock(host="elsewhere").process})
    open_store(uri).write(KEY, elsewhere.model_dump_json().encode())
    with pytest.raises(LockedError) as raised, open_locks(uri).hold(PLACE, why="x"):
        pytest.fail("two hold it")
    assert "sign of life" in str(raised.value)
    assert "h ago" not in str(raised.value)
    assert "stale" not in raised.value.diagnostics[0].hint


def test_a_lock_that_is_another_ones_is_not_renewed(uri: str) -> None:
    locks = open_locks(uri)
    other = a_lock(host="elsewhere").model_dump_json().encode()
    with pytest.raises(LockedError, match="Lock was lost"), locks.hold(PLACE, why="x"):
        ours = open_store(uri).read(KEY, limit=10_000)
        assert ours
        open_store(uri).write(KEY, other)
        held_of(locks)._renew_once()
        assert open_store(uri).read(KEY, limit=10_000) == other
        # What was lost once may have been another one's meanwhile.
        open_store(uri).write(KEY, ours)
        with pytest.raises(LockedError, match=r"them on elsewhere .* holds the place now"):
            locks.check(PLACE)


def test_a_lock_that_was_broken_is_not_made_again(uri: str) -> None:
    locks = open_locks(uri)
    with pytest.raises(LockedError, match="Lock was lost"), locks.hold(PLACE, why="x"):
        held = held_of(locks)
        open_store(uri).remove(KEY)
        held._renew_once()
        assert open_store(uri).read(KEY, limit=10_000) is None
        with pytest.raises(LockedError, match="nobody holds the place now"):
            locks.check(PLACE)
    held._renew_once()
    assert open_store(uri).read(KEY, limit=10_000) is None


def test_a_lock_that_is_broken_while_it_is_renewed_is_not_made_again(uri: str) -> None:
    locks = open_locks(uri)
    with pytest.raises(LockedError, match="Lock was lost"), locks.hold(PLACE, why="x"):
        held = held_of(locks)
        swap = held._store.swap
        held._store.swap = lambda key, old, new: held._store.remove(key) or swap(key, old, new)
        held._renew_once()
        assert open_store(uri).read(KEY, limit=10_000) is None
        with pytest.raises(LockedError, match="Lock was lost"):
            locks.check(PLACE)


def test_a_lock_that_was_given_back_is_not_renewed(uri: str) -> None:
    locks = open_locks(uri)
    with locks.hold(PLACE, why="x"):
        held = held_of(locks)
    other = a_lock(host="elsewhere").model_copy(update={"id": held._lock.id}).model_dump_json().encode()
    open_store(uri).write(KEY, other)
    held._renew_once()
    assert open_store(uri).read(KEY, limit=10_000) == other


def test_a_renewal_whose_answer_was_lost_is_still_ours(uri: str) -> None:
    locks = open_locks(uri)
    with locks.hold(PLACE, why="x"):
        held = held_of(locks)
        swap = held._store.swap
        held._store.swap = lambda *arguments: swap(*arguments) and _down()
        with suppress(OSError):
            held._renew_once()
        locks.check(PLACE)
        held._store.swap = swap
    assert open_store(uri).read(KEY, limit=10_000) is None


def test_while_the_store_is_away_nothing_may_be_written_and_nothing_is_lost(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats = threading.Semaphore(0)

    def away(*_: Any, **__: Any) -> None:
        beats.release()
        _down()

    locks = open_locks(str(root), every=timedelta(milliseconds=1))
    with locks.hold(PLACE, why="x"):
        with monkeypatch.context() as patched:
            patched.setattr(folders.Folder, "read", away)
            for _ in range(3):
                assert beats.acquire(timeout=60), "it is renewed no more"
            with pytest.raises(UnreachableError):
                locks.check(PLACE)
        locks.check(PLACE)


def test_who_comes_in_between_look_and_removal_in_s3_stays(s3: S3) -> None:
    uri = s3.bucket("records")
    quicker = a_lock(host="elsewhere").model_dump_json().encode()
    locks = open_locks(uri)
    store: Any = locks._store  # type: ignore[attr-defined]
    store._client.meta.events.register(
        "before-call.s3.DeleteObject", lambda **_: open_store(uri).write(KEY, quicker)
    )
    with locks.hold(PLACE, why="x"):
        pass
    assert open_store(uri).read(KEY, limit=10_000) == quicker


def test_a_lock_is_given_back_to_an_s3_server_that_knows_no_condition_of_removal(s3: S3) -> None:
    uri = s3.bucket("records")
    locks = open_locks(uri)
    store: Any = locks._store  # type: ignore[attr-defined]
    asked = []

    def refuse(params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]] | None:
        asked.append("If-Match" in params["headers"])
        if not asked[-1]:
            return None
        said = {"Code": "NotImplemented", "Message": "A header you provided implies functionality"}
        answer = AWSResponse("", 501, {}, None)
        return answer, {"Error": said, "ResponseMetadata": {"HTTPStatusCode": 501}}

    store._client.meta.events.register("before-call.s3.DeleteObject", refuse)
    with locks.hold(PLACE, why="x"):
        pass
    assert asked == [True, False]
    assert s3.keys(uri) == []


def refusing_conditions(locks: Any) -> None:
    """Have an S3 server find that nothing is what it has just said it was."""

    def refuse(params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]] | None:
        if "If-Match" not in params["headers"]:
            return None
        said = {"Code": "PreconditionFailed", "Message": "At least one of the preconditions did not hold"}
        answer = AWSResponse("", 412, {}, None)
        return answer, {"Error": said, "ResponseMetadata": {"HTTPStatusCode": 412}}

    locks._store._client.meta.events.register("before-call.s3", refuse)


def test_a_lock_that_a_server_with_other_etags_does_not_take_back_is_told(s3: S3) -> None:
    uri = s3.bucket("records")
    locks = open_locks(uri)
    refusing_conditions(locks)
    told = r"Lock cannot be given back: .*calibstate unlock summit/LSSTCam --id [0-9a-f]{32}"
    done = False
    with pytest.raises(CalibstateError, match=told), locks.hold(PLACE, why="x"):
        done = True
    assert done
    assert len(s3.keys(uri)) == 1


def test_a_lock_is_broken_at_a_server_with_other_etags_by_who_names_it(s3: S3) -> None:
    uri = s3.bucket("records")
    locks, theirs = open_locks(uri), a_lock(host="elsewhere")
    refusing_conditions(locks)
    open_store(uri).write(KEY, theirs.model_dump_json().encode())
    assert locks.unlock(PLACE, theirs.id, lambda words: None)
    assert s3.keys(uri) == []


def test_a_lock_that_is_another_ones_is_not_removed_from_s3(s3: S3) -> None:
    store = open_store(s3.bucket("records"))
    store.write(KEY, b"theirs")
    assert not store.withdraw(KEY, b"ours")
    assert store.read(KEY, limit=100) == b"theirs"


@pytest.mark.parametrize("act", ["swap", "withdraw"])
def test_nobody_else_swaps_between_the_look_and_the_write(
    root: Path, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    store, read, kept_away = open_store(str(root)), folders.Folder.read, []
    store.write(KEY, b"before")

    def reading(folder: Any, key: str, *, limit: int) -> bytes | None:
        with (root / KEY).with_name(".guard").open("rb") as guard:
            try:
                fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                kept_away.append(key)
        return read(folder, key, limit=limit)

    monkeypatch.setattr(folders.Folder, "read", reading)
    assert store.swap(KEY, b"before", b"after") if act == "swap" else store.withdraw(KEY, b"before")
    assert kept_away == [KEY]


# What the store must do


def test_records_whose_parent_is_missing_cannot_be_reached(tmp_path: Path) -> None:
    away = tmp_path / "not-mounted" / "records"
    with pytest.raises(UnreachableError), open_locks(str(away)).hold(PLACE, why="x"):
        pytest.fail("nobody knows who else works")
    with pytest.raises(UnreachableError):
        open_journal(str(away)).write(LINE)
    assert not away.parent.exists()


def test_what_keeps_its_reader_waiting_is_no_lock(root: Path) -> None:
    (root / "locks").mkdir(parents=True)
    os.mkfifo(root / KEY)
    with pytest.raises(UnreachableError, match="It is not a file"):
        open_locks(str(root)).unlock(PLACE, None, print)


def test_a_lock_that_is_a_link_to_nowhere_is_told(root: Path) -> None:
    (root / "locks").mkdir(parents=True)
    (root / KEY).symlink_to("nowhere")
    locks = open_locks(str(root))
    with pytest.raises(UnreachableError, match="It is a link that leads nowhere"):
        locks.unlock(PLACE, None, print)
    with pytest.raises(UnreachableError, match="It is a link that leads nowhere"), locks.hold(PLACE, why="x"):
        pytest.fail("nobody knows who else works")


@pytest.mark.parametrize("guard", [Path.mkdir, os.mkfifo, lambda path: path.touch(0o444)])
def test_locks_are_given_back_whatever_keeps_others_away(root: Path, guard: Callable[[Path], None]) -> None:
    (root / "locks").mkdir(parents=True)
    guard(root / "locks" / ".guard")
    with open_locks(str(root)).hold(PLACE, why="x"):
        assert lock_at(str(root)).place == PLACE
    assert not (root / KEY).exists()


def test_who_may_write_to_the_folder_may_keep_others_away(root: Path) -> None:
    (root / "locks").mkdir(parents=True)
    (root / "locks").chmod(0o2775)
    before = os.umask(0o022)
    try:
        with open_locks(str(root)).hold(PLACE, why="x"):
            pass
    finally:
        os.umask(before)
    assert (root / "locks" / ".guard").stat().st_mode & 0o777 == 0o664


def test_no_two_places_have_one_lock(root: Path) -> None:
    names = ("a/b", "a__b/c", "a/b__c", "a_/b", "a/_b", "a_b/c", "a/b_c", "a__/b", "a/__b")
    locks = open_locks(str(root))
    with ExitStack() as held:
        for name in names:
            held.enter_context(locks.hold(name, why="x"))
        assert len(open_store(str(root)).files("locks")) == len(names)


def test_a_link_that_leads_nowhere_hides_no_other(root: Path) -> None:
    open_journal(str(root)).write(LINE)
    (journal,) = open_store(str(root)).files("journal")
    (root / "journal" / "loop.jsonl").symlink_to("loop.jsonl")
    assert open_store(str(root)).files("journal") == [journal]


def test_records_that_cannot_be_written_cannot_be_reached(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_sync", _down)
    with pytest.raises(UnreachableError), open_locks(str(root)).hold(PLACE, why="x"):
        pytest.fail("nobody knows who else works")
    assert open_store(str(root)).files("locks") == []
    assert list((root / "locks").glob(".calibstate-*")) == []


def test_an_s3_server_that_is_down_is_told_soon(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    monkeypatch.setenv("S3_ENDPOINT_URL", f"http://key:topsecret@127.0.0.1:{port}")
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    with (
        pytest.raises(UnreachableError, match="Records cannot be reached") as raised,
        open_locks("s3://bucket/records").hold(PLACE, why="x"),
    ):
        pytest.fail("nobody knows who else works")
    with pytest.raises(UnreachableError):
        open_journal("s3://bucket/records").write(LINE)
    assert sum(waits) < 30
    assert "topsecret" not in str(raised.value)


def test_an_s3_server_that_overlooks_conditions_is_not_trusted(s3: S3) -> None:
    uri = s3.bucket("records")
    locks = open_locks(uri)
    store: Any = locks._store  # type: ignore[attr-defined]

    def overlook(params: dict[str, Any], **_: Any) -> None:
        params["headers"].pop("If-None-Match", None)

    store._client.meta.events.register("before-call.s3.PutObject", overlook)
    with pytest.raises(UnreachableError, match="exclude nobody"), locks.hold(PLACE, why="x"):
        pytest.fail("a second one could be here")
    assert s3.keys(uri) == []


def test_a_lock_whose_making_was_answered_too_late_is_ours(s3: S3) -> None:
    locks = open_locks(s3.bucket("records"))
    store: Any = locks._store  # type: ignore[attr-defined]
    create = store.create
    store.create = lambda key, data: bool(store.write(key, data)) or create(key, data)
    with locks.hold(PLACE, why="x") as said:
        assert said is None


def test_a_message_obeys_nothing_that_a_lock_says(uri: str) -> None:
    lock = a_lock(host="elsewhere").model_copy(update={"who": "\x1b[2J\nthem", "why": "x" * 900})
    open_store(uri).write(KEY, lock.model_dump_json().encode())
    with pytest.raises(LockedError) as raised, open_locks(uri).hold(PLACE, why="x"):
        pytest.fail("two hold it")
    assert "\x1b" not in str(raised.value)
    assert "?[2J?them" in str(raised.value)
    assert "x" * 201 not in str(raised.value)


def test_a_user_without_a_name_can_hold_a_lock(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise OSError("No username set in the environment")

    monkeypatch.setattr(getpass, "getuser", nameless)
    with open_locks(str(root)).hold(PLACE, why="x"):
        assert lock_at(str(root)).who == f"uid {os.getuid()}"


# Journals


def journal_files(root: Path) -> list[Path]:
    return sorted(root.glob("journal/*.jsonl"))


def test_a_journal_is_named_by_its_time_and_is_one_of_its_own(root: Path) -> None:
    root.mkdir()
    for _ in range(2):
        open_journal(str(root)).write(LINE)
    one, other = journal_files(root)
    assert one != other
    stamp, _, rest = one.name.partition("-")
    assert time.strptime(stamp, "%Y%m%dT%H%M%SZ")
    assert len(rest) == len("01234567.jsonl")


def test_journals_of_one_second_are_sorted_by_time(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    began = datetime(2026, 11, 22, 18, tzinfo=UTC)
    for number in range(20):
        moment = began + timedelta(milliseconds=number)
        monkeypatch.setattr(recording, "_now", lambda moment=moment: moment)
        open_journal(uri).write(LINE.model_copy(update={"text": str(number)}))
    store = open_store(uri)
    told = [store.read(f"journal/{name}", limit=10_000) or b"" for name in store.files("journal")]
    assert [json.loads(data)["text"] for data in told] == [str(number) for number in range(20)]


def test_a_journal_without_lines_is_no_file(root: Path) -> None:
    open_journal(str(root))
    assert not root.exists()


def test_each_line_is_on_the_disk_before_the_next(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal, synced, fsync = open_journal(str(root)), [], os.fsync

    def noted(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    for _ in range(3):
        journal.write(LINE)
    (file,) = journal_files(root)
    assert [path for path in synced if path == str(file)] == [str(file)] * 3
    assert str(file.parent) in synced


def test_half_a_line_is_taken_back(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = open_journal(str(root))
    journal.write(LINE)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", _down)
        with pytest.raises(UnreachableError, match="Input/output"):
            journal.write(LINE)
    journal.write(LINE)
    (file,) = journal_files(root)
    assert [json.loads(line)["event"] for line in file.read_text().splitlines()] == ["run", "run"]


def test_a_journal_in_s3_loses_no_line_when_one_fails(s3: S3) -> None:
    uri = s3.bucket("records")
    journal = open_journal(uri)
    store: Any = journal._store  # type: ignore[attr-defined]
    journal.write(LINE)
    failing: Callable[..., None] = _down
    store._client.meta.events.register("before-call.s3.PutObject", failing)
    with pytest.raises(UnreachableError):
        journal.write(LINE)
    store._client.meta.events.unregister("before-call.s3.PutObject", failing)
    journal.write(LINE)
    (key,) = s3.keys(uri)
    body = s3.client.get_object(Bucket=uri.removeprefix("s3://"), Key=key)["Body"].read()
    assert len(body.splitlines()) == 2


def test_of_reviews_that_are_published_at_once_none_is_lost(uri: str) -> None:
    place = "bts/LSSTCam"
    assert published_review(uri, place) is None

    def adds(word: bytes) -> Callable[[bytes | None], bytes]:
        return lambda before: (before or b"") + word

    between = [adds(b"theirs ")]

    def ours(before: bytes | None) -> bytes:
        # Somebody else is quicker, once.
        for over in [between.pop()] if between else []:
            publish_review(uri, place, over)
        return adds(b"ours ")(before)

    publish_review(uri, place, ours)
    assert published_review(uri, place) == b"theirs ours "
    between.append(adds(b"again "))
    publish_review(uri, place, ours)
    assert published_review(uri, place) == b"theirs ours again ours "


def test_a_review_that_is_too_large_is_not_published(uri: str) -> None:
    with pytest.raises(UnreachableError, match="was not published"):
        publish_review(uri, "bts/LSSTCam", lambda before: bytes(2**20 + 1))
    assert published_review(uri, "bts/LSSTCam") is None


# Sights


def test_a_sight_is_compared_again_where_another_was_quicker(uri: str) -> None:
    began = datetime(2026, 11, 22, tzinfo=UTC)
    compared: list[bytes] = []

    def publish(data: bytes, beside: Callable[[bytes], Beside]) -> None:
        publish_sight(uri, PLACE, data, began, beside, limit=100)

    def beside(before: bytes) -> Beside:
        compared.append(before)
        if before == b"first":
            publish(b"quicker", lambda before: Beside.NEW)
        return Beside.NEW

    publish(b"first", beside)
    publish(b"slower", beside)

    assert compared == [b"first", b"quicker"]
    assert published_sight(uri, PLACE, limit=100) == b"slower"
    kept = published_sights(uri, PLACE)
    assert [published_sight(uri, PLACE, look, limit=100) for look in kept] == [
        b"slower",
        b"quicker",
        b"first",
    ]


def test_a_sight_that_began_earlier_does_not_become_the_newest(uri: str) -> None:
    began = datetime(2026, 11, 22, tzinfo=UTC)
    publish_sight(uri, PLACE, b"newer", began, lambda before: Beside.NEW, limit=100)
    earlier = began - timedelta(days=1)
    publish_sight(uri, PLACE, b"late", earlier, lambda before: Beside.LATE, limit=100)
    publish_sight(uri, PLACE, b"late", earlier, lambda before: Beside.LATE_AND_SAME, limit=100)

    assert published_sight(uri, PLACE, limit=100) == b"newer"
    assert len(published_sights(uri, PLACE)) == 2


def test_a_newest_sight_that_is_too_large_to_be_read_is_replaced(uri: str) -> None:
    began = datetime(2026, 11, 22, tzinfo=UTC)
    for data in (b"x" * 101, b"small"):
        publish_sight(uri, PLACE, data, began, lambda before: Beside.SAME, limit=100)

    assert published_sight(uri, PLACE, limit=100) == b"small"
