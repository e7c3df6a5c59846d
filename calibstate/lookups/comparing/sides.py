"""The two declarations that are compared, each with what is known by it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...engine.expand import chains_at
from ...errors import Where
from ...kinds.chain import Chain
from ...model.chains import ChainFile
from ...model.contents import Holding
from ...model.desired import DesiredState, Written
from ...model.impacts import Sources
from ...model.names import RepositoryAddress, TicketKey
from ...model.scope import Scope
from ...model.seals import Seal
from .sight import Sight

__all__ = ["Side", "Sides"]


@dataclass(frozen=True)
class Side:
    """One of the two declarations."""

    desired: DesiredState | None
    """What is declared; `None`: nothing was yet."""

    seals: Mapping[str, Seal]
    """By collection."""

    tickets: Mapping[str, str]
    """Ticket of each of its collections, and of what stands for it in a
    chain."""

    chain_files: Mapping[str, Written[ChainFile]]
    """Chains that are declared, by name."""

    sight: Sight

    @classmethod
    def of(
        cls,
        desired: DesiredState | None,
        seals: Mapping[str, Seal],
        sight: Sight,
    ) -> Side:
        """Return a side.

        Parameters
        ----------
        desired
            What is declared.
        seals
            The seals that tell what collections hold.
        sight
            What tells it better, where it does.
        """
        if desired is None:
            return cls(None, seals, {}, {}, sight)
        tickets: dict[str, str] = {}
        for written in desired.tickets.values():
            ticket = written.noun
            for name in (*ticket.leaves, *ticket.children):
                tickets[name] = ticket.ticket
        return cls(desired, seals, tickets, desired.chains, sight)

    def chains(self, address: RepositoryAddress, scope: Scope) -> Sequence[Chain]:
        """Return the chains of a repository.

        Parameters
        ----------
        address
            The repository.
        scope
            The instruments that are asked for.
        """
        if self.desired is None:
            return ()
        if address not in self.desired.repositories:
            return ()
        instruments = Scope(instruments=scope.instruments)
        return chains_at(self.desired, instruments, address)

    def sources(self, leaves: Iterable[str]) -> Sources:
        """Return who tells what collections hold, where anybody does.

        Parameters
        ----------
        leaves
            The collections, in search order.
        """
        sources: list[tuple[str, Holding | Seal]] = []
        holdings = self.sight.holdings
        for leaf in leaves:
            # What was seen is newer than what was sealed.
            source = holdings.get(leaf) or self.seals.get(leaf)
            if source:
                sources.append((leaf, source))
        return sources

    def line_with(self, words: Container[object]) -> Where | None:
        """Return where a chain lists a ticket or a collection.

        Parameters
        ----------
        words
            What it may be called there.
        """
        for written in self.chain_files.values():
            for index, entry in enumerate(written.noun.entries):
                if entry in words:
                    return written.lines.at("entries", index)
        return None


@dataclass(frozen=True)
class Sides:
    """Both declarations."""

    before: Side
    after: Side

    @classmethod
    def of(
        cls,
        before: DesiredState | None,
        after: DesiredState,
        sight: Sight,
    ) -> Sides:
        """Return both sides, each with the seal of every collection.

        What a ticket holds is final: where it was not sealed yet, or is no
        more, the seal of the other side tells.

        Parameters
        ----------
        before, after
            What was declared, and what is.
        sight
            How the collections are seen.
        """
        new: dict[TicketKey, Seal] = {}
        for key, written in after.seals.items():
            new[key] = written.noun
        old: dict[TicketKey, Seal] = {}
        if before is not None:
            for key, written in before.seals.items():
                seal = written.noun
                # Equal seals are made one object, which compares at once.
                if new.get(key) == seal:
                    seal = new[key]
                old[key] = seal
        # Each side believes its own seals first.
        seals_before = _by_collection({**new, **old})
        seals_after = _by_collection({**old, **new})
        return cls(
            Side.of(before, seals_before, sight),
            Side.of(after, seals_after, sight),
        )

    @property
    def tickets(self) -> Mapping[str, str]:
        """Ticket of each collection, as it is declared now or was before."""
        return {**self.before.tickets, **self.after.tickets}


def _by_collection(
    seals: Mapping[TicketKey, Seal],
) -> dict[str, Seal]:
    """Return seals by the collections that they tell of."""
    by_collection: dict[str, Seal] = {}
    for seal in seals.values():
        for collection in seal.fingerprints:
            by_collection[collection] = seal
    return by_collection
