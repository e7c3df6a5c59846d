"""Foresee what becomes of lookups once a ticket is adopted."""

from __future__ import annotations

from dataclasses import replace

from ..errors import RefusedError, UsageError
from ..model.desired import DesiredState
from ..model.results.proposals import Foreseen
from ..model.scope import Scope
from ..model.tickets import ApprovalStatus, Ticket
from ..past.adoption import as_if_adopted
from ..past.placement import placement_of
from .impact import lookups_changed

__all__ = ["foresee"]

_OPEN = (ApprovalStatus.PROPOSED, ApprovalStatus.FLAGGED)
"""Of what nobody has decided."""


def foresee(desired: DesiredState, ticket: Ticket, observed_until: int) -> Foreseen | None:
    """Return what becomes of lookups once a ticket is adopted and in front.

    Parameters
    ----------
    desired
        What is declared, the ticket too.
    ticket
        The ticket.
    observed_until
        The end of what was observed, in nanoseconds of TAI.

    Returns
    -------
    Foreseen or None
        `None` where it is decided, or no declared chain would list it.
    """
    if ticket.approval.status not in _OPEN:
        return None
    try:
        placement = placement_of(desired, ticket)
    except (RefusedError, UsageError):
        # Whoever adopts it is told why; for now nothing is to be listed.
        return None
    if placement is None or placement.is_new:
        return None
    adopted = as_if_adopted(desired, ticket, placement)
    impact = lookups_changed(desired, adopted, Scope(), "the working tree", observed_until)
    title = f"adopting {ticket.ticket} in front of {placement.chain}"
    return Foreseen(
        ticket.name,
        placement.chain,
        replace(impact, of=title),
    )
