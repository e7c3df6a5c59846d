"""Hold places, so that nobody else changes them meanwhile.

A place is held by its lock in `records`; and a repository whose database can
keep others away by that too, since they may keep their `records` elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import timedelta
from functools import partial
from itertools import chain, repeat
from typing import TypeVar

from ..errors import CalibstateError, Diagnostic, LockedError
from ..model.names import ARCHIVE, RUCIO, Place
from ..model.observations import duration
from ..ports.places import LockedPlaces
from .side_by_side import entered_in_time, in_time, leave_behind

__all__ = ["Holds", "Patience"]

_PAUSES = (0.5, 1, 2, 4)
"""Seconds between the first tries; then `_PAUSE`."""

_PAUSE = 5

_T = TypeVar("_T")


class Patience:
    """How long a run waits, in all, for what others hold.

    Parameters
    ----------
    limit
        After this long it gives up; at once unless told.
    tell
        Told for whom it waits.
    stopping
        Says whether it is to wait no longer.
    sleep
        Waits some seconds.
    clock
        Seconds that only grow.
    """

    def __init__(
        self,
        limit: timedelta = timedelta(),
        tell: Callable[[str], None] = lambda words: None,
        stopping: Callable[[], bool] = lambda: False,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._left = limit.total_seconds()
        self._tell = tell
        self._stopping = stopping
        self._sleep = sleep
        self._clock = clock

    def enter(
        self,
        stack: ExitStack,
        make: Callable[[], AbstractContextManager[_T]],
    ) -> _T:
        """Enter a context, again and again while others hold it.

        Parameters
        ----------
        stack
            What leaves it.
        make
            Makes the context.

        Raises
        ------
        LockedError
            It was held for longer than is waited.
        """
        announced = ""
        for pause in chain(_PAUSES, repeat(_PAUSE)):
            began = self._clock()
            try:
                return stack.enter_context(make())
            except LockedError as error:
                if self._left <= 0 or self._stopping():
                    raise
                first = error.first
                # Who holds it is told once; the words tell its last sign of
                # life, which changes with each try.
                holder = error.holder or first.detail
                if holder != announced:
                    left = duration(timedelta(seconds=self._left))
                    self._tell(f"{first.detail} Waiting, for {left} at most.")
                announced = holder
            self._sleep(min(pause, self._left))
            self._left -= self._clock() - began
        raise AssertionError("there is always another pause")


class Holds:
    """Places that a run holds.

    Parameters
    ----------
    places
        What can be held.
    tell
        Told what a person should know, such as a lock that was taken over.
    patience
        How long is waited.
    """

    def __init__(
        self,
        places: LockedPlaces,
        tell: Callable[[str], None] = lambda words: None,
        patience: Patience | None = None,
    ) -> None:
        self._places = places
        self._tell = tell
        self._patience = patience or Patience()
        self._stacks: dict[str, ExitStack] = {}
        self._checks: dict[str, list[Callable[[], None]]] = {}

    def __enter__(self) -> Holds:
        return self

    def __exit__(
        self,
        type_: object,
        trouble: BaseException | None,
        where: object,
    ) -> None:
        try:
            self.close()
        except CalibstateError:
            # What went wrong inside is told, rather than what follows from it.
            if trouble is None:
                raise

    def take(self, place: str, why: str) -> None:
        """Hold a place, unless it is held already.

        Raises
        ------
        LockedError
            Somebody else works on it.
        UnreachableError
            It cannot be reached, or whether somebody else works on it cannot
            be known.  It is not held; the others are.
        """
        if place in self._checks:
            return
        locks = self._places.records(place).locks
        checks: list[Callable[[], None]] = [partial(locks.check, place)]

        def exclude_others() -> AbstractContextManager[Callable[[], None]]:
            # By the database, unless that says nothing.
            ask = partial(in_time, place, timeout=self._places.timeout)
            return entered_in_time(self._places.exclude_others(Place(place)), ask)

        with ExitStack() as stack:
            word = self._patience.enter(
                stack,
                partial(locks.hold, place, why=why),
            )
            if word:
                self._tell(word)
            if place not in {ARCHIVE, RUCIO}:
                check = self._patience.enter(stack, exclude_others)
                checks.append(check)
            # Only now does nothing give the place back when we leave here.
            self._stacks[place] = stack.pop_all()
        self._checks[place] = checks

    def check(self, place: str) -> None:
        """Look whether a place is still held, before it is changed.

        Raises
        ------
        LockedError
            It is not; nothing more may be written there.
        UnreachableError
            That cannot be known; nothing may be written there.
        """
        for check in self._checks[place]:
            in_time(place, check, self._places.timeout)

    def leave(self, place: str) -> None:
        """Let a place be held until this process ends.

        A step that was left behind there may still write, and a database
        that is silent would not hear that we leave.  Whoever comes next on
        this host finds the holder dead, and takes the place over.
        """
        if self._checks.pop(place, None):
            leave_behind(self._stacks.pop(place))

    def close(self) -> None:
        """Let go of every place.

        Raises
        ------
        LockedError
            One of them was held no more.
        CalibstateError
            One of them cannot be let go of.
        """
        self._checks.clear()
        errors: list[CalibstateError] = []
        while self._stacks:
            _, stack = self._stacks.popitem()
            try:
                stack.close()
            except CalibstateError as error:
                errors.append(error)
        if not errors:
            return
        # A lock that was lost weighs most: somebody else works there.
        lost = [error for error in errors if isinstance(error, LockedError)]
        worst = (lost or errors)[0]
        problems: list[Diagnostic] = []
        for failure in errors:
            problems.extend(failure.diagnostics)
        raise type(worst)(*problems)
