"""What holds and waves keep from being done, as guards."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.desired import DesiredState
from ..model.guards import Guard, Guarded, Hold
from ..model.names import CollectionName

__all__ = ["held", "hold_of_child", "waiting"]


def held(hold: Hold) -> Guarded:
    """Return the guard of a hold."""
    return Guarded(Guard.HOLD, f"{hold.what} is on hold: {hold.reason}", hold.where)


def hold_of_child(child: CollectionName, desired: DesiredState) -> Guarded | None:
    """Return the hold of the ticket that a child of a chain is, if any."""
    ticket = desired.ticket_with(child)
    hold = desired.hold_of_ticket(ticket.noun.key) if ticket else None
    return held(hold) if hold else None


def waiting(why: str | None) -> Iterator[Guarded]:
    """Yield the guard of a wave that has not passed, if it has not.

    Parameters
    ----------
    why
        What is waited for, in a sentence; `None`: nothing.
    """
    if why:
        yield Guarded(Guard.WAVE, why)
