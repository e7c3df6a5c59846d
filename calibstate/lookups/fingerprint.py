"""Look at the live chains of repositories, and compare what they select."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from ..engine.expand import expand, places_of
from ..engine.side_by_side import side_by_side
from ..errors import Diagnostic, UnreachableError
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

__all__ = ["Compared", "Fingerprints", "SeenChain", "look_at_chains"]


@dataclass(frozen=True)
class SeenChain:
    """A live chain."""

    resolved: Resolved
    """What is effective through it."""

    collections: Mapping[str, str]
    """Fingerprint of each collection that is searched, in search order."""


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

    seen: Mapping[RepositoryAddress, Mapping[str, SeenChain]]
    """By address and chain; a chain that does not exist is left out."""

    unreachable: Mapping[RepositoryAddress, Diagnostic] = field(default_factory=dict)

    origins: frozenset[RepositoryAddress] = frozenset()
    """Repositories where calibrations are made."""

    def compared(self) -> Iterator[Compared]:
        """Yield each repository that selects otherwise than the reference.

        That is one whose effective fingerprint most have, and of several the
        origin, else the first by address.
        """
        for chain in sorted({name for chains in self.seen.values() for name in chains}):
            having = {a: chains[chain] for a, chains in sorted(self.seen.items()) if chain in chains}
            prints = [seen.resolved.fingerprint for seen in having.values()]
            shared = {a: prints.count(seen.resolved.fingerprint) for a, seen in having.items()}
            reference = max(having, key=lambda a: (shared[a], a in self.origins))
            for address, seen in having.items():
                told = tuple(differences(having[reference].resolved, seen.resolved))
                if told:
                    yield Compared(chain, reference, address, told)


def look_at_chains(
    desired: DesiredState,
    scope: Scope,
    places: ReadPlaces,
    seen: Callable[[int, int], None] = lambda done, total: None,
) -> Fingerprints:
    """Look at every declared chain of the repositories that are asked for.

    Parameters
    ----------
    desired, scope
        What is declared, and the part that is asked for.
    places
        Where to look.
    seen
        Told how many repositories have been looked at, of how many.
    """
    asked = {address: _chains(desired, scope, address) for address in places_of(desired, scope)}
    found: dict[RepositoryAddress, Mapping[str, SeenChain]] = {}
    unreachable: dict[RepositoryAddress, Diagnostic] = {}
    looks = {a: partial(_look, desired, places, a, chains) for a, chains in asked.items()}
    for done, (address, look) in enumerate(side_by_side(looks, places.timeout), 1):
        try:
            found[address] = look.result()
        except UnreachableError as error:
            unreachable[address] = error.diagnostics[0]
        seen(done, len(looks))
    origins = {desired.origin(i) for a in asked for i in desired.repository(a)[1].instruments}
    return Fingerprints(
        dict(sorted(found.items())), dict(sorted(unreachable.items())), frozenset(o for o in origins if o)
    )


def _chains(desired: DesiredState, scope: Scope, address: RepositoryAddress) -> list[str]:
    """Return the declared chains of a repository, without ticket chains."""
    here = Scope(repositories=(address,), instruments=scope.instruments)
    chains = Chain.among(declared.resource for declared in expand(desired, here))
    names = [chain.address.name for chain in chains]
    return [name for name in names if name in desired.chains]


def _look(
    desired: DesiredState, places: ReadPlaces, address: RepositoryAddress, chains: list[str]
) -> Mapping[str, SeenChain]:
    butler = places.butler(address)
    found = butler.collections(chains)
    leaves = {chain: flatten(butler, chain) for chain in chains if chain in found}
    names = list(dict.fromkeys(name for searched in leaves.values() for name in searched))
    held = butler.holdings(names, calibrations_only=True)
    prints = _fingerprints(desired, butler, held)
    return {
        chain: SeenChain(
            resolve([held[name] for name in searched if name in held]),
            {name: prints[name] for name in searched if name in prints},
        )
        for chain, searched in leaves.items()
    }


def _fingerprints(
    desired: DesiredState, butler: ButlerReader, held: Mapping[str, Holding]
) -> Mapping[str, str]:
    """Return the fingerprints of the collections that hold calibrations.

    The RUNs of tickets are read whole, as tickets are fingerprinted; others,
    such as those of raws, are not.
    """
    of_tickets = {leaf for written in desired.tickets.values() for leaf in written.noun.leaves}
    runs = [
        h.collection for h in held.values() if h.type is CollectionType.RUN and h.collection in of_tickets
    ]
    whole = {**held, **(butler.holdings(runs) if runs else {})}
    return {name: holding.fingerprint for name, holding in whole.items() if holding.rows}
