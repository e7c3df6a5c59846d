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
    of_git: list[str] = []
    by_folded: dict[str, str] = {}
    for name in names:
        folded = _folded(name)
        by_folded[folded] = name
        # The root of a tree may be the top of its clone.
        is_clone = is_root and name == GIT_FOLDER
        if is_clone:
            continue
        if folded == GIT_FOLDER or _SHORT_NAME.fullmatch(folded):
            of_git.append(name)
    # Git takes a folder for a repository by what is in it, too.
    for structure in _STRUCTURES:
        if by_folded.keys() >= set(structure):
            for part in structure:
                of_git.append(by_folded[part])
    shown = []
    # Each once, in the order in which they were met.
    for name in dict.fromkeys(of_git):
        if name.isascii():
            shown.append(name)
        else:
            shown.append(ascii(name))
    return shown


def _folded(name: str) -> str:
    """Return what the most lenient file system takes a name for.

    macOS passes over what cannot be visible, Windows over points and spaces at
    the end and what follows a colon, both over the case.
    """
    visible = name
    # What cannot be visible is not ASCII.
    if not name.isascii():
        visible = "".join(character for character in name if unicodedata.category(character) != "Cf")
    before_colon, _, _ = visible.partition(":")
    return before_colon.rstrip(". ").casefold()
