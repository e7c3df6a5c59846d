"""Say what a ticket still waits for at a site: the wave before it.

What comes or goes at a site has come or gone at the sites of the wave before,
and `verify` has passed there.  That is known from what they published: a
site need not see the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..model.desired import DesiredState, Written
from ..model.names import Address, CollectionName, RepositoryAddress
from ..model.reviews import PublishedReview
from ..model.tickets import Ticket

__all__ = ["Waves"]


@dataclass(frozen=True)
class Waves:
    """What the waves before have published."""

    desired: DesiredState

    shown: Mapping[RepositoryAddress, PublishedReview] = field(default_factory=dict)
    """By repository; none of those that published nothing."""

    unreadable: Mapping[RepositoryAddress, str] = field(default_factory=dict)
    """Why what they published cannot be read, by repository."""

    after: frozenset[str] = frozenset()
    """Sites that will have done their part, and passed."""

    def import_waits(
        self, place: RepositoryAddress, ticket: Ticket, content: Mapping[str, str]
    ) -> str | None:
        """Say what the import of a ticket waits for; `None`: for nothing.

        Parameters
        ----------
        place
            The repository.
        ticket
            The ticket.
        content
            Fingerprint of each collection that it should have.
        """
        before = self._before(place, lambda address: self._takes(address, ticket))
        return _told((address, self._not_passed(address, ticket, content)) for address in before)

    def entry_waits(self, chain: Address, child: CollectionName, content: Mapping[str, str]) -> str | None:
        """Say what a child waits for before it enters a declared chain.

        Parameters
        ----------
        chain
            The chain.
        child
            The child.
        content
            Fingerprint of each of its collections, where it is a ticket.
        """
        ticket = self.desired.ticket_with(child)
        if ticket is None and child not in self.desired.chains:
            return None  # What others make comes when they have made it.

        def why(address: RepositoryAddress) -> str | None:
            failed = self._not_passed(address, ticket.noun, content) if ticket else None
            return failed or self._not_searched(address, chain.name, child)

        def concerns(address: RepositoryAddress) -> bool:
            return self._takes(address, ticket.noun) if ticket else self._has(address, chain.name)

        before = self._before(chain.place, concerns)
        return _told((address, why(address)) for address in before)

    def exit_waits(self, chain: Address, child: CollectionName) -> str | None:
        """Say what a child waits for before it leaves a declared chain."""
        before = self._before(chain.place, lambda address: self._loses(address, chain.name, child))
        return _told((address, self._not_gone(address, chain.name, child)) for address in before)

    def order_waits(self, chain: Address, children: Sequence[CollectionName]) -> str | None:
        """Say what another search order waits for.

        Parameters
        ----------
        chain
            The chain.
        children
            Those that it will have, in their order.
        """
        before = self._before(chain.place, lambda address: self._has(address, chain.name))
        return _told((address, self._another_order(address, chain.name, children)) for address in before)

    def _before(
        self, place: RepositoryAddress, concerns: Callable[[RepositoryAddress], bool]
    ) -> list[RepositoryAddress]:
        """Return those of the nearest wave before that it concerns."""
        waves = self.desired.settings.noun.waves
        number = next((n for n, wave in enumerate(waves) if _site(place) in wave), 0)
        for wave in reversed(waves[:number]):
            found = [a for a in self.desired.repositories if _site(a) in wave and concerns(a)]
            if found:
                return [address for address in found if _site(address) not in self.after]
        return []

    def _takes(self, address: RepositoryAddress, ticket: Ticket) -> bool:
        instruments = self.desired.repository(address)[1].instruments
        return ticket.instrument in instruments and not self.desired.skipped(ticket, address)

    def _has(self, address: RepositoryAddress, chain: CollectionName) -> bool:
        declared = self.desired.chains.get(chain)
        return declared is not None and self.desired.has_chain(address, declared.noun)

    def _loses(self, address: RepositoryAddress, chain: CollectionName, child: CollectionName) -> bool:
        """Say whether a child is not to be searched there either."""
        if not self._has(address, chain):
            return False
        ticket = self.desired.ticket_with(child)
        is_skipped = ticket is not None and self.desired.skipped(ticket.noun, address) is not None
        return is_skipped or child in self.desired.retired(self.desired.chains[chain].noun)

    def _not_passed(
        self, address: RepositoryAddress, ticket: Ticket, content: Mapping[str, str]
    ) -> str | None:
        shown = self.shown.get(address)
        reviewed = shown.tickets.get(ticket.name) if shown else None
        if reviewed is None:
            return self._nothing(address)
        if not reviewed.passed:
            return f"verify failed there at {reviewed.at}: {reviewed.why}"
        if any(reviewed.fingerprints.get(leaf) != fingerprint for leaf, fingerprint in content.items()):
            return f"verify passed there at {reviewed.at} with another content"
        return None

    def _not_searched(
        self, address: RepositoryAddress, chain: CollectionName, child: CollectionName
    ) -> str | None:
        if not self._has(address, chain):
            return None
        shown = self.shown.get(address)
        if shown is None or chain not in shown.chains:
            return self._nothing(address)
        return None if child in shown.chains[chain] else f"{chain} did not hold it there at {shown.at}"

    def _not_gone(
        self, address: RepositoryAddress, chain: CollectionName, child: CollectionName
    ) -> str | None:
        shown = self.shown.get(address)
        if shown is None or chain not in shown.chains:
            return self._nothing(address)
        if child in shown.chains[chain]:
            return f"{chain} still held it there at {shown.at}"
        listed = [ticket for c in shown.chains[chain] if (ticket := self.desired.ticket_with(c))]
        failed = next((told for ticket in listed if (told := self._failed(shown, ticket))), None)
        return failed and f"verify failed there for what answers instead: {failed}"

    def _failed(self, shown: PublishedReview, ticket: Written[Ticket]) -> str | None:
        reviewed = shown.tickets.get(ticket.noun.name)
        return f"{ticket.noun.ticket}: {reviewed.why}" if reviewed and not reviewed.passed else None

    def _another_order(
        self, address: RepositoryAddress, chain: CollectionName, children: Sequence[CollectionName]
    ) -> str | None:
        shown = self.shown.get(address)
        if shown is None or chain not in shown.chains:
            return self._nothing(address)
        there = shown.chains[chain]
        wanted, found = [c for c in children if c in there], [c for c in there if c in children]
        return None if wanted == found else f"{chain} had another order there at {shown.at}"

    def _nothing(self, address: RepositoryAddress) -> str:
        if why := self.unreadable.get(address):
            return f"what was published of it cannot be read: {why}"
        if hold := self.desired.hold_of(address):
            return f"verify has not passed there; it is on hold: {hold.reason}"
        return "verify has not passed there"


def _told(found: Iterable[tuple[RepositoryAddress, str | None]]) -> str | None:
    """Put what is waited for into a sentence, with the command that tells."""
    waits: dict[str, list[RepositoryAddress]] = {}
    for address, why in found:
        if why:
            waits.setdefault(why, []).append(address)
    if not waits:
        return None
    told = "; ".join(f"{', '.join(addresses)}: {why}" for why, addresses in waits.items())
    sites = sorted({_site(address) for addresses in waits.values() for address in addresses})
    again = " ".join(f"--site {site}" for site in sites)
    return f"waits for {told} (calibstate verify {again} --publish)"


def _site(address: RepositoryAddress) -> str:
    return address.site
