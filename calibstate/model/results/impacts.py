"""What a change does to lookups, and by what it is judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..impacts import Change, Impact
from ..touched import TouchedExposures
from .base import CommandResult

__all__ = ["ImpactReport"]

_MOST = 20
"""Changes of a chain that are shown before the rest is only counted."""


@dataclass(frozen=True)
class ImpactReport(CommandResult):
    """What a change does, and by what it is judged."""

    impact: Impact
    base: str
    """What the working tree was compared with."""

    observed_until: int
    """Nanoseconds of TAI; what was observed before has been processed."""

    live: str = ""
    """The repository that was looked at; empty: the seals told."""

    detectors: Mapping[int, str] = field(default_factory=dict)
    """Names of detectors, where a repository told."""

    most: int = _MOST
    """Changes of a chain that are shown."""

    of: str = "the working tree"
    """What is compared."""

    touched: TouchedExposures | None = None
    """How many exposures are concerned; `None`: nobody asked."""

    commit: str = ""
    """Digest of the base, where it is known; it stays a link."""

    def reaches_back(self, changes: Iterable[Change]) -> bool:
        """Return whether changes concern what was observed already."""
        return any(change.begin < self.observed_until for change in changes)

    @property
    def nights(self) -> Mapping[int, int]:
        """Exposures that change, by observing day."""
        return dict(sorted(Counter(exposure.day_obs for exposure in self.impact.exposures).items()))
