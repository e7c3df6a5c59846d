"""Whether tickets hold something, and say where that was decided."""

from __future__ import annotations

from ...model.names import ANY
from ...model.tickets import ApprovalStatus
from ..rule import Finding, Findings, mistake
from ..tree import Tree


@mistake("Collections and bare")
def of_both_forms(tree: Tree) -> Findings:
    """Find tickets that are to be deployed in two ways."""
    for written in tree.tickets:
        ticket = written.noun
        if ticket.collections and ticket.bare:
            yield Finding(
                where=written.lines.at("bare"),
                detail=f"{ticket.ticket} has both `collections` and `bare`; it is deployed in one way.",
                hint="`bare` is for collections that stand in chains by themselves.",
            )


@mistake("Ticket without collections")
def without_collections(tree: Tree) -> Findings:
    """Find tickets of nothing."""
    for written in tree.tickets:
        ticket = written.noun
        if ticket.leaves:
            continue
        # What is being made has its collections when it is made.
        if ticket.construction and ticket.approval.status is ApprovalStatus.PROPOSED:
            continue
        key = "ticket"
        # An empty list was meant to hold something.
        for form in ("bare", "collections"):
            if form in ticket.model_fields_set:
                key = form
        yield Finding(
            where=written.lines.at(key),
            detail=f"{ticket.ticket} names no collections, so there is nothing to deploy.",
            hint="Give `collections`, in search order; or `bare`.",
        )


@mistake("Not bare, and of no instrument")
def of_any_and_not_bare(tree: Tree) -> Findings:
    """Find tickets of no instrument that only an instrument could have."""
    for written in tree.tickets:
        ticket = written.noun
        if ticket.instrument != ANY:
            continue
        # Names of ticket collections, of templates' variables and of what is
        # certified all begin with an instrument.
        for key in ("collections", "construction", "certify", "curated"):
            if key not in ticket.model_fields_set:
                continue
            yield Finding(
                where=written.lines.at(key),
                detail=(
                    f"{ticket.ticket} belongs to no instrument, and `{key}` is for what belongs to one: its "
                    "collections begin with the instrument's name."
                ),
                hint="List the RUNs under `bare`; or give the instrument.",
            )


@mistake("Adopted without a record")
def without_record(tree: Tree) -> Findings:
    """Find adopted tickets that do not say where that was decided."""
    for written in tree.tickets:
        ticket = written.noun
        approval = ticket.approval
        if approval.status is not ApprovalStatus.ADOPTED or approval.taxicab or approval.note:
            continue
        yield Finding(
            where=written.lines.at("approval", "status"),
            detail=f"{ticket.ticket} is adopted, but nothing says where that was decided.",
            hint="Give `taxicab`, or a `note` for what is older than the board's records.",
        )
