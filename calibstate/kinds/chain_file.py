"""What the file of a chain means at one repository.

The entries are read in search order: a ticket stands for its children, a
ticket that is skipped here is taken out, and what others make is expected
only where its entry says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..errors import Where
from ..model.chains import ChainFile, ExternalEntry
from ..model.desired import Written
from ..model.names import Address, CollectionName, RepositoryAddress
from ..model.resources import Need
from ..model.tickets import Ticket
from .bundle import Bundle
from .collection import Collection
from .external import External
from .selection import RepositorySelection

__all__ = ["ChainHere", "chain_address", "needs_of_origin", "read_chain_file"]


@dataclass
class ChainHere:
    """A declared chain, as it is to be at one repository."""

    children: list[CollectionName] = field(default_factory=list)
    """Children in search order."""

    unwanted: dict[CollectionName, str] = field(default_factory=dict)
    """Children that are not to be searched, with the reason."""

    unspoken: set[CollectionName] = field(default_factory=set)
    """Children that the file names, but that were not asked for."""

    content: dict[CollectionName, dict[str, str]] = field(default_factory=dict)
    """Fingerprint of each collection of a child that is a ticket."""

    needs: list[Need] = field(default_factory=list)
    """What must be there before."""

    lines: dict[CollectionName, Where] = field(default_factory=dict)
    """The line that asks for a child."""

    def add(self, child: CollectionName, where: Where, *needs: Address) -> None:
        """Add a child behind the others."""
        self.children.append(child)
        self.lines[child] = where
        self.needs.extend(Need(address, child) for address in needs)

    def take_out(self, children: tuple[CollectionName, ...], reason: str) -> None:
        """Have children not searched."""
        self.unwanted.update(dict.fromkeys(children, reason))


def chain_address(repository: RepositoryAddress, name: CollectionName) -> Address:
    """Return the address of a chain."""
    return Address(place=repository, kind="chain", name=name)


def needs_of_origin(
    repository: RepositorySelection,
    ticket: Ticket,
    child: CollectionName | None = None,
) -> Iterator[Need]:
    """Yield what a chain of the origin needs to search a ticket.

    The origin has the collections before anybody else.  What cannot be
    exported, such as a file that was cut off, should not be searched there
    either.  An archive that is away keeps nothing from a site.

    Parameters
    ----------
    repository
        Where the chain is.
    ticket
        The ticket.
    child
        The child of the chain that it is about; `None`: the whole chain.
    """
    if repository.desired.origin(ticket.instrument) == repository.address:
        yield Need(Bundle.at(ticket), child, if_seen=True)


def read_chain_file(written: Written[ChainFile], repository: RepositorySelection) -> ChainHere:
    """Return what the file of a chain means at a repository.

    Parameters
    ----------
    written
        The file.
    repository
        What the repository is to have.
    """
    here = ChainHere()
    for index, entry in enumerate(written.noun.entries):
        _add_entry(
            entry,
            written,
            written.lines.at("entries", index),
            repository,
            here,
        )
    for word, reason in written.noun.retired.items():
        _retire(word, reason, written.noun, repository, here)
    return here


def _add_entry(
    entry: str | ExternalEntry,
    chain: Written[ChainFile],
    where: Where,
    repository: RepositorySelection,
    here: ChainHere,
) -> None:
    """Have what an entry stands for searched, or taken out."""
    address = repository.address
    if isinstance(entry, ExternalEntry):
        if repository.desired.expects(entry.only, address):
            here.add(entry.external, where, External.at(address, entry.external))
        return
    meaning = repository.meaning(entry, chain.noun)
    if meaning is None:
        return  # The cross-check refuses a tree with such an entry.
    if meaning.chain:
        # A chain within a chain is declared for itself.
        if repository.has_chain(meaning.chain.noun):
            here.add(entry, where, chain_address(address, entry))
        return
    if meaning.ticket is None:
        return
    ticket = meaning.ticket.noun
    reason = repository.skipped(ticket)
    if reason:
        here.take_out(meaning.children, f"skipped here: {reason}")
    else:
        _add_ticket(ticket, meaning.children, where, repository, here)


def _add_ticket(
    ticket: Ticket,
    children: tuple[CollectionName, ...],
    where: Where,
    repository: RepositorySelection,
    here: ChainHere,
) -> None:
    """Have the children of a ticket searched."""
    # A child waits for its collections, and for the chain that it is.
    needs = [Collection.at(repository.address, ticket)]
    if ticket.collection:
        needs.append(chain_address(repository.address, ticket.collection))
    if not repository.scope.has_ticket(ticket.key):
        here.unspoken.update(children)
    fingerprints: Mapping[str, str] = {}
    pin = repository.selection.pin(ticket)
    if pin:
        fingerprints = pin.fingerprints
    for child in children:
        here.add(child, where, *needs)
        here.needs.extend(needs_of_origin(repository, ticket, child))
        here.content[child] = {}
        for leaf, fingerprint in fingerprints.items():
            # A bare collection holds itself; a ticket collection all of them.
            if ticket.collection or leaf == child:
                here.content[child][leaf] = fingerprint


def _retire(
    word: str,
    reason: str,
    chain: ChainFile,
    repository: RepositorySelection,
    here: ChainHere,
) -> None:
    """Have what a word of `retired` stands for not searched."""
    meaning = repository.desired.meaning(word, chain.instrument)
    if meaning is None:
        # A collection that no file of the tree names.
        here.take_out((word,), f"retired: {reason}")
    elif meaning.ticket and not repository.scope.has_ticket(meaning.ticket.noun.key):
        here.unspoken.update(meaning.children)
    else:
        here.take_out(meaning.children, f"retired: {reason}")
