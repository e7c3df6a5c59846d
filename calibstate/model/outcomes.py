"""What became of a step, and the line a journal keeps of it."""

from __future__ import annotations

from enum import Enum
from typing import Literal

from .guards import Allowed
from .locks import Process
from .names import Address, Noun, Place

__all__ = ["Began", "JournalLine", "Outcome", "Result"]


class Result(Enum):
    """How far a step came."""

    BEGUN = "begun"
    DONE = "done"
    PENDING = "pending"
    """It was done, and its effect is still to come."""
    SKIPPED = "skipped"
    """A step that it needs was not done."""
    STALE = "stale"
    """What it stands on has changed; nothing was done."""
    REFUSED = "refused"
    """It would lose or contradict something; nothing was done."""
    FAILED = "failed"


class Outcome(Noun):
    """What became of a step."""

    format_version: Literal["1.0"] = "1.0"
    kind: Literal["outcome"] = "outcome"

    step: str
    """The step's id in its plan."""

    do: str
    """Name of the action."""

    target: str
    """Address of what it changes."""

    result: Result
    detail: str = ""

    entrants: tuple[str, ...] | None = None
    """Children of a chain that begin to be searched by it."""

    leavers: tuple[str, ...] | None = None
    """Children of a chain that are searched no more after it."""

    passed: Allowed | None = None
    """Guards that a person passed for the plan, and why; where printed."""

    @property
    def action(self) -> str:
        """What was to be done: ``register-run usdf/main:run:u/x``."""
        return f"{self.do} {self.target}"

    @property
    def address(self) -> Address:
        """The target."""
        place, kind, name = (*self.target.split(":", 2), "", "")[:3]
        return Address(place=Place(place), kind=kind, name=name)


class Began(Noun):
    """Who began a run, and from what."""

    who: str
    """User."""

    process: Process
    """By which it is known whether the run still goes on."""

    version: str
    """Of calibstate."""

    commit: str | None = None
    """Commit of the state tree, where it is in Git."""

    commit_unknown: str = ""
    """Why the commit is not known, where Git could not tell it."""

    dirty: bool = False
    """Whether files of the state tree that were read were not as the commit
    has them."""

    allowed: Allowed = Allowed()
    """Guards that were passed, and why."""


class JournalLine(Noun):
    """One event of a run."""

    at: str
    """UTC, with ``Z``."""

    event: str
    """``run``, ``plan``, ``outcome`` or ``end``."""

    text: str
    """What happened."""

    outcome: Outcome | None = None

    began: Began | None = None
    """Who began it; with the event ``run``."""
