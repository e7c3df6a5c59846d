"""Find the collections of a ticket at its origin, to declare them.

A ticket collection tells them in their order; else they are what is certified
below the ticket's name, or what a person names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import Diagnostic, RefusedError, Severity, UsageError
from ..model.contents import CollectionType, parse_data_id
from ..model.names import (
    ANY,
    CollectionName,
    RepositoryAddress,
    TicketKey,
    collection_name_problem,
    nearest,
    spelled,
)
from ..model.tickets import Approval, Ticket
from ..ports.butler import ButlerReader, SeenCollection
from .live import Live, look

__all__ = ["NotAtOriginError", "TicketAtOrigin", "look_for_ticket"]

_DEPLOYED = (CollectionType.CALIBRATION, CollectionType.RUN)
"""What a ticket may list."""


class NotAtOriginError(UsageError):
    """An origin has no such collections of a ticket."""


@dataclass(frozen=True)
class TicketAtOrigin:
    """The collections of a ticket, as its origin has them."""

    key: TicketKey

    live: Live
    """What the origin shows of them."""

    leaves: tuple[CollectionName, ...]
    """Full names in search order."""

    is_bare: bool
    """Whether they stand in chains by themselves."""

    is_in_order: bool = field(default=True, kw_only=True)
    """Whether the origin tells the order; else they are listed by name."""

    @property
    def address(self) -> RepositoryAddress:
        """The origin."""
        return self.live.address

    def ticket(self, approval: Approval, summary: str | None) -> Ticket:
        """Return the ticket that declares them.

        Parameters
        ----------
        approval
            How it stands with the board.
        summary
            What it brings, in a line.
        """
        fields: dict[str, Any] = {
            "ticket": self.key.ticket,
            "instrument": self.key.instrument,
            "approval": approval,
        }
        if summary:
            fields["summary"] = summary
        if self.is_bare:
            return Ticket(**fields, bare=self.leaves)
        names: list[str] = []
        for leaf in self.leaves:
            short = leaf.removeprefix(f"{_folder(self.key)}/")
            # What begins with the instrument would be taken for a full name.
            if short.startswith(f"{self.key.instrument}/"):
                names.append(leaf)
            else:
                names.append(short)
        return Ticket(**fields, collections=tuple(names))

    def remarks(self) -> Iterator[Diagnostic]:
        """Yield what a person should know of them."""
        if self.is_in_order:
            return
        yield Diagnostic(
            "Search order is not known",
            f"{self.address} has no chain of {self.key.ticket}, so its collections are listed by name.",
            hint="Where two of them hold the same type, put the one that is to win in front now.",
            severity=Severity.WARNING,
        )


def look_for_ticket(
    key: TicketKey,
    sources: Sequence[str],
    origin: RepositoryAddress,
    butler: ButlerReader,
) -> TicketAtOrigin:
    """Return the collections of a ticket.

    Parameters
    ----------
    key
        The ticket.
    sources
        A chain whose children they are, or collections; none: they are
        called after the ticket.
    origin, butler
        Where the instrument's calibrations are made.

    Raises
    ------
    NotAtOriginError
        There are none.
    RefusedError
        They cannot be deployed, or belong to another instrument.
    UsageError
        What is named cannot be meant.
    """
    search = _Search(key, origin, butler)
    if sources:
        return search.by_names(tuple(dict.fromkeys(sources)))
    return search.by_ticket()


def _folder(key: TicketKey) -> str:
    """Return the name of a ticket collection, below which the others are."""
    return f"{key.instrument}/calib/{key.ticket}"


@dataclass(frozen=True)
class _Search:
    """Looks for the collections of one ticket."""

    key: TicketKey
    origin: RepositoryAddress
    butler: ButlerReader

    def by_names(self, names: tuple[str, ...]) -> TicketAtOrigin:
        """Return what a person has named."""
        for name in names:
            problem = collection_name_problem(name)
            if problem:
                raise UsageError(
                    Diagnostic(
                        "Not the name of a collection",
                        f"--from: {spelled(name)}: {problem}.",
                    )
                )
        there = self.butler.collections(names)
        chains: list[SeenCollection] = []
        for name in names:
            if name not in there:
                raise self.not_there(name)
            if there[name].type is CollectionType.CHAINED:
                chains.append(there[name])
        if not chains:
            return self.checked(names)
        if len(names) > 1:
            raise UsageError(
                Diagnostic(
                    "A chain among collections",
                    f"--from: {chains[0].name} is a chain, which says by itself what a ticket holds.",
                    hint="Name it alone, or name its collections.",
                )
            )
        return self.children_of(chains[0])

    def by_ticket(self) -> TicketAtOrigin:
        """Return what is called after the ticket."""
        instrument, ticket = self.key
        if instrument == ANY:
            raise NotAtOriginError(
                Diagnostic(
                    "Which collections?",
                    f"{ticket} belongs to no instrument, so nothing tells what its collections are called.",
                    hint="Name them: --from COLLECTION.",
                )
            )
        folder = _folder(self.key)
        top = self.butler.collections([folder]).get(folder)
        if top and top.type is CollectionType.CHAINED:
            return self.children_of(top)
        # Beside what is certified are the RUNs that it was certified from.
        below = self.butler.collections(self.butler.names_below(folder))
        certified: list[str] = []
        for name, collection in below.items():
            if collection.type is CollectionType.CALIBRATION:
                certified.append(name)
        if top and top.type is CollectionType.CALIBRATION:
            # The stack's own command calls so what has no range.
            unbounded = below.get(f"{folder}/unbounded")
            if unbounded and unbounded.type is CollectionType.RUN:
                certified.append(unbounded.name)
            return self.checked((folder, *certified), is_bare=True)
        if certified:
            certified.sort()
            return self.checked(tuple(certified), is_in_order=len(certified) == 1)
        others = {name.split("/")[2] for name in self.butler.names_below(f"{instrument}/calib")}
        hint = "Name its collections: --from COLLECTION."
        near = nearest(ticket, others)
        if near:
            hint = f"Did you mean {near}? Or name its collections: --from COLLECTION."
        raise NotAtOriginError(
            Diagnostic(
                "No such collections",
                f"{self.origin} has no {folder}, and nothing is certified below it.",
                hint=hint,
            )
        )

    def children_of(self, chain: SeenCollection) -> TicketAtOrigin:
        """Return the children of a chain."""
        if chain.children:
            return self.checked(chain.children)
        raise RefusedError(
            Diagnostic(
                "Chain is empty",
                f"{self.origin}: {chain.name} has no children, so there is nothing to propose.",
                hint="Certify what was made, and put it in there; or name collections: --from.",
            )
        )

    def checked(
        self,
        leaves: tuple[CollectionName, ...],
        *,
        is_bare: bool = False,
        is_in_order: bool = True,
    ) -> TicketAtOrigin:
        """Return collections, if they can be deployed.

        Raises
        ------
        RefusedError
            They cannot.
        """
        # RUNs are the ticket's, whatever they hold.
        live = look(self.butler, self.origin, leaves, of_tickets=frozenset(leaves))
        problems: list[Diagnostic] = []
        for leaf in leaves:
            problems.extend(self.problems_of(leaf, live))
        if problems:
            raise RefusedError(*problems)
        instrument = self.key.instrument
        for leaf in leaves:
            # Files give short names within an instrument only.
            if instrument == ANY or not leaf.startswith(f"{instrument}/"):
                is_bare = True
        return TicketAtOrigin(
            self.key,
            live,
            leaves,
            is_bare,
            is_in_order=is_in_order,
        )

    def problems_of(self, leaf: CollectionName, live: Live) -> Iterator[Diagnostic]:
        """Yield why a collection cannot be deployed as part of a ticket."""
        instrument = self.key.instrument
        collection = live.collections.get(leaf)
        if collection is None:
            yield Diagnostic(
                "Collection is gone",
                f"{self.origin} has no {leaf} any more.",
                hint="Somebody works there: look again.",
            )
            return
        if collection.type not in _DEPLOYED:
            yield Diagnostic(
                "Collection cannot be deployed",
                f"{self.origin}: {leaf} is a {collection.type.value} collection; tickets are made of "
                "CALIBRATION collections and RUNs.",
                hint="Name those that it is made of: --from COLLECTION.",
            )
            return
        holding = live.holdings.get(leaf)
        if holding is None:
            yield Diagnostic(
                "Collection is empty",
                f"{self.origin} holds nothing in {leaf}.",
                hint="Certify it there first; or name the others: --from COLLECTION.",
            )
            return
        instruments = {parse_data_id(row.data_id).get("instrument", "") for row in holding.rows}
        # What has no instrument may be anybody's, such as a catalogue.
        others = sorted(instruments - {instrument, ""})
        if others and instrument != ANY:
            yield Diagnostic(
                "Collection of another instrument",
                f"{self.origin}: {leaf} holds calibrations of {', '.join(others)}, and "
                f"{self.key.ticket} is proposed for {instrument}.",
                hint=f"Give --instrument {others[0]}, if that is meant.",
            )

    def not_there(self, name: str) -> NotAtOriginError:
        """Return the error that a collection that was named is not there."""
        folder = name.rpartition("/")[0]
        hint = "`butler query-collections` lists what there is."
        # Those beside it are the nearest, then all of the instrument.
        for place in (folder, f"{self.key.instrument}/calib"):
            near = None
            if place:
                near = nearest(name, self.butler.names_below(place))
            if near:
                hint = f"Did you mean {near}?"
                break
        return NotAtOriginError(
            Diagnostic(
                "No such collections",
                f"--from: {self.origin} has no collection {spelled(name)}.",
                hint=hint,
            )
        )
