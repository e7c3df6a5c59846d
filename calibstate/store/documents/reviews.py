"""Reviews of deployed tickets, and of the archive."""

from __future__ import annotations

from ...model.results.reviews import ArchiveReviewed, TicketsReviewed
from ...model.reviews import ArchiveReview, ReviewsDocument

__all__ = ["archive_document", "reviews_document"]


def reviews_document(result: TicketsReviewed) -> ReviewsDocument:
    """Return the document of several reviews."""
    return ReviewsDocument(passed=result.passed, reviews=result.reviews)


def archive_document(result: ArchiveReviewed) -> ArchiveReview:
    """Return the document of a review of the archive: it is one already."""
    return result.review
