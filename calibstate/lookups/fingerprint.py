"""Look at the live chains of repositories, and compare what they select."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from ..engine.expand import expand, places_of
from ..engine.side_by_side import gather
from ..errors import Diagnostic
from ..kinds.chain import Chain
from ..model.contents import CollectionType, Holding
from ..model.desired import DesiredState
from ..model.differences import Difference, differences
from ..model.effective import Resolved
from ..model.names import RepositoryAddress
from ..model.scope import Scope
from ..ports.butler import ButlerReader
from ..ports.places import ReadPlaces
from .effective import flatten
from .resolve import resolve

__all__ = [
    "Compared",
    "Fingerprints",
    "SeenChain",
    "SeenChains",
    "declared_chains",
    "look_at_chains",
    "look_at_repository",
    "origins_of",
    "reference_among",
]


@dataclass(frozen=True)
class SeenChain:
    """A live chain."""

    resolved: Resolved
    """What is effective through it."""

    collections: Mapping[str, str]
    """Fingerprint of each collection that is searched, in search order."""


_ByAddress = dict[RepositoryAddress, Resolved]
"""What is effective through one chain, by repository."""

SeenChains = Mapping[str, SeenChain]
"""The chains of one repository, by name."""


@dataclass(frozen=True)
class Compared:
    """How one repository selects otherwise than another."""

    chain: str
    reference: RepositoryAddress
    repository: RepositoryAddress
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class Fingerprints:
    """The live chains of repositories, side by side."""

    chains: Mapping[RepositoryAddress, SeenChains]
    """By address and chain; a chain that does not exist is left out."""

    unreachable: Mapping[RepositoryAddress, Diagnostic] = field(default_factory=dict)

    origins: frozenset[RepositoryAddress] = frozenset()
    """Repositories where calibrations are made."""

    def compared(self) -> Iterator[Compared]:
        """Yield each repository that selects otherwise than the reference.

        That is one whose effective fingerprint most have, and of several the
        origin, else the first by address.
        """
        by_chain: dict[str, _ByAddress] = {}
        for address in sorted(self.chains):
            chains_there = self.chains[address]
            for name, chain_there in chains_there.items():
                having = by_chain.setdefault(name, {})
                having[address] = chain_there.resolved
        for name, having in sorted(by_chain.items()):
            fingerprints: dict[RepositoryAddress, str] = {}
            for address, resolved in having.items():
                fingerprints[address] = resolved.fingerprint
            reference = self.reference(fingerprints)
            wanted = having[reference]
            for address, resolved in having.items():
                parts = tuple(differences(wanted, resolved))
                if parts:
                    yield Compared(name, reference, address, parts)

    def reference(self, having: Mapping[RepositoryAddress, str]) -> RepositoryAddress:
        """Return the repository that all others are compared with.

        Parameters
        ----------
        having
            The effective fingerprint of one chain, by address in order.
        """
        return reference_among(having, self.origins)


def reference_among(
    having: Mapping[RepositoryAddress, str],
    origins: Container[RepositoryAddress],
) -> RepositoryAddress:
    """Return the repository that all others are compared with.

    Parameters
    ----------
    having
        The effective fingerprint of one chain, by address in order.
    origins
        Repositories where calibrations are made.
    """
    number = Counter(having.values())
    most = max(number.values())
    having_most: list[RepositoryAddress] = []
    for address, fingerprint in having.items():
        if number[fingerprint] == most:
            having_most.append(address)
    for address in having_most:
        if address in origins:
            return address
    return having_most[0]


def look_at_chains(
    desired: DesiredState,
    scope: Scope,
    places: ReadPlaces,
    counted: Callable[[int, int], None] = lambda done, total: None,
) -> Fingerprints:
    """Look at every declared chain of the repositories that are asked for.

    Parameters
    ----------
    desired, scope
        What is declared, and the part that is asked for.
    places
        Where to look.
    counted
        Told how many repositories have been looked at, of how many.
    """
    origins: set[RepositoryAddress] = set()
    looks: dict[RepositoryAddress, Callable[[], SeenChains]] = {}
    for address in places_of(desired, scope):
        here = Scope(
            repositories=(address,),
            instruments=scope.instruments,
        )
        names = declared_chains(desired, here)
        looks[address] = partial(
            look_at_repository,
            desired,
            places,
            address,
            names,
        )
        origins |= origins_of(desired, address)
    gathered = gather(looks, places.timeout, counted)
    return Fingerprints(
        gathered.results,
        gathered.unreachable,
        frozenset(origins),
    )


def origins_of(desired: DesiredState, address: RepositoryAddress) -> set[RepositoryAddress]:
    """Return where the calibrations of a repository are made.

    Parameters
    ----------
    desired
        What is declared.
    address
        The repository.
    """
    origins: set[RepositoryAddress] = set()
    _, declared = desired.repository(address)
    for instrument in declared.instruments:
        origin = desired.origin(instrument)
        if origin:
            origins.add(origin)
    return origins


def declared_chains(desired: DesiredState, here: Scope) -> list[str]:
    """Return the names of declared chains, without those of tickets.

    Parameters
    ----------
    desired, here
        What is declared, and the part that is asked for.
    """
    names: list[str] = []
    declared = expand(desired, here)
    resources = [each.resource for each in declared]
    for chain in Chain.among(resources):
        name = chain.address.name
        # Chains of tickets have no file of their own.
        if name in desired.chains:
            names.append(name)
    return names


def look_at_repository(
    desired: DesiredState,
    places: ReadPlaces,
    address: RepositoryAddress,
    chains: Sequence[str],
) -> SeenChains:
    """Return the chains of a repository that exist, by all their rows.

    Parameters
    ----------
    desired
        What is declared.
    places
        Where to look.
    address
        The repository.
    chains
        Names of chains.

    Raises
    ------
    UnreachableError
        It cannot be looked at.
    """
    butler = places.butler(address)
    existing = butler.collections(chains)
    leaves_of: dict[str, Sequence[str]] = {}
    for name in chains:
        if name in existing:
            leaves_of[name] = flatten(butler, name)
    # What several chains search is read once.
    leaves: dict[str, None] = {}
    for searched in leaves_of.values():
        leaves.update(dict.fromkeys(searched))
    names = list(leaves)
    holdings = butler.holdings(names, calibrations_only=True)
    fingerprints = _fingerprints(desired, butler, holdings)
    chains_there: dict[str, SeenChain] = {}
    for name_of_chain, searched in leaves_of.items():
        # A collection may have gone since it was listed.
        still_there: list[Holding] = []
        prints: dict[str, str] = {}
        for name in searched:
            if name in holdings:
                still_there.append(holdings[name])
            if name in fingerprints:
                prints[name] = fingerprints[name]
        resolved = resolve(still_there)
        chains_there[name_of_chain] = SeenChain(resolved, prints)
    return chains_there


def _fingerprints(
    desired: DesiredState,
    butler: ButlerReader,
    holdings: Mapping[str, Holding],
) -> Mapping[str, str]:
    """Return the fingerprints of the collections that hold calibrations.

    The RUNs of tickets are read whole, as tickets are fingerprinted; others,
    such as those of raws, are not.
    """
    of_tickets: set[str] = set()
    for written in desired.tickets.values():
        of_tickets.update(written.noun.leaves)
    runs: list[str] = []
    for holding in holdings.values():
        is_of_ticket = holding.collection in of_tickets
        if is_of_ticket and holding.type is CollectionType.RUN:
            runs.append(holding.collection)
    whole = dict(holdings)
    if runs:
        whole |= butler.holdings(runs)
    fingerprints: dict[str, str] = {}
    for name, holding in whole.items():
        if holding.rows:
            fingerprints[name] = holding.fingerprint
    return fingerprints
