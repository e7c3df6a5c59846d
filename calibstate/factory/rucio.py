"""Rucio, as it is asked in one command."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import cast

from ..model.checkups import Examined
from ..model.names import RUCIO
from ..model.settings import RucioSettings
from ..ports.rucio import RucioWriter
from ..ports.silence import at_work
from .asking import Asking
from .once import Once
from .timely import AskedFirst

__all__ = ["RucioPlace"]


class RucioPlace:
    """Rucio, opened when it is first asked for.

    Parameters
    ----------
    settings
        How its datasets and files are called.
    asking
        How it is asked.
    """

    def __init__(self, settings: RucioSettings, asking: Asking) -> None:
        self._settings = settings
        self._asking = asking
        self._rucio = Once(self._open)

    def open(self) -> RucioWriter:
        """Return it, to look at and to add to."""
        with at_work():
            from ..adapters import rucio  # noqa: F401 - it takes long, and is not Rucio's silence
        with self._asking_it():
            return self._rucio.get()

    def _open(self) -> RucioWriter:
        from ..adapters.rucio import open_rucio

        rucio = open_rucio(self._settings, timeout=self._asking.timeout)
        return cast(RucioWriter, AskedFirst(rucio, self._asking_it))

    def _asking_it(self) -> AbstractContextManager[None]:
        return self._asking.asking_shared(RUCIO, RUCIO)

    def examine(self) -> Examined:
        """Look whether one can work with it; nothing is written."""
        with at_work():
            from ..adapters.rucio import examine
        with self._asking.silences.asking(RUCIO, RUCIO):
            return examine(self._settings.scope, self._asking.timeout)
