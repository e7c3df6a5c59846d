"""Live chains beside what the files of a state tree declare of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ..errors import Diagnostic, Severity
from ..model.desired import DesiredState
from ..model.names import InstrumentName, RepositoryAddress, TicketKey
from ..model.tickets import Ticket
from .describe import Description
from .live import Live
from .merge import Merged

__all__ = ["Comparison", "ListedChild", "Wanted", "collections_in_files", "declared_chains"]


@dataclass(frozen=True)
class Wanted:
    """What is to be captured."""

    address: RepositoryAddress
    instrument: InstrumentName

    chains: tuple[str, ...]
    """Chains besides ``INSTRUMENT/calib``."""

    day: str
    """Today, ``YYYY-MM-DD``."""

    @property
    def default(self) -> str:
        """The chain that is captured always."""
        return f"{self.instrument}/calib"

    @property
    def note(self) -> str:
        """What approvals refer to."""
        return f"found live at {self.address} on {self.day}"


@dataclass(frozen=True)
class ListedChild:
    """A child of a declared chain that the chain's file does not list yet."""

    chain: str
    child: str


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

    merged: Mapping[str, Merged]
    """What declared chains lack of the live ones, by name."""

    others: dict[RepositoryAddress, Live] = field(default_factory=dict)
    """What other repositories of the instrument showed."""

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

    @cached_property
    def new(self) -> frozenset[TicketKey]:
        """Tickets that no file declares."""
        return frozenset(ticket.key for ticket in self.description.new)

    @cached_property
    def unsealed(self) -> tuple[Ticket, ...]:
        """Tickets that the live chains search and that have no seal."""
        return tuple(ticket for ticket in self.reached if ticket.key not in self.desired.seals)

    @cached_property
    def newly_listed(self) -> Mapping[TicketKey, list[ListedChild]]:
        """Tickets that get an entry in a declared chain, with its children."""
        listed: dict[TicketKey, list[ListedChild]] = {}
        for chain, merged in self.merged.items():
            words = {new.entry for new in merged.entries if isinstance(new.entry, str)}
            for child in self.live.children(chain):
                ticket = self.description.tickets.get(child)
                # An entry names a ticket, or one collection of a bare ticket.
                if ticket and (ticket.ticket in words or child in words):
                    listed.setdefault(ticket.key, []).append(ListedChild(chain, child))
        return listed

    def skip(self, ticket: Ticket, address: RepositoryAddress, why: str) -> None:
        """Have a repository skip a ticket from now on."""
        reason = f"{why} when captured on {self.wanted.day}"
        self.skips.setdefault(ticket.key, {})[address] = reason

    def warn(self, summary: str, detail: str, hint: str = "") -> None:
        """Add what a person should know."""
        self.warnings.append(Diagnostic(summary, detail, hint=hint, severity=Severity.WARNING))


def declared_chains(
    desired: DesiredState, instrument: InstrumentName, address: RepositoryAddress
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
    chains = (written.noun for written in desired.chains_of(instrument))
    return tuple(chain.chain for chain in chains if desired.expects(chain.only, address))


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
