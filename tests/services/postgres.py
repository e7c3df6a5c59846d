"""PostgreSQL on loopback: a private server from the machine's own binaries."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest


@dataclass(frozen=True)
class Postgres:
    """The server, for tests and for the processes that they start."""

    url: str
    """SQLAlchemy URL of a database that butlers can live in."""

    def namespace(self) -> str:
        """Return the name of a schema that nobody else has."""
        return f"butler_{uuid4().hex[:12]}"

    def another(self) -> Postgres:
        """Return a database of its own, for a butler to live in."""
        return _with_database(self.url.rpartition("/")[0], f"butler_{uuid4().hex[:12]}")

    def copy(self) -> Postgres:
        """Return a database of its own, with all that this one holds.

        Nobody may be connected to this one meanwhile.  To the one that all
        tests share somebody always may be.
        """
        server, _, name = self.url.rpartition("/")
        copied = f"butler_{uuid4().hex[:12]}"
        Postgres(f"{server}/postgres").execute(f"CREATE DATABASE {copied} TEMPLATE {name}")
        return Postgres(f"{server}/{copied}")

    def execute(self, statement: str) -> None:
        """Execute one statement on its own connection."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running() as server:
        yield server


@contextmanager
def running() -> Iterator[Postgres]:
    """Run a server; skip what needs it where there is none."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip("PostgreSQL not found: not run")
    folder = Path(tempfile.mkdtemp(prefix="calibstate-postgres-"))
    as_user = _unprivileged(folder)
    try:
        data = folder / "data"
        _run(
            [binaries / "initdb", "-D", data, "-U", "calib", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
            as_user,
        )
        port = _free_port()
        # Durability is tested elsewhere; this server's data die with it.
        options = f"-p {port} -h 127.0.0.1 -k {folder} -c fsync=off -c full_page_writes=off"
        control: list[str | Path] = [binaries / "pg_ctl", "-D", data, "-w"]
        _run([*control, "-l", folder / "log", "-o", options, "start"], as_user)
        try:
            yield _with_database(f"postgresql://calib@127.0.0.1:{port}", "butler")
        finally:
            _run([*control, "-m", "immediate", "stop"], as_user)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _with_database(server: str, name: str) -> Postgres:
    Postgres(f"{server}/postgres").execute(f"CREATE DATABASE {name}")
    made = Postgres(f"{server}/{name}")
    # The butler asks for it whenever it opens a database.
    made.execute("CREATE EXTENSION btree_gist")
    return made


def _binaries() -> Path | None:
    """Return the folder of the server's binaries, of the newest version."""
    found = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    if found:
        return max(found, key=lambda path: float(path.parent.name))
    config = shutil.which("pg_config")
    if config:
        folder = Path(
            subprocess.run([config, "--bindir"], check=True, capture_output=True, text=True).stdout.strip()
        )
        if (folder / "initdb").exists():
            return folder
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


def _unprivileged(folder: Path) -> dict[str, Any]:
    """Return how to start processes as somebody whom the server accepts.

    It refuses to run as root.
    """
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("PostgreSQL not run: it refuses to be run by root, and there is no user postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _run(command: list[str | Path], as_user: dict[str, Any]) -> None:
    # The server inherits what pg_ctl has open, so nobody may wait for the
    # end of a pipe.
    ran = subprocess.run(
        [str(word) for word in command],
        check=False,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=60,
        **as_user,
    )
    assert ran.returncode == 0, f"{command} ended with {ran.returncode}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
