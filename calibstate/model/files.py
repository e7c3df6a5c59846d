"""Files of a state tree that are written."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FileChange"]


@dataclass(frozen=True)
class FileChange:
    """A file that is written."""

    file: str
    """Relative to the root of the tree."""

    before: bytes | None
    """What it holds now; `None` where it does not exist."""

    after: bytes
    """What it will hold."""

    @property
    def first_line(self) -> int:
        """Number of the first line that differs, counted from 1."""
        before, after = (self.before or b"").splitlines(), self.after.splitlines()
        for number, (old, new) in enumerate(zip(before, after, strict=False), start=1):
            if old != new:
                return number
        return max(1, min(len(before), len(after)))
