"""When a repository began, or ceased, to search a chain as it was declared.

It is told by the sights that are kept for good, each against the declaration
that it was looked at with.  What is in no commit, or was never looked at, is
not told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..engine.expand import chains_at
from ..model.desired import DesiredState
from ..model.names import CollectionName, RepositoryAddress
from ..model.pages import SearchTurn
from ..model.scope import Scope
from ..model.sights import Sight, children_of

__all__ = ["turns"]

_Children = tuple[CollectionName, ...]


def turns(
    address: RepositoryAddress,
    sights: Sequence[Sight],
    declared: Mapping[str, DesiredState],
) -> tuple[SearchTurn, ...]:
    """Return when a repository began or ceased to search as declared.

    Parameters
    ----------
    address
        The repository.
    sights
        What it showed, the newest first.
    declared
        What was declared, by its digest.
    """
    expected: dict[str, Mapping[CollectionName, _Children]] = {}
    last: dict[CollectionName, bool] = {}
    turned: list[SearchTurn] = []
    for sight in reversed(sights):
        desired = declared.get(sight.declared)
        # Somebody looked with a tree that was never committed.
        if desired is None:
            continue
        if sight.declared not in expected:
            expected[sight.declared] = dict(
                _expected(
                    desired,
                    address,
                )
            )
        declared_then = expected[sight.declared]
        for chain, children in declared_then.items():
            # A chain that is absent searches nothing.
            live = children_of(sight, chain) or ()
            is_as_declared = live == children
            was_as_declared = last.get(chain)
            last[chain] = is_as_declared
            # Of the first look it is not known what was before.
            if was_as_declared is None:
                continue
            if was_as_declared == is_as_declared:
                continue
            lacking = [name for name in children if name not in live]
            besides = [name for name in live if name not in children]
            instrument = desired.chains[chain].noun.instrument
            turn = SearchTurn(
                repository=address,
                instrument=instrument,
                chain=chain,
                at=sight.at,
                is_as_declared=is_as_declared,
                lacking=tuple(lacking),
                besides=tuple(besides),
            )
            turned.append(turn)
    turned.reverse()
    return tuple(turned)


def _expected(
    desired: DesiredState,
    address: RepositoryAddress,
) -> Iterator[tuple[CollectionName, _Children]]:
    """Yield the children of each declared chain of a repository."""
    here = Scope(repositories=(address,))
    for chain in chains_at(desired, here, address):
        # Collections of tickets are chains too.
        if chain.address.name in desired.chains:
            yield chain.address.name, chain.children
