"""Compare live chains by fingerprint, and by their rows where they differ.

Where somebody published a sight, it has the fingerprints; the rows behind it,
hundreds of megabytes, are read only to tell where two repositories part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from ..engine.expand import places_of
from ..engine.side_by_side import gather
from ..errors import Diagnostic
from ..model.desired import DesiredState
from ..model.differences import differences
from ..model.names import RepositoryAddress
from ..model.results.lookups import ChainFingerprint
from ..model.scope import Scope
from ..ports.places import ReadPlaces
from .fingerprint import (
    Compared,
    SeenChains,
    declared_chains,
    look_at_chains,
    look_at_repository,
    origins_of,
    reference_among,
)
from .published import prints_of_sight

__all__ = ["SeenPrints", "compare_prints", "look_at_prints"]

_PrintsThere = Mapping[str, ChainFingerprint]
"""Of one repository, by chain."""


@dataclass
class SeenPrints:
    """The fingerprints of live chains, by repository."""

    prints: dict[RepositoryAddress, _PrintsThere]

    rows: dict[RepositoryAddress, SeenChains]
    """The chains of repositories whose rows were read."""

    unreachable: dict[RepositoryAddress, Diagnostic]

    origins: set[RepositoryAddress] = field(default_factory=set)
    """Repositories where calibrations are made."""

    def pairs(self) -> Iterator[tuple[str, RepositoryAddress, RepositoryAddress]]:
        """Yield chain, reference and repository where these two differ."""
        by_chain: dict[str, dict[RepositoryAddress, str]] = {}
        for address in sorted(self.prints):
            for name, chain in self.prints[address].items():
                by_chain.setdefault(name, {})[address] = chain.effective
        for name, having in sorted(by_chain.items()):
            reference = reference_among(having, self.origins)
            for address, fingerprint in having.items():
                if fingerprint != having[reference]:
                    yield name, reference, address

    def unread(self) -> tuple[RepositoryAddress, ...]:
        """Return those that differ, and whose rows were not read."""
        unread: set[RepositoryAddress] = set()
        for _, reference, repository in self.pairs():
            unread |= {reference, repository}
        return tuple(sorted(unread - self.rows.keys()))


def look_at_prints(
    desired: DesiredState,
    scope: Scope,
    places: ReadPlaces,
    counted: Callable[[int, int], None] = lambda done, total: None,
) -> SeenPrints:
    """Return the fingerprints of every declared chain that is asked for.

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
    looks: dict[RepositoryAddress, Callable[[], _There]] = {}
    for address in places_of(desired, scope):
        here = Scope(
            repositories=(address,),
            instruments=scope.instruments,
        )
        looks[address] = partial(
            _look,
            desired,
            here,
            places,
            address,
        )
        origins |= origins_of(desired, address)
    gathered = gather(looks, places.timeout, counted)
    prints: dict[RepositoryAddress, _PrintsThere] = {}
    rows: dict[RepositoryAddress, SeenChains] = {}
    for address, there in gathered.results.items():
        prints[address] = there.prints
        if there.chains is not None:
            rows[address] = there.chains
    return SeenPrints(
        prints,
        rows,
        dict(gathered.unreachable),
        origins,
    )


def compare_prints(
    desired: DesiredState,
    scope: Scope,
    places: ReadPlaces,
    live: SeenPrints,
) -> Iterator[Compared]:
    """Yield each repository that selects otherwise than the reference.

    Parameters
    ----------
    desired, scope, places
        As for `look_at_prints`.
    live
        What that returned.  It is what the rows tell where these are read, and
        repositories whose rows cannot be read become unreachable in it.
    """
    # Without one that is unreachable another may be the reference, whose rows
    # were not read yet.
    while unread := live.unread():
        narrowed = replace(
            scope,
            sites=(),
            repositories=unread,
        )
        by_rows = look_at_chains(desired, narrowed, places)
        for address, chains in by_rows.chains.items():
            # A file of somebody else need not be what it says.
            live.prints[address] = _prints_of(chains)
            live.rows[address] = chains
        for address, trouble in by_rows.unreachable.items():
            live.unreachable[address] = trouble
            del live.prints[address]
    for name, reference, address in live.pairs():
        wanted = live.rows[reference][name].resolved
        resolved = live.rows[address][name].resolved
        parts = tuple(differences(wanted, resolved))
        if parts:
            yield Compared(name, reference, address, parts)


@dataclass(frozen=True)
class _There:
    """What one repository showed."""

    prints: _PrintsThere

    chains: SeenChains | None = None
    """`None`: its rows were not read."""


def _look(
    desired: DesiredState,
    here: Scope,
    places: ReadPlaces,
    address: RepositoryAddress,
) -> _There:
    """Return the fingerprints of a repository, by its sight or by its rows."""
    names = declared_chains(desired, here)
    sight = places.sight_instead(address)
    if sight:
        of_sight = prints_of_sight(desired, sight, names)
        if of_sight is not None:
            return _There(of_sight)
    chains = look_at_repository(desired, places, address, names)
    return _There(_prints_of(chains), chains)


def _prints_of(chains: SeenChains) -> _PrintsThere:
    prints: dict[str, ChainFingerprint] = {}
    for name, chain in chains.items():
        prints[name] = ChainFingerprint(chain.resolved.fingerprint, chain.collections)
    return prints
