"""Narrow changes of a declaration to what was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..model.changes import ChainChange, Changes
from ..model.desired import DesiredState
from ..model.names import RepositoryAddress, TicketKey
from ..model.scope import Scope

__all__ = ["narrowed", "of_tickets"]


def narrowed(changes: Changes, scope: Scope, *declared: DesiredState | None) -> Changes:
    """Return what of some changes was asked for.

    Parameters
    ----------
    changes
        The changes.
    scope
        What is asked for.  A ticket that was asked for is told of alone, and
        of the tickets those that a repository in scope gets.
    *declared
        The declarations that were compared.
    """
    states = [desired for desired in declared if desired]
    chains = []
    for chain in changes.chains:
        part = _chain_in_scope(chain, scope, states)
        if part:
            chains.append(part)
    tickets = [ticket for ticket in changes.tickets if _is_in_scope(ticket.key, scope, states)]
    seals = [seal for seal in changes.seals if _is_in_scope(seal.key, scope, states)]
    narrow = Changes(
        chains=tuple(chains),
        tickets=tuple(tickets),
        seals=tuple(seals),
    )
    # Who asks for a ticket asks for nothing else.
    if scope.tickets:
        return narrow
    repositories = []
    for repository in changes.repositories:
        address = RepositoryAddress(repository.name)
        if scope.has_repository(address) and _has_instrument(address, scope, states):
            repositories.append(repository)
    # Settings are of no site and no instrument.
    settings = changes.settings
    if scope.sites or scope.repositories or scope.instruments:
        settings = ()
    return replace(
        narrow,
        repositories=tuple(repositories),
        settings=settings,
        own=changes.own,
    )


def _has_instrument(address: RepositoryAddress, scope: Scope, states: Sequence[DesiredState]) -> bool:
    """Say whether a repository has, or had, an instrument in scope."""
    for desired in states:
        if address not in desired.repositories:
            continue
        _, repository = desired.repository(address)
        for instrument in repository.instruments:
            if scope.has_instrument(instrument):
                return True
    return False


def _is_in_scope(key: TicketKey, scope: Scope, states: Sequence[DesiredState]) -> bool:
    """Say whether a ticket is asked for, and a place that gets it."""
    if not scope.has_ticket(key):
        return False
    for desired in states:
        for address in desired.with_instrument(key[0]):
            if scope.has_repository(address):
                return True
    return False


def _chain_in_scope(chain: ChainChange, scope: Scope, states: Sequence[DesiredState]) -> ChainChange | None:
    """Return what of a chain's change is in scope; `None`: nothing."""
    if not scope.has_instrument(chain.instrument):
        return None
    repositories = _in_scope(chain.repositories, scope)
    # Who had the chain counts too: there it is gone now.
    had_it = chain.had_it
    if had_it is not None:
        had_it = _in_scope(had_it, scope)
    if not repositories and not had_it:
        return None
    chain = replace(
        chain,
        repositories=repositories,
        had_it=had_it,
    )
    if not scope.tickets:
        return chain
    # All words by which tickets that are asked for may be listed.
    words: set[str] = set()
    for desired in states:
        for written in desired.tickets.values():
            ticket = written.noun
            if ticket.instrument != chain.instrument:
                continue
            if scope.has_ticket(ticket.key):
                words.add(ticket.ticket)
                words.update(ticket.bare)
    return of_tickets(chain, words)


def _in_scope(addresses: Iterable[RepositoryAddress], scope: Scope) -> tuple[RepositoryAddress, ...]:
    return tuple(address for address in addresses if scope.has_repository(address))


def of_tickets(chain: ChainChange, words: set[str]) -> ChainChange | None:
    """Return what of a chain's change is about some entries; `None`: nothing.

    Parameters
    ----------
    chain
        The change.
    words
        The entries.
    """
    entered = [placed for placed in chain.entered if placed.entry in words]
    left = [gone for gone in chain.left if gone.entry in words]
    moved = [placed for placed in chain.moved if placed.entry in words]
    retired = {}
    if chain.retired:
        for word, why in chain.retired.items():
            if word in words:
                retired[word] = why
    unretired = [word for word in chain.unretired if word in words]
    # Where a chain is expected, and who has it, is about no ticket.
    part = replace(
        chain,
        entered=tuple(entered),
        left=tuple(left),
        moved=tuple(moved),
        retired=retired or None,
        unretired=tuple(unretired),
        expected=None,
        had_it=None,
    )
    if part.entered or part.left or part.moved or part.retired or part.unretired:
        return part
    return None
