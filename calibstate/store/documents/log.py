"""What was done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ...model.names import Noun
from ...model.outcomes import JournalLine, Outcome
from ...model.results.runs import RunsListed
from .base import FORMAT

__all__ = ["LogDocument", "RunEntry", "log_document", "outcome_document"]


class RunEntry(Noun):
    """A run, as its journal tells of it."""

    id: str
    ending: Literal["ended", "goes on", "cut off", "no end"]
    state: Literal[
        "done", "partly", "pending", "refused", "failed", "nothing", "cut off", "goes on", "no end"
    ]
    """What it came to, in a word."""

    reason: str
    """Why it is not done, where that is known."""

    tally: Mapping[str, int]
    """How many targets came to what, at last."""

    lines: tuple[JournalLine, ...]
    unreadable: int
    """Lines that cannot be read."""


def outcome_document(outcome: Outcome) -> Outcome:
    """Return the document of what became of a step: it is one already."""
    return outcome


class LogDocument(Noun):
    """What was done."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["log"] = "log"

    runs: tuple[RunEntry, ...]
    """The newest first."""


def log_document(result: RunsListed) -> LogDocument:
    """Return the document of some runs."""
    runs = []
    for run in result.runs:
        entry = RunEntry(
            id=run.id,
            ending=run.ending.value,
            state=run.state.value,
            reason=run.reason,
            lines=run.lines,
            unreadable=run.unreadable,
            tally=run.tally,
        )
        runs.append(entry)
    return LogDocument(runs=tuple(runs))
