"""Say what a ticket still waits for at a site: the wave before it.

What comes or goes at a site has come or gone at the sites of the wave before,
and `verify` has passed there.  That is known from what they published: a
site need not see the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..model.desired import DesiredState
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
        self,
        place: RepositoryAddress,
        ticket: Ticket,
        content: Mapping[str, str],
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
        waits = _Waits()
        for address in self._before(place, lambda address: self._takes(address, ticket)):
            waits.add(address, self._not_passed(address, ticket, content))
        return waits.sentence()

    def entry_waits(
        self,
        chain: Address,
        child: CollectionName,
        content: Mapping[str, str],
    ) -> str | None:
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
        written = self.desired.ticket_with(child)
        if written is None and child not in self.desired.chains:
            return None  # What others make comes when they have made it.
        waits = _Waits()
        if written is None:
            for address in self._before(chain.place, lambda address: self._has(address, chain.name)):
                waits.add(
                    address,
                    self._not_searched(address, chain.name, child),
                )
            return waits.sentence()
        ticket = written.noun
        for address in self._before(chain.place, lambda address: self._takes(address, ticket)):
            failed = self._not_passed(address, ticket, content)
            waits.add(
                address,
                failed or self._not_searched(address, chain.name, child),
            )
        return waits.sentence()

    def exit_waits(self, chain: Address, child: CollectionName) -> str | None:
        """Say what a child waits for before it leaves a declared chain."""
        waits = _Waits()
        name = chain.name
        for address in self._before(
            chain.place,
            lambda address: self._loses(address, name, child),
        ):
            waits.add(address, self._not_gone(address, name, child))
        return waits.sentence()

    def order_waits(
        self,
        chain: Address,
        children: Sequence[CollectionName],
    ) -> str | None:
        """Say what another search order waits for.

        Parameters
        ----------
        chain
            The chain.
        children
            Those that it will have, in their order.
        """
        waits = _Waits()
        for address in self._before(chain.place, lambda address: self._has(address, chain.name)):
            waits.add(
                address,
                self._another_order(address, chain.name, children),
            )
        return waits.sentence()

    def _before(
        self,
        place: RepositoryAddress,
        concerns: Callable[[RepositoryAddress], bool],
    ) -> list[RepositoryAddress]:
        """Return those of the nearest wave before that it concerns."""
        # The waves before that of the site, in their order.
        before: list[tuple[str, ...]] = []
        for wave in self.desired.settings.noun.waves:
            if place.site in wave:
                break
            before.append(wave)
        else:
            return []  # The site is in no wave.
        # A wave that the change does not concern is passed over.
        for wave in reversed(before):
            concerned = []
            for address in self.desired.repositories:
                if address.site in wave and concerns(address):
                    concerned.append(address)
            if concerned:
                # Nobody waits for a site that will have done its part.
                return [address for address in concerned if address.site not in self.after]
        return []

    def _takes(self, address: RepositoryAddress, ticket: Ticket) -> bool:
        instruments = self.desired.repository(address)[1].instruments
        return ticket.instrument in instruments and not self.desired.skipped(ticket, address)

    def _has(self, address: RepositoryAddress, chain: CollectionName) -> bool:
        declared = self.desired.chains.get(chain)
        return declared is not None and self.desired.has_chain(address, declared.noun)

    def _loses(
        self,
        address: RepositoryAddress,
        chain: CollectionName,
        child: CollectionName,
    ) -> bool:
        """Say whether a child is not to be searched there either."""
        if not self._has(address, chain):
            return False
        ticket = self.desired.ticket_with(child)
        if ticket and self.desired.skipped(ticket.noun, address) is not None:
            return True
        return child in self.desired.retired(self.desired.chains[chain].noun)

    def _not_passed(
        self,
        address: RepositoryAddress,
        ticket: Ticket,
        content: Mapping[str, str],
    ) -> str | None:
        """Say why `verify` has not passed for this content of a ticket."""
        review = self.shown.get(address)
        if review is None:
            return self._nothing(address)
        reviewed = review.tickets.get(ticket.name)
        if reviewed is None:
            return self._nothing(address)
        if not reviewed.passed:
            return f"verify failed there at {reviewed.at}: {reviewed.why}"
        # What passed must be what would come, not an earlier content.
        for leaf, fingerprint in content.items():
            if reviewed.fingerprints.get(leaf) != fingerprint:
                return f"verify passed there at {reviewed.at} with another content"
        return None

    def _not_searched(
        self,
        address: RepositoryAddress,
        chain: CollectionName,
        child: CollectionName,
    ) -> str | None:
        """Say that a chain did not hold a child yet."""
        if not self._has(address, chain):
            return None
        review = self.shown.get(address)
        if review is None or chain not in review.chains:
            return self._nothing(address)
        if child in review.chains[chain]:
            return None
        return f"{chain} did not hold it there at {review.at}"

    def _not_gone(
        self,
        address: RepositoryAddress,
        chain: CollectionName,
        child: CollectionName,
    ) -> str | None:
        """Say that a chain still held a child, or does not pass without it."""
        review = self.shown.get(address)
        if review is None or chain not in review.chains:
            return self._nothing(address)
        if child in review.chains[chain]:
            return f"{chain} still held it there at {review.at}"
        # Other tickets of the chain answer now, and must have passed.
        for other in review.chains[chain]:
            ticket = self.desired.ticket_with(other)
            if ticket is None:
                continue
            reviewed = review.tickets.get(ticket.noun.name)
            if reviewed and not reviewed.passed:
                failed = f"{ticket.noun.ticket}: {reviewed.why}"
                return f"verify failed there for what answers instead: {failed}"
        return None

    def _another_order(
        self,
        address: RepositoryAddress,
        chain: CollectionName,
        children: Sequence[CollectionName],
    ) -> str | None:
        """Say that a chain searched common children in another order."""
        review = self.shown.get(address)
        if review is None or chain not in review.chains:
            return self._nothing(address)
        there = review.chains[chain]
        # Only what both have can be in another order.
        wanted_order = [child for child in children if child in there]
        order_there = [child for child in there if child in children]
        if order_there == wanted_order:
            return None
        return f"{chain} had another order there at {review.at}"

    def _nothing(self, address: RepositoryAddress) -> str:
        """Say why a repository has published nothing that would do."""
        unreadable = self.unreadable.get(address)
        if unreadable:
            return f"what was published of it cannot be read: {unreadable}"
        hold = self.desired.hold_of(address)
        if hold:
            return f"verify has not passed there; it is on hold: {hold.reason}"
        return "verify has not passed there"


@dataclass
class _Waits:
    """What is waited for, by its reason."""

    addresses: dict[str, list[RepositoryAddress]] = field(default_factory=dict)

    def add(self, address: RepositoryAddress, reason: str | None) -> None:
        """Add what a repository has not done yet; `None`: it has all done."""
        if reason:
            self.addresses.setdefault(reason, []).append(address)

    def sentence(self) -> str | None:
        """Say what is waited for, with the command that tells."""
        if not self.addresses:
            return None
        waits = []
        sites: set[str] = set()
        for reason, addresses in self.addresses.items():
            waits.append(f"{', '.join(addresses)}: {reason}")
            sites.update(address.site for address in addresses)
        # One command that runs `verify` for all that are waited for.
        options = " ".join(f"--site {site}" for site in sorted(sites))
        return f"waits for {'; '.join(waits)} (calibstate verify {options} --publish)"
