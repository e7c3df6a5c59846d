"""Verdicts: what verifications said, beside what the ticket says now.

A verdict is no part of any digest, so nothing holds a ticket to it but the
people who review it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...model.constructed import Constructed
from ...model.desired import Written
from ...model.names import with_code_points
from ...model.policy import Level
from ...model.products import VERIFIED
from ...model.tickets import ApprovalStatus, Ticket
from ...model.verdicts import FailedTest, ProductVerdict, TicketVerdicts, Verdict
from ..judged import Judged, of_ticket
from ..rule import Finding, Findings, rule

_SOURCE = "DMTN-222, sections 3.2 and 3.4"

_DECIDED = frozenset({ApprovalStatus.FLAGGED, ApprovalStatus.REJECTED})
"""What says that somebody looks at the failures, or has."""


@rule("M908", "failures-unexplained", title="Failures without a reason", level=Level.WARNING, source=_SOURCE)
def failures_unexplained(tree: Judged) -> Findings:
    """Find failures of which nobody says why they need not be minded."""
    for written, kept in _verdicts(tree):
        ticket = written.noun
        if ticket.approval.status in _DECIDED:
            continue
        for index, product in enumerate(kept.noun.products):
            tests = {failed.test for failed in product.failures if not _is_known(failed, ticket)}
            if not tests and product.verdict is not Verdict.FAILED:
                continue
            # Too many failures are kept by their number alone.
            words = ", ".join(sorted(tests)) or product.detail
            yield Finding(
                where=kept.lines.at("products", index, "verdict"),
                detail=(
                    f"{product.product} of {ticket.ticket} fails without a reason ({words}), and the ticket "
                    f'is "{ticket.approval.status.value}".'
                ),
                hint=(
                    "Give reasons under `construction.known_failures`, then calibstate construct "
                    f"{ticket.ticket} --write; or flag the ticket."
                ),
                of=of_ticket(ticket),
            )


@rule("M909", "verdict-of-others", title="Verdict of something else", level=Level.WARNING, source=_SOURCE)
def verdicts_of_others(tree: Judged) -> Findings:
    """Find verdicts of what the ticket neither lists nor verifies now."""
    for written, kept in _verdicts(tree):
        for index, product in enumerate(kept.noun.products):
            problem = _of_others(product, written.noun)
            if not problem:
                continue
            yield Finding(
                where=kept.lines.at("products", index, "product"),
                detail=f"The verdict on {with_code_points(product.product)} is of something else: {problem}.",
                hint=(
                    f"Verify it, then keep that verdict: calibstate construct {written.noun.ticket} --run, "
                    "and the same with --write."
                ),
                of=of_ticket(written.noun),
            )


def _verdicts(tree: Judged) -> Iterator[tuple[Written[Ticket], Written[TicketVerdicts]]]:
    """Yield the tickets of which a verdict is kept, with it."""
    for written in tree.tickets:
        kept = tree.desired.verdicts.get(written.noun.key)
        if kept:
            yield written, kept


def _is_known(failed: FailedTest, ticket: Ticket) -> bool:
    """Return whether the ticket still gives the reason that was kept."""
    construction = ticket.construction
    if construction is None:
        return bool(failed.known)
    return failed.known in construction.known_failures.values()


def _of_others(product: ProductVerdict, ticket: Ticket) -> str:
    """Say of what else a verdict is; empty: of what the ticket has."""
    if product.run is None:
        return ""
    verified = VERIFIED.get(product.product)
    if ticket.construction and verified:
        declared = Constructed(ticket).verification(verified)
        if not product.run.startswith(f"{declared}/"):
            return f"it was read from {product.run}, and the ticket verifies it in {declared}"
    # Of what was searched nothing is known where nothing is kept of it.
    if not product.collections:
        return ""
    absent = [name for name in ticket.leaves if name not in product.collections]
    if absent:
        return f"{', '.join(absent)} was not there yet"
    others = [name for name in product.collections if name not in ticket.leaves]
    if others:
        return f"it was made with {', '.join(others)}, which the ticket does not list"
    return ""
