"""Take up a ticket that is declared already, and add only what it lacks."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import Diagnostic, RefusedError, Severity
from ..model.constructed import Constructed
from ..model.desired import Written
from ..model.seals import Seal
from ..model.tickets import ApprovalStatus, Ticket
from .at_origin import TicketAtOrigin

__all__ = ["refuse_other_content", "remarks_of_declared", "taken_up"]


def taken_up(declared: Written[Ticket], at_origin: TicketAtOrigin) -> Ticket:
    """Return a ticket that is declared already, with what it lacks.

    Parameters
    ----------
    declared
        The ticket.
    at_origin
        What its origin has.

    Raises
    ------
    RefusedError
        It is declared with other collections, was rejected, or is not made
        yet.
    """
    ticket = declared.noun
    if ticket.approval.status is ApprovalStatus.REJECTED:
        raise RefusedError(
            Diagnostic(
                "Ticket was rejected",
                f'{ticket.name} is declared, and "rejected".',
                declared.lines.value_at("approval", "status"),
                "Propose what is better as a ticket of its own.",
            )
        )
    if ticket.leaves == at_origin.leaves:
        return ticket
    # Only what is still to be made may be without collections.
    if ticket.leaves or ticket.construction is None:
        key = "collections"
        if ticket.bare:
            key = "bare"
        listed = ", ".join(ticket.leaves) or "nothing"
        raise RefusedError(
            Diagnostic(
                "Declared with other collections",
                f"{ticket.name} lists {listed}; {at_origin.address} has {', '.join(at_origin.leaves)}. "
                "What a ticket holds is final.",
                declared.lines.at(key),
                "Propose it as a new ticket; or correct the file, if nobody has sealed or approved it.",
            )
        )
    constructed = Constructed(ticket)
    lacking: list[str] = []
    for recipe in constructed.recipes.values():
        name = constructed.certification(recipe)
        if name and name not in at_origin.leaves:
            lacking.append(name)
    # A seal is final, so nothing is sealed by halves.
    if lacking:
        raise RefusedError(
            Diagnostic(
                "Not everything is certified",
                f"{at_origin.address} does not search {', '.join(lacking)} yet, which the `construction` of "
                f"{ticket.name} makes.",
                declared.lines.at("construction"),
                f"calibstate construct {ticket.name}",
            )
        )
    as_seen = at_origin.ticket(ticket.approval, ticket.summary)
    return ticket.model_copy(update={"collections": as_seen.collections})


def refuse_other_content(sealed: Written[Seal], at_origin: TicketAtOrigin) -> None:
    """Refuse what is no longer as it was sealed.

    Parameters
    ----------
    sealed
        The seal of the ticket.
    at_origin
        What its origin has.

    Raises
    ------
    RefusedError
        Its datasets or ranges are others.
    """
    holdings = at_origin.live.holdings
    fingerprints = {name: holdings[name].fingerprint for name in at_origin.leaves}
    if fingerprints == sealed.noun.fingerprints:
        return
    raise RefusedError(
        Diagnostic(
            "Sealed before, with another content",
            f"{at_origin.key.name} was sealed as {sealed.noun.digest}; {at_origin.address} now has other "
            "datasets or ranges. What a ticket holds is final.",
            sealed.lines.at("ticket"),
            "Bring the origin back, or propose a new ticket. If nobody approved the seal and nothing was "
            "deployed, remove its file and propose it again.",
        )
    )


def remarks_of_declared(
    declared: Written[Ticket],
    summary: str | None,
    taxicab: str | None,
) -> Iterator[Diagnostic]:
    """Yield what was given for a file that somebody has written already.

    Parameters
    ----------
    declared
        The ticket.
    summary, taxicab
        What a person gave; `None`: nothing.
    """
    ticket = declared.noun
    options: list[str] = []
    if summary and summary != ticket.summary:
        options.append("--summary")
    if taxicab and taxicab != ticket.approval.taxicab:
        options.append("--taxicab")
    if options:
        yield Diagnostic(
            "Declared already",
            f"{ticket.name} has its file, which stays as it is: {' and '.join(options)} was not written.",
            declared.lines.at("ticket"),
            "Write it there by hand.",
            Severity.WARNING,
        )
