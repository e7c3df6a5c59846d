"""What the tracker has otherwise than a ticket's file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from ..errors import Diagnostic, Severity, Where
from ..model.approvals import TrackedTicket
from ..model.desired import Written
from ..model.names import is_issue_key
from ..model.tickets import ApprovalStatus, Ticket

__all__ = ["findings", "issues_of"]

_LINK = "DMTN-222, section 3.4, has construction, approval and deployment point to each other."


def issues_of(ticket: Ticket) -> Mapping[str, str]:
    """Return the three tickets that belong together, by what they are.

    Those that look like keys of the tracker: other names are nothing to ask
    for.
    """
    named = {
        "construction": ticket.ticket,
        "approval": ticket.approval.taxicab,
        "deployment": ticket.deployment,
    }
    issues = {}
    for what, key in named.items():
        if key and is_issue_key(key):
            issues[what] = key
    return issues


def findings(
    written: Written[Ticket],
    tracked: Mapping[str, TrackedTicket],
) -> Iterator[Diagnostic]:
    """Yield what is not there, decided otherwise, or not linked.

    Parameters
    ----------
    written
        A ticket as it is declared.
    tracked
        Tickets that the tracker has, by key.
    """
    ticket = written.noun
    taxicab = ticket.approval.taxicab
    yield from _absent(written, tracked)
    if taxicab and taxicab in tracked:
        board = tracked[taxicab]
        yield from _decided_otherwise(written, board)
    yield from _not_linked(written, tracked)


def _absent(
    written: Written[Ticket],
    tracked: Mapping[str, TrackedTicket],
) -> Iterator[Diagnostic]:
    """Yield named tickets that are not there."""
    ticket = written.noun
    lines = written.lines
    taxicab = ticket.approval.taxicab
    deployment = ticket.deployment
    name = ticket.ticket
    if taxicab and taxicab not in tracked:
        where = lines.value_at("approval", "taxicab")
        yield _no_such(
            f"The board's ticket of {name} is {taxicab}, and Jira has no such ticket",
            where,
            "Correct `approval.taxicab`",
        )
    if deployment and deployment not in tracked:
        where = lines.value_at("deployment")
        yield _no_such(
            f"The deployment of {name} is {deployment}, and Jira has no such ticket",
            where,
            "Correct `deployment`",
        )
    # A ticket may be any word; only what looks like a key must be one.
    if is_issue_key(name) and name not in tracked:
        where = lines.value_at("ticket")
        yield _no_such(
            f"The construction ticket {name} is not in Jira",
            where,
            "File it",
        )


def _no_such(detail: str, where: Where, hint: str) -> Diagnostic:
    return Diagnostic(
        "Ticket not in Jira",
        f"{detail}.",
        where,
        f"{hint}, or let the account see it that asks.",
    )


def _decided_otherwise(written: Written[Ticket], board: TrackedTicket) -> Iterator[Diagnostic]:
    """Yield how the board's own ticket differs from the file."""
    ticket = written.noun
    approval = ticket.approval
    status = approval.status
    lines = written.lines
    where = lines.at("approval", "status")
    in_jira = f'"{board.status}"'
    if board.resolution:
        in_jira += f", {board.resolution}"
    both = f'{ticket.ticket} is "{status.value}" here, and {board.key} is {in_jira} in Jira'
    if board.decision is None:
        # What is deployed needs the board's word; the rest only waits for it.
        severity = Severity.WARNING
        if status is ApprovalStatus.ADOPTED:
            severity = Severity.ERROR
        yield Diagnostic(
            "Decision cannot be told",
            f"{both}, which says nothing of an approval.",
            where,
            f'Have {board.key} marked as "Adopted", "Flagged" or "Rejected".',
            severity,
        )
    elif board.decision is not status:
        decision = board.decision.value
        yield Diagnostic(
            "Approval is not what Jira says",
            f"{both}.",
            where,
            f"Write `status: {decision}`, or have {board.key} corrected.",
        )
    elif approval.date and board.resolved_on and approval.date not in board.resolved_on:
        # Two days, where it is another one at the observatory than in UTC.
        day = " or ".join(sorted(board.resolved_on))
        where = lines.at("approval", "date")
        yield Diagnostic(
            "Day of the decision differs",
            f"{board.key} was decided on {approval.date} here, and on {day} in Jira.",
            where,
            "Correct `approval.date`.",
        )


def _not_linked(
    written: Written[Ticket],
    tracked: Mapping[str, TrackedTicket],
) -> Iterator[Diagnostic]:
    """Yield that of some pairs neither ticket points to the other."""
    ticket = written.noun
    issues = issues_of(ticket)
    # One issue may be two of the three, and needs no link to itself.
    keys = dict.fromkeys(issues.values())
    there = [key for key in keys if key in tracked]
    apart = []
    for key, other in combinations(there, 2):
        issue = tracked[key]
        other_issue = tracked[other]
        if other_issue.key in issue.links or issue.key in other_issue.links:
            continue
        apart.append(f"{key} and {other}")
    if not apart:
        return
    pairs = "; ".join(apart)
    lines = written.lines
    where = lines.at("deployment")
    if ticket.approval.taxicab:
        where = lines.value_at("approval", "taxicab")
    yield Diagnostic(
        "Tickets not linked",
        f"{ticket.ticket}: {pairs} are not linked in Jira. {_LINK}",
        where,
        "Link them in Jira.",
        Severity.WARNING,
    )
