"""The archive, as it is asked in one command."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import cast

from ..model.checkups import Examined
from ..model.names import ARCHIVE
from ..ports.archive import ArchiveWriter
from ..ports.silence import at_work
from .addresses import Addresses
from .asking import Asking, server_of
from .once import Once
from .timely import AskedFirst

__all__ = ["ArchivePlace"]


class ArchivePlace:
    """The archive, opened when it is first asked for.

    Parameters
    ----------
    addresses
        Tells where it is.
    asking
        How it is asked.
    """

    def __init__(self, addresses: Addresses, asking: Asking) -> None:
        self._addresses = addresses
        self._asking = asking
        self._archive = Once(self._open)

    @property
    def server(self) -> str:
        """What answers for it, and perhaps for stores of records."""
        return server_of(self._addresses.archive)

    def open(self) -> ArchiveWriter:
        """Return it, to look at and to add to."""
        return self._archive.get()

    def _open(self) -> ArchiveWriter:
        with at_work():
            from ..adapters.archive import Archive

        in_time = self._asking.in_time(ARCHIVE, self.server)
        archive = Archive(self._addresses.archive, in_time=in_time, timeout=self._asking.timeout)
        return cast(ArchiveWriter, AskedFirst(archive, self._asking_it))

    def _asking_it(self) -> AbstractContextManager[None]:
        return self._asking.asking_shared(self.server, ARCHIVE)

    def examine(self) -> Examined:
        """Look whether files can be kept there; nothing is written."""
        with at_work():
            from ..adapters.checkup import examine_store
        with self._asking.silences.asking(self.server, ARCHIVE):
            return examine_store(self._addresses.archive, self._asking.timeout)
