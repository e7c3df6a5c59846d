"""Decide which repositories skip which tickets, so that nothing changes there.

A ticket that is declared is deployed wherever its instrument is.  So whatever
a repository lacks, or does not search, it has to skip.
"""

from __future__ import annotations

from ..errors import Diagnostic
from ..model.names import TicketKey
from ..model.tickets import ApprovalStatus
from .comparison import Comparison

__all__ = ["skip_elsewhere", "skip_here"]


def skip_here(comparison: Comparison) -> None:
    """Have the repository that is captured skip what it does not have.

    A ticket that one chain searches and another does not is refused.
    """
    desired = comparison.desired
    address = comparison.wanted.address
    present = comparison.searched
    absent: set[TicketKey] = set()
    for merged in comparison.merged.values():
        absent |= merged.absent
    for key in sorted(absent & present):
        comparison.refused.append(
            Diagnostic(
                "Searched in one chain only",
                f"{address} searches {key[1]} through one chain that lists it, and not through another; a "
                "ticket is skipped everywhere or nowhere.",
                desired.tickets[key].lines.at("ticket"),
            )
        )
    for written in desired.tickets_of(comparison.wanted.instrument):
        ticket = written.noun
        is_deployed = ticket.approval.status is ApprovalStatus.ADOPTED
        if not is_deployed or ticket.key in present:
            continue
        if desired.skipped(ticket, address):
            continue
        if not comparison.live.has(ticket):
            comparison.skip(ticket, address, "not there")
        elif ticket.key in absent:
            comparison.skip(ticket, address, "not searched")


def skip_elsewhere(comparison: Comparison) -> None:
    """Have others skip what they lack of what is captured.

    Other content elsewhere is a warning, besides.
    """
    for ticket in comparison.reached:
        if not comparison.is_added(ticket):
            continue
        for address, other in comparison.others.items():
            if comparison.desired.skipped(ticket, address):
                continue
            # Content can be compared only where there is some.
            if not other.has(ticket):
                comparison.skip(ticket, address, "not there")
                continue
            if not comparison.is_searched_by(other, ticket):
                comparison.skip(ticket, address, "not searched")
                continue
            unlike = comparison.live.unlike(other, ticket)
            if unlike:
                names = ", ".join(unlike)
                comparison.warn(
                    "Other content elsewhere",
                    f"{address} holds something else in {names} "
                    f"than {comparison.live.address}; {ticket.ticket} skips it.",
                )
                comparison.skip(ticket, address, "holds something else")
