"""Locks and journals in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    life: str = ""
    """Its last sign of life, in a sentence."""
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
        self.ours: dict[str, Holder] = {}

    @override
    @contextmanager
    def hold(self, place: str, *, why: str) -> Iterator[str | None]:
        ours = Holder(why=why)
        said = self._take(place, ours)
        self.ours[place] = ours
        try:
            yield said
            self.check(place)
        finally:
            del self.ours[place]
            if self.held.get(place) == ours:
                del self.held[place]

    @override
    def check(self, place: str) -> None:
        if self.held.get(place) != self.ours[place]:
            raise LockedError(Diagnostic("Lock was lost", f"The lock of {place} was broken.", hint="Ask."))

    @override
    def unlock(self, place: str, id: str | None, about_to: Callable[[str], None]) -> bool:
        if place not in self.held:
            return False
        there = self.held[place]
        if id != _name(there):
            raise _locked(place, there)
        if there and there.runs and there.host == Holder().host:
            detail = f"{there.who} works at {place}."
            raise LockedError(Diagnostic("Holder is alive", detail, hint="Stop it."))
        about_to(f"the lock of {place}, id {id}, is broken")
        del self.held[place]
        return True

    @override
    def is_abandoned(self, place: str) -> bool:
        there = self.held.get(place)
        return there is not None and not there.runs and there.host == Holder().host

    def _take(self, place: str, ours: Holder) -> str | None:
        there = self.held.get(place)
        if place in self.held and (there is None or there.runs or there.host != ours.host):
            raise _locked(place, there)
        self.held[place] = ours
        return f"The lock of {place} was taken over from {there.who}." if there else None


def _locked(place: str, there: Holder | None) -> LockedError:
    hint = f"Wait, or: calibstate unlock {place} --id {_name(there)}"
    if there is None:
        problem = Diagnostic("Lock cannot be read", f"The lock of {place} is damaged.", hint=hint)
        return LockedError(problem, holder=_name(there))
    detail = f"{place} is held by {there.who} on {there.host} since {there.since}: {there.why}. {there.life}"
    return LockedError(Diagnostic("Place is locked", detail.strip(), hint=hint), holder=there.id)


def _name(there: Holder | None) -> str:
    return there.id if there else "damaged-fake"


class MemoryJournal(Journal):
    """A journal in a list."""

    def __init__(self) -> None:
        self.lines: list[JournalLine] = []

    @property
    @override
    def name(self) -> str:
        return "memory"

    @override
    def write(self, line: JournalLine) -> None:
        self.lines.append(line)
