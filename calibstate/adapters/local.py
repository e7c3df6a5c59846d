"""Files and folders of this machine, as ``lsst.resources`` writes them."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

__all__ = ["in_text", "path_of", "size_at", "uri_of"]


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
    quoted = quote(_absolute(path))
    uri = f"file://{quoted}"
    if is_folder and not uri.endswith("/"):
        uri += "/"
    return uri


def in_text(path: str | os.PathLike[str]) -> str:
    """Return a path as text that any document can hold.

    On a disk a name is bytes, which need not be text.

    Parameters
    ----------
    path
        As Python has it, with halves of characters for such bytes.
    """
    return os.fsencode(path).decode(errors="backslashreplace")


def size_at(path: str) -> int | None:
    """Return the size of a file in bytes; `None` where there is none.

    That of a folder is zero, as ``lsst.resources`` has it.
    """
    try:
        # To make a `Path` of each takes longer than the look.
        status = os.stat(path)  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISDIR(status.st_mode):
        return 0
    return status.st_size


def _absolute(path: str | os.PathLike[str]) -> str:
    # Links stay, as a person wrote them.
    absolute = Path(path).absolute()
    return os.path.normpath(absolute)
