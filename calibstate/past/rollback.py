"""Find what has to be retired so that nothing of a ticket is searched."""

from __future__ import annotations

from collections.abc import Iterator

from ..engine.expand import expand
from ..errors import Diagnostic, RefusedError, UsageError
from ..kinds.chain import Chain
from ..model.chains import ChainFile
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
    ticket, leaf = _named(desired, name)
    own = {leaf} if leaf else {ticket.ticket, *ticket.bare}
    words: dict[str, tuple[str, ...]] = {}
    for chain in desired.chains_of(ticket.instrument):
        if leaf and ticket.ticket in chain.noun.entries:
            raise _whole(chain, ticket, leaf)
        if found := tuple(w for w in chain.noun.entries if isinstance(w, str) and w in own):
            words[chain.noun.chain] = found
    if not words:
        raise _in_no_chain(desired, ticket, leaf)
    return Rollback(leaf or ticket.ticket, ticket.instrument, words)


def remaining(before: DesiredState, after: DesiredState) -> Iterator[Remaining]:
    """Yield what is searched until it is carried out, by repository.

    Parameters
    ----------
    before, after
        The declared state, without and with the entries retired.
    """
    chains = {c.address: c for c in _chains(before)}
    for chain in _chains(after):
        had = chains[chain.address].children if chain.address in chains else ()
        if children := tuple(child for child in had if child in chain.unwanted):
            place = chain.address.place
            hold = after.hold_of(place)
            yield Remaining(place, chain.address.name, children, hold.reason if hold else None)


def _chains(desired: DesiredState) -> Iterator[Chain]:
    return Chain.among(declared.resource for declared in expand(desired, Scope()))


def _named(desired: DesiredState, name: str) -> tuple[Ticket, str | None]:
    """Return a ticket, and the one collection of it that is meant."""
    tickets = [desired.tickets[key].noun for key in sorted(desired.tickets)]
    found = [ticket for ticket in tickets if name in {ticket.ticket, ticket.name}]
    found_leaf = [ticket for ticket in tickets if name in ticket.bare]
    if len(found) > 1:
        known = " and ".join(sorted(ticket.name for ticket in found))
        detail = f"{name} is a ticket of several instruments: {known}."
        raise UsageError(Diagnostic("Several tickets", detail, hint="Give it as INSTRUMENT/TICKET."))
    if found:
        return found[0], None
    if found_leaf:
        return found_leaf[0], name
    own = [ticket for ticket in tickets if name == ticket.collection]
    if own:
        return own[0], None
    if owners := [ticket for ticket in tickets if ticket.collection and _is_part(name, ticket)]:
        raise _part_of(owners, name, desired)
    if name in desired.chains:
        detail = f"{name} is a chain, which is written as its entries say."
        raise UsageError(Diagnostic("A chain", detail, hint="Roll back one of its tickets."))
    near = nearest(name, {ticket.ticket for ticket in tickets})
    hint = f"Did you mean {near}?" if near else "`calibstate history CHAIN` tells what a chain has listed."
    raise UsageError(
        Diagnostic("Not declared", f"{spelled(name)}: nobody declared such a ticket.", hint=hint)
    )


def _is_part(name: str, ticket: Ticket) -> bool:
    return name in {*ticket.leaves, *ticket.collections} or name.startswith(f"{ticket.collection}/")


def _part_of(owners: list[Ticket], name: str, desired: DesiredState) -> UsageError:
    """Return the error that tickets are searched as a whole."""
    first = owners[0]
    detail = (
        f"{name} belongs to {' and to '.join(ticket.name for ticket in owners)}. A ticket stands in chains "
        "as a whole, and what it holds is final, so a part of it cannot be taken out."
    )
    hint = (
        "If only this is wrong, put a new ticket with the right calibrations in front: it wins wherever it "
        f"has one. To take out all of it: calibstate rollback {first.name}."
    )
    where = desired.tickets[first.key].lines.at("collections")
    return UsageError(Diagnostic("Part of a ticket", detail, where, hint))


def _whole(chain: Written[ChainFile], ticket: Ticket, leaf: str) -> RefusedError:
    index = chain.noun.entries.index(ticket.ticket)
    detail = f"{chain.noun.chain} lists {ticket.ticket} as a whole, so {leaf} cannot leave it alone."
    hint = f"List its collections one by one first: {', '.join(ticket.bare)}. Or roll back {ticket.ticket}."
    return RefusedError(Diagnostic("Listed as a whole", detail, chain.lines.at("entries", index), hint))


def _in_no_chain(desired: DesiredState, ticket: Ticket, leaf: str | None) -> UsageError:
    what = leaf or ticket.ticket
    words = {what, *(() if leaf else ticket.bare)}
    retired = [c for c in desired.chains_of(ticket.instrument) if words & c.noun.retired.keys()]
    detail = f"{what} is an entry of no chain of {ticket.instrument}, so there is nothing to roll back."
    if not retired:
        hint = "What is live without being listed is *extra*: list it under `retired` of its chain."
        return UsageError(Diagnostic("Ticket in no chain", detail, hint=hint))
    chain = retired[0]
    (word, *_) = words & chain.noun.retired.keys()
    detail += f" It is retired from {chain.noun.chain} already: {chain.noun.retired[word]}."
    hint = "`calibstate apply` takes out what is still live."
    return UsageError(Diagnostic("Ticket in no chain", detail, chain.lines.at("retired", word), hint))
