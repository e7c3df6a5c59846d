"""Which process we are, and whether another one of this host still runs."""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path

from ..model.locks import Process

__all__ = ["is_seen_from", "process_of", "processes_with", "runs_no_more", "this_process", "user"]


def this_process() -> Process:
    """Return who we are."""
    return process_of(os.getpid())


def process_of(pid: int) -> Process:
    """Return a process of this host, told so that no other is taken for it.

    Parameters
    ----------
    pid
        Its number.
    """
    return Process(
        host=socket.gethostname(),
        pid=pid,
        started=_stat(pid)[1],
        machine=_first_line(Path("/etc/machine-id")),
        boot=_first_line(Path("/proc/sys/kernel/random/boot_id")),
        namespace=_pid_namespace(),
    )


def user() -> str:
    """Return the name of the user, for people."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # Containers run as users that have no name.
        return f"uid {os.getuid()}"


def runs_no_more(holder: Process, here: Process) -> bool:
    """Say whether a process is known to have ended.

    Parameters
    ----------
    holder
        The process.
    here
        A process of this host.
    """
    if is_seen_from(holder, here):
        return _has_ended(holder)
    same_host = (holder.host, holder.machine) == (here.host, here.machine)
    # Without a machine-id it may as well be another host of that name.
    return same_host and bool(here.machine) and holder.boot != here.boot


def is_seen_from(holder: Process, here: Process) -> bool:
    """Say whether a process can be looked at: same host, boot, namespace.

    Parameters
    ----------
    holder
        The process.
    here
        A process of this host.
    """
    if (holder.host, holder.machine) != (here.host, here.machine):
        return False
    return (holder.boot, holder.namespace) == (here.boot, here.namespace)


def processes_with(name: str, value: str) -> list[int]:
    """Return the processes of this host that a variable marks as ours.

    Children and their children keep it, whoever else has ended.

    Parameters
    ----------
    name
        The variable.
    value
        What it holds.
    """
    mark = f"{name}={value}".encode()
    marked: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # It has ended, or is another user's.
        if mark in variables:
            marked.append(int(entry.name))
    return sorted(marked)


def _has_ended(holder: Process) -> bool:
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        # It runs, and is another user's.
        pass
    state, started = _stat(holder.pid)
    if state in {"Z", "X"}:
        return True
    if started is None or holder.started is None:
        return False
    # Its number was given to another process.
    return started != holder.started


def _stat(pid: int) -> tuple[str, int | None]:
    """Return the state of a process and when it started, where known."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return "", None
    # The name, in parentheses, may itself hold spaces and parentheses.
    _, _, fields = stat.rpartition(")")
    state, *numbers = fields.split()
    return state, int(numbers[18])


def _first_line(path: Path) -> str:
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return ""
    line, _, _ = text.partition("\n")
    return line


def _pid_namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
