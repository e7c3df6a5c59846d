"""What was approved of a ticket, and whether that is what is sealed.

A seal is what was approved: `Approval.seal` names its digest.  There is one
comparison of the two, and whoever asks gets the same answer.
"""

from __future__ import annotations

from enum import Enum

from ..errors import Diagnostic, Severity
from .desired import Written
from .seals import Seal
from .tickets import Ticket

__all__ = ["SealState", "approved_otherwise", "seal_state"]


class SealState(Enum):
    """How the seal of a ticket stands to its approval."""

    APPROVED = "approved"
    """The approval names the seal."""

    DIFFERS = "differs"
    """It names another one, or there is no seal; the ticket is refused."""

    NONE = "none"
    """It names no seal, so nothing holds the ticket to what was approved."""


def seal_state(ticket: Ticket, seal: Seal | None) -> SealState:
    """Return how the seal of a ticket stands to its approval."""
    approved = ticket.approval.seal
    if approved is None:
        return SealState.NONE
    return SealState.APPROVED if seal and seal.digest == approved else SealState.DIFFERS


def approved_otherwise(written: Written[Ticket], sealed: Written[Seal] | None) -> Diagnostic | None:
    """Return what is told of a ticket whose approval is of another content.

    Parameters
    ----------
    written
        The ticket.
    sealed
        Its seal; `None`: it has none.

    Returns
    -------
    Diagnostic or None
        `None` where nothing speaks against it.
    """
    ticket = written.noun
    if seal_state(ticket, sealed.noun if sealed else None) is not SealState.DIFFERS:
        return None
    file = sealed.lines.file if sealed else f"seals/{ticket.name}.yaml"
    if sealed:
        found = f"its seal is {sealed.noun.digest}"
        hint = (
            "Have the board approve what is sealed now, and name that digest in `approval.seal`; "
            f"or take {file} back from Git as it was approved."
        )
    else:
        found = "it has no seal"
        hint = f"Take {file} back from Git, or seal it and compare: calibstate seal {ticket.name}."
    return Diagnostic(
        "Approved content is not the sealed one",
        f"{ticket.approval.seal} was approved, and {found}",
        written.lines.value_at("approval", "seal"),
        hint,
        Severity.WARNING,
    )
