"""What changes in some chains, so that what is the same is told once.

Chains that search something else may still find the same: a repository that
lacks an old ticket gets the new one all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter

from ..model.impacts import ChainImpact, Change, Effect
from ..model.names import InstrumentName, RepositoryAddress
from .messages import grouped

__all__ = ["Block", "PlacedChange", "StepsAt", "blocks", "named"]

_GRAVEST_FIRST = tuple(Effect)

ChainAt = tuple[RepositoryAddress, str]
"""A repository, and the name of a chain there."""


@dataclass(frozen=True)
class StepsAt:
    """What was done to chains, and to which of them."""

    where: str
    """The chains, with their repositories."""

    entered: tuple[str, ...]
    left: tuple[str, ...]
    moved: tuple[str, ...]


@dataclass(frozen=True)
class PlacedChange:
    """A change, and through which chains of its block it is the same."""

    change: Change

    where: str
    """The chains with their repositories, or these alone where the chains of
    the block are called the same; empty: all of the block."""

    repositories: tuple[RepositoryAddress, ...]
    """Those at which it is."""


@dataclass(frozen=True)
class Block:
    """Chains that have a change in common, told together."""

    impacts: tuple[ChainImpact, ...]
    """What becomes of them, each with chains that search the same."""

    @property
    def instrument(self) -> InstrumentName:
        """The instrument of all of them."""
        return self.impacts[0].instrument

    @property
    def steps(self) -> tuple[StepsAt, ...]:
        """What enters, leaves or moves, where that is the same once."""
        alike = grouped(
            self.impacts,
            lambda impact: (impact.entered, impact.left, impact.moved),
        )
        steps: list[StepsAt] = []
        for (entered, left, moved), impacts in alike.items():
            where = named(_chains(impacts))
            steps.append(StepsAt(where, entered, left, moved))
        return tuple(steps)

    @property
    def changes(self) -> tuple[PlacedChange, ...]:
        """Every change once, the gravest first."""
        having: dict[Change, list[ChainImpact]] = {}
        for impact in self.impacts:
            for change in impact.changes:
                having.setdefault(change, []).append(impact)
        changes: list[PlacedChange] = []
        for change, impacts in having.items():
            where = ""
            if len(impacts) < len(self.impacts):
                where = self._where(_chains(impacts))
            repositories = dict.fromkeys(address for address, _ in _chains(impacts))
            changes.append(PlacedChange(change, where, tuple(repositories)))
        # Those of one impact are in order already, and stay in it.
        if len(self.impacts) > 1:
            changes.sort(key=_weight)
        return tuple(changes)

    def _where(self, chains: Sequence[ChainAt]) -> str:
        """Name some of the chains."""
        names = {name for _, name in _chains(self.impacts)}
        if len(names) > 1:
            return named(chains)
        return ", ".join(address for address, _ in chains)


def blocks(impacts: Sequence[ChainImpact]) -> tuple[Block, ...]:
    """Return impacts in blocks; those that share a change are of one.

    Parameters
    ----------
    impacts
        What becomes of chains.
    """
    gathered: list[list[ChainImpact]] = []
    for impact in impacts:
        apart: list[list[ChainImpact]] = []
        together = [impact]
        # One may share something with several that share nothing so far.
        for others in gathered:
            if any(_share(impact, other) for other in others):
                together = [*others, *together]
            else:
                apart.append(others)
        gathered = [*apart, together]
    in_order = sorted(
        gathered,
        key=lambda members: min(impacts.index(member) for member in members),
    )
    return tuple(Block(tuple(members)) for members in in_order)


def named(chains: Iterable[ChainAt]) -> str:
    """Name chains, each with its repositories.

    Parameters
    ----------
    chains
        Repositories, each with the name of a chain there.
    """
    places: list[str] = []
    for name, alike in grouped(chains, itemgetter(1)).items():
        repositories = ", ".join(address for address, _ in alike)
        places.append(f"{name} at {repositories}")
    return "; ".join(places)


def _chains(impacts: Iterable[ChainImpact]) -> list[ChainAt]:
    chains: list[ChainAt] = []
    for impact in impacts:
        chains.extend(impact.chains)
    return chains


def _share(impact: ChainImpact, other: ChainImpact) -> bool:
    """Return whether two impacts have a change in common."""
    if impact.instrument != other.instrument:
        return False
    return not set(impact.changes).isdisjoint(other.changes)


def _weight(placed: PlacedChange) -> tuple[int, str, int, tuple[str, ...]]:
    """Return by what changes of several impacts are sorted."""
    change = placed.change
    gravity = _GRAVEST_FIRST.index(change.effect)
    return gravity, change.dataset_type, change.begin, change.data_ids
