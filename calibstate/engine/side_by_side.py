"""Ask places side by side, and wait for none that says nothing.

One that says nothing keeps no other from being asked meanwhile.

A look, or a step, that hangs cannot be ended, only left behind: nobody waits
for it any more, and the program does not either when it ends.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from queue import Empty, SimpleQueue
from sys import exc_info
from typing import Any, Generic, TypeVar, cast

from ..errors import Diagnostic, UnreachableError
from ..ports.silence import Heard, Silences, SilentError, at_work, hearing, listening, silent

__all__ = [
    "SIDE_BY_SIDE",
    "Gathered",
    "InTime",
    "entered_in_time",
    "gather",
    "in_time",
    "is_anything_left_behind",
    "leave_behind",
    "side_by_side",
]

SIDE_BY_SIDE = 8
"""How many places are looked at at once, besides those that are silent."""

_GRACE = 1.0
"""Seconds in which an adapter may say in its own words what is wrong."""

_A_WHILE = 1.0
"""Seconds after which is looked again for who is silent."""

_OVERSLEPT = 2.0
"""Seconds that no wait takes longer than it was to take."""

T = TypeVar("T")
P = TypeVar("P", bound=str)

_left_behind: list[object] = []


def side_by_side(
    looks: Mapping[P, Callable[[], T]],
    timeout: timedelta,
    awaited: Callable[[Sequence[str]], None] = lambda places: None,
) -> Iterator[tuple[P, Future[T]]]:
    """Look at places, several at once.

    Parameters
    ----------
    looks
        What looks, by the name of the place.
    timeout
        How long a place may be silent.
    awaited
        Told, again and again, which places say nothing at the moment.

    Yields
    ------
    str
        A place.
    Future
        What was seen, or the error; of one that said nothing for too long a
        `SilentError`.  They come as they end.
    """
    waiting, ended = list(looks.items())[::-1], SimpleQueue[P]()
    running: dict[P, _Look[T, P]] = {}
    while waiting or running:
        began = time.monotonic()
        silent_now = [place for place, look in running.items() if look.is_waiting]
        awaited(silent_now)
        while waiting and len(running) - len(silent_now) < SIDE_BY_SIDE:
            place, call = waiting.pop()
            running[place] = _Look(place, call, timeout, ended)
        patience = min(_A_WHILE, *(look.left for look in running.values()))
        try:
            place = ended.get(timeout=patience)
        except KeyboardInterrupt:
            for look in running.values():
                look.leave()
            raise
        except Empty:
            if time.monotonic() - began > patience + _OVERSLEPT:
                # We were stopped (Ctrl-Z), and could hear nobody meanwhile.
                for look in running.values():
                    look.begin_anew()
            for silent_place in [place for place, look in running.items() if look.left <= 0]:
                yield silent_place, running.pop(silent_place).leave()
            continue
        # One that was left behind may end after all; it was told already.
        if place in running:
            yield place, running.pop(place).future


@dataclass(frozen=True)
class Gathered(Generic[P, T]):
    """What all places showed."""

    results: Mapping[P, T]
    """By place, in the order of places."""

    unreachable: Mapping[P, Diagnostic]
    """Why the others could not be seen, by place, in that order too."""


def gather(
    looks: Mapping[P, Callable[[], T]],
    timeout: timedelta,
    counted: Callable[[int, int], None],
) -> Gathered[P, T]:
    """Look at places side by side, and wait for all of them.

    Parameters
    ----------
    looks
        What looks, by the name of the place.
    timeout
        How long a place may be silent.
    counted
        Told how many places have been looked at, of how many.
    """
    results: dict[P, T] = {}
    unreachable: dict[P, Diagnostic] = {}
    total = len(looks)
    looked = side_by_side(looks, timeout)
    for done, (place, look) in enumerate(looked, 1):
        try:
            results[place] = look.result()
        except UnreachableError as error:
            unreachable[place] = error.diagnostics[0]
        counted(done, total)
    # They end in any order.
    in_order = sorted(results.items())
    unreachable_in_order = sorted(unreachable.items())
    return Gathered(
        dict(in_order),
        dict(unreachable_in_order),
    )


def in_time(
    place: str,
    call: Callable[[], T],
    timeout: timedelta,
) -> T:
    """Return what a place answers to a single question, or an order.

    Parameters
    ----------
    place
        What messages call it.
    call
        The question.
    timeout
        How long the place may be silent.

    Raises
    ------
    SilentError
        It said nothing for too long.
    """
    looking = hearing()

    def hold_up(silent_now: Sequence[str]) -> None:
        if looking:
            looking.is_held_up = bool(silent_now)

    with at_work():
        ((_, future),) = side_by_side({place: call}, timeout, hold_up)
        hold_up(())
        return future.result()


class InTime:
    """Asks one place, and not again in this run once it was silent.

    Parameters
    ----------
    place
        What messages call it.
    silences
        What said nothing in this run, and how long it may be silent.
    store
        What answers for the place; others may be kept there too.
    """

    def __init__(self, place: str, silences: Silences, store: str) -> None:
        self._place = place
        self._silences = silences
        self._store = store

    def __call__(self, call: Callable[[], T]) -> T:
        """Return what the place answers; see `in_time`.

        Raises
        ------
        SilentError
            It said nothing for too long, now or before.
        """

        def ask() -> T:
            with self._silences.asking(self._store, self._place):
                return call()

        return in_time(self._place, ask, self._silences.timeout)


@contextmanager
def entered_in_time(
    context: AbstractContextManager[T], ask: Callable[[Callable[[], object]], object]
) -> Iterator[T]:
    """Enter a context of a place, and leave it, without waiting for ever.

    Parameters
    ----------
    context
        Such as a lock that is kept there.
    ask
        Asks the place in time, as `InTime` does.

    Raises
    ------
    SilentError
        The place said nothing for too long.  A context that it would not let
        us leave is left behind.
    """

    def leave(*trouble: Any) -> None:
        try:
            ask(partial(context.__exit__, *trouble))
        except SilentError:
            leave_behind(context)
            raise

    entered = cast(T, ask(context.__enter__))
    try:
        yield entered
    except BaseException:
        # What went wrong inside is what must be told.
        with suppress(SilentError):
            leave(*exc_info())
        raise
    leave(None, None, None)


def leave_behind(what: object) -> None:
    """Keep what nobody can end, such as a lock in a store that is silent.

    The program must end at once then (`is_anything_left_behind`): Python would
    close what it holds, and for that ask the store, in a thread that cannot
    begin any more.
    """
    _left_behind.append(what)


def is_anything_left_behind() -> bool:
    """Say whether the program has to end without closing what it holds."""
    return bool(_left_behind)


class _Look(Generic[T, P]):
    """One look, in a thread that nobody has to wait for."""

    def __init__(self, place: P, call: Callable[[], T], timeout: timedelta, ended: SimpleQueue[P]) -> None:
        self.future: Future[T] = Future()
        self._place = place
        self._call = call
        self._timeout = timeout
        self._ended = ended
        self._heard = Heard()
        self._thread = threading.Thread(target=self._run, name=f"look at {place}", daemon=True)
        self._thread.start()

    @property
    def left(self) -> float:
        """Seconds that it may still be silent."""
        limit = self._heard.at + self._timeout.total_seconds() + _GRACE
        return max(limit - time.monotonic(), 0.0)

    @property
    def is_waiting(self) -> bool:
        """Whether the place says nothing at the moment."""
        return self._heard.is_waiting

    def begin_anew(self) -> None:
        """Allow it as much silence as at its begin."""
        self._heard.now()

    def leave(self) -> Future[T]:
        """Wait for it no longer."""
        leave_behind(self._thread)
        self._heard.give_up()
        future: Future[T] = Future()
        future.set_exception(silent(self._place, self._timeout))
        return future

    def _run(self) -> None:
        listening(self._heard)
        try:
            self.future.set_result(self._call())
        except BaseException as error:  # noqa: BLE001 - whoever asks gets it
            if isinstance(error, UnreachableError) and not isinstance(error, SilentError):
                self._heard.end_unreachable(error)
            self.future.set_exception(error)
        self._ended.put(self._place)
