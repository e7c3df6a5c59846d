"""Files and folders of this machine, as ``lsst.resources`` writes them."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

__all__ = ["path_of", "size_at", "uri_of"]


def path_of(uri: str) -> str:
    """Return the path of a ``file://`` URI, or the path that it is."""
    if uri.startswith("file:"):
        return unquote(urlsplit(uri).path)
    return _absolute(uri)


def uri_of(path: str | os.PathLike[str], *, is_folder: bool = False) -> str:
    """Return the ``file://`` URI of a path.

    Parameters
    ----------
    path
        It need not exist.
    is_folder
        End it with a slash.
    """
    uri = f"file://{quote(_absolute(path))}"
    return f"{uri}/" if is_folder and not uri.endswith("/") else uri


def size_at(path: str) -> int | None:
    """Return the size of a file in bytes; `None` where there is none.

    That of a folder is zero, as ``lsst.resources`` has it.
    """
    try:
        # To make a `Path` of each takes longer than the look.
        there = os.stat(path)  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return None
    return 0 if stat.S_ISDIR(there.st_mode) else there.st_size


def _absolute(path: str | os.PathLike[str]) -> str:
    # Links stay, as a person wrote them.
    return os.path.normpath(Path(path).absolute())
