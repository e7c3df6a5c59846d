"""Damage: how a file of a bundle departs from what its manifest says."""

from __future__ import annotations

from .bundles import BundleFile
from .names import Noun

__all__ = ["DamagedFile"]


class DamagedFile(Noun):
    """A file of a bundle that is gone, or holds other bytes."""

    file: BundleFile
    """What the manifest says of it."""

    found_size: int | None = None
    """Bytes that were found; null: there is no file."""

    found_sha256: str | None = None
    """Hex SHA-256 that was found; null: the file was not read."""

    @property
    def is_gone(self) -> bool:
        """Whether there is no file at all."""
        return self.found_size is None

    @property
    def detail(self) -> str:
        """What was found and what was expected, in a sentence."""
        if self.found_size is None:
            return "the file is gone"
        if self.found_size != self.file.size:
            return f"the file has {self.found_size} bytes, in the manifest {self.file.size}"
        actual = (self.found_sha256 or "")[:16]
        expected = self.file.sha256[:16]
        return f"SHA-256 {actual}…, in the manifest {expected}…"

    def is_as_found(self, now: DamagedFile) -> bool:
        """Say whether a later look found the same damage.

        Parameters
        ----------
        now
            The later look, which read the file.
        """
        if self.found_size != now.found_size:
            return False
        # Who did not read the file knows only its size.
        if self.found_sha256 is None:
            return True
        return self.found_sha256 == now.found_sha256
