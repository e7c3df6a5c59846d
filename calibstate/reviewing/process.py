"""Process: run a pipeline where nobody is in the way, and leave no trace.

It is run under the repository's lock into a RUN of its own, which is removed
after; one that a killed run has left is removed by the next.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

from ..engine.hold import Holds
from ..model.names import RepositoryAddress
from ..model.outcomes import JournalLine
from ..ports.pipelines import Execution, Processing, RunPlaces

__all__ = ["RUNS", "process"]

RUNS = "u/calibstate/verify/"
"""What the names of our RUNs begin with."""

_WHY = "verify --pipeline --execute"


def process(
    processing: Processing,
    address: RepositoryAddress,
    places: RunPlaces,
    now: Callable[[], str],
) -> Execution:
    """Run a pipeline at a repository.

    Parameters
    ----------
    processing
        What is run.
    address
        The repository.
    places
        Where it is, and its lock.
    now
        The time in UTC, with ``Z``.

    Raises
    ------
    LockedError
        Another run works on the repository.
    RefusedError
        The middleware makes no quantum graph.
    """
    remarks: list[str] = []
    with Holds(places, remarks.append) as holds:
        holds.take(address, _WHY)
        runner = places.run_pipelines(address)
        # Nobody else is at work under the lock, so these are of no use to
        # anybody.
        for left in runner.runs(RUNS):
            runner.remove(left)
            remarks.append(f"{left} was left by a run that was killed, and is removed")
        # The time tells a person which run it was; the rest makes it unique.
        stamp = re.sub("[-:.]", "", now())
        unique = uuid4().hex[:8]
        run = f"{RUNS}{stamp}-{unique}"
        journal = places.records(address).journal
        begin = JournalLine(
            at=now(),
            event="run",
            text=f"{_WHY}: into {run}",
        )
        journal.write(begin)
        try:
            execution = runner.execute(processing, run)
        finally:
            runner.remove(run)
        # Not written where it fails: then the journal says what was begun.
        end = JournalLine(
            at=now(),
            event="end",
            text=f"{_WHY}: {run} is removed",
        )
        journal.write(end)
    # What came before the run is told before what it has to say.
    remarks.extend(execution.remarks)
    return replace(execution, remarks=tuple(remarks))
