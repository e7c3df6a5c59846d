"""The files of a state tree, some of which are not written yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from .disk import Content, Disk

__all__ = ["Overlay"]


class Overlay:
    """The files of a tree as they will be.

    Parameters
    ----------
    root
        Root of the tree, which need not exist.
    more
        Files that it does not hold yet, by name.
    """

    def __init__(self, root: Path, more: Mapping[str, bytes]) -> None:
        self.root = str(root)
        self._disk = Disk(root)
        self._more = more

    def names(self, folder: str) -> Iterable[str]:
        """List a folder."""
        names = set(self._disk.names(folder))
        prefix = ""
        if folder:
            prefix = f"{folder}/"
        for file in self._more:
            if file.startswith(prefix):
                below = file.removeprefix(prefix)
                # Of what lies deeper, the folder that it is in.
                name, _, _ = below.partition("/")
                names.add(name)
        return names

    def is_folder(self, path: str) -> bool:
        """Say whether something is a folder."""
        if self._disk.is_folder(path):
            return True
        return any(file.startswith(f"{path}/") for file in self._more)

    def read(self, file: str) -> bytes:
        """Return a file."""
        if file in self._more:
            return self._more[file]
        return self._disk.read(file)

    def content(self, file: str) -> Content:
        """Return what a file holds, by the digest that Git would give it."""
        return Content.of(self.read(file))
