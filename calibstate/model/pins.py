"""A pin: what a ticket holds, as far as anyone can tell.

What a ticket holds is final once it has left the origin.  It is known from
its seal, else from the manifest of its bundle, else from the origin itself.

A seal is in the tree, so it tells what a ticket holds whoever is away; the
archive and the origin are needed only to bring what is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from ..errors import UnreachableError
from .bundles import Manifest
from .contents import CollectionType, Holding, Row
from .fingerprints import ticket_fingerprint
from .names import TicketKey
from .readings import Reading
from .reasons import Reason
from .seals import Seal, sealed_rows

__all__ = ["Pin", "Pins"]


@dataclass(frozen=True)
class Pin:
    """The content that a ticket must have wherever it is."""

    fingerprints: Mapping[str, str]
    """Fingerprint of each collection, in search order."""

    witness: str
    """Who says so, for people."""

    rows: Callable[[], Mapping[str, Holding]] | None = field(default=None, repr=False, compare=False)
    """Fetches what each collection should hold; asked only when it differs.
    `None`: there is nothing but the seal, which names no dataset by itself."""

    manifest: Manifest | None = field(default=None, repr=False)
    """The bundle, if there is one."""

    content: str | None = None
    """Digest of the sealed bytes; `None` where nothing was sealed."""

    seal: Seal | None = field(default=None, repr=False)
    """What was sealed."""

    awaits: Reason | None = None
    """Why nobody can bring it at present; what is there is judged all the
    same."""

    @property
    def reading(self) -> Reading | None:
        """How its files are read; `None` where no seal tells."""
        if self.seal is None:
            return None
        return self.seal.reading

    @property
    def fingerprint(self) -> str:
        """The ticket fingerprint."""
        return ticket_fingerprint(self.fingerprints.items())

    def expected_rows(self, name: str, live: Iterable[Row]) -> tuple[Row, ...]:
        """Return what one of its collections should hold.

        Parameters
        ----------
        name
            Full name of the collection.
        live
            What it holds, whose UUIDs are taken over where only data IDs and
            ranges are known; a row that is not there has none then.

        Raises
        ------
        RefusedError
            The bundle that tells it is damaged.
        UnreachableError
            The archive fell silent, and there is no seal.
        """
        try:
            if self.rows is not None:
                holding = self.rows()[name]
                return tuple(holding.rows)
        except UnreachableError:
            if self.seal is None:
                raise
        # The seal tells the same but for UUIDs, and nobody has to be asked.
        assert self.seal, "without a seal there is a bundle, or the origin"
        return sealed_rows(self.seal, name, live)

    def expected_type(self, name: str) -> CollectionType | None:
        """Return the type of one of its collections; a seal tells none."""
        # The manifest is at hand; rows may have to be fetched.
        if self.manifest:
            for collection in self.manifest.collections:
                if collection.name == name:
                    return collection.type
            return None
        if self.rows is None:
            return None
        return self.rows()[name].type


Pins = Mapping[TicketKey, Pin | Reason]
"""What tickets hold, or why nobody can tell."""
