"""Who follows a use case while it works, and who may end it.

A result comes at the end.  What a person should know before that, and how far
long work has come, goes to a listener: a terminal, a page, or nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from ..errors import Diagnostic
from ..ports.progress import Watch, unwatched

__all__ = ["Listener", "Stop", "Unheard", "Unstoppable"]


class Listener(Protocol):
    """Who is told what happens before there is a result."""

    def note(self, words: str) -> None:
        """Say something that is no result and no problem."""

    def report(self, problems: Iterable[Diagnostic]) -> None:
        """Show messages for people."""

    def progress(self, what: str, of: str = "") -> AbstractContextManager[Watch]:
        """Show how far long work has come, while the context lasts.

        Parameters
        ----------
        what
            The work.
        of
            What it is done to.
        """

    def waiting(self) -> AbstractContextManager[Callable[[list[str]], None]]:
        """Show lines about what is waited for, while the context lasts."""


class Unheard:
    """A listener that nobody listens to."""

    def note(self, words: str) -> None:
        """Say nothing."""

    def report(self, problems: Iterable[Diagnostic]) -> None:
        """Show nothing."""

    @contextmanager
    def progress(self, what: str, of: str = "") -> Iterator[Watch]:
        """Show nothing."""
        yield unwatched

    @contextmanager
    def waiting(self) -> Iterator[Callable[[list[str]], None]]:
        """Show nothing."""
        yield lambda lines: None


class Stop(Protocol):
    """Whether somebody wants a run to stop."""

    def __call__(self) -> bool:
        """Say whether no other step is to be begun."""

    def sleep(self, seconds: float) -> None:
        """Wait, unless somebody wants the run to stop."""


class Unstoppable:
    """A run that nobody stops."""

    def __call__(self) -> bool:
        """Say that the next step is to be begun."""
        return False

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
