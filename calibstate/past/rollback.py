"""Find what has to be retired so that nothing of a ticket is searched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..engine.expand import expand
from ..errors import Diagnostic, RefusedError, UsageError
from ..kinds.chain import Chain
from ..model.chains import ChainFile, ExternalEntry
from ..model.desired import DesiredState, Written
from ..model.names import nearest, spelled
from ..model.rollbacks import Remaining, Rollback
from ..model.scope import Scope
from ..model.tickets import Ticket

__all__ = ["remaining", "rollback"]


def rollback(desired: DesiredState, name: str) -> Rollback:
    """Return what has to be retired.

    Parameters
    ----------
    desired
        The declared state.
    name
        ``TICKET``, ``INSTRUMENT/TICKET``, or one collection of a bare ticket.

    Raises
    ------
    UsageError
        There is no such ticket, or several, or no chain lists it.
    RefusedError
        A chain lists more than what is named by one word.
    """
    named = _Named.of(desired, name)
    ticket = named.ticket
    entries = named.entries
    words: dict[str, tuple[str, ...]] = {}
    for chain in desired.chains_of(ticket.instrument):
        if named.leaf and ticket.ticket in chain.noun.entries:
            raise _listed_as_a_whole(chain, ticket, named.leaf)
        listed = []
        for entry in chain.noun.entries:
            # What others make is no ticket's.
            if isinstance(entry, ExternalEntry):
                continue
            if entry in entries:
                listed.append(entry)
        if listed:
            words[chain.noun.chain] = tuple(listed)
    if not words:
        raise _in_no_chain(desired, named)
    return Rollback(named.name, ticket.instrument, words)


def remaining(before: DesiredState, after: DesiredState) -> Iterator[Remaining]:
    """Yield what is searched until it is carried out, by repository.

    Parameters
    ----------
    before, after
        The declared state, without and with the entries retired.
    """
    # Unwanted is what a chain still searches until the next apply.
    children_before = {}
    for chain in _chains(before):
        children_before[chain.address] = chain.children
    for chain in _chains(after):
        had = children_before.get(chain.address, ())
        children = [child for child in had if child in chain.unwanted]
        if not children:
            continue
        repository = chain.address.place
        reason = None
        hold = after.hold_of(repository)
        if hold:
            reason = hold.reason
        yield Remaining(
            repository=repository,
            chain=chain.address.name,
            children=tuple(children),
            hold=reason,
        )


def _chains(desired: DesiredState) -> Iterator[Chain]:
    everything = expand(desired, Scope())
    return Chain.among(declared.resource for declared in everything)


# --- what is meant by a name ---


@dataclass(frozen=True)
class _Named:
    """What is to be rolled back."""

    ticket: Ticket

    leaf: str | None = None
    """The one collection of it that is meant; `None`: all of it."""

    @property
    def name(self) -> str:
        """The collection, or the ticket."""
        return self.leaf or self.ticket.ticket

    @property
    def entries(self) -> set[str]:
        """The words by which chains list it."""
        entries = {self.name}
        if self.leaf is None:
            entries.update(self.ticket.bare)
        return entries

    @classmethod
    def of(cls, desired: DesiredState, name: str) -> _Named:
        """Return what a name stands for.

        A ticket by its name comes before a ticket by one of its collections.

        Raises
        ------
        UsageError
            It stands for nothing that can be rolled back, or for several.
        """
        tickets = [desired.tickets[key].noun for key in sorted(desired.tickets)]
        by_name = [ticket for ticket in tickets if name in {ticket.ticket, ticket.name}]
        if len(by_name) > 1:
            full_names = sorted(ticket.name for ticket in by_name)
            names = " and ".join(full_names)
            raise UsageError(
                Diagnostic(
                    "Several tickets",
                    f"{name} is a ticket of several instruments: {names}.",
                    hint="Give it as INSTRUMENT/TICKET.",
                )
            )
        if by_name:
            return cls(by_name[0])
        # Of a bare ticket chains list each collection by itself; of others
        # one collection stands for all.
        for ticket in tickets:
            if name in ticket.bare:
                return cls(ticket, leaf=name)
        for ticket in tickets:
            if name == ticket.collection:
                return cls(ticket)
        owners = [ticket for ticket in tickets if _has_part(ticket, name)]
        if owners:
            raise _part_of_tickets(owners, name, desired)
        if name in desired.chains:
            raise UsageError(
                Diagnostic(
                    "A chain",
                    f"{name} is a chain, which is written as its entries say.",
                    hint="Roll back one of its tickets.",
                )
            )
        hint = "`calibstate history CHAIN` tells what a chain has listed."
        declared = {ticket.ticket for ticket in tickets}
        near = nearest(name, declared)
        if near:
            hint = f"Did you mean {near}?"
        raise UsageError(
            Diagnostic(
                "Not declared",
                f"{spelled(name)}: nobody declared such a ticket.",
                hint=hint,
            )
        )


def _has_part(ticket: Ticket, name: str) -> bool:
    """Say whether a ticket is searched as a whole, and a name is within it."""
    if not ticket.collection:
        return False
    if name in ticket.leaves or name in ticket.collections:
        return True
    return name.startswith(f"{ticket.collection}/")


# --- why nothing can be rolled back ---


def _part_of_tickets(owners: list[Ticket], name: str, desired: DesiredState) -> UsageError:
    """Return the error that tickets are searched as a whole."""
    first = owners[0]
    names = " and to ".join(ticket.name for ticket in owners)
    return UsageError(
        Diagnostic(
            "Part of a ticket",
            f"{name} belongs to {names}. A ticket stands in chains "
            "as a whole, and what it holds is final, so a part of it cannot be taken out.",
            desired.tickets[first.key].lines.at("collections"),
            "If only this is wrong, put a new ticket with the right calibrations in front: it wins wherever "
            f"it has one. To take out all of it: calibstate rollback {first.name}.",
        )
    )


def _listed_as_a_whole(chain: Written[ChainFile], ticket: Ticket, leaf: str) -> RefusedError:
    """Return the error that a chain lists all of a ticket by one word."""
    index = chain.noun.entries.index(ticket.ticket)
    collections = ", ".join(ticket.bare)
    return RefusedError(
        Diagnostic(
            "Listed as a whole",
            f"{chain.noun.chain} lists {ticket.ticket} as a whole, so {leaf} cannot leave it alone.",
            chain.lines.at("entries", index),
            f"List its collections one by one first: {collections}. Or roll back {ticket.ticket}.",
        )
    )


def _in_no_chain(desired: DesiredState, named: _Named) -> UsageError:
    """Return the error that no chain lists what is to be rolled back."""
    instrument = named.ticket.instrument
    words = named.entries
    detail = f"{named.name} is an entry of no chain of {instrument}, so there is nothing to roll back."
    for chain in desired.chains_of(instrument):
        for word, why in chain.noun.retired.items():
            if word not in words:
                continue
            return UsageError(
                Diagnostic(
                    "Ticket in no chain",
                    f"{detail} It is retired from {chain.noun.chain} already: {why}.",
                    chain.lines.at("retired", word),
                    "`calibstate apply` takes out what is still live.",
                )
            )
    return UsageError(
        Diagnostic(
            "Ticket in no chain",
            detail,
            hint="What is live without being listed is *extra*: list it under `retired` of its chain.",
        )
    )
