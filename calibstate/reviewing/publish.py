"""Say in a document what a review showed, for the waves that come after."""

from __future__ import annotations

from collections.abc import Mapping

from ..model.desired import DesiredState
from ..model.names import TicketKey
from ..model.reviews import PublishedReview, RepositoryReview, Reviewed
from .expect import Expected
from .look_closely import Showed

__all__ = ["to_publish"]


_MOST = 300
"""Characters of why a ticket did not pass."""


def to_publish(
    desired: DesiredState,
    showed: Showed,
    expected: Mapping[TicketKey, Expected],
    reviews: Mapping[TicketKey, RepositoryReview],
    at: str,
) -> PublishedReview:
    """Return what others may rely on.

    Parameters
    ----------
    desired
        The whole declared state.
    showed
        What the repository showed.
    expected
        What the tickets should hold.
    reviews
        What became of their reviews.
    at
        When, in UTC.
    """
    return PublishedReview(
        address=showed.address,
        at=at,
        tickets={
            "/".join(key): Reviewed(
                at=at,
                passed=review.passed,
                why=_why(review),
                fingerprints=dict(expected[key].fingerprints),
            )
            for key, review in sorted(reviews.items())
        },
        chains={
            chain.name: showed.collections[chain.name].children if chain.name in showed.collections else ()
            for chain in showed.chains
            if chain.name in desired.chains
        },
    )


def _why(review: RepositoryReview) -> str:
    if review.passed:
        return ""
    failed = [check.check for check in review.checks if not check.passed]
    first = next(iter(review.findings), None)
    reason = f"{first.check.value}: {first.detail}" if first else f"{failed[0].value} does not pass"
    # It is shown at other sites' terminals.
    return "".join(c if c.isprintable() else "?" for c in reason)[:_MOST]
