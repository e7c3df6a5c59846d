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
    def what(self) -> str:
        """``new`` or ``changed``."""
        if self.before is None:
            return "new"
        return "changed"

    @property
    def first_line(self) -> int:
        """Number of the first line that differs, counted from 1."""
        before = (self.before or b"").splitlines()
        after = self.after.splitlines()
        both = zip(before, after, strict=False)
        for number, (old, new) in enumerate(both, start=1):
            if old != new:
                return number
        # One of them is the beginning of the other.
        shorter = min(len(before), len(after))
        return max(1, shorter)
