"""Say in a document what a review showed, for the waves that come after."""

from __future__ import annotations

from collections.abc import Mapping

from ..model.desired import DesiredState
from ..model.names import TicketKey
from ..model.reviews import Evidence, PublishedReview, RepositoryReview, Reviewed
from .expect import Expected
from .look_closely import Showed

__all__ = ["to_publish"]


_MOST = 300
"""Characters of why a ticket did not pass, at most."""


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
    tickets: dict[str, Reviewed] = {}
    for key, review in sorted(reviews.items()):
        tickets["/".join(key)] = Reviewed(
            at=at,
            passed=review.passed,
            why=_why(review),
            fingerprints=dict(expected[key].fingerprints),
            evidence=tuple(map(Evidence.of, review.checks)),
        )
    chains: dict[str, tuple[str, ...]] = {}
    for chain in showed.chains:
        name = chain.name
        if name not in desired.chains:
            continue
        # One that does not exist is told of, too: it has no children.
        chains[name] = ()
        if name in showed.collections:
            chains[name] = showed.collections[name].children
    return PublishedReview(address=showed.address, at=at, tickets=tickets, chains=chains)


def _why(review: RepositoryReview) -> str:
    """Return the first reason why a ticket did not pass."""
    if review.passed:
        return ""
    if review.findings:
        first = review.findings[0]
        reason = f"{first.check.value}: {first.detail}"
    else:
        # What fails for the findings of another check has none of its own.
        failed = next(result for result in review.checks if not result.passed)
        reason = f"{failed.check.value} does not pass"
    # It is shown at other sites' terminals, which it could command.
    shown = ""
    for character in reason[:_MOST]:
        if character.isprintable():
            shown += character
        else:
            shown += "?"
    return shown
