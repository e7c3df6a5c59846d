"""Live chains beside what the files of a state tree declare of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ..errors import Diagnostic, Severity
from ..model.chains import usual_chains
from ..model.desired import DesiredState
from ..model.names import InstrumentName, RepositoryAddress, TicketKey
from ..model.tickets import Approval, ApprovalStatus, Ticket
from .describe import Description
from .live import Live
from .merge import Merged

__all__ = ["Comparison", "ListedChild", "UnsealedTicket", "Wanted", "collections_in_files", "declared_chains"]


@dataclass(frozen=True)
class Wanted:
    """What is to be captured."""

    address: RepositoryAddress
    instrument: InstrumentName

    chains: tuple[str, ...]
    """Chains besides the usual ones, such as ``INSTRUMENT/calib``."""

    day: str
    """Today, ``YYYY-MM-DD``."""

    @property
    def usual(self) -> tuple[str, ...]:
        """The chains that are captured always, where they are."""
        return usual_chains(self.instrument)

    def roots(self, desired: DesiredState) -> tuple[str, ...]:
        """Return all chains that are captured, where they are.

        Those that are declared for the repository are among them, whoever
        asks.

        Parameters
        ----------
        desired
            What is declared already.
        """
        declared = declared_chains(desired, self.instrument, self.address)
        return tuple(dict.fromkeys([*self.usual, *self.chains, *declared]))

    @property
    def approval(self) -> Approval:
        """That of new tickets: they are live already."""
        return Approval(
            status=ApprovalStatus.ADOPTED,
            note=f"found live at {self.address} on {self.day}",
            captured=self.day,
        )


@dataclass(frozen=True)
class ListedChild:
    """A child of a declared chain that the chain's file does not list yet."""

    chain: str
    child: str


@dataclass(frozen=True)
class UnsealedTicket:
    """A ticket without a seal, and where it is read to make one."""

    ticket: Ticket
    address: RepositoryAddress


@dataclass
class Comparison:
    """What is live, what is declared, and what a capture decides about it.

    The steps of a capture fill it one after the other: each adds what it
    refuses, and what a person should know.
    """

    wanted: Wanted
    desired: DesiredState

    description: Description
    """What the live collections are."""

    merged: dict[str, Merged] = field(default_factory=dict)
    """What declared chains lack of the live ones, by name."""

    others: dict[RepositoryAddress, Live] = field(default_factory=dict)
    """What other repositories of the instrument showed."""

    unseen: dict[RepositoryAddress, Diagnostic] = field(default_factory=dict)
    """Why others could not be seen."""

    skips: dict[TicketKey, dict[RepositoryAddress, str]] = field(default_factory=dict)
    """Repositories that tickets are to skip, each with the reason."""

    refused: list[Diagnostic] = field(default_factory=list)
    """What the files cannot say."""

    warnings: list[Diagnostic] = field(default_factory=list)
    """What a person should know."""

    @property
    def live(self) -> Live:
        """What the repository that is captured showed."""
        return self.description.live

    @property
    def reached(self) -> list[Ticket]:
        """Tickets that the live chains search, declared before or not."""
        return self.description.reached

    @property
    def origin(self) -> RepositoryAddress | None:
        """Where new content of the instrument comes from."""
        return self.desired.origin(self.wanted.instrument)

    @property
    def at_origin(self) -> Live | None:
        """What the origin showed; `None` where it was not looked at."""
        if self.origin is None:
            return None
        return self.others.get(self.origin)

    @cached_property
    def new(self) -> frozenset[TicketKey]:
        """Tickets that no file declares."""
        return frozenset(ticket.key for ticket in self.description.new)

    @property
    def files(self) -> Iterator[str]:
        """Files that say a part of it already."""
        for ticket in self.reached:
            written = self.desired.tickets.get(ticket.key)
            if written:
                yield written.lines.file
            seal = self.desired.seals.get(ticket.key)
            if seal:
                yield seal.lines.file
        for name in self.merged:
            chain = self.desired.chains[name]
            yield chain.lines.file

    @property
    def unsealed_tickets(self) -> Iterator[UnsealedTicket]:
        """Tickets without a seal: at the origin, where it has them."""
        at_origin = self.at_origin
        for ticket in self.unsealed:
            address = self.wanted.address
            if at_origin and at_origin.has(ticket):
                address = at_origin.address
            yield UnsealedTicket(ticket, address)

    @property
    def others_that_matter(self) -> list[RepositoryAddress]:
        """Other repositories of which it matters what they have."""
        here = self.wanted.address
        having = self.desired.with_instrument(self.wanted.instrument)
        others = [address for address in having if address != here]
        if self.new:
            return others
        for merged in self.merged.values():
            if merged.entries:
                return others
        # Nothing is new, but what has no seal is read at the origin.
        if self.unsealed:
            return [address for address in others if address == self.origin]
        return []

    @property
    def searched(self) -> set[TicketKey]:
        """Tickets that a live chain searches."""
        keys: set[TicketKey] = set()
        for merged in self.merged.values():
            keys |= merged.present
        # All children of a chain that is new are searched.
        for chain in self.description.chains:
            if chain in self.merged:
                continue
            for child in self.live.children(chain):
                ticket = self.description.tickets.get(child)
                if ticket:
                    keys.add(ticket.key)
        return keys

    @property
    def to_compare(self) -> set[str]:
        """Collections of which it matters what others hold in them.

        Others are to skip what is new or newly listed, where they hold
        something else; and what is not sealed is not known any better.
        """
        collections: set[str] = set()
        for ticket in self.reached:
            is_sealed = ticket.key in self.desired.seals
            if self.is_added(ticket) or not is_sealed:
                collections.update(ticket.leaves)
        return collections

    @cached_property
    def unsealed(self) -> tuple[Ticket, ...]:
        """Tickets that the live chains search and that have no seal."""
        tickets: list[Ticket] = []
        for ticket in self.reached:
            if ticket.key not in self.desired.seals:
                tickets.append(ticket)
        return tuple(tickets)

    @cached_property
    def newly_listed(self) -> Mapping[TicketKey, list[ListedChild]]:
        """Tickets that get an entry in a declared chain, with its children."""
        listed: defaultdict[TicketKey, list[ListedChild]] = defaultdict(list)
        for chain, merged in self.merged.items():
            words = [new.entry for new in merged.entries]
            for child in self.live.children(chain):
                ticket = self.description.tickets.get(child)
                # An entry names a ticket, or one collection of a bare ticket.
                if ticket and (ticket.ticket in words or child in words):
                    entry = ListedChild(chain, child)
                    listed[ticket.key].append(entry)
        # Nobody who asks for another ticket shall add it.
        return dict(listed)

    def is_added(self, ticket: Ticket) -> bool:
        """Say whether a ticket is new, or gets an entry in a chain."""
        if ticket.key in self.new:
            return True
        return ticket.key in self.newly_listed

    def is_searched_by(self, other: Live, ticket: Ticket) -> bool:
        """Say whether another's chains search all that is to be listed there.

        Parameters
        ----------
        other
            The other repository.
        ticket
            A ticket that it has.
        """
        instrument = self.wanted.instrument
        declared = declared_chains(self.desired, instrument, other.address)
        for listed in self.newly_listed.get(ticket.key, []):
            # A chain that it is not to have need not search anything there.
            if listed.chain not in declared:
                continue
            if listed.child not in other.children(listed.chain):
                return False
        return True

    def skip(self, ticket: Ticket, address: RepositoryAddress, why: str) -> None:
        """Have a repository skip a ticket from now on."""
        reason = f"{why} when captured on {self.wanted.day}"
        reasons = self.skips.setdefault(ticket.key, {})
        reasons[address] = reason

    def warn(self, summary: str, detail: str, hint: str = "") -> None:
        """Add what a person should know."""
        self.warnings.append(
            Diagnostic(
                summary,
                detail,
                hint=hint,
                severity=Severity.WARNING,
            )
        )


def declared_chains(
    desired: DesiredState,
    instrument: InstrumentName,
    address: RepositoryAddress,
) -> tuple[str, ...]:
    """Return the chains that files declare for a repository.

    Parameters
    ----------
    desired
        What is declared.
    instrument
        Whose chains.
    address
        The repository.
    """
    names: list[str] = []
    for written in desired.chains_of(instrument):
        if desired.expects(written.noun.only, address):
            names.append(written.noun.chain)
    return tuple(names)


def collections_in_files(desired: DesiredState, instrument: InstrumentName) -> set[str]:
    """Return all collections of an instrument that files name.

    Parameters
    ----------
    desired
        What is declared.
    instrument
        Whose tickets; what others make is named for all instruments.
    """
    names: set[str] = set()
    for ticket in desired.tickets_of(instrument):
        names.update(ticket.noun.leaves, ticket.noun.children)
    for chain in desired.chains.values():
        names.update(chain.noun.external)
    return names
