"""What the state tree and Rucio say of what is to be kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from ..engine.expand import expand
from ..kinds.chain import Chain
from ..model.chains import usual_chains
from ..model.desired import DesiredState
from ..model.names import CollectionName, RepositoryAddress, TicketKey
from ..model.retention import Children, Facts, Keeper, Keeps
from ..model.rucio import Rule
from ..model.scope import Scope
from ..model.tickets import ApprovalStatus, RucioLabel, Ticket
from ..ports.rucio import RucioReader

__all__ = ["declared_children", "facts_of", "rules_of_others"]

_SETTLED = frozenset({ApprovalStatus.ADOPTED, ApprovalStatus.REJECTED})
"""Where nobody works at a ticket any more."""

Rules = Mapping[TicketKey, Sequence[Rule]]
"""Rules of other accounts, by ticket."""

_Named = tuple[CollectionName, Keeper]
"""A collection, and what names it."""


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
    named: list[_Named] = []
    for key, written in desired.tickets.items():
        ticket = written.noun
        approval = ticket.approval
        if ticket.collection:
            of_tickets.add(ticket.collection)
        for leaf in ticket.leaves:
            ticket_of[leaf] = key
        if approval.status not in _SETTLED:
            why = Keeps.NOT_ADOPTED
            if ticket.construction:
                why = Keeps.UNDER_CONSTRUCTION
            keeper_of[key] = Keeper(why, ticket.name)
        elif approval.status is ApprovalStatus.ADOPTED:
            adopted[key] = None
            # What was adopted before the board wrote it down has no day.
            if approval.date:
                adopted[key] = date.fromisoformat(approval.date)
        of_ticket = _named_by(ticket, rules.get(key, ()))
        named.extend(of_ticket)
    sealed = _sealed(desired)
    named.extend(sealed)
    declared: dict[RepositoryAddress, Children] = {}
    for address in desired.repositories:
        declared[address] = declared_children(desired, address)
    selecting = _selecting(desired)
    listed = _listed(desired)
    keep = desired.settings.noun.retention.keep
    return Facts(
        selecting=frozenset(selecting),
        of_tickets=frozenset(of_tickets),
        declared=declared,
        named=tuple(named),
        keeper_of=keeper_of,
        listed=frozenset(listed),
        adopted=adopted,
        ticket_of=ticket_of,
        tickets=frozenset(desired.tickets),
        keep_intermediates=keep.for_intermediates,
    )


def declared_children(
    desired: DesiredState,
    address: RepositoryAddress,
) -> Children:
    """Return the declared chains of a repository with their children.

    Parameters
    ----------
    desired
        The whole declared state.
    address
        The repository.
    """
    here = Scope(repositories=(address,))
    declared = expand(desired, here)
    resources = [each.resource for each in declared]
    children: dict[CollectionName, tuple[CollectionName, ...]] = {}
    for chain in Chain.among(resources):
        target = chain.address
        if target.place == address:
            children[target.name] = chain.children
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
        names = written.noun.rucio or RucioLabel()
        dataset = settings.dataset_of(
            key.instrument,
            key.ticket,
            names.label,
        )
        rules[key] = []
        for rule in rucio.rules(dataset):
            # Ours are there for as long as a ticket is declared.
            if rule.account != rucio.account:
                rules[key].append(rule)
    return rules


def _named_by(ticket: Ticket, rules: Sequence[Rule]) -> Iterator[_Named]:
    """Yield what a ticket names, and what rules keep of it."""
    if ticket.construction:
        keeper = Keeper(Keeps.START_FROM, ticket.name)
        for collection in ticket.construction.start_from:
            yield collection, keeper
    keeper = Keeper(Keeps.RECERTIFIED, ticket.name)
    for recertified in ticket.certify:
        yield recertified.datasets_of, keeper
    for rule in rules:
        name = f"{rule.account} on {rule.dataset}"
        keeper = Keeper(Keeps.RULE, name)
        for collection in (*ticket.children, *ticket.leaves):
            yield collection, keeper


def _sealed(desired: DesiredState) -> Iterator[_Named]:
    """Yield the collections of which a seal tells."""
    for key, written in desired.seals.items():
        keeper = Keeper(Keeps.SEAL, key.name)
        for collection in written.noun.fingerprints:
            yield collection, keeper


def _selecting(desired: DesiredState) -> Iterator[CollectionName]:
    """Yield the chains that calibrations are searched by."""
    yield from desired.chains
    # Also where no file declares them, as the butlers of sites have them.
    for address in desired.repositories:
        _, repository = desired.repository(address)
        for instrument in repository.instruments:
            yield from usual_chains(instrument)


def _listed(desired: DesiredState) -> Iterator[TicketKey]:
    """Yield the tickets that a chain lists, or that were retired."""
    for written in desired.chains.values():
        chain = written.noun
        words: list[str] = list(chain.retired)
        for entry in chain.entries:
            if isinstance(entry, str):
                words.append(entry)
        for word in words:
            meaning = desired.meaning(word, chain.instrument)
            if meaning and meaning.ticket:
                yield meaning.ticket.noun.key
