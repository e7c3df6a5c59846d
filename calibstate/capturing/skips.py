"""Decide which repositories skip which tickets, so that nothing changes there.

A ticket that is declared is deployed wherever its instrument is.  So whatever
a repository lacks, or does not search, it has to skip.
"""

from __future__ import annotations

from ..errors import Diagnostic
from ..model.contents import Holding
from ..model.names import TicketKey
from ..model.tickets import ApprovalStatus, Ticket
from .comparison import Comparison, declared_chains
from .live import Live

__all__ = ["skip_elsewhere", "skip_here"]


def skip_here(comparison: Comparison) -> None:
    """Have the repository that is captured skip what it does not have.

    A ticket that one chain searches and another does not is refused.
    """
    desired, address, live = comparison.desired, comparison.wanted.address, comparison.live
    present = _searched(comparison)
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
        if not is_deployed or ticket.key in present or desired.skipped(ticket, address):
            continue
        if not live.has(ticket):
            comparison.skip(ticket, address, "not there")
        elif ticket.key in absent:
            comparison.skip(ticket, address, "not searched")


def _searched(comparison: Comparison) -> set[TicketKey]:
    """Return the tickets that a live chain searches."""
    present: set[TicketKey] = set()
    for merged in comparison.merged.values():
        present |= merged.present
    # All children of a chain that is new are searched.
    for chain in comparison.description.chains:
        if chain in comparison.merged:
            continue
        for child in comparison.live.children(chain):
            ticket = comparison.description.tickets.get(child)
            if ticket:
                present.add(ticket.key)
    return present


def skip_elsewhere(comparison: Comparison) -> None:
    """Have others skip what they lack of what is captured.

    Other content elsewhere is a warning, besides.
    """
    for ticket in comparison.reached:
        if ticket.key not in comparison.new and ticket.key not in comparison.newly_listed:
            continue
        for address, other in comparison.others.items():
            if comparison.desired.skipped(ticket, address):
                continue
            if not other.has(ticket):
                comparison.skip(ticket, address, "not there")
            elif not _is_searched(ticket, other, comparison):
                comparison.skip(ticket, address, "not searched")
            else:
                _skip_unlike(ticket, other, comparison)


def _is_searched(ticket: Ticket, other: Live, comparison: Comparison) -> bool:
    """Say whether another's chains search all that is to be listed in them."""
    declared = declared_chains(comparison.desired, comparison.wanted.instrument, other.address)
    for listed in comparison.newly_listed.get(ticket.key, []):
        if listed.chain in declared and listed.child not in other.children(listed.chain):
            return False
    return True


def _skip_unlike(ticket: Ticket, other: Live, comparison: Comparison) -> None:
    """Have another skip a ticket of which it holds something else."""
    live = comparison.live
    unlike = [leaf for leaf in ticket.leaves if not _is_alike(live.holdings[leaf], other.holdings[leaf])]
    if unlike:
        comparison.warn(
            "Other content elsewhere",
            f"{other.address} holds something else in {', '.join(unlike)} than {live.address}; "
            f"{ticket.ticket} skips it.",
        )
        comparison.skip(ticket, other.address, "holds something else")


def _is_alike(here: Holding, there: Holding) -> bool:
    return here.fingerprint == there.fingerprint and not there.unrecorded
