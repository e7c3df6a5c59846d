"""How long a place may be silent before it counts as unreachable.

A person gives the limit for one command (``--timeout``), and it travels as a
value to whoever asks: adapters ask no longer than that for a single answer,
and whoever looks gives up when nothing was heard for so long.  A place that is
slow, but answers again and again, is never cut off.

What said nothing is remembered for as long as a command runs (`Silences`), so
a store that is away costs one limit, however often it is needed and however
many places it keeps.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

from ..errors import Diagnostic, UnreachableError

__all__ = [
    "USUAL_TIMEOUT",
    "Heard",
    "Silences",
    "SilentError",
    "at_work",
    "heard",
    "hearing",
    "listening",
    "silent",
]

USUAL_TIMEOUT = timedelta(seconds=60)
"""How long a place may be silent, unless told."""


_GIVEN_UP = 5.0
"""Seconds of silence, or half the limit, after which an adapter that gave up
is taken to have heard nothing."""

_A_MOMENT = 0.5
"""Seconds of silence that cost nobody anything."""


class SilentError(UnreachableError):
    """A place was asked and said nothing for too long."""


class Silences:
    """Stores that said nothing while a command runs.

    None of them is asked again before it is `forgotten <forget>`.

    Parameters
    ----------
    timeout
        How long a store may be silent.
    clock
        Seconds that only grow.
    """

    def __init__(
        self, timeout: timedelta = USUAL_TIMEOUT, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.timeout = timeout
        self.clock = clock
        self.waited_for: list[str] = []
        """Stores that were waited for in vain, each once for each time."""
        self._silent: dict[str, tuple[str, UnreachableError | None]] = {}

    def ask(self, store: str, place: str) -> None:
        """Have what this thread does from now on count as asking a store.

        Parameters
        ----------
        store
            What answers for the place, and perhaps for others: a server.
        place
            What messages call it.

        Raises
        ------
        SilentError
            The store was silent before; it is not asked.
        """
        if store in self._silent:
            asked_for, error = self._silent[store]
            # What its own adapter said tells more than that it is silent.
            raise error if error and asked_for == place else silent(place, self.timeout)
        if looking := hearing():
            looking.question = _Question(self, store, place, self.clock())

    @contextmanager
    def asking(self, store: str, place: str) -> Iterator[None]:
        """Ask a store, and then go on with what was asked before.

        Parameters
        ----------
        store, place
            As for `ask`.

        Raises
        ------
        SilentError
            The store was silent before; it is not asked.
        """
        looking = hearing()
        before = looking.question if looking else None
        self.ask(store, place)
        try:
            yield
        except SilentError:
            raise  # Who waited has noted it.
        except UnreachableError as error:
            if looking:
                looking.end_unreachable(error)
            raise
        finally:
            if looking:
                looking.question = before and replace(before, at=before.silences.clock())

    def note(self, store: str, place: str, error: UnreachableError | None = None) -> None:
        """Remember that a store said nothing.

        Parameters
        ----------
        store, place
            As for `ask`.
        error
            What its adapter said of it, if it gave up by itself.
        """
        self.waited_for.append(store)
        self._silent[store] = place, error

    def forget(self) -> None:
        """Ask all of them again."""
        self._silent.clear()


@dataclass(frozen=True)
class _Question:
    """A question to a store that has not been answered yet."""

    silences: Silences
    store: str
    place: str
    at: float
    """When it was asked, or heard of last."""


@dataclass
class Heard:
    """When something was heard last, by all threads of one look."""

    _at: float = field(default_factory=time.monotonic)
    _busy: int = 0
    _work_began: float = 0.0
    """When what cannot be heard began, by the clock of who is asked."""
    question: _Question | None = None
    """The store that is asked at the moment."""
    is_held_up: bool = False
    """Whether it waits for another look that hears nothing."""
    _counting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def at(self) -> float:
        """Seconds that only grow; without end while nothing can be heard."""
        return math.inf if self._busy else self._at

    @property
    def is_waiting(self) -> bool:
        """Whether nothing was heard for a moment, as it might be."""
        return self.is_held_up or time.monotonic() - self.at > _A_MOMENT

    def now(self) -> None:
        """Note that something was heard."""
        self._at = time.monotonic()
        if question := self.question:
            # Of each file; `dataclasses.replace` takes several times as long.
            self.question = _Question(
                question.silences, question.store, question.place, question.silences.clock()
            )

    def give_up(self, error: UnreachableError | None = None) -> None:
        """Have it remembered that the store which is asked says nothing.

        Parameters
        ----------
        error
            What its adapter said of it, if it gave up by itself.
        """
        if self.question:
            self.question.silences.note(self.question.store, self.question.place, error)
            self.question = None

    def end_unreachable(self, error: UnreachableError) -> None:
        """Have it remembered where an adapter gave up after some silence.

        A refusal is no silence, however slow the way to it is.
        """
        if self.question is None:
            return
        silences = self.question.silences
        enough = min(_GIVEN_UP, silences.timeout.total_seconds() / 2)
        if silences.clock() - self.question.at > enough:
            self.give_up(error)

    def be_busy(self, by: int) -> None:
        """Count the threads that do what cannot be heard."""
        with self._counting:
            self._busy += by
            self._at = time.monotonic()
            if self.question:
                self._leave_out_work(self.question, has_begun=by > 0 and self._busy == by)

    def _leave_out_work(self, question: _Question, *, has_begun: bool) -> None:
        """Count how long a store was silent without what was done meanwhile.

        Work is no answer: who was silent before it was silent all the same.
        """
        now = question.silences.clock()
        if has_begun:
            self._work_began = now
        elif not self._busy:
            self.question = replace(question, at=min(question.at + now - self._work_began, now))


_here = threading.local()
"""What keeps what each thread hears: each look begins threads of its own."""


def listening(to: Heard | None) -> None:
    """Have what this thread hears from now on kept."""
    _here.heard = to


def hearing() -> Heard | None:
    """Return what keeps what this thread hears, for others that help it."""
    return getattr(_here, "heard", None)


@contextmanager
def at_work() -> Iterator[None]:
    """Do what gives no sign while it lasts.

    An import, which is not the place's fault; or the transfer of one file,
    which has limits of its own.
    """
    # The same look all the time: the thread may hear for another one later.
    look = hearing()
    if look:
        look.be_busy(1)
    try:
        yield
    finally:
        if look:
            look.be_busy(-1)


def heard() -> None:
    """Note that the place which this thread looks at gave an answer."""
    if look := hearing():
        look.now()


def silent(place: str, timeout: timedelta) -> SilentError:
    """Return the error that a place said nothing for too long.

    Parameters
    ----------
    place
        What messages call it.
    timeout
        How long it might have been silent.
    """
    return SilentError(
        Diagnostic(
            "Place does not answer",
            f"{place}: it did not answer within {timeout.total_seconds():g} s.",
            hint="Nothing is known of what it holds. Try again later, or wait longer with --timeout.",
            public=f"it did not answer within {timeout.total_seconds():g} s",
        )
    )
