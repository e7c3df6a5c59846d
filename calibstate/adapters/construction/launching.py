"""A command in a session of its own: what ends us does not half end it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

from ...errors import CalibstateError, Diagnostic
from ...model.locks import Process
from ...ports.silence import heard
from ..processes import process_of
from .alive import MARK, processes_of
from .folders import Attempt

__all__ = ["in_a_session"]

_SCRIPT = 'ended=$1; shift; "$@"; code=$?; echo "$code" >"$ended"; exit "$code"'
"""Has the exit code written down, whether or not we are still there."""

_TICK = 1.0
"""Seconds between two looks at how far it is."""


def in_a_session(
    words: Sequence[str],
    environment: Mapping[str, str],
    attempt: Attempt,
    begun: Callable[[Process], None],
    is_awaited: Callable[[], bool],
) -> None:
    """Run a command, and wait until no process of it is left.

    Parameters
    ----------
    words
        The command.
    environment
        All of its environment.
    attempt
        Where it is run, and where what it says is kept.
    begun
        Told of the process, as soon as there is one.
    is_awaited
        Asked again and again; once it is not, the command runs on without us.

    Raises
    ------
    CalibstateError
        It could not be begun.
    """
    attempt.ended.unlink(missing_ok=True)
    try:
        with attempt.log.open("ab") as log:
            process = subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT, "calibstate", str(attempt.ended), *words],
                env={**environment, MARK: str(attempt.folder)},
                cwd=attempt.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        detail = f"{words[0]} cannot be run in {attempt.folder}: {error.strerror}."
        raise CalibstateError(Diagnostic("Batch was not begun", detail)) from error
    begun(process_of(process.pid))
    while is_awaited():
        try:
            process.wait(_TICK)
        except subprocess.TimeoutExpired:
            heard()
            continue
        # Where it was killed, what it had begun lives on, and writes.
        if attempt.exit_code() == 0 or not processes_of(attempt):
            break
        heard()
        time.sleep(_TICK)
    is_awaited()
