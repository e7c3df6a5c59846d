"""Whether seals are as they were made, and tickets as they were sealed."""

from __future__ import annotations

from ...errors import Where
from ...model.names import InstrumentName
from ...model.policy import Level
from ...model.seals import MOST_DATA_IDS
from ...model.tickets import ApprovalStatus
from ..rule import Finding, Findings, mistake
from ..tree import Tree


@mistake("Seal was edited")
def edited(tree: Tree) -> Findings:
    """Find seals that say something else than what was sealed."""
    for written, extents in zip(tree.seals, tree.extents, strict=True):
        seal = written.noun
        if seal.problem:
            yield Finding(
                where=written.lines.at("digest"),
                detail=f"A seal is never edited by hand: {seal.problem}.",
                hint=f"Take it back from Git, or make it anew: calibstate seal {seal.ticket}.",
            )
        for extent in extents:
            if extent.covered is None or extent.covered == extent.sealed:
                continue
            yield Finding(
                where=extent.where,
                detail=(
                    f"{extent.collection} covers {extent.covered} data IDs of {extent.dataset_type}, and "
                    f"says {extent.sealed}."
                ),
                hint="Take it back from Git.",
            )


@mistake("Coverage cannot be read")
def unreadable(tree: Tree) -> Findings:
    """Find coverages that are none, or stand for more than anybody has."""
    for extents in tree.extents:
        total = 0
        for extent in extents:
            if extent.covered is None:
                yield Finding(extent.where, f"{extent.problem}.", "Seals are made, not written.")
                continue
            was_within = total <= MOST_DATA_IDS
            total += extent.covered
            # Told once, at the line that goes beyond.
            if was_within and total > MOST_DATA_IDS:
                yield Finding(
                    where=extent.where,
                    detail=(
                        f"up to here the seal stands for {total:,} data IDs; it may for {MOST_DATA_IDS:,}."
                    ),
                    hint="Seals are made, not written.",
                )


@mistake("Seal of no ticket")
def without_ticket(tree: Tree) -> Findings:
    """Find seals of what no file declares."""
    for written in tree.seals:
        seal = written.noun
        if seal.problem or seal.key in tree.desired.tickets or tree.unread.may_mean(seal.ticket):
            continue
        yield Finding(
            where=written.lines.at("ticket"),
            detail=f"{'/'.join(seal.key)} is sealed, and no file declares it.",
            hint="Remove it.",
        )


@mistake("Ticket is not as sealed")
def not_as_sealed(tree: Tree) -> Findings:
    """Find tickets that list other collections than their seals."""
    for written in tree.seals:
        seal = written.noun
        ticket = tree.desired.tickets.get(seal.key)
        # A seal that was edited tells nothing of what was sealed.
        if seal.problem or ticket is None or tuple(seal.fingerprints) == ticket.noun.leaves:
            continue
        key = "bare" if ticket.noun.bare else "collections"
        yield Finding(
            where=ticket.lines.at(key),
            detail=(
                f"{seal.ticket} was sealed with {', '.join(seal.collections)}; its file lists other "
                "collections, or another order. What a ticket holds is final."
            ),
            hint="Declare a new ticket in front of it.",
        )


@mistake("Tickets without a seal", Level.WARNING)
def unsealed(tree: Tree) -> Findings:
    """Find adopted tickets that nobody has sealed, once an instrument."""
    unsealed_of: dict[InstrumentName, list[str]] = {}
    where: dict[InstrumentName, Where] = {}
    for written in tree.tickets:
        ticket = written.noun
        if ticket.approval.status is not ApprovalStatus.ADOPTED:
            continue
        if ticket.key not in tree.desired.seals:
            unsealed_of.setdefault(ticket.instrument, []).append(ticket.ticket)
            # All of an instrument are told at the line of the first.
            where.setdefault(ticket.instrument, written.lines.at("ticket"))
    for instrument, tickets in unsealed_of.items():
        yield Finding(
            where=where[instrument],
            detail=(
                f"{len(tickets)} adopted of {instrument}: {', '.join(tickets)}. They are deployed as their "
                "bundles or their origin show them, and nobody can tell that this is what was approved."
            ),
            hint=f"calibstate seal {' '.join(tickets)}",
        )
