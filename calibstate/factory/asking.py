"""Which places may be asked, and which of them said nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

from ..engine.side_by_side import InTime
from ..errors import Diagnostic, UnreachableError
from ..model.names import RUCIO, RepositoryAddress
from ..ports.silence import Silences, at_work

__all__ = ["Asking", "not_asked", "server_of"]

T = TypeVar("T")


class Asking:
    """Asks the places of one command, none for longer than it may be silent.

    Parameters
    ----------
    timeout
        How long a place may be silent.
    only
        The repositories of a site that asks nobody but its own places; `None`:
        all places are asked.
    looks
        Whether repositories and Rucio are asked at all; else only the stores
        are, to which everybody writes.
    """

    def __init__(
        self,
        timeout: timedelta,
        only: Collection[RepositoryAddress] | None = None,
        *,
        looks: bool = True,
    ) -> None:
        self.timeout = timeout
        self.only = only
        self.looks = looks
        self.silences = Silences(timeout)
        """What said nothing in this run."""

    def in_time(self, place: str, store: str) -> InTime:
        """Return what asks a place, unless its store said nothing before.

        Parameters
        ----------
        place
            What messages call it.
        store
            What answers for it, and perhaps for others.
        """
        return InTime(place, self.silences, store)

    def ask_repository(self, address: RepositoryAddress, question: Callable[[], T]) -> T:
        """Return what a repository answers.

        Raises
        ------
        UnreachableError
            It is not to be asked, or it was silent.
        """
        if self.only is not None and address not in self.only:
            raise not_asked(address)
        if not self.looks:
            raise _not_looked_at(address)
        return self.in_time(address, address)(question)

    @contextmanager
    def asking_shared(self, store: str, place: str) -> Iterator[None]:
        """Ask a place that several sites share.

        Raises
        ------
        UnreachableError
            It is not to be asked, or it was silent.
        """
        if self.only is not None:
            raise not_asked(place)
        if not self.looks and place == RUCIO:
            raise _not_looked_at(place)
        with self.silences.asking(store, place):
            yield


def not_asked(what: str) -> UnreachableError:
    """Return the error that something is not to be asked.

    Parameters
    ----------
    what
        What messages call it.
    """
    return UnreachableError(
        Diagnostic(
            "Place was not asked",
            f"{what}: it was not asked (--only-here)",
            hint="Run this without --only-here to have it asked too.",
            public="it was not asked (--only-here)",
        )
    )


def _not_looked_at(place: str) -> UnreachableError:
    """Return the error that a command looks at no places."""
    return UnreachableError(
        Diagnostic(
            "Place was not looked at",
            f"{place}: it was not looked at now",
            hint="Run this with --live to have it looked at.",
        )
    )


def server_of(uri: str) -> str:
    """Return what answers for a store of files; nothing is asked.

    Parameters
    ----------
    uri
        A path or an ``s3://`` URI.
    """
    with at_work():
        from ..adapters import objectstores
    return objectstores.server_of(uri)
