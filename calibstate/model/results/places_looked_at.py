"""What places showed: checkups, observations, locks that were broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from typing_extensions import override

from ...errors import Diagnostic, ExitCode
from ..checkups import Check, Health
from ..names import RepositoryAddress
from ..observations import Observation
from ..seen import SeenPlaces
from .base import CommandResult, Footnote, failed_if, unseen_notes

__all__ = ["Checkup", "LockBroken", "ObservationsWritten", "ObservedRepository"]


@dataclass(frozen=True)
class Checkup(CommandResult):
    """Whether one can work with the places from here."""

    checks: tuple[Check, ...]
    """By place."""

    ages: SeenPlaces = field(default_factory=dict)
    """When each repository was seen; those that were away are left out."""

    @property
    @override
    def exit_code(self) -> ExitCode:
        failed = any(check.health is Health.FAILED for check in self.checks)
        return failed_if(failed)


@dataclass(frozen=True)
class ObservedRepository:
    """How much a repository showed."""

    address: RepositoryAddress
    at: str
    """UTC, with ``Z``."""

    collections: int
    datasets: int

    @classmethod
    def of(cls, observation: Observation) -> ObservedRepository:
        """Return how much an observation holds."""
        holdings = [holding for holding in observation.holdings.values() if holding]
        datasets: set[str] = set()
        for holding in holdings:
            datasets.update(uuid for _, _, uuid, _, _ in holding.rows)
        return cls(observation.address, observation.at, len(holdings), len(datasets))


@dataclass(frozen=True)
class ObservationsWritten(CommandResult):
    """Repositories that were observed for others."""

    observed: tuple[ObservedRepository, ...]

    unreachable: Mapping[RepositoryAddress, Diagnostic]
    """Why the others could not be seen."""

    @property
    @override
    def exit_code(self) -> ExitCode:
        return failed_if(self.unreachable)

    @property
    @override
    def footnotes(self) -> tuple[Footnote, ...]:
        return unseen_notes(self.unreachable)


@dataclass(frozen=True)
class LockBroken(CommandResult):
    """What became of the lock of a place."""

    sentence: str
