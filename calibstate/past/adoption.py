"""What is declared of a ticket once the board has adopted it.

Nothing is decided here: a person says what the board has decided, and the
tree says what that was about, by the digest of the ticket's seal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..errors import Diagnostic, RefusedError, Severity
from ..model.approvals import SealState, approved_otherwise, seal_state
from ..model.desired import DesiredState, Written
from ..model.tickets import ApprovalStatus, Ticket
from .placement import Placement

__all__ = ["Decision", "adopted", "as_if_adopted"]


@dataclass(frozen=True)
class Decision:
    """What the board has decided, as a person says it."""

    taxicab: str
    """The board's ticket."""

    date: str | None = None
    """Day of the decision, ``YYYY-MM-DD``; `None`: nobody said."""

    report: str | None = None
    """The verification report."""

    deployment: str | None = None
    """Ticket of the distribution."""

    note: str | None = None
    """What there is to remark."""

    def refuse_if_decided_otherwise(self, written: Written[Ticket]) -> None:
        """Refuse a ticket on which the board has another decision.

        Raises
        ------
        RefusedError
            It was rejected, or its file names another ticket of the board.
        """
        ticket = written.noun
        approval = ticket.approval
        status = approval.status.value
        if approval.status is ApprovalStatus.REJECTED:
            by = approval.taxicab or "its approval"
            raise RefusedError(
                Diagnostic(
                    "Ticket was rejected",
                    f'{ticket.name} is "{status}" by {by}.',
                    written.lines.value_at("approval", "status"),
                    "Propose what is better as a ticket of its own; or correct the status, if it is wrong.",
                )
            )
        if approval.taxicab not in {None, self.taxicab}:
            raise RefusedError(
                Diagnostic(
                    "Another ticket of the board",
                    f'{ticket.name} is "{status}" by {approval.taxicab}, not by {self.taxicab}.',
                    written.lines.value_at("approval", "taxicab"),
                    "Give that one; or correct `taxicab`, if it is wrong.",
                )
            )


def adopted(
    desired: DesiredState,
    written: Written[Ticket],
    decision: Decision,
    today: str,
) -> Ticket:
    """Return a ticket as its file says it once it is adopted.

    What the file says already stays, but for what is given.

    Parameters
    ----------
    desired
        What is declared.
    written
        The ticket.
    decision
        What the board decided.
    today
        The day of the decision unless told, ``YYYY-MM-DD``.

    Raises
    ------
    RefusedError
        It is not sealed, or not as it was approved; or the board has decided
        otherwise.
    """
    ticket = written.noun
    approval = ticket.approval
    decision.refuse_if_decided_otherwise(written)
    sealed = desired.seals.get(ticket.key)
    if sealed is None:
        raise RefusedError(
            Diagnostic(
                "Ticket is not sealed",
                f"{ticket.name} has no seal, so nothing tells what the board has adopted.",
                written.lines.at("ticket"),
                f"Seal it from its origin first: calibstate seal {ticket.name}",
            )
        )
    otherwise = approved_otherwise(written, sealed)
    if otherwise:
        raise RefusedError(replace(otherwise, severity=Severity.ERROR))
    date = decision.date or approval.date
    # Of what was adopted before nobody knows here when that was.
    if date is None and approval.status is not ApprovalStatus.ADOPTED:
        date = today
    decided: dict[str, Any] = {
        "status": ApprovalStatus.ADOPTED,
        "taxicab": decision.taxicab,
        "note": decision.note or approval.note,
        "report": decision.report or approval.report,
        "date": date,
    }
    # An approval that names the digest of before stays one.
    if seal_state(ticket, sealed.noun) is SealState.NONE:
        decided["seal"] = sealed.noun.digest
    return ticket.model_copy(
        update={
            "approval": approval.model_copy(update=decided),
            "deployment": decision.deployment or ticket.deployment,
        }
    )


def as_if_adopted(
    desired: DesiredState,
    ticket: Ticket,
    placement: Placement,
) -> DesiredState:
    """Return the state with a ticket adopted and listed, to foresee lookups.

    Parameters
    ----------
    desired
        What is declared.
    ticket
        The ticket, which is declared there.
    placement
        Where its entry would be, in a declared chain.
    """
    written = desired.tickets[ticket.key]
    approval = ticket.approval.model_copy(update={"status": ApprovalStatus.ADOPTED})
    noun = ticket.model_copy(update={"approval": approval})
    tickets = dict(desired.tickets)
    tickets[ticket.key] = replace(written, noun=noun)
    file = desired.chains[placement.chain]
    listing = placement.additions(ticket).chain(file.noun)
    chains = dict(desired.chains)
    chains[placement.chain] = replace(file, noun=listing)
    return replace(
        desired,
        tickets=tickets,
        chains=chains,
    )
