"""What holds and waves keep from being done, as guards."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.desired import DesiredState
from ..model.names import CollectionName
from ..model.reasons import Code, Reason, Weight

__all__ = ["hold_of_child", "waiting"]


def hold_of_child(child: CollectionName, desired: DesiredState) -> Reason | None:
    """Return the hold of the ticket that a child of a chain is, if any."""
    ticket = desired.ticket_with(child)
    if ticket is None:
        return None
    hold = desired.hold_of_ticket(ticket.noun.key)
    if hold is None:
        return None
    return hold.stop


def waiting(why: str | None) -> Iterator[Reason]:
    """Yield the guard of a wave that has not passed, if it has not.

    Parameters
    ----------
    why
        What is waited for, in a sentence; `None`: nothing.
    """
    if why:
        yield Reason(Code.WAVE, why, Weight.GUARDED)
