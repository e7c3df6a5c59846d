"""Names by which a folder is a Git repository, or could be taken for one.

Git lets no commit hold a ``.git``.  It lets one hold what is in a ``.git``,
and what some file systems take for that name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

__all__ = ["GIT_FOLDER", "repository_parts"]

GIT_FOLDER = ".git"
"""What a clone has at its top, as a folder or a file."""

_STRUCTURES = (("head", "objects", "refs"), ("head", "commondir"), ("head", "gitdir"))
"""What a bare repository has, or what one has that borrows from another."""

_SHORT_NAME = re.compile(r"git~[0-9]+")
"""What Windows calls ``.git`` in eight letters."""


def repository_parts(names: Iterable[str], *, is_root: bool) -> list[str]:
    """Return the names that make a folder a Git repository, or a clone.

    Parameters
    ----------
    names
        All that the folder holds.
    is_root
        Whether it is the root of the tree, which may be the top of a clone.
    """
    parts = []
    by_folded = {}
    for name in names:
        folded = _folded(name)
        by_folded[folded] = name
        is_clone = is_root and name == GIT_FOLDER
        if (folded == GIT_FOLDER or _SHORT_NAME.fullmatch(folded)) and not is_clone:
            parts.append(name)
    for structure in _STRUCTURES:
        if all(part in by_folded for part in structure):
            parts += [by_folded[part] for part in structure]
    return [name if name.isascii() else ascii(name) for name in dict.fromkeys(parts)]


def _folded(name: str) -> str:
    """Return what the most lenient file system takes a name for.

    macOS passes over what cannot be visible, Windows over points and spaces at
    the end and what follows a colon, both over the case.
    """
    visible = "".join(c for c in name if unicodedata.category(c) != "Cf")
    return visible.partition(":")[0].rstrip(". ").casefold()
