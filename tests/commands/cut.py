"""Processes of our own that are killed, or made to wait, at a chosen moment.

A moment is just before or just after something that changes what is on the
disk, in the database or in Rucio, and any at which the process waits; moments
between which nothing changes are one.  The hooks are in the process that dies
and nowhere else.
"""

from __future__ import annotations

import multiprocessing
import os
import select
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from botocore.httpsession import URLLib3Session
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect

from calibstate.demo.rucio.server import Request

__all__ = ["Ended", "Moment", "Started", "calibstate", "run", "start", "with_rucio"]

Moment = tuple[str, int]
"""What happens, and for which time."""

_FORK = multiprocessing.get_context("forkserver")
_FORK.set_forkserver_preload(
    [
        "tests.commands.cut",
        "tests.commands.stock",
        "calibstate.adapters.archive",
        "calibstate.adapters.butler",
        "calibstate.adapters.checkout",
        "calibstate.adapters.locks",
        "calibstate.adapters.records",
        "calibstate.cli.main",
        "calibstate.work.apply",
    ]
)


@dataclass(frozen=True)
class Ended:
    """What became of a process."""

    code: int
    """Its exit code; of one that was killed the signal, negative."""
    out: str
    err: str
    moments: tuple[Moment, ...]
    """Moments that it went through; none of one that was killed."""


@dataclass
class Started:
    """A process that runs."""

    process: Any
    folder: Path

    def has_come_there(self, seconds: float = 300) -> bool:
        """Wait until it has come to the moment at which it waits."""
        descriptor = os.open(self.folder / "arrived", os.O_RDONLY | os.O_NONBLOCK)
        try:
            waiting = select.poll()
            waiting.register(descriptor, select.POLLIN)
            return bool(waiting.poll(seconds * 1000)) and os.read(descriptor, 1) == b"."
        finally:
            os.close(descriptor)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal while it waits at its moment.

        One that comes just before the call that waits is seen only when that
        has returned.
        """
        stat, asleep = Path(f"/proc/{self.process.pid}/stat"), 0
        while asleep < 3:
            state = stat.read_text().rpartition(")")[2].split()[0]
            asleep = asleep + 1 if state == "S" else 0
            time.sleep(0.05)
        os.kill(self.process.pid, number)

    def go_on(self) -> None:
        """Let it go on from there, where it still waits."""
        # A plain opening waits for a reader, and for ever if none comes.
        for _ in range(6000):
            with suppress(OSError):
                os.close(os.open(self.folder / "go", os.O_WRONLY | os.O_NONBLOCK))
                return
            assert self.process.is_alive(), f"{self.folder} does not wait: it has ended"
            time.sleep(0.05)
        raise AssertionError(f"{self.folder} does not wait there any more")

    def end(self, seconds: float = 300) -> Ended:
        """Wait until it has ended."""
        self.process.join(seconds)
        assert self.process.exitcode is not None, f"{self.folder} still runs after {seconds} seconds"
        read = {name: _read(self.folder / name) for name in ("out", "err", "moments")}
        moments = tuple(_moment(line) for line in read["moments"].splitlines())
        return Ended(self.process.exitcode, read["out"], read["err"], moments)


def run(folder: Path, what: Callable[..., Any], *arguments: Any, killed_at: Moment | None = None) -> Ended:
    """Run something in a process of its own.

    Parameters
    ----------
    folder
        Where what it says is kept; made by this.
    what
        A function of a module; what it returns is the exit code.
    *arguments
        Its arguments.
    killed_at
        When it is killed.
    """
    return start(folder, what, *arguments, killed_at=killed_at).end()


def start(
    folder: Path,
    what: Callable[..., Any],
    *arguments: Any,
    killed_at: Moment | None = None,
    waits_at: Moment | None = None,
) -> Started:
    """Start a process; see `run`.  It can be made to wait at a moment."""
    folder.mkdir(parents=True)
    for pipe in ("arrived", "go"):
        os.mkfifo(folder / pipe)
    # A daemon ends with the tests, even if one failed while it was waiting.
    process = _FORK.Process(target=_live, args=(folder, what, arguments, killed_at, waits_at), daemon=True)
    process.start()
    return Started(process, folder)


def calibstate(state: Path, *arguments: str) -> int:
    """Run the command on a state tree."""
    from calibstate.cli.app import run as command

    return int(command(["-C", str(state), *arguments]))


def with_rucio(environment: Mapping[str, str], state: Path, *arguments: str) -> int:
    """Run the command where Rucio is found by environment variables."""
    os.environ.update(environment)
    tempfile.tempdir = None  # It was found before, without them.
    return calibstate(state, *arguments)


def _live(
    folder: Path,
    what: Callable[..., Any],
    arguments: Sequence[Any],
    killed_at: Moment | None,
    waits_at: Moment | None,
) -> None:
    for name, descriptor in (("out", 1), ("err", 2)):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT), descriptor)
    # Where this process keeps what it says is no moment of anybody's work.
    moments = _Moments(folder, killed_at, waits_at)
    moments.hook()
    code = what(*arguments) or 0
    sys.stdout.flush()
    sys.stderr.flush()
    moments.stop()
    (folder / "moments").write_text("".join(f"{n} {what}\n" for what, n in moments.gone_through))
    os._exit(code)


@dataclass
class _Moments:
    """Counts moments, and strikes at one of them."""

    folder: Path
    killed_at: Moment | None
    waits_at: Moment | None
    gone_through: list[Moment] = field(default_factory=list)
    _changed: set[int] = field(default_factory=set)
    """Connections whose transaction has changed something."""
    _times: Counter[str] = field(default_factory=Counter)
    _lock: Any = field(default_factory=threading.RLock)
    _stopped: bool = False

    def hook(self) -> None:
        for name in ("replace", "rename", "link"):
            setattr(os, name, self._around(getattr(os, name), f"os.{name}"))
        for name in ("unlink", "remove", "mkdir", "rmdir"):
            setattr(os, name, self._around(getattr(os, name), f"os.{name}", before=False))
        # A synced file differs from an unsynced one only after a power cut.
        os.fsync = self._around(os.fsync, "os.fsync", after=False)
        DefaultDialect.do_execute = self._executing(DefaultDialect.do_execute)  # type: ignore[method-assign]
        DefaultDialect.do_executemany = self._executing(DefaultDialect.do_executemany)  # type: ignore[method-assign]
        DefaultDialect.do_commit = self._committing(DefaultDialect.do_commit)  # type: ignore[method-assign]
        requests.Session.send = self._sending(requests.Session.send)  # type: ignore[method-assign]
        URLLib3Session.send = self._storing(URLLib3Session.send)
        time.sleep = self._sleeping(time.sleep)
        sys.addaudithook(self._audit)
        event.listen(Engine, "connect", _spill)

    def stop(self) -> None:
        self._stopped = True

    def pass_by(self, what: str) -> None:
        if self._stopped:
            return
        with self._lock:
            self._times[what] += 1
            moment = (what, self._times[what])
            self.gone_through.append(moment)
            if moment == self.killed_at:
                os.kill(os.getpid(), signal.SIGKILL)
            if moment == self.waits_at:
                self._wait()

    def _wait(self) -> None:
        self._stopped = True
        with (self.folder / "arrived").open("wb") as pipe:
            pipe.write(b".")
        with (self.folder / "go").open("rb") as pipe:
            pipe.read()
        self._stopped = False

    def _around(
        self, call: Callable[..., Any], name: str, *, before: bool = True, after: bool = True
    ) -> Callable[..., Any]:
        def hooked(*arguments: Any, **more: Any) -> Any:
            about = _about(arguments)
            if before:
                self.pass_by(f"before {name}{about}")
            result = call(*arguments, **more)
            if after:
                self.pass_by(f"after {name}{about}")
            return result

        return hooked

    def _executing(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def hooked(dialect: Any, cursor: Any, statement: str, *more: Any, **most: Any) -> Any:
            result = call(dialect, cursor, statement, *more, **most)
            if _changes(statement):
                self._changed.add(id(cursor.connection))
                self.pass_by(f"after {statement.split()[0]}")
            return result

        return hooked

    def _committing(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def hooked(dialect: Any, connection: Any) -> Any:
            changed = id(connection.dbapi_connection) in self._changed
            if changed:
                self.pass_by("before COMMIT")
            result = call(dialect, connection)
            if changed:
                self._changed.discard(id(connection.dbapi_connection))
                self.pass_by("after COMMIT")
            return result

        return hooked

    def _sending(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def hooked(session: Any, request: Any, **more: Any) -> Any:
            what = _request(request.method, urlsplit(request.url).path)
            if what:
                self.pass_by(f"before {what}")
            result = call(session, request, **more)
            if what:
                self.pass_by(f"after {what}")
            return result

        return hooked

    def _storing(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Watch what goes to an object store."""

        def hooked(session: Any, request: Any) -> Any:
            about = f"{request.method} to S3{_about([urlsplit(request.url).path])}"
            writes = request.method in {"PUT", "POST", "DELETE"}
            if writes:
                self.pass_by(f"before {about}")
            result = call(session, request)
            if writes:
                self.pass_by(f"after {about}")
            return result

        return hooked

    def _sleeping(self, call: Callable[..., None]) -> Callable[..., None]:
        def hooked(seconds: float) -> None:
            self.pass_by("while sleeping")
            call(seconds)

        return hooked

    def _audit(self, what: str, about: Sequence[Any]) -> None:
        if what == "open" and not self._stopped and isinstance(about[2], int) and about[2] & _WRITING:
            self.pass_by(f"before opening{_about(about)}")


def _request(method: str, path: str) -> str:
    """Say what a request is to change, without the names of the scope."""
    if not Request(method, path, 0, "").writes:
        return ""
    about, *words = path.strip("/").split("/")
    named = words[2:] if len(words) > 1 else words
    return f"{method} {'/'.join([about, *named])}"


def _changes(statement: str) -> bool:
    words = statement.upper().split(None, 2)
    return words[0] in {"INSERT", "UPDATE", "DELETE", "CREATE"} and words[1] not in {"TEMPORARY", "TEMP"}


_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def _about(arguments: Sequence[Any]) -> str:
    """Say in a word which kind of file a call is about."""
    if isinstance(arguments[0], int):
        return ""
    path = Path(os.fsdecode(arguments[-1] if isinstance(arguments[-1], str | Path) else arguments[0]))
    if path.name.startswith(".calibstate-"):
        return " of a temporary file"
    return f" of {path.suffix or 'a folder'}"


def _spill(connection: Any, record: Any) -> None:
    # With a small cache SQLite writes to its file within a transaction, so
    # a kill there leaves a journal that must be rolled back.
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA cache_size=1")


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _moment(line: str) -> Moment:
    number, _, what = line.partition(" ")
    return what, int(number)
