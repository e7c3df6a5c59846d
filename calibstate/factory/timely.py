"""Places that keep nobody waiting, however often they are asked.

A folder of records on a file server that is away says nothing, and nothing
that waits for it in the kernel can be interrupted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from typing_extensions import override

from ..engine.side_by_side import InTime, entered_in_time
from ..model.outcomes import JournalLine
from ..ports.records import Journal, Locks

__all__ = ["AskedFirst", "TimelyJournal", "TimelyLocks"]


class TimelyLocks(Locks):
    """Locks, each question to which is given up once it is silent.

    Parameters
    ----------
    locks
        What is asked.
    in_time
        Asks their store.
    """

    def __init__(self, locks: Locks, in_time: InTime) -> None:
        self._locks = locks
        self._in_time = in_time

    @override
    @contextmanager
    def hold(self, place: str, *, why: str) -> Iterator[str | None]:
        with entered_in_time(self._locks.hold(place, why=why), self._in_time) as taken_over:
            yield taken_over

    @override
    def check(self, place: str) -> None:
        self._in_time(partial(self._locks.check, place))

    @override
    def is_abandoned(self, place: str) -> bool:
        return self._in_time(partial(self._locks.is_abandoned, place))

    @override
    def unlock(self, place: str, id: str | None, about_to: Callable[[str], None]) -> bool:
        return self._in_time(partial(self._locks.unlock, place, id, about_to))


class TimelyJournal(Journal):
    """A journal that is given up once it is silent.

    Parameters
    ----------
    journal
        What is written to.
    in_time
        Asks its store.
    """

    def __init__(self, journal: Journal, in_time: InTime) -> None:
        self._journal = journal
        self._in_time = in_time

    @property
    @override
    def name(self) -> str:
        return self._journal.name

    @override
    def write(self, line: JournalLine) -> None:
        self._in_time(partial(self._journal.write, line))


class AskedFirst:
    """The archive or Rucio, not asked again in a run once it was silent.

    Parameters
    ----------
    port
        What is asked.
    asking
        Makes the context of a question; it raises where none is asked.
    """

    def __init__(self, port: Any, asking: Callable[[], AbstractContextManager[None]]) -> None:
        self._port = port
        self._asking = asking

    def __getattr__(self, name: str) -> Any:
        # What describes files elsewhere, or only puts words together, asks
        # nothing of it.
        if name in {"describe", "source"}:
            return getattr(self._port, name)
        with self._asking():
            value = getattr(self._port, name)
        if not callable(value):
            return value

        def ask(*arguments: Any, **options: Any) -> Any:
            with self._asking():
                return value(*arguments, **options)

        return ask
