"""Approval: what the board was shown, and when it decided.

DMTN-222, section 3.4.  A ``note`` counts as an answer: what is older than
the board's records has no more.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...model.policy import day
from ...model.tickets import ApprovalStatus
from .judged import Finding, Judged, of_ticket

__all__ = ["board_tickets_missing", "dates_missing", "dates_wrong", "reports_missing"]


def reports_missing(tree: Judged) -> Iterator[Finding]:
    """Find tickets before the board without a report."""
    shown = {ApprovalStatus.FLAGGED, ApprovalStatus.ADOPTED}
    for ticket in tree.tickets:
        approval = ticket.noun.approval
        if approval.status in shown and not (approval.report or approval.note):
            yield Finding(
                ticket.lines.at("approval", "status"),
                f'{ticket.noun.ticket} is "{approval.status.value}", and nothing says where its verification '
                "report is. The board decides by it.",
                "Give `report`, or say in a `note` why there is none.",
                of_ticket(ticket.noun),
            )


def dates_missing(tree: Judged) -> Iterator[Finding]:
    """Find tickets of which nobody says when they were adopted."""
    for ticket in tree.adopted:
        approval = ticket.noun.approval
        if not (approval.date or approval.note):
            yield Finding(
                ticket.lines.at("approval", "status"),
                f"{ticket.noun.ticket} is adopted, and nothing says when that was decided.",
                "Give the `date` of the meeting, or say in a `note` why there is none.",
                of_ticket(ticket.noun),
            )


def dates_wrong(tree: Judged) -> Iterator[Finding]:
    """Find days of decisions that cannot be."""
    for ticket in tree.tickets:
        text = ticket.noun.approval.date
        if text is None:
            continue
        decided = day(text)
        if decided is None or decided > tree.today:
            what = "is in no calendar" if decided is None else "is yet to come"
            yield Finding(
                ticket.lines.value_at("approval", "date"),
                f"The day of the decision on {ticket.noun.ticket}, {text}, {what}.",
                "Give the day of the meeting that decided, in UTC.",
                of_ticket(ticket.noun),
            )


def board_tickets_missing(tree: Judged) -> Iterator[Finding]:
    """Find tickets that are before the board without a ticket of its own."""
    for ticket in tree.tickets:
        approval = ticket.noun.approval
        if approval.status is ApprovalStatus.FLAGGED and not approval.taxicab:
            yield Finding(
                ticket.lines.at("approval", "status"),
                f'{ticket.noun.ticket} is "flagged", and nothing says which ticket the board has of it.',
                "Give `taxicab`, the ticket that hails the board.",
                of_ticket(ticket.noun),
            )
