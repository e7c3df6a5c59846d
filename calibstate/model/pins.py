"""A pin: what a ticket holds, as far as anyone can tell.

What a ticket holds is final once it has left the origin.  It is known from
its seal, else from the manifest of its bundle, else from the origin itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .bundles import Manifest
from .contents import Holding
from .fingerprints import ticket_fingerprint

__all__ = ["Pin"]


@dataclass(frozen=True)
class Pin:
    """The content that a ticket must have wherever it is."""

    fingerprints: Mapping[str, str]
    """Fingerprint of each collection, in search order."""

    told_by: str
    """Who says so, for people."""

    rows: Callable[[], Mapping[str, Holding]] = field(repr=False, compare=False)
    """Fetches what each collection should hold; asked only when it differs."""

    manifest: Manifest | None = field(default=None, repr=False)
    """The bundle, if there is one."""

    content: str | None = None
    """Digest of the sealed bytes; `None` where nothing was sealed."""

    @property
    def fingerprint(self) -> str:
        """The ticket fingerprint."""
        return ticket_fingerprint(self.fingerprints.items())
