"""Reviews of deployed tickets, and of the files of the archive."""

from __future__ import annotations

from dataclasses import dataclass

from typing_extensions import override

from ...errors import ExitCode
from ..reviews import ArchiveReview, Review
from .base import CommandResult, failed_if

__all__ = ["ArchiveReviewed", "TicketsReviewed"]


@dataclass(frozen=True)
class TicketsReviewed(CommandResult):
    """Reviews of deployed tickets."""

    reviews: tuple[Review, ...]

    @property
    def passed(self) -> bool:
        """Whether every ticket passes at every repository."""
        return all(review.passed for review in self.reviews)

    @property
    @override
    def exit_code(self) -> ExitCode:
        return failed_if(not self.passed)


@dataclass(frozen=True)
class ArchiveReviewed(CommandResult):
    """What a look at the files of the archive showed."""

    review: ArchiveReview

    @property
    @override
    def exit_code(self) -> ExitCode:
        return failed_if(not self.review.passed)
