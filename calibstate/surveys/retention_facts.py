"""What the state tree and Rucio say of what is to be kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from ..engine.expand import expand
from ..kinds.chain import Chain
from ..model.chains import usual_chains
from ..model.desired import DesiredState
from ..model.names import CollectionName, RepositoryAddress, TicketKey
from ..model.retention import Keeper, Keeps
from ..model.rucio import Rule
from ..model.scope import Scope
from ..model.tickets import ApprovalStatus, RucioLabel, Ticket
from ..ports.rucio import RucioReader
from .retention import Facts

__all__ = ["declared_children", "facts_of", "rules_of_others"]

Rules = Mapping[TicketKey, Sequence[Rule]]
"""Rules of other accounts, by ticket."""


def facts_of(desired: DesiredState, rules: Rules) -> Facts:
    """Return what is said of what is to be kept.

    Parameters
    ----------
    desired
        The whole declared state.
    rules
        Rules in Rucio of other accounts, by ticket.
    """
    of_tickets: set[CollectionName] = set()
    ticket_of: dict[CollectionName, TicketKey] = {}
    keeper_of: dict[TicketKey, Keeper] = {}
    adopted: dict[TicketKey, date | None] = {}
    named: list[tuple[CollectionName, Keeper]] = []
    for key, written in desired.tickets.items():
        ticket = written.noun
        if ticket.collection:
            of_tickets.add(ticket.collection)
        for leaf in ticket.leaves:
            ticket_of[leaf] = key
        keeper = _keeper_of(ticket)
        if keeper:
            keeper_of[key] = keeper
        if ticket.approval.status is ApprovalStatus.ADOPTED:
            adopted[key] = _day(ticket)
        named.extend(_named_by(ticket))
        for rule in rules.get(key, ()):
            keeper = Keeper(Keeps.RULE, f"{rule.account} on {rule.dataset}")
            for child in ticket.children:
                named.append((child, keeper))
            for leaf in ticket.leaves:
                named.append((leaf, keeper))
    named.extend(_sealed(desired))
    declared: dict[RepositoryAddress, Mapping[CollectionName, tuple[CollectionName, ...]]] = {}
    for address in desired.repositories:
        declared[address] = declared_children(desired, address)
    return Facts(
        selecting=frozenset(_selecting(desired)),
        of_tickets=frozenset(of_tickets),
        declared=declared,
        named=tuple(named),
        keeper_of=keeper_of,
        listed=frozenset(_listed(desired)),
        adopted=adopted,
        ticket_of=ticket_of,
    )


def declared_children(
    desired: DesiredState,
    address: RepositoryAddress,
) -> Mapping[CollectionName, tuple[CollectionName, ...]]:
    """Return the declared chains of a repository with their children.

    Parameters
    ----------
    desired
        The whole declared state.
    address
        The repository.
    """
    here = Scope(repositories=(address,))
    resources = [each.resource for each in expand(desired, here)]
    children: dict[CollectionName, tuple[CollectionName, ...]] = {}
    for chain in Chain.among(resources):
        if chain.address.place == address:
            children[chain.address.name] = chain.children
    return children


def rules_of_others(desired: DesiredState, rucio: RucioReader) -> Rules:
    """Return the rules of other accounts on the datasets of tickets.

    Parameters
    ----------
    desired
        The whole declared state; it has settings of Rucio.
    rucio
        Asked once for each ticket.
    """
    settings = desired.settings.noun.rucio
    assert settings, "Rucio is asked only where it is declared"
    rules: dict[TicketKey, list[Rule]] = {}
    for key, written in desired.tickets.items():
        label = written.noun.rucio or RucioLabel()
        dataset = settings.dataset_of(key.instrument, key.ticket, label.label)
        of_others: list[Rule] = []
        for rule in rucio.rules(dataset):
            if rule.account != rucio.account:
                of_others.append(rule)
        rules[key] = of_others
    return rules


def _keeper_of(ticket: Ticket) -> Keeper | None:
    """Return why all of a ticket is kept; `None`: its state is no reason."""
    status = ticket.approval.status
    if status in {ApprovalStatus.ADOPTED, ApprovalStatus.REJECTED}:
        return None
    if ticket.construction:
        return Keeper(Keeps.UNDER_CONSTRUCTION, ticket.name)
    return Keeper(Keeps.NOT_ADOPTED, ticket.name)


def _day(ticket: Ticket) -> date | None:
    """Return the day on which a ticket was adopted, as far as it is told."""
    day = ticket.approval.date
    if day is None:
        return None
    return date.fromisoformat(day)


def _named_by(ticket: Ticket) -> Iterator[tuple[CollectionName, Keeper]]:
    """Yield the collections that a ticket is made from."""
    if ticket.construction:
        keeper = Keeper(Keeps.START_FROM, ticket.name)
        for collection in ticket.construction.start_from:
            yield collection, keeper
    keeper = Keeper(Keeps.RECERTIFIED, ticket.name)
    for recertified in ticket.certify:
        yield recertified.datasets_of, keeper


def _sealed(desired: DesiredState) -> Iterator[tuple[CollectionName, Keeper]]:
    """Yield the collections of which a seal tells."""
    for key, written in desired.seals.items():
        keeper = Keeper(Keeps.SEAL, key.name)
        for collection in written.noun.fingerprints:
            yield collection, keeper


def _selecting(desired: DesiredState) -> Iterator[CollectionName]:
    """Yield the chains that calibrations are searched by."""
    yield from desired.chains
    for address in desired.repositories:
        _, repository = desired.repository(address)
        for instrument in repository.instruments:
            yield from usual_chains(instrument)


def _listed(desired: DesiredState) -> Iterator[TicketKey]:
    """Yield the tickets that a chain lists, or that were retired."""
    for written in desired.chains.values():
        chain = written.noun
        entries = [entry for entry in chain.entries if isinstance(entry, str)]
        for word in (*entries, *chain.retired):
            meaning = desired.meaning(word, chain.instrument)
            if meaning and meaning.ticket:
                yield meaning.ticket.noun.key
