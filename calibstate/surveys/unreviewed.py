"""Which tickets of a site nobody has reviewed as they are searched now."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..model.desired import DesiredState
from ..model.names import RepositoryAddress, TicketKey
from ..model.reviews import PublishedReview
from ..model.sights import Sight
from ..model.tickets import ApprovalStatus

__all__ = ["Shown", "failing", "unreviewed"]

_PASSED_FOR = timedelta(hours=24)
"""How long a review that passed is good; files may be lost meanwhile."""

_FAILED_FOR = timedelta(hours=1)
"""How long one that did not pass is good; somebody may have mended it."""


@dataclass(frozen=True)
class Shown:
    """What was published of one repository."""

    review: PublishedReview | None
    sight: Sight | None

    def is_reviewed(self, key: TicketKey, now: datetime) -> bool:
        """Say whether a ticket was reviewed as it is searched now.

        Parameters
        ----------
        key
            The ticket.
        now
            The time, with its zone.
        """
        if self.review is None or key.name not in self.review.tickets:
            return False
        if self._chains() != dict(self.review.chains):
            return False
        reviewed = self.review.tickets[key.name]
        good_for = _PASSED_FOR if reviewed.passed else _FAILED_FOR
        # A clock may have been set back since.
        return abs(now - datetime.fromisoformat(reviewed.at)) < good_for

    def has_passed(self, key: TicketKey) -> bool:
        """Say whether a ticket passed its last review.

        Parameters
        ----------
        key
            The ticket; it was reviewed.
        """
        return self.review is not None and self.review.tickets[key.name].passed

    def _chains(self) -> Mapping[str, tuple[str, ...]]:
        """Return the live children of chains that are there."""
        if self.sight is None:
            return {}
        return {name: chain.children for name, chain in self.sight.chains.items() if chain}


def unreviewed(
    desired: DesiredState,
    shown: Mapping[RepositoryAddress, Shown],
    undone: Collection[TicketKey],
    now: datetime,
) -> Iterator[TicketKey]:
    """Yield adopted tickets that are to be reviewed, sorted.

    Parameters
    ----------
    desired
        What is declared.
    shown
        What was published, by repository.
    undone
        Tickets that are not as declared, so that a review would only say so.
    now
        The time, with its zone.
    """
    for key, wanted in _wanted(desired, shown, undone):
        if not all(there.is_reviewed(key, now) for there in wanted):
            yield key


def failing(
    desired: DesiredState,
    shown: Mapping[RepositoryAddress, Shown],
    undone: Collection[TicketKey],
    now: datetime,
) -> Iterator[TicketKey]:
    """Yield adopted tickets that did not pass, and are not reviewed anew yet.

    Parameters
    ----------
    desired, shown, undone, now
        As for `unreviewed`.
    """
    for key, wanted in _wanted(desired, shown, undone):
        if any(there.is_reviewed(key, now) and not there.has_passed(key) for there in wanted):
            yield key


def _wanted(
    desired: DesiredState,
    shown: Mapping[RepositoryAddress, Shown],
    undone: Collection[TicketKey],
) -> Iterator[tuple[TicketKey, Sequence[Shown]]]:
    """Yield adopted tickets, sorted, with the repositories that get them."""
    for key in sorted(desired.tickets):
        ticket = desired.tickets[key].noun
        if key in undone or ticket.approval.status is not ApprovalStatus.ADOPTED:
            continue
        wanted: list[Shown] = []
        for address, there in shown.items():
            _, repository = desired.repository(address)
            if key.instrument in repository.instruments and not desired.skipped(ticket, address):
                wanted.append(there)
        yield key, wanted
