"""Whether a batch still runs: by its processes on this host.

They are known by a variable in their environment, which children and their
children keep whoever else has ended.
"""

from __future__ import annotations

import os

from ...model.submissions import Batch
from ..processes import is_seen_from, processes_with, runs_no_more, this_process
from .folders import Attempt

__all__ = ["MARK", "may_run", "processes_of"]

MARK = "CALIBSTATE_BATCH"
"""Variable that holds the folder of the batch that a process belongs to."""


def processes_of(attempt: Attempt) -> list[int]:
    """Return the processes of this host that belong to a batch."""
    return processes_with(MARK, str(attempt.folder))


def may_run(attempt: Attempt, batch: Batch | None) -> str:
    """Say by what a batch is known to run still, or not known to have ended.

    Parameters
    ----------
    attempt
        Its folder.
    batch
        What was begun there.

    Returns
    -------
    str
        Empty where it runs no more.
    """
    here = this_process()
    processes = processes_of(attempt)
    if processes:
        return f"process {processes[0]} on {here.host}"
    if batch is None or attempt.exit_code() is not None:
        return ""
    begun_by = batch.process
    if runs_no_more(begun_by, here):
        return ""
    if is_seen_from(begun_by, here):
        return f"process {begun_by.pid} on {here.host}"
    return (
        f"process {begun_by.pid} on {begun_by.host}, which cannot be seen from here; if it has ended, remove "
        f"{os.fspath(attempt.folder)}"
    )
