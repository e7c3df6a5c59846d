"""Locks and journals in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from typing_extensions import override

from calibstate.errors import Diagnostic, LockedError
from calibstate.model.outcomes import JournalLine
from calibstate.ports.records import Journal, Locks

__all__ = ["Holder", "MemoryJournal", "MemoryLocks"]


@dataclass(frozen=True)
class Holder:
    """Who holds a lock."""

    who: str = "we"
    host: str = "here"
    since: str = "2026-11-22T18:00:00Z"
    why: str = "test"
    runs: bool = True
    id: str = field(default_factory=lambda: uuid4().hex)


class MemoryLocks(Locks):
    """Locks in a dictionary; several of them can share it.

    Parameters
    ----------
    held
        Holder by place; `None` stands for a lock that cannot be read.
    """

    def __init__(self, held: dict[str, Holder | None] | None = None) -> None:
        self.held: dict[str, Holder | None] = {} if held is None else held

    @override
    @contextmanager
    def hold(self, place: str, *, why: str) -> Iterator[str | None]:
        ours = Holder(why=why)
        said = self._take(place, ours)
        try:
            yield said
        finally:
            if self.held.get(place) == ours:
                del self.held[place]

    @override
    def is_abandoned(self, place: str) -> bool:
        there = self.held.get(place)
        return there is not None and not there.runs and there.host == Holder().host

    def _take(self, place: str, ours: Holder) -> str | None:
        known, there = place in self.held, self.held.get(place)
        if known and there is None:
            raise LockedError(Diagnostic("Lock cannot be read", f"The lock of {place} is damaged."))
        if there is not None and (there.runs or there.host != ours.host):
            detail = f"{place} is held by {there.who} on {there.host} since {there.since}: {there.why}."
            raise LockedError(Diagnostic("Place is locked", detail, hint="Wait."))
        self.held[place] = ours
        return f"The lock of {place} was taken over from {there.who}." if there else None


class MemoryJournal(Journal):
    """A journal in a list."""

    def __init__(self) -> None:
        self.lines: list[JournalLine] = []

    @override
    def write(self, line: JournalLine) -> None:
        self.lines.append(line)
