"""Where live places have left the declaration, and how it stands there."""

from __future__ import annotations

from dataclasses import dataclass, field

from typing_extensions import override

from ...errors import ExitCode, first_of
from ..drift import LastSeen, UndeclaredChain, What
from ..looked_at import LookedAt
from ..plans import Plan
from ..seen import SeenPlaces
from ..status import Status
from ..watching import WatchState
from .base import CommandResult

__all__ = ["DriftFound", "TicketsStatus"]


@dataclass(frozen=True)
class DriftFound(CommandResult):
    """The drift of all that was asked for."""

    plan: Plan
    """It holds the drift, and what could not be seen."""

    looked_at: tuple[str, ...] = ()
    """Places that could be seen."""

    undeclared: tuple[UndeclaredChain, ...] = ()
    """Chains that are live and that nobody declared: no drift, since nobody
    said how they are to be."""

    scope: LookedAt | None = None
    """What was asked for, of all that is declared."""

    everything: bool = False
    """Whether each thing that waits is told of, also where many wait for the
    same."""

    ages: SeenPlaces = field(default_factory=dict)
    """When each repository was seen, and by whom."""

    last_seen: tuple[LastSeen, ...] = ()
    """What those showed last that were seen too long ago."""

    @property
    @override
    def exit_code(self) -> ExitCode:
        codes = {_code(drift.what) for drift in self.plan.drift}
        return first_of(*codes)


def _code(what: What) -> ExitCode:
    match what:
        case What.UNREACHABLE:
            return ExitCode.ERROR
        case What.PENDING:
            return ExitCode.PENDING
        case _:
            return ExitCode.DRIFT


@dataclass(frozen=True)
class TicketsStatus(CommandResult):
    """How it stands with tickets at repositories."""

    status: Status

    code: ExitCode
    """That of the drift behind it."""

    undeclared: tuple[UndeclaredChain, ...] = ()
    """As of `DriftFound`."""

    scope: LookedAt | None = None
    """What was asked for, of all that is declared."""

    everything: bool = False
    """Whether each thing that waits is told of."""

    ages: SeenPlaces = field(default_factory=dict)
    """When each repository was seen, and by whom."""

    watches: tuple[WatchState, ...] = ()
    """How the loops of sites go on; of those that have one."""

    @property
    @override
    def exit_code(self) -> ExitCode:
        return self.code
