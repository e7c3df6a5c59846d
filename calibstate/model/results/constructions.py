"""How far the construction of a ticket has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from typing_extensions import override

from ...errors import Diagnostic, ExitCode, first_of
from ..names import RepositoryAddress
from ..outcomes import Outcome
from ..reasons import Reason, Weight
from ..repositories import SiteConstruction
from ..submissions import Cause
from ..tickets import Ticket
from ..verdicts import TicketVerdicts
from .base import CommandResult, Footnote

__all__ = ["ConstructionRecord", "ConstructionShown", "StepRecorded", "StepSeen", "StepState"]


class StepState(Enum):
    """How a step of a construction stands."""

    DONE = "done"
    """The repository shows it."""

    READY = "to do"
    """It can be done."""

    RUNNING = "running"
    """Its batch runs."""

    LOOK = "look"
    """A person has to look at images."""

    WAITS = "waits"
    """A step before is not done."""

    REFUSED = "refused"
    """A person has to resolve something first."""


@dataclass(frozen=True)
class StepSeen:
    """A step, and what was seen of it."""

    name: str
    """What people call it: ``make bias``."""

    collection: str
    """The collection that it is about."""

    state: StepState

    detail: str = ""
    """What was seen, in words."""

    reason: Reason | None = None
    """Why it is not done, and cannot be."""

    datasets: int = 0
    """Datasets that are there, of those that are expected."""

    expected: int = 0
    """Datasets that are expected."""

    exposures: int = 0
    """Exposures that its selection finds."""

    missing: tuple[str, ...] = ()
    """Data IDs that are expected and not there."""

    causes: tuple[Cause, ...] = ()
    """Why they are not there, as far as the middleware tells."""


@dataclass(frozen=True)
class ConstructionShown(CommandResult):
    """The steps of a construction, each as it was seen."""

    ticket: Ticket

    repository: RepositoryAddress
    """Where it is made."""

    settings: SiteConstruction
    """What the site says of how it is made."""

    butler: str
    """Label, URI or path of the repository, as its site's file has it."""

    steps: tuple[StepSeen, ...]

    verdicts: TicketVerdicts | None = None
    """What its verifications say; `None`: there are none yet."""

    outcomes: tuple[Outcome, ...] = ()
    """What became of the steps that were carried out."""

    has_run: bool = False
    """Whether steps were to be carried out."""

    stopped_before: str = ""
    """The step that somebody wanted it to stop before."""

    written: tuple[str, ...] | None = None
    """Files of the tree that were written; `None`: nobody asked for it."""

    is_interrupted: bool = False
    """Whether somebody wanted it to stop."""

    images: tuple[str, ...] = ()
    """Files that a person has to look at."""

    notes: tuple[Diagnostic, ...] = ()
    """What a person should know."""

    @property
    def prefix(self) -> str:
        """What stands before all names, in a trial."""
        return self.settings.user_prefix

    @property
    def is_written(self) -> bool:
        """Whether the ticket's file lists all that is certified."""
        if self.written is not None:
            return True
        certified = {step.collection for step in self.steps if step.name.startswith("certify ")}
        return certified <= set(self.ticket.leaves)

    @property
    def next(self) -> StepSeen | None:
        """The first step that is not done."""
        for step in self.steps:
            if step.state is not StepState.DONE:
                return step
        return None

    @property
    @override
    def exit_code(self) -> ExitCode:
        following = self.next
        if following is None:
            return ExitCode.DONE
        match following.state:
            case StepState.RUNNING:
                return ExitCode.PENDING
            case StepState.LOOK:
                return ExitCode.PENDING
            case StepState.REFUSED:
                return _code_of(following.reason)
            case _ if self.has_run and not self.stopped_before:
                return first_of(ExitCode.ERROR)
            case _:
                return ExitCode.DRIFT

    @property
    @override
    def footnotes(self) -> tuple[Footnote, ...]:
        if not self.is_interrupted:
            return self.notes
        return (
            *self.notes,
            "Interrupted. What was done stands, and a batch that was submitted goes on; "
            "run the same command again to go on.",
        )


@dataclass(frozen=True)
class StepRecorded:
    """What ran in a step, as the repository tells it."""

    name: str
    """What people call it: ``make bias``."""

    state: StepState

    collection: str
    """The collection that it is about."""

    run: str | None = None
    """The RUN that was read; `None`: it has none."""

    command: tuple[str, ...] = ()
    """What was run, in words; none: it runs nothing, or its template is not
    within reach."""

    query: str = ""
    """Which data it was for."""

    selected: tuple[int, ...] = ()
    """Exposures that its selection finds."""

    used: tuple[int, ...] | None = None
    """Exposures of which intermediates are there; `None`: nobody can tell any
    more."""

    datasets: int = 0
    """Datasets that were made, or certified."""

    validity: str = ""
    """Of a certification: its range in TAI."""

    began: str | None = None
    """When the first dataset came, in UTC."""

    ended: str | None = None
    """When the last one came, in UTC."""


@dataclass(frozen=True)
class ConstructionRecord:
    """What ran to make the collections of a ticket."""

    ticket: Ticket

    repository: RepositoryAddress
    """Where it was made."""

    variables: Mapping[str, str]
    """Variables of the templates."""

    steps: tuple[StepRecorded, ...]

    software: Mapping[str, str]
    """Versions by package, of the RUN that was made last."""

    verdicts: TicketVerdicts

    written_at: str = ""
    """When it was written, in UTC."""


def _code_of(reason: Reason | None) -> ExitCode:
    if reason and reason.weight is Weight.AWAITED:
        return ExitCode.PENDING
    return ExitCode.REFUSED
