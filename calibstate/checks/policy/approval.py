"""Approval: what the board was shown, and when it decided.

DMTN-222, section 3.4.  A ``note`` counts as an answer: what is older than
the board's records has no more.
"""

from __future__ import annotations

from ...model.approvals import approved_otherwise
from ...model.policy import Level, day
from ...model.tickets import ApprovalStatus
from ..judged import Judged, of_ticket
from ..rule import Finding, Findings, rule

_SOURCE = "DMTN-222, section 3.4"


@rule(
    "A301",
    "report-missing",
    title="No verification report",
    level=Level.WARNING,
    source=_SOURCE,
)
def reports_missing(tree: Judged) -> Findings:
    """Find tickets before the board without a report."""
    # What is only proposed is still being prepared for the board.
    shown = {ApprovalStatus.FLAGGED, ApprovalStatus.ADOPTED}
    for written in tree.tickets:
        ticket = written.noun
        approval = ticket.approval
        if approval.status in shown and not (approval.report or approval.note):
            yield Finding(
                where=written.lines.at("approval", "status"),
                detail=(
                    f'{ticket.ticket} is "{approval.status.value}", and nothing says where its '
                    "verification report is. The board decides by it."
                ),
                hint="Give `report`, or say in a `note` why there is none.",
                of=of_ticket(ticket),
            )


@rule(
    "A302",
    "date-missing",
    title="Adopted without a date",
    level=Level.NOTE,
    source=_SOURCE,
)
def dates_missing(tree: Judged) -> Findings:
    """Find tickets of which nobody says when they were adopted."""
    for written in tree.adopted:
        ticket = written.noun
        if ticket.approval.date or ticket.approval.note:
            continue
        yield Finding(
            where=written.lines.at("approval", "status"),
            detail=f"{ticket.ticket} is adopted, and nothing says when that was decided.",
            hint="Give the `date` of the meeting, or say in a `note` why there is none.",
            of=of_ticket(ticket),
        )


@rule(
    "A303",
    "date-wrong",
    title="Decided on no such day",
    level=Level.WARNING,
    source=_SOURCE,
)
def dates_wrong(tree: Judged) -> Findings:
    """Find days of decisions that cannot be."""
    for written in tree.tickets:
        ticket = written.noun
        text = ticket.approval.date
        if text is None:
            continue
        decided = day(text)
        if decided is None:
            problem = "is in no calendar"
        elif decided > tree.today:
            problem = "is yet to come"
        else:
            continue
        yield Finding(
            where=written.lines.value_at("approval", "date"),
            detail=f"The day of the decision on {ticket.ticket}, {text}, {problem}.",
            hint="Give the day of the meeting that decided, in UTC.",
            of=of_ticket(ticket),
        )


@rule(
    "A304",
    "board-ticket-missing",
    title="No ticket of the board",
    level=Level.WARNING,
    source=_SOURCE,
)
def board_tickets_missing(tree: Judged) -> Findings:
    """Find tickets that are before the board without a ticket of its own."""
    for written in tree.tickets:
        ticket = written.noun
        if ticket.approval.status is not ApprovalStatus.FLAGGED or ticket.approval.taxicab:
            continue
        yield Finding(
            where=written.lines.at("approval", "status"),
            detail=f'{ticket.ticket} is "flagged", and nothing says which ticket the board has of it.',
            hint="Give `taxicab`, the ticket that hails the board.",
            of=of_ticket(ticket),
        )


# No mistake: a ticket that is refused stops only what needs it.
@rule(
    "A305",
    "seal-not-approved",
    title="Approved content is not the sealed one",
    level=Level.ERROR,
    source=_SOURCE,
)
def seals_not_approved(tree: Judged) -> Findings:
    """Find tickets whose approval is of another content than their seal."""
    for written in tree.tickets:
        ticket = written.noun
        seal = tree.desired.seals.get(ticket.key)
        problem = approved_otherwise(written, seal)
        if problem is None:
            continue
        yield Finding(
            where=written.lines.value_at("approval", "seal"),
            detail=f"{ticket.ticket}: {problem.detail}. `plan` and `apply` refuse it.",
            hint=problem.hint,
            of=of_ticket(ticket),
        )


@rule(
    "A306",
    "deployment-missing",
    title="No deployment ticket",
    level=Level.NOTE,
    source=_SOURCE,
)
def deployments_missing(tree: Judged) -> Findings:
    """Find adopted tickets without a deployment ticket."""
    for written in tree.adopted:
        ticket = written.noun
        if ticket.deployment or ticket.approval.note:
            continue
        yield Finding(
            where=written.lines.at("approval", "status"),
            detail=f"{ticket.ticket} is adopted, and nothing says by which ticket it is deployed.",
            hint="Give `deployment`, or say in a `note` why there is none.",
            of=of_ticket(ticket),
        )
