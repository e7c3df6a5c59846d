"""Where the files of a state tree are: on the disk, or wherever they were.

Nothing outside the tree is ever read for it.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..errors import Diagnostic, InvalidStateError, Where
from .yamlsource import MAX_BYTES

__all__ = ["Content", "Disk", "Files", "not_a_file", "unreadable"]


class Files(Protocol):
    """Where the files of a tree are, if not on the disk."""

    @property
    def root(self) -> str:
        """What stands for the absolute path of the tree."""
        ...

    def names(self, folder: str) -> Iterable[str]:
        """List a folder; one that is not there holds nothing.

        Raises
        ------
        OSError
            It is no folder.
        """
        ...

    def is_folder(self, path: str) -> bool:
        """Say whether something is a folder."""
        ...

    def read(self, file: str) -> bytes:
        """Return a file, of a too large one only that it is too large.

        Raises
        ------
        InvalidStateError
            It cannot be read.
        """
        ...

    def content(self, file: str) -> Content:
        """Return what a file holds, and by what it is known again.

        Raises
        ------
        InvalidStateError
            It cannot be read.
        """
        ...


@dataclass(frozen=True)
class Content:
    """What a file holds."""

    digest: str
    """The hex digest by which Git knows it; only equal files share it."""

    read: Callable[[], bytes]
    """Gives it, of a too large one only that it is too large."""

    @classmethod
    def of(cls, held: bytes) -> Content:
        """Return some bytes, by the digest that Git would give them.

        Parameters
        ----------
        held
            What a file holds.
        """
        digest = hashlib.sha1(b"blob %d\0" % len(held), usedforsecurity=False)
        digest.update(held)
        return cls(digest.hexdigest(), lambda: held)


class Disk:
    """The files of a tree on the disk."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self._root = root
        self._really = root.resolve()

    def names(self, folder: str) -> Iterable[str]:
        """List a folder."""
        path = self._root / folder
        if not path.exists() and not path.is_symlink():
            return []
        self._check_inside(path, folder)
        return [entry.name for entry in path.iterdir()]

    def is_folder(self, path: str) -> bool:
        """Say whether something is a folder."""
        return (self._root / path).is_dir()

    def read(self, file: str) -> bytes:
        """Return a file."""
        path = self._root / file
        self._check_inside(path, file)
        try:
            mode = path.stat().st_mode
            if not stat.S_ISREG(mode):
                raise not_a_file(file, is_folder=path.is_dir())
            with path.open("rb") as stream:
                return stream.read(MAX_BYTES + 1)
        except OSError as exc:
            raise InvalidStateError(unreadable(exc, file)) from None

    def content(self, file: str) -> Content:
        """Return what a file holds now, by the digest that Git would give it.

        What is read is what was digested: files change.
        """
        return Content.of(self.read(file))

    def _check_inside(self, path: Path, file: str) -> None:
        """Refuse links that leave the tree: nobody reviews what is there."""
        try:
            inside = path.resolve().is_relative_to(self._really)
        except (OSError, RuntimeError):  # a link that leads to itself
            inside = False
        if not inside:
            raise InvalidStateError(
                Diagnostic(
                    "Link out of the tree",
                    "The link leads out of the state tree, to what was never reviewed with it.",
                    Where(file, 1),
                    "Put the file itself here.",
                )
            )


def not_a_file(file: str, *, is_folder: bool) -> InvalidStateError:
    """Return the error that something has the place of a file.

    Parameters
    ----------
    file
        The place.
    is_folder
        Whether it is a folder.
    """
    what = "Something else"
    if is_folder:
        what = "A folder"
    return InvalidStateError(
        Diagnostic(
            "Not a file",
            f"{what} has the place of a file.",
            Where(file, 1),
        )
    )


def unreadable(exc: OSError, file: str) -> Diagnostic:
    """Return what is told of a file or folder that cannot be read."""
    hint = ""
    if isinstance(exc, PermissionError):
        hint = "See who may read it."
    return Diagnostic(
        "Unreadable",
        f"It cannot be read: {exc.strerror or exc}.",
        Where(file, 1),
        hint,
    )
