"""A change of the declaration, for those who review it."""

from __future__ import annotations

from dataclasses import dataclass, field

from typing_extensions import override

from ...errors import Diagnostic, ExitCode, Severity, first_of
from ..approvals import Approved, SealState
from ..changes import Changes, Sentence
from ..plans import Plan
from ..rollbacks import Remaining, Rollback
from ..verdicts import TicketVerdicts
from .base import CommandResult
from .impacts import ImpactReport
from .timelines import ChainTimeline

__all__ = ["Foreseen", "Proposal", "RolledBack", "SitePlan"]


@dataclass(frozen=True)
class SitePlan:
    """What a site would do."""

    site: str
    plan: Plan
    digest: str
    """By which it is known on merge."""


@dataclass(frozen=True)
class Foreseen:
    """What becomes of lookups once a ticket is adopted."""

    ticket: str
    """``INSTRUMENT/TICKET``."""

    chain: str
    """The chain in front of which it would be."""

    impact: ImpactReport


@dataclass(frozen=True)
class Proposal(CommandResult):
    """What is told of a change of the declaration."""

    base: str
    """What it is compared with, for people."""

    commit: str
    """Its digest, which stays a link; empty where that is not known."""

    problems: tuple[Diagnostic, ...]
    """Mistakes of the tree and findings of the policy."""

    workspace: str
    """Where the tree is in what GitHub calls the workspace."""

    is_sound: bool = True
    """Whether the tree can be read at all; else nothing else is known."""

    changes: Changes = field(default_factory=Changes)

    sentences: tuple[Sentence, ...] = ()
    """What is declared otherwise, in words."""

    approvals: tuple[Approved, ...] = ()
    """Of the tickets that the change is about."""

    verdicts: tuple[TicketVerdicts, ...] = ()
    """What verifications say of those that are constructed, or were
    verified."""

    is_checked: bool = False
    """Whether the approvals were compared with Jira."""

    of_jira: tuple[Diagnostic, ...] = ()
    """What Jira says otherwise, or why it said nothing."""

    impact: ImpactReport | None = None

    timelines: tuple[ChainTimeline, ...] = ()
    """Which ticket wins when, before and after, through chains that do not
    select the same any more."""

    foreseen: tuple[Foreseen, ...] = ()
    """Of tickets that nobody has decided on yet."""

    plans: tuple[SitePlan, ...] = ()
    """In the order in which the sites go."""

    def number_of(self, severity: Severity) -> int:
        """Return how many problems weigh so much."""
        return sum(problem.severity is severity for problem in self.problems)

    @property
    @override
    def exit_code(self) -> ExitCode:
        # It is a finding of level error as well, and a refusal says more.
        if any(approval.seal is SealState.DIFFERS for approval in self.approvals):
            return ExitCode.REFUSED
        codes = []
        if self.number_of(Severity.ERROR):
            codes.append(ExitCode.ERROR)
        if any(site.plan.refused for site in self.plans):
            codes.append(ExitCode.REFUSED)
        return first_of(*codes)


@dataclass(frozen=True)
class RolledBack(CommandResult):
    """A ticket that is taken out everywhere."""

    what: Rollback
    reason: str
    changes: Changes

    sentences: tuple[Sentence, ...]
    """What is declared otherwise, in words."""

    impact: ImpactReport
    remaining: tuple[Remaining, ...]
    files: tuple[str, ...]
    """Those that change, relative to the root of the tree."""

    written: bool = False
    branch: str = ""
    """The branch it was committed on; empty: it was not."""

    commit: str = ""
