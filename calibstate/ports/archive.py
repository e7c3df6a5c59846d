"""What calibstate asks of the archive of bundles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from ..model.bundles import Contents, Manifest
from ..model.names import TicketKey
from .butler import Export
from .progress import Watch, unwatched

__all__ = ["ArchiveReader", "ArchiveWriter"]


class ArchiveReader(Protocol):
    """The archive, to look at."""

    def bundles(self, tickets: Iterable[TicketKey]) -> Mapping[TicketKey, tuple[Manifest, ...]]:
        """Return the complete bundles of each ticket, newest first.

        A folder without a manifest is not a bundle.  Tickets without one are
        left out of the answer.

        Raises
        ------
        InvalidStateError
            A manifest cannot be read.
        """
        ...

    def contents(self, manifest: Manifest) -> Contents:
        """Return what a bundle's ``export.yaml`` says.

        Raises
        ------
        RefusedError
            It is missing, or does not hold what the manifest says.
        """
        ...

    def describe(
        self,
        ticket: TicketKey,
        collections: Sequence[str],
        export: Export,
        *,
        exported_from: str,
        watch: Watch = unwatched,
    ) -> Manifest:
        """Return the manifest that a bundle would have; nothing is written.

        Every file is read where it is.

        Parameters
        ----------
        ticket
            Instrument and ticket.
        collections
            Full names of the ticket's collections, in search order.
        export
            From the origin.
        exported_from
            Address of the origin.
        watch
            Told of progress in files.

        Raises
        ------
        RefusedError
            A file is gone.
        """
        ...

    def source(self, manifest: Manifest) -> str:
        """Return the URI of a bundle's folder."""
        ...


class ArchiveWriter(ArchiveReader, Protocol):
    """The archive, to add to; a bundle is never changed."""

    def add_bundle(
        self,
        ticket: TicketKey,
        collections: Sequence[str],
        fingerprint: str,
        export: Export,
        *,
        exported_from: str,
        by_reference: bool = False,
        content: str | None = None,
        watch: Watch = unwatched,
    ) -> Manifest:
        """Write a bundle: the files, ``export.yaml``, the manifest last.

        What an interrupted run left in the bundle's folder is completed.

        Parameters
        ----------
        ticket
            Instrument and ticket.
        collections
            Full names of the ticket's collections, in search order.
        fingerprint
            The ticket fingerprint that the export must have.
        export
            From the origin.
        exported_from
            Address of the origin.
        by_reference
            Leave the files where they are.
        content
            Digest that the bytes must have (`~calibstate.model.seals`).
        watch
            Told of progress in files.

        Raises
        ------
        RefusedError
            The export does not have the fingerprint (it is partial, or the
            origin changed meanwhile), a file is gone, or the bytes are not
            those of ``content``.  There is no manifest, so there is no
            bundle.
        """
        ...
