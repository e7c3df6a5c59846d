"""What a change of the declaration says otherwise, in words of the field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from ..errors import Where
from .names import InstrumentName, RepositoryAddress, TicketKey
from .tickets import Ticket

__all__ = [
    "ChainChange",
    "Changes",
    "Gone",
    "NounChange",
    "OwnChange",
    "Placed",
    "SealChange",
    "Sentence",
    "TicketChange",
]


@dataclass(frozen=True)
class Placed:
    """An entry that enters a chain, or moves within it."""

    entry: str

    in_front_of: str | None
    """The entry that comes next and was there before; `None`: it is last."""


@dataclass(frozen=True)
class Gone:
    """An entry that leaves a chain."""

    entry: str

    retired: str | None
    """The reason; `None`: it is not retired, so it stays live as *extra*."""


@dataclass(frozen=True)
class ChainChange:
    """A chain that is declared otherwise."""

    chain: str
    instrument: InstrumentName
    where: Where

    repositories: tuple[RepositoryAddress, ...]
    """Those that have the chain."""

    is_new: bool = False
    is_gone: bool = False
    entered: tuple[Placed, ...] = ()
    """In search order."""

    left: tuple[Gone, ...] = ()
    """In the order that they had."""

    moved: tuple[Placed, ...] = ()

    retired: Mapping[str, str] | None = None
    """Newly retired without having been an entry, or for another reason, with
    their reasons."""

    unretired: tuple[str, ...] = ()
    """Retired no more, and not entered either."""

    expected: Mapping[str, tuple[str, ...]] | None = None
    """Where what others make is expected now, if that is declared otherwise;
    none: everywhere."""

    had_it: tuple[RepositoryAddress, ...] | None = None
    """Repositories that had the chain, if it is declared for others now."""

    def __bool__(self) -> bool:
        changes = self.entered or self.left or self.moved or self.retired or self.unretired or self.expected
        return bool(self.is_new or self.is_gone or changes or self.had_it is not None)


@dataclass(frozen=True)
class TicketChange:
    """A ticket that is declared otherwise."""

    key: TicketKey
    where: Where
    before: Ticket | None
    after: Ticket | None


@dataclass(frozen=True)
class SealChange:
    """A ticket whose seal is another."""

    key: TicketKey
    where: Where

    before: str | None
    """Digest."""

    after: str | None
    """Digest."""

    files: int
    """Of the newer one."""

    size: int
    """Bytes, of the newer one."""


@dataclass(frozen=True)
class NounChange:
    """A repository, or the settings, declared otherwise."""

    name: str
    """Address of the repository; ``calibstate.yaml``."""

    where: Where
    before: Mapping[str, Any] | None
    """As plain data; `None`: it was not declared."""

    after: Mapping[str, Any] | None
    """As plain data; `None`: it is declared no more."""


@dataclass(frozen=True)
class OwnChange(NounChange):
    """What a file of a kind's own declares otherwise."""

    folder: str
    """Folder of the file."""

    kind: str
    """What it declares, in a word."""


@dataclass(frozen=True)
class Changes:
    """All that is declared otherwise; each part by name."""

    chains: tuple[ChainChange, ...] = ()
    tickets: tuple[TicketChange, ...] = ()
    seals: tuple[SealChange, ...] = ()
    repositories: tuple[NounChange, ...] = ()
    settings: tuple[NounChange, ...] = ()
    own: tuple[OwnChange, ...] = ()
    """What kinds declare by files of their own."""

    def __bool__(self) -> bool:
        parts = (
            self.chains,
            self.tickets,
            self.seals,
            self.repositories,
            self.settings,
            self.own,
        )
        return any(parts)

    @property
    def touched(self) -> tuple[TicketKey, ...]:
        """Tickets whose approval matters: declared otherwise, or entering."""
        keys = {change.key for change in self.tickets}
        for change in self.seals:
            keys.add(change.key)
        # An entry that is no ticket is no ticket's key, and harms nobody.
        for chain in self.chains:
            for placed in chain.entered:
                keys.add(TicketKey(chain.instrument, placed.entry))
        return tuple(sorted(keys))


class Sentence(NamedTuple):
    """One thing that is declared otherwise, in words."""

    mark: Literal["+", "-", "~"]

    what: str
    """What it is about: tickets, a repository, the settings."""

    rest: str
    """What becomes of it, behind its name."""

    where: Where
    """The line that says so, or said so before."""
