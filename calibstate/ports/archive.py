"""What calibstate asks of the archive of bundles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from ..model.bundles import BundleFile, Contents, Manifest
from ..model.damage import DamagedFile
from ..model.names import TicketKey
from ..model.readings import Reading
from .butler import Export
from .progress import Pace, Watch, unlimited, unwatched
from .records import Fence, unfenced

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

    def sizes(self, manifest: Manifest) -> Mapping[str, int]:
        """Return the bytes of each file in a bundle's folder, by path."""
        ...

    def read_file(self, manifest: Manifest, file: BundleFile, pace: Pace = unlimited) -> DamagedFile | None:
        """Read a file of a bundle, and return what is wrong with it.

        Parameters
        ----------
        manifest
            Of the bundle.
        file
            What the manifest says of the file.
        pace
            Told how many bytes were read; it may keep us waiting.

        Returns
        -------
        DamagedFile or None
            `None` where it holds what the manifest says.

        Raises
        ------
        InvalidStateError
            This file cannot be read, and others may.
        """
        ...


class ArchiveWriter(ArchiveReader, Protocol):
    """The archive, to add to; a bundle is never changed."""

    def restore_file(
        self, manifest: Manifest, damaged: DamagedFile, source: str, *, fence: Fence = unfenced
    ) -> None:
        """Write a file of a bundle again, as its manifest says.

        What is in its place is kept: it is moved out of the bundle, to
        ``.damaged/`` at the root of the archive, its name ended by what its
        bytes are.

        Parameters
        ----------
        manifest
            Of the bundle.
        damaged
            What was found of the file.
        source
            URI of a file that may hold the bytes.
        fence
            Asked once all bytes were copied, directly before what is in the
            place of the file is moved.

        Raises
        ------
        LockedError
            The fence says that somebody else may work there; nothing was
            changed.
        RefusedError
            The source is gone, or does not hold the bytes.
        PlanIsStaleError
            The file is not as it was found; nothing was written.
        """
        ...

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
        reading: Reading | None = None,
        watch: Watch = unwatched,
        fence: Fence = unfenced,
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
        reading
            How the files must be read.
        watch
            Told of progress in files.
        fence
            Asked directly before what cannot be taken back.

        Raises
        ------
        RefusedError
            The export does not have the fingerprint (it is partial, or the
            origin changed meanwhile), a file is gone, the bytes are not
            those of ``content``, or they are read otherwise than
            ``reading`` says.  There is no manifest, so there is no
            bundle.
        """
        ...

    def clear_leftovers(self) -> None:
        """Remove what killed runs left beside bundles that are complete.

        What they left of others is cleared when these are completed.

        Raises
        ------
        UnreachableError
            The archive cannot be reached.
        """
        ...
