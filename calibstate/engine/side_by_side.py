"""Ask places side by side, and wait for none that says nothing.

A look, or a step, that hangs cannot be ended, only left behind: nobody waits
for it any more, and the program does not either when it ends.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from ..ports.silence import Heard, SilentError, allowed, at_work, listening, silent

__all__ = ["SIDE_BY_SIDE", "InTime", "in_time", "left_behind", "side_by_side"]

SIDE_BY_SIDE = 8
"""How many places are looked at at once."""

_GRACE = 1.0
"""Seconds in which an adapter may say in its own words what is wrong."""

_A_WHILE = 60.0
"""Seconds after which is looked again for who is silent."""

_OVERSLEPT = 2.0
"""Seconds that no wait takes longer than it was to take."""

T = TypeVar("T")

_left_behind: list[threading.Thread] = []


def side_by_side(looks: Mapping[str, Callable[[], T]]) -> Iterator[tuple[str, Future[T]]]:
    """Look at places, several at once.

    Parameters
    ----------
    looks
        What looks, by the name of the place.

    Yields
    ------
    str
        A place.
    Future
        What was seen, or the error; of one that said nothing for too long a
        `SilentError`.  They come as they end.
    """
    waiting, ended = list(looks.items())[::-1], SimpleQueue[str]()
    running: dict[str, _Look[T]] = {}
    while waiting or running:
        while waiting and len(running) < SIDE_BY_SIDE:
            place, call = waiting.pop()
            running[place] = _Look(place, call, ended)
        began, patience = time.monotonic(), min(_A_WHILE, *(look.left for look in running.values()))
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
            for place in [place for place, look in running.items() if look.left <= 0]:
                yield place, running.pop(place).leave()
            continue
        # One that was left behind may end after all; it was told already.
        if place in running:
            yield place, running.pop(place).future


def in_time(place: str, call: Callable[[], T]) -> T:
    """Return what a place answers to a single question, or an order.

    Parameters
    ----------
    place
        What messages call it.
    call
        The question.

    Raises
    ------
    SilentError
        It said nothing for too long.
    """
    with at_work():
        ((_, future),) = side_by_side({place: call})
        return future.result()


class InTime:
    """Asks one place, and not again soon once it was silent.

    Parameters
    ----------
    place
        What messages call it.
    """

    def __init__(self, place: str) -> None:
        self._place = place
        self._silent: tuple[float, SilentError] | None = None

    def __call__(self, call: Callable[[], T]) -> T:
        """Return what the place answers; see `in_time`.

        Raises
        ------
        SilentError
            It said nothing for too long, now or a moment ago.
        """
        if self._silent and time.monotonic() < self._silent[0] + allowed():
            raise self._silent[1]
        try:
            return in_time(self._place, call)
        except SilentError as error:
            self._silent = time.monotonic(), error
            raise


def left_behind() -> bool:
    """Say whether a look that was left behind still goes on."""
    return any(thread.is_alive() for thread in _left_behind)


class _Look(Generic[T]):
    """One look, in a thread that nobody has to wait for."""

    def __init__(self, place: str, call: Callable[[], T], ended: SimpleQueue[str]) -> None:
        self.future: Future[T] = Future()
        self._place = place
        self._call = call
        self._ended = ended
        self._heard = Heard()
        self._thread = threading.Thread(target=self._run, name=f"look at {place}", daemon=True)
        self._thread.start()

    @property
    def left(self) -> float:
        """Seconds that it may still be silent."""
        return max(self._heard.at + allowed() + _GRACE - time.monotonic(), 0.0)

    def begin_anew(self) -> None:
        """Allow it as much silence as at its begin."""
        self._heard.now()

    def leave(self) -> Future[T]:
        """Wait for it no longer."""
        _left_behind.append(self._thread)
        future: Future[T] = Future()
        future.set_exception(silent(self._place))
        return future

    def _run(self) -> None:
        listening(self._heard)
        try:
            self.future.set_result(self._call())
        except BaseException as error:  # noqa: BLE001 - whoever asks gets it
            self.future.set_exception(error)
        self._ended.put(self._place)
