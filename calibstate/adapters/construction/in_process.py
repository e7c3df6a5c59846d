"""``pipetask`` in this process, by its own entry: for tests, demonstrations.

It saves the seconds that a process of its own takes to import everything, and
ends with us.
"""

from __future__ import annotations

import logging
import os
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from ...model.locks import Process
from ...ports.silence import at_work
from ..processes import this_process
from .folders import Attempt

__all__ = ["in_this_process"]

_alone = threading.Lock()
"""The environment and the logging are those of the whole process."""


def in_this_process(
    words: Sequence[str],
    environment: Mapping[str, str],
    attempt: Attempt,
    begun: Callable[[Process], None],
    is_awaited: Callable[[], bool],
) -> None:
    """Run a ``pipetask`` command as far as it goes.

    Parameters
    ----------
    words, environment, attempt, begun, is_awaited
        As for a session of its own.
    """
    from lsst.ctrl.mpexec.cli.pipetask import cli

    attempt.ended.unlink(missing_ok=True)
    begun(this_process())
    program, *arguments = words
    code = 0
    with at_work(), _alone, _variables(environment), _logging():
        try:
            cli.main(
                ["--log-file", str(attempt.log), "--no-log-tty", *arguments],
                prog_name=program,
                standalone_mode=False,
            )
        except (Exception, SystemExit):  # noqa: BLE001 - a task may raise anything
            code = 1
            with attempt.log.open("a", encoding="utf-8") as log:
                log.write(traceback.format_exc())
    attempt.ended.write_text(f"{code}\n")
    is_awaited()


@contextmanager
def _variables(environment: Mapping[str, str]) -> Iterator[None]:
    """Have variables set while the context lasts."""
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _logging() -> Iterator[None]:
    """Have logging as it is now again, once the context has ended."""
    from lsst.daf.butler.cli.cliLog import CliLog

    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        CliLog.resetLog()
        # Without a terminal to log to it takes away what others have set.
        root.handlers[:] = handlers
        root.setLevel(level)
