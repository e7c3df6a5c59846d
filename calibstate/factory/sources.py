"""Stores of readings, as they are asked in one command."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial
from typing import cast

from ..ports.progress import Watch
from ..ports.silence import at_work
from ..ports.sources import SourceStore
from .addresses import Addresses
from .asking import Asking, server_of
from .once import Once
from .timely import AskedFirst

__all__ = ["SourcePlaces"]


class SourcePlaces:
    """Stores of readings, each opened when it is first asked for.

    Parameters
    ----------
    addresses
        Tells where they are.
    asking
        How they are asked.
    watch
        Told how many files were opened.
    """

    def __init__(self, addresses: Addresses, asking: Asking, watch: Watch) -> None:
        self._addresses = addresses
        self._asking = asking
        self._watch = watch
        self._stores: dict[str, Once[SourceStore]] = {}

    def open(self, uri: str) -> SourceStore:
        """Return a store, to look at; it is opened once in a run."""
        store = self._stores.setdefault(uri, Once(partial(self._open, uri)))
        return store.get()

    def _open(self, uri: str) -> SourceStore:
        with at_work():
            from ..adapters.sources import DayFolders

        # It gives up by itself before the repository that is looked at
        # meanwhile counts as silent.
        store = DayFolders(self._addresses.source(uri), self._watch, self._asking.timeout / 2)
        return cast(SourceStore, AskedFirst(store, partial(self._asking_it, store)))

    def _asking_it(self, store: SourceStore) -> AbstractContextManager[None]:
        return self._asking.silences.asking(server_of(store.uri), store.uri)
