"""What was approved of a ticket, and whether the rest agrees with that.

A seal is what was approved: `Approval.seal` names its digest.  There is one
comparison of the two, and whoever asks gets the same answer.  What the board
decided stands in its own ticket, in Jira (DMTN-222, section 3.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from ..errors import Diagnostic, Severity
from .desired import Written
from .names import InstrumentName, Noun, TicketKey, Word
from .seals import Seal
from .tickets import ApprovalStatus, Ticket
from .verdicts import Verdict as VerificationVerdict

__all__ = ["Approved", "SealState", "TrackedTicket", "Verdict", "approved_otherwise", "seal_state"]


class SealState(Enum):
    """How the seal of a ticket stands to its approval."""

    APPROVED = "approved"
    """The approval names the seal."""

    DIFFERS = "differs"
    """It names another one, or there is no seal; the ticket is refused."""

    NONE = "none"
    """It names no seal, so nothing holds the ticket to what was approved."""


class Verdict(Enum):
    """How an approval compares with the board's own records."""

    AGREES = "agrees"
    UNLINKED = "unlinked"
    """It agrees, but the tickets do not point to each other."""

    CONTRADICTS = "contradicts"
    NO_RECORD = "no record"
    """No ticket of the board is named, so there is nothing to compare."""

    NOT_CHECKED = "not checked"


class Approved(Noun):
    """How it stands with the approval of one ticket."""

    instrument: InstrumentName
    ticket: Word
    """The construction ticket."""

    status: ApprovalStatus
    """What the file says of the approval."""

    taxicab: str | None = None
    """The board's ticket."""

    date: str | None = None
    """Day of the decision."""

    report: str | None = None
    """The verification report: an address or other words of anybody."""

    seal: SealState
    """How the seal stands to it."""

    approved: str | None = None
    """Digest of the seal that was approved."""

    sealed: str | None = None
    """Digest of the seal that is there."""

    deployment: str | None = None
    """Ticket of the distribution."""

    verdict: VerificationVerdict | None = None
    """What its verifications say, as it is kept in the tree; `None`: it has no
    construction, and nothing is kept."""

    jira: Verdict = Verdict.NOT_CHECKED
    """How it compares with the board's own records."""

    @property
    def key(self) -> TicketKey:
        """By which the ticket is known."""
        return TicketKey(self.instrument, self.ticket)

    @property
    def name(self) -> str:
        """Name for people: ``INSTRUMENT/TICKET``."""
        return f"{self.instrument}/{self.ticket}"


@dataclass(frozen=True)
class TrackedTicket:
    """A ticket as the tracker has it."""

    key: str
    """What it is called there."""

    status: str
    """Where its work stands, in the tracker's words: ``Flagged``."""

    resolution: str | None = None
    """How it ended, in the tracker's words; `None`: it has not."""

    resolved_on: frozenset[str] = frozenset()
    """The day on which it ended, ``YYYY-MM-DD``: in UTC, and as the tracker
    tells it; they may be two."""

    links: frozenset[str] = frozenset()
    """Tickets that it points to, or that point to it."""

    @property
    def decision(self) -> ApprovalStatus | None:
        """What the board says by it; `None`: that cannot be told."""
        # The status comes first; where it says no more than that the work is
        # done, the resolution tells how it ended.
        for word in (self.status, self.resolution or ""):
            meaning = _MEANINGS.get(word.casefold())
            if meaning:
                return meaning
        return None


_MEANINGS: Mapping[str, ApprovalStatus] = {
    "adopted": ApprovalStatus.ADOPTED,
    "flagged": ApprovalStatus.FLAGGED,
    "rejected": ApprovalStatus.REJECTED,
    "declined": ApprovalStatus.REJECTED,
    "invalid": ApprovalStatus.REJECTED,
    "won't do": ApprovalStatus.REJECTED,
    "won't fix": ApprovalStatus.REJECTED,
    "proposed": ApprovalStatus.PROPOSED,
    "to do": ApprovalStatus.PROPOSED,
    "todo": ApprovalStatus.PROPOSED,
    "open": ApprovalStatus.PROPOSED,
    "reopened": ApprovalStatus.PROPOSED,
    "in progress": ApprovalStatus.PROPOSED,
}
"""What words of a board's ticket mean; "Adopted" and "Flagged" are those of
DMTN-222, section 3.4."""


def seal_state(ticket: Ticket, seal: Seal | None) -> SealState:
    """Return how the seal of a ticket stands to its approval."""
    approved = ticket.approval.seal
    if approved is None:
        return SealState.NONE
    if seal is None:
        return SealState.DIFFERS
    # What was approved before seals had a reading stays approved.
    if approved in {seal.digest, seal.former_digest}:
        return SealState.APPROVED
    return SealState.DIFFERS


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
    seal = None
    if sealed:
        seal = sealed.noun
    if seal_state(ticket, seal) is not SealState.DIFFERS:
        return None
    # Either was changed since: nobody knows from here which of them is right.
    if sealed:
        file = sealed.lines.file
        actual = f"its seal is {sealed.noun.digest}"
        hint = (
            "Have the board approve what is sealed now, and name that digest in `approval.seal`; "
            f"or take {file} back from Git as it was approved."
        )
    else:
        file = f"seals/{ticket.name}.yaml"
        actual = "it has no seal"
        hint = f"Take {file} back from Git, or seal it and compare: calibstate seal {ticket.name}."
    return Diagnostic(
        "Approved content is not the sealed one",
        f"{ticket.approval.seal} was approved, and {actual}",
        written.lines.value_at("approval", "seal"),
        hint,
        Severity.WARNING,
    )
