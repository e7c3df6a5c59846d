"""What a change of the declaration really does: which lookups it changes."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property

from ..errors import Where
from .contents import Holding
from .desired import DesiredState
from .names import InstrumentName, RepositoryAddress
from .scope import Scope
from .seals import Seal
from .timespans import Range

__all__ = ["Affected", "ChainImpact", "Change", "Effect", "Impact", "Shadowed", "Sources", "Unknown", "Via"]


Sources = Sequence[tuple[str, Holding | Seal]]
"""Collections in search order, each with who tells what it holds."""


class Effect(Enum):
    """What becomes of a lookup; the gravest first."""

    LOST = "lost"
    """It found a calibration, and finds none any more."""

    REVERTED = "reverted"
    """It finds one that was searched before already, behind the one that it
    found: an older one, since the newest are searched first."""

    REPLACED = "replaced"
    """It finds one that was not searched before."""

    NEWLY_COVERED = "newly covered"
    """It found none, and finds one now."""

    SAME_CONTENT = "same content"
    """It finds another dataset, with the same bytes."""


@dataclass(frozen=True, order=True)
class Via:
    """Where a calibration is found."""

    collection: str
    """The collection that decides."""

    run: str | None
    """RUN of the dataset; `None` where a seal does not tell it."""


@dataclass(frozen=True)
class Change:
    """Lookups of one type, in one range, that all change alike."""

    dataset_type: str

    data_ids: tuple[str, ...]
    """As text, sorted."""

    begin: int
    """Nanoseconds of TAI."""

    end: int
    """Nanoseconds of TAI."""

    before: Via | None
    """`None`: nothing is found."""

    after: Via | None
    """`None`: nothing is found."""

    effect: Effect

    @property
    def span(self) -> Range:
        """The range, in nanoseconds of TAI."""
        return (self.begin, self.end)


@dataclass(frozen=True, order=True)
class Shadowed:
    """A collection that can never win any more.

    For all that it holds, something that is searched before it wins.
    """

    collection: str

    ticket: str
    """The ticket that lists it; empty: none does."""

    whole: bool
    """Whether the same is true of all collections of the ticket there."""

    where: Where | None
    """The line that has the ticket searched."""


@dataclass(frozen=True, order=True)
class Unknown:
    """A collection of which nobody can tell from here what it holds."""

    collection: str

    ticket: str
    """The ticket that lists it; empty: others make it."""

    moved: bool
    """Whether it enters the chain, leaves it, or changes its place: then
    nothing is known of what that does."""


@dataclass(frozen=True)
class ChainImpact:
    """What becomes of lookups through a chain.

    Chains that search the same, before and after, are told together.
    """

    chains: tuple[tuple[RepositoryAddress, str], ...]
    """Repositories, each with the name of the chain."""

    instrument: InstrumentName

    entered: tuple[str, ...]
    """What begins to be searched, in search order: a ticket or collection."""

    left: tuple[str, ...]
    """What is searched no more, in the order that it had."""

    moved: tuple[str, ...]
    """What changes its place among what stays."""

    changes: tuple[Change, ...]
    """The gravest first, then by dataset type and begin."""

    shadowed: tuple[Shadowed, ...] = ()
    """What can never win any more, and could before or was not there."""

    unknown_in: tuple[tuple[Unknown, ...], ...] = ()
    """What was taken for empty, for each of the chains: one that changes only
    by a chain within it searches more than that one."""

    searched: tuple[Sources, Sources] = field(default=((), ()), repr=False, compare=False)
    """What is searched before and after, as far as it is known."""

    @property
    def steps(self) -> tuple[str, ...]:
        """What enters, leaves or moves."""
        return (*self.entered, *self.left, *self.moved)

    @property
    def unknown(self) -> tuple[Unknown, ...]:
        """What was taken for empty, in whichever of the chains."""
        unknown: dict[Unknown, None] = {}
        for of_chain in self.unknown_in:
            unknown.update(dict.fromkeys(of_chain))
        return tuple(unknown)

    @property
    def silent(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self.steps or self.changes or self.shadowed)

    def about(self, words: Set[str]) -> ChainImpact:
        """Return what of it is about some tickets.

        Parameters
        ----------
        words
            The tickets, and their collections.
        """
        changes: list[Change] = []
        for change in self.changes:
            vias = (change.before, change.after)
            if any(via.collection in words for via in vias if via):
                changes.append(change)
        unknown_in = []
        for of_chain in self.unknown_in:
            about = []
            for unknown in of_chain:
                if unknown.collection in words:
                    about.append(unknown)
            unknown_in.append(tuple(about))
        return replace(
            self,
            entered=tuple(word for word in self.entered if word in words),
            left=tuple(word for word in self.left if word in words),
            moved=tuple(word for word in self.moved if word in words),
            changes=tuple(changes),
            shadowed=tuple(hidden for hidden in self.shadowed if hidden.collection in words),
            unknown_in=tuple(unknown_in),
        )


@dataclass(frozen=True)
class Affected:
    """An exposure whose lookups change."""

    exposure: int

    day_obs: int
    """Its observing day, ``YYYYMMDD``."""

    physical_filter: str
    """Empty where it has none."""

    dataset_types: tuple[str, ...]
    """Of which it gets another calibration, or none, or one at last."""

    ambiguous: tuple[str, ...] = ()
    """Of which its lookup fails then: it reaches into two certifications of
    one collection, and the butler refuses to choose."""


@dataclass(frozen=True)
class Impact:
    """What a change of the declaration does."""

    chains: tuple[ChainImpact, ...]
    """Those that change; by repository and name."""

    repositories: tuple[RepositoryAddress, ...]
    """All that were compared."""

    gone: tuple[RepositoryAddress, ...] = ()
    """Repositories that are not declared any more."""

    exposures: tuple[Affected, ...] = ()
    """Exposures whose lookups change, where they were asked for."""

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """Every change, those of chains that are told together once."""
        changes: list[Change] = []
        for chain in self.chains:
            changes.extend(chain.changes)
        return tuple(changes)

    @property
    def changes_of_content(self) -> tuple[Change, ...]:
        """Every change but those that bring the same bytes."""
        return tuple(change for change in self.changes if change.effect is not Effect.SAME_CONTENT)

    def about_tickets(self, scope: Scope, *declared: DesiredState | None) -> Impact:
        """Return what of it is about the tickets that are asked for.

        Parameters
        ----------
        scope
            It says which.
        *declared
            The declarations that were compared.
        """
        chains: list[ChainImpact] = []
        for impact in self.chains:
            words: set[str] = set()
            # A ticket may have held more before, or other things.
            for desired in declared:
                if desired is not None:
                    words.update(desired.words_of_tickets(scope, impact.instrument))
            chain = impact.about(words)
            if not chain.silent:
                chains.append(chain)
        return replace(self, chains=tuple(chains))
