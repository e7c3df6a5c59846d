"""Whether tickets have contents, approvals and seals that agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...errors import Diagnostic, Severity, Where
from ...model.approvals import approved_otherwise
from ...model.desired import Lines, Written
from ...model.names import is_issue_key, issue_key_meant, spelled, strange_in
from ...model.seals import MOST_DATA_IDS, Seal, extent
from ...model.tickets import ApprovalStatus, Ticket
from .tree import Checks, Tree
from .words import known_place, no_reason

__all__ = ["CHECKS"]


def _ticket_contents(tree: Tree) -> Iterator[Diagnostic]:
    for written in tree.tickets:
        ticket, lines = written.noun, written.lines
        if ticket.collections and ticket.bare:
            detail = f"{ticket.ticket} has both `collections` and `bare`; it is deployed in one way."
            hint = "`bare` is for collections that stand in chains by themselves."
            yield Diagnostic("Collections and bare", detail, lines.at("bare"), hint)
        elif not ticket.leaves:
            detail = f"{ticket.ticket} names no collections, so there is nothing to deploy."
            hint = "Give `collections`, in search order; or `bare`."
            yield Diagnostic("Ticket without collections", detail, _of_key(lines, ticket), hint)


def _of_key(lines: Lines, ticket: Ticket) -> Where:
    for key in ("collections", "bare"):
        if key in ticket.model_fields_set:
            return lines.at(key)
    return lines.at("ticket")


def _approvals(tree: Tree) -> Iterator[Diagnostic]:
    for written in tree.tickets:
        approval = written.noun.approval
        if approval.status is ApprovalStatus.ADOPTED and not (approval.taxicab or approval.note):
            detail = f"{written.noun.ticket} is adopted, but nothing says where that was decided."
            hint = "Give `taxicab`, or a `note` for what is older than the board's records."
            where = written.lines.at("approval", "status")
            yield Diagnostic("Adopted without a record", detail, where, hint)
        # What an adopted ticket stands on has to be a record.
        is_record = approval.status is ApprovalStatus.ADOPTED and not approval.note
        yield from _issue(written, approval.taxicab, ("approval", "taxicab"), is_needed=is_record)
        yield from _issue(written, written.noun.deployment, ("deployment",), is_needed=False)


def _issue(
    written: Written[Ticket], key: str | None, path: tuple[str, ...], *, is_needed: bool
) -> Iterator[Diagnostic]:
    """Tell of what cannot be the key of a ticket.

    A look-alike is a mistake wherever it stands: it was meant as a key, and
    nobody who searches for that finds it.
    """
    if not key or is_issue_key(key):
        return
    meant = issue_key_meant(key)
    what = f"`{path[-1]}` of {written.noun.ticket} is {spelled(key)}"
    detail = f"{what}, which is the key of no ticket, such as TAXICAB-15: nobody can look it up."
    note = "write why in `note`" if path[0] == "approval" else "leave it out"
    hint = f"Write `{meant}`." if meant else f"Give the key; as long as there is none, {note}."
    severity = Severity.ERROR if is_needed or strange_in(key) else Severity.WARNING
    yield Diagnostic("Not the key of a ticket", detail, written.lines.value_at(*path), hint, severity)


def _seals(tree: Tree) -> Iterator[Diagnostic]:
    for written in tree.seals:
        seal = written.noun
        ticket = tree.desired.tickets.get(seal.key)
        if seal.problem:
            hint = f"Take it back from Git, or make it anew: calibstate seal {seal.ticket}."
            detail = f"A seal is never edited by hand: {seal.problem}."
            yield Diagnostic("Seal was edited", detail, written.lines.at("digest"), hint)
        elif ticket is None:
            if not tree.unread.may_mean(seal.ticket):
                detail = f"{'/'.join(seal.key)} is sealed, and no file declares it."
                yield Diagnostic("Seal of no ticket", detail, written.lines.at("ticket"), "Remove it.")
        elif tuple(seal.fingerprints) != ticket.noun.leaves:
            detail = (
                f"{seal.ticket} was sealed with {', '.join(seal.collections)}; its file lists "
                f"other collections, or another order. What a ticket holds is final."
            )
            where = ticket.lines.at("bare" if ticket.noun.bare else "collections")
            yield Diagnostic("Ticket is not as sealed", detail, where, "Declare a new ticket in front of it.")
        yield from _unreadable_coverage(written)
    for ticket in tree.tickets:
        yield from _approved_otherwise(tree, ticket)


def _approved_otherwise(tree: Tree, written: Written[Ticket]) -> Iterator[Diagnostic]:
    # No error: a refused ticket stops only what needs it.
    if told := approved_otherwise(written, tree.desired.seals.get(written.noun.key)):
        yield replace(told, detail=f"{written.noun.ticket}: {told.detail}. It is refused.")


def _unreadable_coverage(written: Written[Seal]) -> Iterator[Diagnostic]:
    total, unreadable = 0, "Coverage cannot be read"
    for name, sealed in written.noun.collections.items():
        for dataset_type, said in sealed.types.items():
            where = written.lines.at("collections", name, "types", dataset_type, "coverage")
            try:
                number = extent(said.coverage)
            except ValueError as error:
                yield Diagnostic(unreadable, f"{error}.", where, "Seals are made, not written.")
                continue
            if total <= MOST_DATA_IDS < (total := total + number):
                detail = f"up to here the seal stands for {total:,} data IDs; it may for {MOST_DATA_IDS:,}."
                yield Diagnostic(unreadable, detail, where, "Seals are made, not written.")
            if number != said.datasets:
                detail = f"{name} covers {number} data IDs of {dataset_type}, and says {said.datasets}."
                yield Diagnostic("Seal was edited", detail, where, "Take it back from Git.")


def _unsealed(tree: Tree) -> Iterator[Diagnostic]:
    unsealed = [
        written
        for written in tree.tickets
        if written.noun.approval.status is ApprovalStatus.ADOPTED
        and written.noun.key not in tree.desired.seals
    ]
    for instrument in sorted({written.noun.instrument for written in unsealed}):
        first, *more = [written for written in unsealed if written.noun.instrument == instrument]
        names = ", ".join(written.noun.ticket for written in (first, *more))
        detail = (
            f"{len(more) + 1} adopted of {instrument}: {names}. They are deployed as their bundles or "
            "their origin show them, and nobody can tell that this is what was approved."
        )
        hint = f"calibstate seal {names.replace(',', '')}"
        yield Diagnostic("Tickets without a seal", detail, first.lines.at("ticket"), hint, Severity.WARNING)


def _skips(tree: Tree) -> Iterator[Diagnostic]:
    for written in tree.tickets:
        for place, reason in written.noun.skip.items():
            where = written.lines.at("skip", place)
            yield from known_place(tree, place, where)
            if not reason.strip():
                yield no_reason(f"Skipping {place}", where)


CHECKS: Checks = (
    _ticket_contents,
    _approvals,
    _seals,
    _unsealed,
    _skips,
)
"""What is looked at here."""
