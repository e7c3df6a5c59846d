"""Starts Rucio's server in its own environment, and talks to its host.

The server runs in another process and dies with this one: its host reads
commands from us, and ends when nobody can send any more.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import CalibstateError, Diagnostic
from . import host
from .loopback import LoopbackPort

__all__ = ["Request", "Server", "ServerFailedError", "ServerMissingError", "find_server"]

VARIABLE = "CALIBSTATE_RUCIO_SERVER"
_READS = {"bulkmeta", "bulkfiles", "bulk_locks_for_dids", "datasets_bulk", "list"}
"""Last words of paths by which something is asked, although by POST."""


class ServerMissingError(CalibstateError):
    """No environment with Rucio's server was found."""


class ServerFailedError(CalibstateError):
    """Rucio's server, or one of its daemons, did not do its work."""


@dataclass(frozen=True)
class Request:
    """What somebody asked of the server."""

    method: str
    path: str
    status: int
    agent: str
    """The client's own name, without its version."""

    @property
    def writes(self) -> bool:
        """Whether it was to change something, be it in vain."""
        if self.method in {"GET", "HEAD", "OPTIONS"}:
            return False
        if self.method != "POST":
            return True
        # What is long to ask is asked by POST.
        words = self.path.rstrip("/").split("/")
        last = words[-1]
        is_question = last in _READS or (words[1:2] == ["replicas"] and last == "dids")
        return not is_question


def find_server() -> Path:
    """Return the interpreter of the environment that Rucio is installed in.

    Raises
    ------
    ServerMissingError
        There is none.
    """
    python = Path(__file__).parents[3] / ".venv-rucio" / "bin" / "python"
    named = os.environ.get(VARIABLE)
    if named:
        python = Path(named).absolute()
    if python.is_dir():
        # Whoever names the environment means its Python.
        python = python / "bin" / "python"
    if python.is_file() and os.access(python, os.X_OK):
        return python
    raise ServerMissingError(
        Diagnostic(
            "Rucio's server is not installed",
            f"{python} is not there.  The server has an environment of its own, since it asks for older "
            "packages than calibstate runs with.",
            hint=f"In a checkout `make demo` sets it up, or name its Python in {VARIABLE}; "
            "`calibstate demo --fast` leaves Rucio out.",
        )
    )


class Server:
    """One server with its daemons.

    Parameters
    ----------
    python
        Interpreter of the server's environment.
    home
        The server's home, with its configuration.
    """

    def __init__(self, python: Path, home: Path) -> None:
        self.port = LoopbackPort()
        self._python = python
        self._home = home
        self._host: subprocess.Popen[bytes] | None = None

    @property
    def is_up(self) -> bool:
        """Whether it was started and not stopped."""
        return self._host is not None

    @property
    def pid(self) -> int | None:
        """The host's process, if it is up."""
        return self._host.pid if self._host else None

    def launch(self, *, new: bool = False) -> None:
        """Begin to start; `wait` returns when that has come to its end.

        Parameters
        ----------
        new
            Make the database first.
        """
        if self._host is not None:
            return
        # Only the host may hold the socket that is listened at: else calls
        # to a dead server would wait instead of being refused.
        with self.port.listen() as listening, (self._home / "log" / "host").open("ab") as log:
            self._host = subprocess.Popen(
                [
                    self._python,
                    host.__file__,
                    str(listening.fileno()),
                    self._log,
                    *(["--new"] if new else []),
                ],
                cwd=self._home,
                env=self._environment(),
                pass_fds=[listening.fileno()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                bufsize=0,
            )

    def wait(self) -> None:
        """Return when the server answers."""
        self._answer()

    def stop(self) -> None:
        """Be down; what the database holds stays."""
        if self._host is None:
            return
        assert self._host.stdin is not None
        self._host.stdin.close()
        try:
            self._host.wait(30)
        except subprocess.TimeoutExpired:
            self._host.kill()
            self._host.wait()
        self._host = None

    def command(self, *words: str) -> Any:
        """Tell the host one thing, and return what it answers."""
        assert self._host is not None, "the server is down"
        assert self._host.stdin is not None
        # One that is dead has no answer, which is told below.
        with contextlib.suppress(BrokenPipeError):
            self._host.stdin.write(" ".join(words).encode() + b"\n")
        return self._answer()

    def requests(self) -> list[Request]:
        """Return all that was asked since the server was made."""
        path = Path(self._log)
        requests: list[Request] = []
        if not path.exists():
            return requests
        for line in path.read_text().splitlines():
            # An agent has no blank, a path may have.
            method, status, agent, asked_for = line.split(" ", 3)
            requests.append(Request(method, asked_for, int(status), agent))
        return requests

    @property
    def _log(self) -> str:
        return str(self._home / "log" / "requests")

    def _environment(self) -> dict[str, str]:
        """Return our variables, without what configures clients."""
        variables = {"RUCIO_HOME": str(self._home)}
        for name, value in os.environ.items():
            if not name.startswith(("RUCIO_", "PYTHON")):
                variables[name] = value
        return variables

    def _answer(self) -> Any:
        assert self._host is not None
        assert self._host.stdout is not None
        line = self._host.stdout.readline()
        if line:
            return json.loads(line)
        self.stop()
        log = (self._home / "log" / "host").read_text()
        lines = log.strip().splitlines()
        words = "It said nothing."
        if lines:
            words = "\n".join(["Its last words were:", *lines[-12:]])
        raise ServerFailedError(Diagnostic("Rucio's server ended", words))
