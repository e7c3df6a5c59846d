"""A place that says nothing is unreachable, soon, and costs others nothing."""

from __future__ import annotations

import fcntl
import json
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import yaml

from calibstate.adapters.objectstores import open_store
from calibstate.adapters.rucio.asking import Rucio
from calibstate.cli.sessions import OnScreen
from calibstate.engine import side_by_side
from calibstate.engine.side_by_side import in_time
from calibstate.errors import UnreachableError
from calibstate.factory.places import Places
from calibstate.model.locks import Lock, Process
from calibstate.model.names import Place
from calibstate.ports import silence
from calibstate.ports.progress import Watch
from calibstate.store import statefile
from tests import world
from tests.commands.sites import EMBARGO, ORIGIN, SUMMIT, TOP, Sites
from tests.services.postgres import Postgres
from tests.services.silent import FallingSilent
from tests.tree import Ran

SOON = 290.0
"""Seconds, less than SQLite waits by itself; others wait for ever."""

LIMITS = (1, 4, 16, 64)
"""Seconds that a place may be silent; on a slow machine one that answers is
not heard of within the first."""

LOOKING = ["drift", "plan", "fingerprint", "verify", "apply"]


@contextmanager
def ends_soon() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < SOON


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Have somebody else keep a database to himself."""
    with closing(sqlite3.connect(database, isolation_level=None)) as somebody:
        somebody.execute("BEGIN EXCLUSIVE")
        yield


def ask_another_database(sites: Sites, address: str, database: str) -> None:
    file = sites.path(address) / "butler.yaml"
    said = yaml.safe_load(file.read_text())
    said["registry"]["db"] = database
    file.write_text(yaml.safe_dump(said))


def unreachable(ran: Ran) -> set[str]:
    return {d["subject"] for d in ran.json["drift"] if d["what"] == "unreachable"}


def only_the_summit_is_silent(ran: Ran) -> bool:
    said = ran.out + ran.err
    return not any(f"{place}: it did not answer" in said for place in (EMBARGO, ORIGIN, "archive"))


@pytest.mark.parametrize("command", LOOKING)
@pytest.mark.matrix(2)
def test_a_locked_database_is_unreachable_and_the_others_are_told(sites: Sites, command: str) -> None:
    words = [command, *(["--yes"] if command == "apply" else [])]
    with locked(sites.path(SUMMIT) / "gen3.sqlite3"), ends_soon():
        ran, limit = sites.run_with_limit(*words, until=only_the_summit_is_silent)
    assert ran.code == 1, ran.out + ran.err
    said = ran.out + ran.err
    assert f"it did not answer within {limit} s" in said
    assert EMBARGO in said or ORIGIN in said
    if command == "apply":
        assert sites.chain(EMBARGO) == sites.chain(ORIGIN)


def test_a_database_that_was_locked_for_a_moment_is_waited_for(
    deployed: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited_for: list[str] = []
    with ExitStack() as lock:
        lock.enter_context(locked(deployed.path(SUMMIT) / "gen3.sqlite3"))

        @contextmanager
        def until_it_is_waited_for(what: str, of: str = "") -> Iterator[Watch]:
            def watch(unit: str, done: int, total: int) -> None:
                if SUMMIT in unit:
                    waited_for.append(unit)
                    lock.close()

            yield watch

        monkeypatch.setattr(OnScreen, "progress", staticmethod(until_it_is_waited_for))
        ran = deployed.run("drift")
    assert waited_for
    assert ran.out.startswith("In sync")
    assert ran.code == 0


def test_a_database_server_that_is_silent_is_unreachable(deployed: Sites, silent_port: int) -> None:
    ask_another_database(deployed, SUMMIT, f"postgresql://calib:geheim@127.0.0.1:{silent_port}/butler")
    with ends_soon():
        ran, limit = deployed.run_with_limit(
            "drift", "--format", "json", until=lambda ran: unreachable(ran) == {SUMMIT}
        )
    assert (ran.code, unreachable(ran)) == (1, {SUMMIT})
    # The client of PostgreSQL waits for two seconds at the least, and on a
    # busy machine it may be the first to say so.
    assert f"it did not answer within {max(limit, 2)} s" in ran.out or f"within {limit} s" in ran.out
    assert "geheim" not in ran.out + ran.err


def test_a_document_says_that_a_database_did_not_answer_whoever_noticed_it(
    deployed: Sites, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_another_database(deployed, SUMMIT, f"postgresql://calib:geheim@127.0.0.1:{silent_port}/butler")
    # The client of PostgreSQL is the first to say so then.
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "2")
    with ends_soon():
        ran = deployed.run("drift", "--format", "json", "--timeout", "60s")
    assert unreachable(ran) == {SUMMIT}
    assert "it did not answer within 2 s" in ran.out
    assert "127.0.0.1" not in ran.out
    assert "geheim" not in ran.out + ran.err


def test_an_object_store_that_is_silent_is_unreachable(
    deployed: Sites, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3_ENDPOINT_URL", f"http://127.0.0.1:{silent_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "loopback")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "loopback-secret")
    deployed.tree.settings()
    settings = deployed.tree.state / "calibstate.yaml"
    settings.write_text(settings.read_text().replace("archive: ../archive", "archive: s3://bucket/archive"))
    with ends_soon():
        ran, _ = deployed.run_with_limit(
            "drift", "--format", "json", until=lambda ran: unreachable(ran) == {"archive"}
        )
    assert (ran.code, unreachable(ran)) == (1, {"archive"})


def test_a_silent_place_does_not_keep_the_program_from_ending(deployed: Sites, silent_port: int) -> None:
    # The butler's own client of S3 would ask for minutes.
    site = deployed.tree.state / "sites" / "summit.yaml"
    said = yaml.safe_load(site.read_text())
    said["repositories"][SUMMIT.partition("/")[2]]["butler"] = "s3://bucket/repository"
    site.write_text(yaml.safe_dump(said))
    asks = {
        "S3_ENDPOINT_URL": f"http://127.0.0.1:{silent_port}",
        "AWS_ACCESS_KEY_ID": "loopback",
        "AWS_SECRET_ACCESS_KEY": "loopback-secret",
    }
    for limit in LIMITS:
        with ends_soon():
            process = deployed.tree.spawn("drift", "--timeout", f"{limit}s", **asks)
            out, err = process.communicate(timeout=SOON)
        if "1 unreachable." in out:
            break
    assert process.returncode == 1, err
    assert f"{SUMMIT}: it did not answer within {limit} s" in out
    assert "1 unreachable." in out
    assert "Traceback" not in err


def test_a_rucio_that_is_silent_is_unreachable(
    tmp_path: Path, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rucio.common.config import clean_cached_config

    host = f"http://127.0.0.1:{silent_port}"
    file = tmp_path / "rucio.cfg"
    file.write_text(
        f"[client]\nrucio_host = {host}\nauth_host = {host}\nauth_type = userpass\n"
        f"username = calib\npassword = geheim\naccount = calib\nauth_token_file_path = {tmp_path}/token\n"
    )
    monkeypatch.setenv("RUCIO_CONFIG", str(file))
    clean_cached_config()
    with ends_soon(), pytest.raises(UnreachableError) as error:
        Rucio(timeout=timedelta(seconds=1)).ask("say who asks", lambda client: client.whoami())
    clean_cached_config()
    assert "did not answer" in str(error.value)
    assert "geheim" not in str(error.value)


def fall_silent_during_apply(
    sites: Sites, postgres: Postgres, word: bytes, limit: int
) -> tuple[subprocess.Popen[str], FallingSilent, str, str]:
    """Apply, with a database of the summit that falls silent at a word."""
    port = int(postgres.url.partition("@")[2].partition(":")[2].partition("/")[0])
    way, namespace = FallingSilent(port), postgres.namespace()
    shutil.rmtree(sites.path(SUMMIT))
    world.make_repo(sites.path(SUMMIT), db=postgres.url, namespace=namespace).close()
    ask_another_database(sites, SUMMIT, postgres.url.replace(f":{port}/", f":{way.port}/"))
    process = sites.tree.spawn("apply", "--yes", "--timeout", f"{limit}s", "--format", "json")
    assert process.stdout
    with closing(way), ends_soon():
        # The summit's steps come last, so all is well until one of another
        # place has begun.
        first = process.stdout.readline()
        way.word = word
        out, err = process.communicate(timeout=SOON)
    return process, way, first + out, err


@pytest.mark.parametrize(
    "word",
    [
        pytest.param(b"calib", id="before a step", marks=pytest.mark.slow),
        pytest.param(b"INSERT INTO", id="within a step"),
    ],
)
def test_a_database_that_falls_silent_during_apply_costs_the_others_nothing(
    sites: Sites, postgres: Postgres, word: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    untouched = sites
    for limit in LIMITS:
        sites = untouched.copied_to(tmp_path / f"within {limit} s", capsys)
        process, way, out, err = fall_silent_during_apply(sites, postgres, word, limit)
        if only_the_summit_is_silent(Ran(process.returncode, out, err)):
            break

    assert process.returncode == 1, err
    assert way.is_dead
    became = {(o["target"], o["do"]): o for o in map(json.loads, out.splitlines()[:-1])}
    failed = [
        o["detail"] for (target, _), o in became.items() if SUMMIT in target and o["result"] == "failed"
    ]
    assert any(f"it did not answer within {limit} s" in detail for detail in failed)
    assert all("silen" in detail or "did not answer" in detail for detail in failed)
    assert sites.chain(EMBARGO) == sites.chain(ORIGIN)
    assert "Traceback" not in err

    # Afterwards, with the server back, all is done that was not.
    ask_another_database(sites, SUMMIT, postgres.url)
    ran = sites.apply()
    assert ran.code == 0, ran.out + ran.err
    assert sites.without_file(SUMMIT) == sites.leftovers() == sites.locks() == []
    assert sites.chain(SUMMIT) == sites.chain(ORIGIN)


class Clock:
    """Time that passes when it is told to, and not unseen."""

    def __init__(self) -> None:
        self.now = time.monotonic()
        self._looked_at = threading.Event()

    def monotonic(self) -> float:
        self._looked_at.set()
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds
        self._looked_at.clear()
        assert self._looked_at.wait(SOON)


def test_what_is_heard_of_goes_on_however_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, is_over = Clock(), threading.Event()
    limit = timedelta(seconds=1)
    monkeypatch.setattr(silence, "time", clock)
    monkeypatch.setattr(side_by_side, "time", clock)
    monkeypatch.setattr(side_by_side, "_A_WHILE", 0.01)

    def answers_now_and_then() -> str:
        for _ in range(10):
            clock.passes(0.5)
            silence.heard()
        return "done"

    def works_where_nothing_can_be_heard() -> str:
        with silence.at_work():
            for _ in range(10):
                clock.passes(0.5)
        return "done"

    def says_nothing() -> None:
        while not is_over.is_set():
            clock.passes(0.5)

    assert in_time("a place", answers_now_and_then, limit) == "done"
    assert in_time("a place", works_where_nothing_can_be_heard, limit) == "done"
    with pytest.raises(silence.SilentError, match="a place: it did not answer within 1 s"):
        in_time("a place", says_nothing, limit)
    is_over.set()
    clock.monotonic()


@contextmanager
def held_up(records: Path) -> Iterator[None]:
    """Keep whoever gives a lock back waiting, as a dead file server does."""
    (records / "locks").mkdir(parents=True, exist_ok=True)
    with (records / "locks" / ".guard").open("a") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield


def test_records_that_fall_silent_keep_nobody_waiting_and_what_was_done_stands(
    sites: Sites, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    untouched = sites
    for limit in LIMITS:
        sites = untouched.copied_to(tmp_path / f"within {limit} s", capsys)
        records = sites.tree.folder / "records"
        with held_up(records), ends_soon():
            process = sites.tree.spawn("apply", "--yes", "--timeout", f"{limit}s")
            out, err = process.communicate(timeout=SOON)
        if not any(f"{place}: it did not answer" in out + err for place in (SUMMIT, EMBARGO, ORIGIN)):
            break
    assert process.returncode == 1, err
    assert f"the records in {records}: it did not answer within {limit} s" in err
    assert "Traceback" not in err
    assert sites.chain(SUMMIT) == sites.chain(ORIGIN)

    # Its locks are those of a process that is no more.
    assert sites.locks()
    ran = sites.apply()
    assert ran.code == 0, ran.out + ran.err
    assert "was taken over" in ran.err
    assert sites.locks() == []


def test_a_lock_in_silent_records_is_not_waited_for(sites: Sites) -> None:
    records = sites.tree.folder / "records"
    there = Process(host="elsewhere", pid=4711)
    lock = Lock(id="theirs", place=SUMMIT, who="them", process=there, since="2026-11-22T18:00:00Z", why="?")
    open_store(str(records)).write("locks/summit__LSSTComCam.json", lock.model_dump_json().encode())
    with held_up(records), ends_soon():
        ran = sites.run("unlock", SUMMIT, "--id", lock.id, "--timeout", "1s")
    assert ran.code == 1
    assert f"the records in {records}: it did not answer within 1 s" in ran.err


@pytest.mark.parametrize("limit", ["0s", "8d", "soon"])
def test_a_limit_that_means_nothing_is_wrong_usage(sites: Sites, limit: str) -> None:
    assert sites.run("drift", "--timeout", limit).code == 64


def test_the_limit_is_told_by_its_variable(sites: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALIBSTATE_TIMEOUT", "1s")
    with locked(sites.path(SUMMIT) / "gen3.sqlite3"), ends_soon():
        assert "within 1 s" in sites.run("drift", "--site", "summit").out


def test_two_sets_of_places_with_different_limits_work_side_by_side(sites: Sites) -> None:
    desired, _ = statefile.load(sites.tree.state)
    hasty = Places(desired, timeout=timedelta(seconds=1))
    patient = Places(desired, timeout=timedelta(seconds=4))
    with locked(sites.path(SUMMIT) / "gen3.sqlite3"), ends_soon():
        looks = {
            "hasty": partial(hasty.butler, Place(SUMMIT)),
            "patient": partial(patient.butler, Place(SUMMIT)),
        }
        answers = dict(side_by_side.side_by_side(looks, timedelta(seconds=60)))
    assert "did not answer within 1 s" in str(answers["hasty"].exception())
    assert "did not answer within 4 s" in str(answers["patient"].exception())
    # Who waited in vain has nothing to do with who asks now.
    assert Places(desired).butler(Place(SUMMIT)).collections([TOP]) == {}
