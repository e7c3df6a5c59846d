"""Look how it stands with approvals, and compare them with the tracker.

The files say what the board decided; the board's own ticket says it first.
Three tickets belong together (DMTN-222, section 3.4): of the construction,
of the approval and of the deployment, each pointing to the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..errors import Diagnostic, Severity, without_secrets
from ..model.approvals import Approved, TrackedTicket, Verdict, seal_state
from ..model.desired import DesiredState, Written
from ..model.scope import Scope
from ..model.tickets import Ticket
from .approval_findings import findings, issues_of

__all__ = ["Compared", "approvals", "compare", "keys"]


@dataclass(frozen=True)
class Compared:
    """How one approval compares, and what is to be reported of it."""

    approved: Approved
    findings: tuple[Diagnostic, ...] = ()


def approvals(desired: DesiredState, scope: Scope) -> tuple[Approved, ...]:
    """Return how it stands with the approvals, from the files alone.

    Parameters
    ----------
    desired, scope
        What is declared, and the part that is asked for.
    """
    tickets = _in_scope(desired, scope)
    return tuple(_approved(desired, written) for written in tickets)


def keys(desired: DesiredState, scope: Scope) -> tuple[str, ...]:
    """Return the tickets that the tracker is to be asked for, each once."""
    named: set[str] = set()
    for written in _in_scope(desired, scope):
        issues = issues_of(written.noun)
        named.update(issues.values())
    return tuple(sorted(named))


def compare(
    desired: DesiredState, scope: Scope, tracked: Mapping[str, TrackedTicket]
) -> tuple[Compared, ...]:
    """Return how the approvals compare with what the tracker has.

    Parameters
    ----------
    desired, scope
        What is declared, and the part that is asked for.
    tracked
        All of `keys` that are there.
    """
    compared = []
    for written in _in_scope(desired, scope):
        differences = tuple(findings(written, tracked))
        verdict = _verdict(written.noun, differences)
        approved = _approved(desired, written)
        with_verdict = approved.model_copy(update={"jira": verdict})
        compared.append(Compared(with_verdict, differences))
    return tuple(compared)


def _in_scope(desired: DesiredState, scope: Scope) -> Iterator[Written[Ticket]]:
    """Yield the tickets that are asked for, by instrument and name."""
    for key in sorted(desired.tickets):
        written = desired.tickets[key]
        ticket = written.noun
        if scope.has_ticket(key) and _goes_there(desired, scope, ticket):
            yield written


def _goes_there(desired: DesiredState, scope: Scope, ticket: Ticket) -> bool:
    """Say whether a ticket is for one of the places that are asked for."""
    if not scope.sites and not scope.repositories:
        return True
    for address in desired.with_instrument(ticket.instrument):
        if scope.has_repository(address) and not desired.skipped(ticket, address):
            return True
    return False


def _approved(desired: DesiredState, written: Written[Ticket]) -> Approved:
    ticket = written.noun
    approval = ticket.approval
    seal = None
    digest = None
    sealed = desired.seals.get(ticket.key)
    if sealed:
        seal = sealed.noun
        digest = seal.digest
    verdicts = desired.verdicts_of(ticket.key)
    return Approved(
        instrument=ticket.instrument,
        ticket=ticket.ticket,
        status=approval.status,
        taxicab=approval.taxicab,
        date=approval.date,
        # What goes into comments and pages tells no passwords.
        report=without_secrets(approval.report) if approval.report else None,
        seal=seal_state(ticket, seal),
        approved=approval.seal,
        sealed=digest,
        deployment=ticket.deployment,
        verdict=verdicts.verdict if verdicts else None,
    )


def _verdict(ticket: Ticket, findings: Iterable[Diagnostic]) -> Verdict:
    """Return what the findings about a ticket come to."""
    # What only warns contradicts nothing.
    weights = {finding.severity for finding in findings}
    if Severity.ERROR in weights:
        return Verdict.CONTRADICTS
    if ticket.approval.taxicab is None:
        return Verdict.NO_RECORD
    if weights:
        return Verdict.UNLINKED
    return Verdict.AGREES
