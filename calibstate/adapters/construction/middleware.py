"""What runs templates: the commands of the middleware, and what they leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from ...model.locks import Process
from ...model.repositories import SiteConstruction
from ...model.submissions import BatchState, Submission
from ...ports.progress import Watch
from ...store.bpstemplates import BpsTemplate
from .folders import Attempt

__all__ = ["Ended", "Launch", "Middleware", "Work"]

Launch = Callable[
    [Sequence[str], Mapping[str, str], Attempt, Callable[[Process], None], Callable[[], bool]], None
]
"""Runs words in an environment for an attempt, and waits for its end.

It tells which process runs them, and asks again and again whether to wait on.
"""


@dataclass(frozen=True)
class Work:
    """What is to be run."""

    submission: Submission
    template: BpsTemplate
    site: SiteConstruction
    run: str
    """RUN that it writes to."""


@dataclass(frozen=True)
class Ended:
    """What is left of a batch of which no process runs any more."""

    state: BatchState
    detail: str

    has_run: bool
    """Whether anything was run; else there is nothing to go on with."""

    is_certain: bool = True
    """Whether somebody told; else what the repository shows decides."""


class Middleware(Protocol):
    """One way to run a template."""

    submit: Literal["bps", "pipetask"]
    """What a site's file calls it."""

    programs: tuple[str, ...]
    """What has to be installed for it."""

    def command(self, submission: Submission, template: BpsTemplate, folder: Path) -> tuple[str, ...]:
        """Return what a person would run.

        Parameters
        ----------
        submission
            What is run.
        template
            What it comes to.
        folder
            That of the submission.
        """
        ...

    def begin(self, work: Work, attempt: Attempt) -> tuple[str, ...]:
        """Prepare the folder of an attempt, and return what is run there."""
        ...

    def go_on(self, work: Work, attempt: Attempt) -> tuple[str, ...]:
        """Return what goes on with an attempt that has run something."""
        ...

    def ended(self, attempt: Attempt, environment: Mapping[str, str]) -> Ended:
        """Return how far an attempt has come of which no process runs."""
        ...

    def graph(self, attempt: Attempt) -> Path | None:
        """Return the quantum graph of an attempt, where there is one."""
        ...

    def tell(self, attempt: Attempt, watch: Watch) -> None:
        """Tell how many quanta are done, as far as logs tell."""
        ...
