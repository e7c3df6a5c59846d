"""Write down what tickets contain, from their origins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..capturing.seal import make_seal
from ..errors import Diagnostic, RefusedError, UsageError
from ..model.approvals import SealState, seal_state
from ..model.desired import DesiredState
from ..model.results.tickets import SealsWritten, SealWritten
from ..model.scope import Scope
from ..model.seals import Seal
from ..model.tickets import ApprovalStatus, Ticket
from ..store import sealfile, treefile
from .scoping import check_scope
from .session import Session

__all__ = ["seal"]


def seal(session: Session, tickets: Sequence[str], *, write: bool = False) -> SealsWritten:
    """Seal tickets one after the other; every file of them is read.

    Parameters
    ----------
    session
        It says which tree.
    tickets
        Tickets, or ``INSTRUMENT/TICKET``; none: all that are adopted, and have
        no seal or, to write it, no digest of it.
    write
        Whether the digest is written into the ticket's file too.

    Returns
    -------
    SealsWritten
        The file of each is written as soon as it is read.  Where an origin
        does not hold a ticket, or not what was sealed or approved before, the
        others are sealed all the same.

    Raises
    ------
    UsageError
        A ticket is not declared, or is one of several instruments.
    """
    desired = session.desired
    places = session.places()
    seals: list[SealWritten] = []
    refused: list[Diagnostic] = []
    if tickets:
        wanted = _named(desired, tickets)
    else:
        wanted = _lacking(desired, write=write)
        if not wanted:
            session.listener.note("Every adopted ticket is sealed.")
    for ticket in wanted:
        warnings: list[Diagnostic] = []
        try:
            with session.listener.progress(f"reading {ticket.ticket},") as watch:
                contents = make_seal(
                    ticket,
                    desired,
                    places,
                    session.utc_now(),
                    watch,
                    warn=warnings.append,
                )
            session.listener.report(warnings)
            path = sealfile.write(Path(desired.root), contents)
            approved_in = ""
            # Behind the seal, so that no digest is named in vain.
            if write:
                approved_in = _approve(desired, ticket, contents)
        except RefusedError as error:
            refused += error.diagnostics
            continue
        relative = str(path.relative_to(desired.root))
        sealed = SealWritten(
            relative,
            contents.files,
            contents.bytes,
            contents.digest,
            approved_in,
        )
        seals.append(sealed)
    return SealsWritten(tuple(seals), tuple(refused))


def _approve(desired: DesiredState, ticket: Ticket, seal: Seal) -> str:
    """Write the digest of a seal into the ticket's file, and return that.

    Returns
    -------
    str
        Empty where it says so already.

    Raises
    ------
    RefusedError
        The board has approved another one.
    """
    # What keeps comments takes a while to import.
    from ..store.ticketvalues import with_values

    written = desired.tickets[ticket.key]
    approval = ticket.approval
    state = seal_state(ticket, seal)
    if state is SealState.DIFFERS and approval.status is ApprovalStatus.ADOPTED:
        raise RefusedError(
            Diagnostic(
                "Approved content is not the sealed one",
                f"{ticket.name}: {approval.seal} was approved, and its seal is {seal.digest}.",
                written.lines.value_at("approval", "seal"),
                "Have the board approve what is sealed now, and name that digest by hand.",
            )
        )
    # An approval that names a digest of before stays one.
    if state is SealState.APPROVED:
        return ""
    approved = approval.model_copy(update={"seal": seal.digest})
    intended = ticket.model_copy(update={"approval": approved})
    change = with_values(desired, written, intended)
    if change is None:
        return ""
    treefile.write(Path(desired.root), [change])
    return change.file


def _lacking(desired: DesiredState, *, write: bool) -> list[Ticket]:
    """Return the adopted tickets that have no seal, or no digest of it."""
    lacking = []
    for key, written in sorted(desired.tickets.items()):
        approval = written.noun.approval
        if approval.status is not ApprovalStatus.ADOPTED:
            continue
        if key not in desired.seals or (write and approval.seal is None):
            lacking.append(written.noun)
    return lacking


def _named(desired: DesiredState, words: Sequence[str]) -> list[Ticket]:
    """Return the tickets that words name."""
    scope = Scope(tickets=tuple(words))
    check_scope(desired, scope)
    tickets = [written.noun for key, written in sorted(desired.tickets.items()) if scope.has_ticket(key)]
    for word in words:
        several = [ticket.name for ticket in tickets if ticket.ticket == word]
        if len(several) > 1:
            raise UsageError(
                Diagnostic(
                    "Ticket of several instruments",
                    f"{word} is declared for {', '.join(several)}.",
                    hint=f"Name one: calibstate seal {several[0]}.",
                )
            )
    return tickets
