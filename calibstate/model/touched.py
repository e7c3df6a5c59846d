"""Exposures whose lookups a change concerns, as far as nights tell.

Of a night only the begin of its first exposure and the end of its last one
are known: where a range begins or ends between them, some of the night's
exposures are concerned, and nobody can tell from here how many.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .impacts import Change
from .names import RepositoryAddress

__all__ = ["Touched", "TouchedAt", "TouchedExposures"]


@dataclass(frozen=True)
class Touched:
    """How many exposures are concerned."""

    nights: tuple[int, ...] = ()
    """Their observing days, ``YYYYMMDD``, in order."""

    at_least: int = 0
    """Those that certainly are."""

    at_most: int = 0
    """With those of nights that a range begins or ends within."""


@dataclass(frozen=True)
class TouchedAt:
    """How many exposures of a repository are concerned."""

    repository: RepositoryAddress

    at: str
    """When the exposures were counted, in UTC."""

    touched: Touched
    """By any change, each exposure once."""

    by_change: Mapping[Change, Touched]
    """By each change there."""


@dataclass(frozen=True)
class TouchedExposures:
    """How many exposures are concerned, repository by repository."""

    counted: tuple[TouchedAt, ...] = ()
    """Where they are known, in the order in which a change comes to them."""

    unknown: Mapping[RepositoryAddress, str] = field(default_factory=dict)
    """Why they are not known, by repository."""

    def by(self, change: Change, repositories: Iterable[RepositoryAddress]) -> TouchedAt | None:
        """Return the repository with most exposures that a change concerns.

        Parameters
        ----------
        change
            The change.
        repositories
            Those at which it is.

        Returns
        -------
        TouchedAt or None
            `None`: they are not known of any.
        """
        among = set(repositories)
        there = [each for each in self.counted if each.repository in among and change in each.by_change]
        return max(there, key=lambda each: each.by_change[change].at_most, default=None)
