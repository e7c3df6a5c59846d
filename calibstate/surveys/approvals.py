"""Tell how it stands with approvals, and compare them with the tracker.

The files say what the board decided; the board's own ticket says it first.
Three tickets belong together (DMTN-222, section 3.4): of the construction,
of the approval and of the deployment, each pointing to the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from ..errors import Diagnostic, Severity, Where
from ..model.approvals import Approved, TrackedTicket, Verdict, seal_state
from ..model.desired import DesiredState, Written
from ..model.names import is_issue_key
from ..model.scope import Scope
from ..model.tickets import ApprovalStatus, Ticket

__all__ = ["Compared", "approvals", "compare", "keys"]

"""What a tracker calls a ticket; other names are nothing to ask for."""

_LINK = "DMTN-222, section 3.4, has construction, approval and deployment point to each other."


@dataclass(frozen=True)
class Compared:
    """How one approval compares, and what is to be told of it."""

    approved: Approved
    findings: tuple[Diagnostic, ...] = ()


def approvals(desired: DesiredState, scope: Scope) -> tuple[Approved, ...]:
    """Return how it stands with the approvals, from the files alone.

    Parameters
    ----------
    desired, scope
        What is declared, and the part that is asked for.
    """
    return tuple(_approved(desired, written) for written in _asked(desired, scope))


def keys(desired: DesiredState, scope: Scope) -> tuple[str, ...]:
    """Return the tickets that the tracker is to be asked for, each once."""
    named = {key for written in _asked(desired, scope) for key in _Three.of(written.noun).keys.values()}
    return tuple(sorted(named))


def compare(desired: DesiredState, scope: Scope, found: Mapping[str, TrackedTicket]) -> tuple[Compared, ...]:
    """Return how the approvals compare with what the tracker has.

    Parameters
    ----------
    desired, scope
        What is declared, and the part that is asked for.
    found
        All of `keys` that are there.
    """
    return tuple(_compare(desired, written, found) for written in _asked(desired, scope))


def _asked(desired: DesiredState, scope: Scope) -> Iterator[Written[Ticket]]:
    for key, written in sorted(desired.tickets.items()):
        if scope.has_ticket(key) and _goes_there(desired, scope, written.noun):
            yield written


def _goes_there(desired: DesiredState, scope: Scope, ticket: Ticket) -> bool:
    """Say whether a ticket is for one of the places that are asked for."""
    if not scope.sites and not scope.repositories:
        return True
    having = desired.with_instrument(ticket.instrument)
    return any(scope.has_repository(a) and not desired.skipped(ticket, a) for a in having)


def _approved(desired: DesiredState, written: Written[Ticket]) -> Approved:
    ticket, sealed = written.noun, desired.seals.get(written.noun.key)
    approval, seal = ticket.approval, sealed.noun if sealed else None
    return Approved(
        instrument=ticket.instrument,
        ticket=ticket.ticket,
        status=approval.status,
        taxicab=approval.taxicab,
        date=approval.date,
        seal=seal_state(ticket, seal),
        approved=approval.seal,
        sealed=seal.digest if seal else None,
        deployment=ticket.deployment,
    )


@dataclass(frozen=True)
class _Three:
    """The tickets that belong together, those of them that have a key."""

    keys: Mapping[str, str]
    """By what they are."""

    @classmethod
    def of(cls, ticket: Ticket) -> _Three:
        named = {
            "construction": ticket.ticket,
            "approval": ticket.approval.taxicab or "",
            "deployment": ticket.deployment or "",
        }
        return cls({what: key for what, key in named.items() if is_issue_key(key)})

    def unlinked(self, found: Mapping[str, TrackedTicket]) -> Iterator[tuple[str, str]]:
        """Yield pairs of which neither points to the other."""
        there = [key for key in dict.fromkeys(self.keys.values()) if key in found]
        for one, other in combinations(there, 2):
            if found[other].key not in found[one].links and found[one].key not in found[other].links:
                yield one, other


def _compare(desired: DesiredState, written: Written[Ticket], found: Mapping[str, TrackedTicket]) -> Compared:
    findings = tuple(_findings(written, found))
    if any(one.severity is Severity.ERROR for one in findings):
        verdict = Verdict.CONTRADICTS
    elif written.noun.approval.taxicab is None:
        verdict = Verdict.NO_RECORD
    else:
        verdict = Verdict.UNLINKED if findings else Verdict.AGREES
    approved = _approved(desired, written).model_copy(update={"jira": verdict})
    return Compared(approved, findings)


def _findings(written: Written[Ticket], found: Mapping[str, TrackedTicket]) -> Iterator[Diagnostic]:
    ticket, three = written.noun, _Three.of(written.noun)
    yield from _absent(written, three, found)
    taxicab = ticket.approval.taxicab
    if taxicab and (board := found.get(taxicab)):
        yield from _decided_otherwise(written, board)
    if apart := list(three.unlinked(found)):
        where = written.lines.value_at("approval", "taxicab") if taxicab else written.lines.at("deployment")
        yield _not_linked(ticket, apart, where)


def _absent(
    written: Written[Ticket], three: _Three, found: Mapping[str, TrackedTicket]
) -> Iterator[Diagnostic]:
    """Yield named tickets that are not there."""
    ticket, lines = written.noun, written.lines
    taxicab, deployment = ticket.approval.taxicab, ticket.deployment
    if taxicab and taxicab not in found:
        detail = f"The board's ticket of {ticket.ticket} is {taxicab}, and Jira has no such ticket"
        where = lines.value_at("approval", "taxicab")
        yield _no_such(detail, where, "Correct `approval.taxicab`")
    if deployment and deployment not in found:
        detail = f"The deployment of {ticket.ticket} is {deployment}, and Jira has no such ticket"
        yield _no_such(detail, lines.value_at("deployment"), "Correct `deployment`")
    # A ticket may be any word; only what looks like a key must be one.
    if ticket.ticket not in found and "construction" in three.keys:
        detail = f"The construction ticket {ticket.ticket} is not in Jira"
        yield _no_such(detail, lines.value_at("ticket"), "File it")


def _no_such(detail: str, where: Where, hint: str) -> Diagnostic:
    return Diagnostic(
        "Ticket not in Jira", f"{detail}.", where, f"{hint}, or let the account see it that asks."
    )


def _decided_otherwise(written: Written[Ticket], board: TrackedTicket) -> Iterator[Diagnostic]:
    approval, lines = written.noun.approval, written.lines
    said = f'"{board.status}"' + (f", {board.resolution}" if board.resolution else "")
    if board.decision is None:
        # What is deployed needs the board's word; the rest only waits for it.
        weighs = Severity.ERROR if approval.status is ApprovalStatus.ADOPTED else Severity.WARNING
        detail = (
            f'{written.noun.ticket} is "{approval.status.value}" here, and {board.key} is {said} in Jira, '
            "which says nothing of an approval."
        )
        hint = f'Have {board.key} marked as "Adopted", "Flagged" or "Rejected".'
        yield Diagnostic("Decision cannot be told", detail, lines.at("approval", "status"), hint, weighs)
    elif board.decision is not approval.status:
        detail = (
            f'{written.noun.ticket} is "{approval.status.value}" here, and {board.key} is {said} in Jira.'
        )
        hint = f"Write `status: {board.decision.value}`, or have {board.key} corrected."
        yield Diagnostic("Approval is not what Jira says", detail, lines.at("approval", "status"), hint)
    elif approval.date and board.resolved_on and approval.date not in board.resolved_on:
        day = " or ".join(sorted(board.resolved_on))
        detail = f"{board.key} was decided on {approval.date} here, and on {day} in Jira."
        yield Diagnostic(
            "Day of the decision differs", detail, lines.at("approval", "date"), "Correct `approval.date`."
        )


def _not_linked(ticket: Ticket, apart: Iterable[tuple[str, str]], where: Where) -> Diagnostic:
    pairs = "; ".join(f"{one} and {other}" for one, other in apart)
    return Diagnostic(
        "Tickets not linked",
        f"{ticket.ticket}: {pairs} are not linked in Jira. {_LINK}",
        where,
        "Link them in Jira.",
        Severity.WARNING,
    )
